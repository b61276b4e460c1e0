//! Discovery as callers know it: answers of DNS that have grown old, targets avoided because they fail, and Service
//! Connect's proxies.

use super::direct::two_callers;
use super::stage::*;
use crate::blueprint::*;
use crate::cluster::Task;
use crate::engine::arena::Id;
use crate::sim::observation::Outcome;
use crate::units::{Ratio, Span};

const OUTLIERS: OutlierDetection = OutlierDetection {
    counts: OutlierFailure::Connections,
    failures: 5,
    interval: Span::from_secs(30),
    base_ejection: Span::from_secs(30),
    longest_ejection: Span::from_secs(300),
    most: Ratio::ONE,
};

fn by_dns(ttl: u64) -> Direct {
    Direct {
        view: ViewScope::PerTask,
        dns: Some(DnsAnswers {
            ttl: Span::from_secs(ttl),
            routing: RoutingPolicy::Multivalue,
            propagation: Span::from_secs(5),
        }),
        ..Direct::default()
    }
}

/// What came of the requests, by when they were sent in seconds.
fn outcomes(stage: &Stage<'_>) -> Vec<(f64, Outcome)> {
    let mut seen: Vec<_> = stage.seen().iter().map(|row| (row.0 / 1000.0, row.1)).collect();
    seen.sort_by(|a, b| a.0.total_cmp(&b.0));
    seen
}

/// One caller of a second service with one task, which dies at 20 s; a new one is there at once.
fn replaced(blueprint: &Blueprint) -> Vec<(f64, Outcome)> {
    let mut stage = Stage::new(blueprint);
    stage.run_until(ms(20_000));
    let old = stage.tasks[1][0];
    let new = stage.start(1, 0, 1.0);
    stage.publish(1, vec![new]);
    stage.kill(old);
    stage.run();
    outcomes(&stage)
}

#[test]
fn a_caller_uses_an_answer_of_dns_until_its_time_to_live_is_over() {
    // Looked up at 10 s, good until 70 s: refused at 30 and 69 s by the dead task's host, served at 71 s.
    let millis = [10_000, 30_000, 69_000, 71_000];
    let blueprint = two_callers(&millis, 0.01, by_dns(60), Balancing::RoundRobin);
    let (ok, failed) = (Outcome::Served, Outcome::ServerError);
    assert_eq!(
        replaced(&blueprint),
        [(10.0, ok), (30.0, failed), (69.0, failed), (71.0, ok)]
    );
}

#[test]
fn dns_hears_of_a_change_a_while_after_the_registry() {
    // The task is replaced at 20 s and DNS says so at 25 s: a lookup at 24 s still gives the old one, good until 34 s.
    let blueprint = two_callers(&[24_000, 33_000, 35_000], 0.01, by_dns(10), Balancing::RoundRobin);
    let (ok, failed) = (Outcome::Served, Outcome::ServerError);
    assert_eq!(replaced(&blueprint), [(24.0, failed), (33.0, failed), (35.0, ok)]);
    let blueprint = two_callers(&[26_000, 33_000], 0.01, by_dns(10), Balancing::RoundRobin);
    assert_eq!(replaced(&blueprint), [(26.0, ok), (33.0, ok)]);
}

#[test]
fn an_answer_holds_eight_tasks_or_one() {
    // Twelve tasks, work for an hour: twenty requests reach eight of them, or one.
    for (routing, reached) in [(RoutingPolicy::Multivalue, 8), (RoutingPolicy::Weighted, 1)] {
        let mut blueprint = two_callers(&[0; 20], 3600.0, by_dns(60), Balancing::RoundRobin);
        blueprint.calls[0].direct.dns.as_mut().expect("by DNS").routing = routing;
        let mut stage = Stage::new(&blueprint);
        for _ in 0..11 {
            stage.start(1, 0, 1.0);
        }
        stage.publish(1, stage.tasks[1].clone());
        stage.run_until(ms(1));
        let busy = |task: &&Id<Task>| stage.plane.present_at(**task) > 0;
        assert_eq!(stage.tasks[1].iter().filter(busy).count(), reached);
    }
}

#[test]
fn a_caller_avoids_a_target_after_five_failures_for_thirty_seconds() {
    // Two targets, one of them not there: every other request of one caller fails until five have, at 800 ms. The dead
    // one is avoided until 30.8 s and then tried again.
    let mut millis: Vec<u64> = (0..300).map(|n| 100 * n).collect();
    millis.extend([30_850, 30_950]);
    let direct = Direct {
        view: ViewScope::PerTask,
        outliers: Some(OUTLIERS),
        ..Direct::default()
    };
    let blueprint = two_callers(&millis, 0.001, direct, Balancing::RoundRobin);
    let mut stage = Stage::new(&blueprint);
    let dead = stage.start(1, 0, 1.0);
    let alive = stage.tasks[1][0];
    stage.publish(1, vec![dead, alive]);
    stage.order(crate::sim::signal::Order::CloseServer(dead));
    stage.run();
    let failed: Vec<f64> = outcomes(&stage)
        .into_iter()
        .filter(|row| row.1 != Outcome::Served)
        .map(|row| row.0)
        .collect();
    assert_eq!(failed.len(), 6, "{failed:?}");
    assert_eq!(failed[..5], [0.0, 0.2, 0.4, 0.6, 0.8]);
    assert!(failed[5] > 30.8);
}

