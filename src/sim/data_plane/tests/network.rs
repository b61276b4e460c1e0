//! The network: latencies, zones that nobody reaches, latency that a fault adds.

use super::stage::*;
use crate::blueprint::*;
use crate::sim::observation::Outcome;
use crate::units::{Ratio, Span};

const OUTAGE: FaultKind = FaultKind::ZoneOutage { zone: ZoneIx(0) };

#[test]
fn each_way_takes_the_latency_of_its_ends() {
    // Client to task 20 ms, task to a dependency in the other zone 3 ms, and back.
    let mut blueprint = requests_at(&[0], vec![Step::Call(CallIx(0))], workers(1));
    blueprint.network.client = constant(0.02);
    blueprint.network.same_zone = constant(0.001);
    blueprint.network.cross_zone = constant(0.003);
    blueprint.dependencies.push(Dependency {
        name: "db".into(),
        zone: Some(ZoneIx(1)),
        standby: None,
        failover: Span::ZERO,
        slots: 1,
        backlog: 0,
        service_time: constant(0.005),
    });
    blueprint.calls.push(call(Callee::Dependency(DependencyIx(0))));
    let mut stage = Stage::new(&blueprint);
    stage.run();
    assert_eq!(stage.seen(), [(0.0, Outcome::Served, 51.0)]);
}

#[test]
fn through_a_balancer_the_callers_leg_may_have_a_latency_of_its_own() {
    // Clients stand nowhere: 20 ms to the node; node and task are in one zone: 1 ms; work 5 ms.
    let mut blueprint = requests_at(&[0], vec![Step::Wait(constant(0.005))], workers(1));
    blueprint.zones.truncate(1);
    blueprint.network.client = constant(0.02);
    blueprint.network.same_zone = constant(0.001);
    through_balancer(&mut blueprint);
    let mut stage = Stage::new(&blueprint);
    stage.run();
    assert_eq!(stage.seen(), [(0.0, Outcome::Served, 47.0)]);
}

#[test]
fn a_connection_into_a_lost_zone_hangs_until_the_connection_times_out() {
    let mut blueprint = requests_at(&[100], vec![], workers(1));
    let mut stage = Stage::new(&blueprint);
    stage.fault(&OUTAGE);
    stage.run();
    assert_eq!(stage.seen(), [(100.0, Outcome::Refused, 10_000.0)]);

    // Unless the client has less patience.
    blueprint.traffic[0].timeout = Some(Span::from_secs(2));
    let mut stage = Stage::new(&blueprint);
    stage.fault(&OUTAGE);
    stage.run();
    assert_eq!(stage.seen(), [(100.0, Outcome::TimedOut, 2000.0)]);
}

#[test]
fn an_answer_out_of_a_lost_zone_never_comes() {
    // The work ends at 1 s, the zone is lost at 0.5 s: only patience ends the wait, though the zone comes back at 2 s.
    let mut blueprint = requests_at(&[0], vec![Step::Wait(constant(1.0))], workers(1));
    blueprint.traffic[0].timeout = Some(Span::from_secs(5));
    let mut stage = Stage::new(&blueprint);
    stage.run_until(ms(500));
    stage.fault(&OUTAGE);
    stage.run_until(ms(2000));
    stage.lift(&OUTAGE);
    stage.run();
    assert_eq!(stage.seen(), [(0.0, Outcome::TimedOut, 5000.0)]);
}

#[test]
fn added_latency_counts_both_ways_and_only_while_it_lasts() {
    // Client to task 5 ms; 20 ms more each way from 0.5 s to 1.5 s, for hops to or from tasks of the service.
    let mut blueprint = requests_at(&[0, 1000, 2000], vec![], workers(1));
    blueprint.network.client = constant(0.005);
    let added = FaultKind::AddedLatency {
        between: LatencyScope::Service(ServiceIx(0)),
        delay: constant(0.02),
    };
    let mut stage = Stage::new(&blueprint);
    stage.run_until(ms(500));
    stage.fault(&added);
    stage.run_until(ms(1500));
    stage.lift(&added);
    stage.run();
    let took: Vec<f64> = stage.seen().iter().map(|row| row.2).collect();
    assert_eq!(took, [10.0, 50.0, 10.0]);
}

#[test]
fn added_latency_of_a_dependency_leaves_the_rest_alone() {
    let mut blueprint = requests_at(&[0], vec![Step::Call(CallIx(0))], workers(1));
    blueprint.network.client = constant(0.005);
    blueprint.dependencies.push(Dependency {
        name: "db".into(),
        zone: None,
        standby: None,
        failover: Span::ZERO,
        slots: 1,
        backlog: 0,
        service_time: constant(0.001),
    });
    blueprint.calls.push(call(Callee::Dependency(DependencyIx(0))));
    let mut stage = Stage::new(&blueprint);
    stage.fault(&FaultKind::AddedLatency {
        between: LatencyScope::Dependency(DependencyIx(0)),
        delay: constant(0.02),
    });
    stage.run();
    // 5 + 20 + 1 + 20 + 5 ms.
    assert_eq!(stage.seen(), [(0.0, Outcome::Served, 51.0)]);
}

#[test]
fn dns_takes_a_lost_zones_nodes_out_after_a_while() {
    // One node in each of two zones; targets in the second zone only; zone one is lost at 0. Until the loss is detected
    // (30 s) about half of the clients go to the dead node and wait 10 s in vain; after detection and the TTL (60 s)
    // nobody does.
    let every_100_ms: Vec<u64> = (0..2000).map(|n| 100 * n).collect();
    let mut blueprint = requests_at(&every_100_ms, vec![], workers(1));
    through_balancer(&mut blueprint);
    let mut stage = Stage::with_tasks(&blueprint, 2);
    let second = stage.tasks[0][1];
    stage.publish(0, vec![second]);
    stage.fault(&OUTAGE);
    stage.run();
    let lost_in = |from: f64, to: f64| {
        let here = |row: &&(f64, Outcome, f64)| (from..to).contains(&row.0);
        let seen = stage.seen();
        let all = seen.iter().filter(here).count();
        let lost = seen.iter().filter(here).filter(|row| row.1 != Outcome::Served).count();
        lost as f64 / all as f64
    };
    // Binomial(300, ½) has a standard deviation of 0.029 as a share: five of them.
    assert!(
        (lost_in(0.0, 30_000.0) - 0.5).abs() < 0.145,
        "{}",
        lost_in(0.0, 30_000.0)
    );
    assert_eq!(lost_in(90_000.0, 200_000.0), 0.0);
}

/// A task that calls a dependency in the other zone; zone to zone takes 10 ms, users are there at once.
fn calls_across(millis: &[u64]) -> Blueprint {
    let mut blueprint = requests_at(millis, vec![Step::Call(CallIx(0))], workers(1000));
    blueprint.network.cross_zone = constant(0.01);
    blueprint.dependencies.push(Dependency {
        name: "db".into(),
        zone: Some(ZoneIx(1)),
        standby: None,
        failover: Span::ZERO,
        slots: 1000,
        backlog: 0,
        service_time: constant(0.0),
    });
    blueprint.calls.push(call(Callee::Dependency(DependencyIx(0))));
    blueprint
}

fn link(ends: [LinkEnd; 2], direction: Direction, trouble: LinkTrouble) -> FaultKind {
    FaultKind::Link {
        link: Link {
            ends,
            direction,
            share: Ratio::ONE,
        },
        trouble: Box::new(trouble),
    }
}

const SERVICE: LinkEnd = LinkEnd::Service(ServiceIx(0));
const DB: LinkEnd = LinkEnd::Dependency(DependencyIx(0));

#[test]
fn two_zones_may_be_further_apart_than_others() {
    let mut blueprint = calls_across(&[0]);
    blueprint.network.zone_delays.push(ZoneDelay {
        zones: [ZoneIx(1), ZoneIx(0)],
        delay: constant(0.03),
    });
    let mut stage = Stage::new(&blueprint);
    stage.run();
    assert_eq!(stage.seen(), [(0.0, Outcome::Served, 60.0)]);
}

#[test]
fn a_partition_lets_nothing_through_until_it_ends() {
    // From 0.5 s to 1.5 s: the call at 1 s hangs until its connection times out after 10 s.
    for ends in [
        [SERVICE, DB],
        [DB, LinkEnd::Anything],
        [LinkEnd::Zone(ZoneIx(0)), LinkEnd::Zone(ZoneIx(1))],
    ] {
        let blueprint = calls_across(&[0, 1000, 2000]);
        let mut stage = Stage::new(&blueprint);
        let cut = link(ends, Direction::Both, LinkTrouble::Cut);
        stage.run_until(ms(500));
        stage.fault(&cut);
        stage.run_until(ms(1500));
        stage.lift(&cut);
        stage.run();
        let seen = [
            (0.0, Outcome::Served, 20.0),
            (2000.0, Outcome::Served, 20.0),
            (1000.0, Outcome::ServerError, 10_000.0),
        ];
        assert_eq!(stage.seen(), seen, "{ends:?}");
    }
}

#[test]
fn a_partition_of_others_changes_nothing() {
    for ends in [
        [LinkEnd::Clients, DB],
        [LinkEnd::Zone(ZoneIx(0)), LinkEnd::Zone(ZoneIx(0))],
        [SERVICE, SERVICE],
    ] {
        let blueprint = calls_across(&[0]);
        let mut stage = Stage::new(&blueprint);
        stage.fault(&link(ends, Direction::Both, LinkTrouble::Cut));
        stage.run();
        assert_eq!(stage.seen(), [(0.0, Outcome::Served, 20.0)], "{ends:?}");
    }
}