#[test]
fn errors_of_the_service_count_only_if_they_are_to() {
    // One target answers 500 at once. Failed connections do not count that; all failures do.
    let errors = |counts| {
        let millis: Vec<u64> = (0..100).map(|n| 10 * n).collect();
        let direct = Direct {
            view: ViewScope::PerTask,
            outliers: Some(OutlierDetection { counts, ..OUTLIERS }),
            ..Direct::default()
        };
        let mut blueprint = two_callers(&millis, 0.001, direct, Balancing::RoundRobin);
        let mut bad = blueprint.services[1].revisions[0].clone();
        bad.operations[0].error_ratio = Ratio::ONE;
        blueprint.services[1].revisions.push(bad);
        let mut stage = Stage::new(&blueprint);
        let bad = stage.start_revision(1, 1, 0, 1.0);
        let good = stage.tasks[1][0];
        stage.publish(1, vec![bad, good]);
        stage.run();
        outcomes(&stage).iter().filter(|row| row.1 != Outcome::Served).count()
    };
    assert_eq!(errors(OutlierFailure::Connections), 50);
    assert_eq!(errors(OutlierFailure::Any), 5);
}

#[test]
fn no_more_than_the_share_is_ejected_but_always_one() {
    // Four targets, all dead: with a quarter one is avoided, and the others go on failing; with all of them ejected there
    // is nobody to prefer, and everybody is tried again.
    let millis: Vec<u64> = (0..200).map(|n| 10 * n).collect();
    for share in [0.25, 1.0] {
        let direct = Direct {
            view: ViewScope::PerTask,
            outliers: Some(OutlierDetection {
                most: Ratio::new(share).expect("a share"),
                ..OUTLIERS
            }),
            ..Direct::default()
        };
        let blueprint = two_callers(&millis, 0.001, direct, Balancing::RoundRobin);
        let mut stage = Stage::new(&blueprint);
        for _ in 0..3 {
            stage.start(1, 0, 1.0);
        }
        stage.publish(1, stage.tasks[1].clone());
        for task in stage.tasks[1].clone() {
            stage.order(crate::sim::signal::Order::CloseServer(task));
        }
        stage.run();
        assert!(outcomes(&stage).iter().all(|row| row.1 == Outcome::ServerError));
    }
}

fn by_proxy(per_request_timeout: Option<Span>) -> Direct {
    Direct {
        view: ViewScope::PerTask,
        outliers: Some(OUTLIERS),
        proxy: Some(Proxy {
            retries: 2,
            per_request_timeout,
        }),
        ..Direct::default()
    }
}

#[test]
fn a_proxy_tries_another_host_when_a_connection_fails() {
    // Two of three targets take no connections: whoever meets the first of them meets the second or the good one next,
    // never the same again, so two further tries always find the good one.
    let millis: Vec<u64> = (0..12).map(|n| 1000 * n).collect();
    let blueprint = two_callers(&millis, 0.001, by_proxy(None), Balancing::RoundRobin);
    let mut stage = Stage::new(&blueprint);
    let closed = [stage.start(1, 0, 1.0), stage.start(1, 0, 1.0)];
    stage.publish(1, stage.tasks[1].clone());
    for task in closed {
        stage.order(crate::sim::signal::Order::CloseServer(task));
    }
    stage.run();
    assert!(outcomes(&stage).iter().all(|row| row.1 == Outcome::Served));
}

#[test]
fn a_proxys_retries_come_out_of_the_callers_patience() {
    // Each way to the callees takes 40 ms, and all three are closed: refusals at 80, 160 and 240 ms. With 100 ms of
    // patience the caller gives up at 100 ms; with 1 s it fails at 240 ms.
    for (patience, took) in [(100, 100.0), (1000, 240.0)] {
        let mut blueprint = two_callers(&[0], 0.001, by_proxy(None), Balancing::RoundRobin);
        blueprint.network.same_zone = constant(0.04);
        blueprint.calls[0].timeout = Some(Span::from_millis(patience));
        let mut stage = Stage::new(&blueprint);
        for _ in 0..2 {
            stage.start(1, 0, 1.0);
        }
        stage.publish(1, stage.tasks[1].clone());
        for task in stage.tasks[1].clone() {
            stage.order(crate::sim::signal::Order::CloseServer(task));
        }
        stage.run();
        assert_eq!(stage.seen(), [(0.0, Outcome::ServerError, took)]);
    }
}

#[test]
fn a_proxy_answers_504_when_a_request_takes_too_long() {
    // Work of 20 s, the proxy's limit 15 s; a caller with less patience than that gives up by itself.
    for (patience, took) in [(None, 15_000.0), (Some(Span::from_secs(3)), 3000.0)] {
        let direct = by_proxy(Some(Span::from_secs(15)));
        let mut blueprint = two_callers(&[0], 20.0, direct, Balancing::RoundRobin);
        blueprint.calls[0].timeout = patience;
        let mut stage = Stage::new(&blueprint);
        stage.run();
        assert_eq!(stage.seen(), [(0.0, Outcome::ServerError, took)]);
    }
}