#[test]
fn a_link_may_be_slow_in_one_direction_only() {
    let slow = || LinkTrouble::Delay(constant(0.1));
    for (ends, direction, took) in [
        ([SERVICE, DB], Direction::Forward, 120.0),
        ([SERVICE, DB], Direction::Backward, 120.0),
        ([DB, SERVICE], Direction::Forward, 120.0),
        ([SERVICE, DB], Direction::Both, 220.0),
    ] {
        let blueprint = calls_across(&[0]);
        let mut stage = Stage::new(&blueprint);
        stage.fault(&link(ends, direction, slow()));
        stage.run();
        assert_eq!(stage.seen(), [(0.0, Outcome::Served, took)]);
    }
    // And to know which of the two it was: answers are lost though the work is done.
    for (direction, done) in [(Direction::Forward, 0), (Direction::Backward, 1)] {
        let mut blueprint = requests_at(&[0], vec![], workers(1));
        blueprint.traffic[0].timeout = Some(Span::from_secs(1));
        let mut stage = Stage::new(&blueprint);
        stage.fault(&link([LinkEnd::Clients, SERVICE], direction, LinkTrouble::Cut));
        stage.run();
        assert_eq!(stage.seen(), [(0.0, Outcome::TimedOut, 1000.0)]);
        assert_eq!(stage.plane.revision_counts(ServiceIx(0))[0].requests, done);
    }
}

#[test]
fn a_gray_link_concerns_a_share_of_the_attempts_both_ways() {
    // Half of 2000 calls take 100 ms more each way, none of them only one way.
    let millis: Vec<u64> = (0..2000).collect();
    let blueprint = calls_across(&millis);
    let mut stage = Stage::new(&blueprint);
    stage.fault(&FaultKind::Link {
        link: Link {
            ends: [SERVICE, DB],
            direction: Direction::Both,
            share: Ratio::new(0.5).expect("a share"),
        },
        trouble: Box::new(LinkTrouble::Delay(constant(0.1))),
    });
    stage.run();
    let slow = stage.seen().iter().filter(|row| row.2 == 220.0).count();
    assert_eq!(slow + stage.seen().iter().filter(|row| row.2 == 20.0).count(), 2000);
    // Binomial(2000, ½) has a standard deviation of 22.4: five of them.
    assert!(slow.abs_diff(1000) < 112, "{slow}");
}

#[test]
fn lost_messages_are_sent_again_and_the_mean_is_a_geometric_series() {
    // Each of two messages is lost with p = 0.2; pauses of 200, 400, 800, … ms. The mean delay of one message is
    // 200 ms · Σ pᵏ(1 − p)(2ᵏ − 1) = 200 ms · p / (1 − 2p) = 66.67 ms, so a call takes 20 + 133.33 ms on average. Its
    // second moment is 0.04 s² · ((1 − p)/(1 − 4p) − 2 (1 − p)/(1 − 2p) + 1) = 0.0933 s², so the standard deviation of
    // the mean of 20,000 calls is √(2 · (0.0933 − 0.0044) / 20,000) = 2.98 ms: five of them.
    let millis: Vec<u64> = (0..20_000).collect();
    let blueprint = calls_across(&millis);
    let mut stage = Stage::new(&blueprint);
    let lossy = LinkTrouble::Loss(Ratio::new(0.2).expect("a share"));
    stage.fault(&link([SERVICE, DB], Direction::Both, lossy));
    stage.run();
    let mean = stage.seen().iter().map(|row| row.2).sum::<f64>() / 20_000.0;
    assert!((mean - 153.33).abs() < 14.9, "{mean}");
    // Nobody waits a time that no number of losses explains: two messages lost i and j times.
    for (_, _, latency) in stage.seen() {
        let twos = ((latency - 20.0) / 200.0).round();
        assert!((latency - 20.0 - 200.0 * twos).abs() < 1e-6, "{latency}");
    }
    let untouched = stage.seen().iter().filter(|row| row.2 == 20.0).count();
    // Binomial(20,000, 0.8²) has a standard deviation of 67.9: five of them.
    assert!(untouched.abs_diff(12_800) < 340, "{untouched}");
}

#[test]
fn what_is_lost_too_often_never_comes() {
    let mut blueprint = calls_across(&[0]);
    blueprint.calls[0].timeout = Some(Span::from_secs(60));
    let mut stage = Stage::new(&blueprint);
    stage.fault(&link([SERVICE, DB], Direction::Backward, LinkTrouble::Loss(Ratio::ONE)));
    stage.run();
    assert_eq!(stage.seen(), [(0.0, Outcome::ServerError, 60_000.0)]);
}

#[test]
fn a_network_may_lose_messages_always() {
    // Each of two messages is lost with p = 0.1.
    let millis: Vec<u64> = (0..2000).collect();
    let mut blueprint = requests_at(&millis, vec![], Runtime::Unbounded);
    blueprint.network.loss = Ratio::new(0.1).expect("a share");
    let mut stage = Stage::new(&blueprint);
    stage.run();
    let on_time = stage.seen().iter().filter(|row| row.2 == 0.0).count();
    // Binomial(2000, 0.9²) has a standard deviation of 17.5: five of them.
    assert!(on_time.abs_diff(1620) < 88, "{on_time}");
}
