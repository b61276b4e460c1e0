//! Balancers: their own answers, weights, and who waits for how long.

use super::stage::*;
use crate::blueprint::*;
use crate::sim::observation::{Outcome, RequestFinished};
use crate::sim::signal::{LoadBalancerMeter, Order, PublishedTarget, TargetGroupMeter};
use crate::units::{Ratio, Span};

/// One task behind one node, and work of so many seconds.
fn behind_node(millis: &[u64], work: f64) -> Blueprint {
    let mut blueprint = requests_at(millis, vec![Step::Wait(constant(work))], workers(100));
    blueprint.zones.truncate(1);
    through_balancer(&mut blueprint);
    blueprint
}

fn meters(stage: &mut Stage<'_>) -> (LoadBalancerMeter, TargetGroupMeter) {
    let now = stage.cx.now();
    let meter = stage.plane.meter(0, now, &stage.cx.blueprint.model.alb);
    (meter.load_balancers[0], meter.target_groups[0])
}

#[test]
fn without_targets_the_answer_is_503() {
    let blueprint = behind_node(&[0], 1.0);
    let mut stage = Stage::with_tasks(&blueprint, 0);
    stage.run();
    assert_eq!(stage.seen(), [(0.0, Outcome::ServiceUnavailable, 0.0)]);
    let (balancer, group) = meters(&mut stage);
    assert_eq!((balancer.requests, balancer.elb_5xx, group.requests), (1, 1, 0));
}

#[test]
fn a_target_whose_process_is_gone_gives_502() {
    let blueprint = behind_node(&[0], 1.0);
    let mut stage = Stage::new(&blueprint);
    stage.kill(stage.tasks[0][0]);
    stage.run();
    assert_eq!(stage.seen(), [(0.0, Outcome::BadGateway, 0.0)]);
}

#[test]
fn a_target_that_dies_while_it_works_gives_502_then() {
    let blueprint = behind_node(&[0], 1.0);
    let mut stage = Stage::new(&blueprint);
    stage.run_until(ms(400));
    stage.kill(stage.tasks[0][0]);
    stage.run();
    assert_eq!(stage.seen(), [(0.0, Outcome::BadGateway, 400.0)]);
    let (balancer, group) = meters(&mut stage);
    assert_eq!((balancer.elb_5xx, group.target_5xx), (1, 0));
}

#[test]
fn a_target_that_takes_longer_than_the_idle_timeout_gives_504_and_works_on() {
    let mut blueprint = behind_node(&[0], 3.0);
    blueprint.load_balancers[0].idle_timeout = Span::from_secs(1);
    let mut stage = Stage::new(&blueprint);
    stage.run_until(ms(2000));
    assert_eq!(stage.seen(), [(0.0, Outcome::GatewayTimeout, 1000.0)]);
    assert_eq!(stage.sample().services[0].in_service, 1, "its work goes on");
    stage.run();
    // The late answer finds nobody: it counts nowhere.
    let (balancer, group) = meters(&mut stage);
    assert_eq!((balancer.elb_5xx, group.requests, group.target_2xx), (1, 1, 0));
}

#[test]
fn a_target_in_a_lost_zone_gives_504_after_the_connection_timeout() {
    // The node stands in the first zone, the only target in the second, which is lost.
    let mut blueprint = requests_at(&[0], vec![], workers(1));
    through_balancer(&mut blueprint);
    blueprint.load_balancers[0].zones = vec![ZoneIx(0)];
    let mut stage = Stage::with_tasks(&blueprint, 0);
    let task = stage.start(0, 1, 1.0);
    stage.publish(0, vec![task]);
    stage.fault(&FaultKind::ZoneOutage { zone: ZoneIx(1) });
    stage.run();
    assert_eq!(stage.seen(), [(0.0, Outcome::GatewayTimeout, 10_000.0)]);
}

#[test]
fn the_idle_timeout_ends_with_the_answer_and_not_with_its_arrival() {
    // 400 ms to the node, 900 ms of work under an idle timeout of 1 s, 400 ms back: served at 1.7 s, although the
    // timeout would have run out at 1.4 s.
    let mut blueprint = behind_node(&[0], 0.9);
    blueprint.network.client = constant(0.4);
    blueprint.load_balancers[0].idle_timeout = Span::from_secs(1);
    let mut stage = Stage::new(&blueprint);
    stage.run();
    assert_eq!(stage.seen(), [(0.0, Outcome::Served, 1700.0)]);
}

#[test]
fn a_client_whose_answer_is_lost_waits_no_longer_than_its_patience() {
    // The node gives up at 1.4 s, but its zone is lost since 1.2 s: the 504 never comes, and the client, who was put off
    // by the node's timeout in the meantime, gives up after its own 3 s.
    let mut blueprint = behind_node(&[0], 9.0);
    blueprint.network.client = constant(0.4);
    blueprint.load_balancers[0].idle_timeout = Span::from_secs(1);
    blueprint.traffic[0].timeout = Some(Span::from_secs(3));
    let mut stage = Stage::new(&blueprint);
    stage.run_until(ms(1200));
    stage.fault(&FaultKind::ZoneOutage { zone: ZoneIx(0) });
    stage.run();
    assert_eq!(stage.seen(), [(0.0, Outcome::TimedOut, 3000.0)]);
}

#[test]
fn the_shorter_of_two_patiences_counts() {
    // The client's 2 s against the node's 60 s; the balancer counts the closed connection as a 460.
    let mut blueprint = behind_node(&[0], 5.0);
    blueprint.traffic[0].timeout = Some(Span::from_secs(2));
    let mut stage = Stage::new(&blueprint);
    stage.run();
    assert_eq!(stage.seen(), [(0.0, Outcome::TimedOut, 2000.0)]);
    assert_eq!(meters(&mut stage).0.elb_4xx, 1);
}

#[test]
fn the_end_of_the_deregistration_delay_cuts_off_with_502() {
    let blueprint = behind_node(&[0], 5.0);
    let mut stage = Stage::new(&blueprint);
    stage.run_until(ms(2000));
    stage.order(Order::CutOff {
        target_group: TargetGroupIx(0),
        task: stage.tasks[0][0],
    });
    stage.run();
    assert_eq!(stage.seen(), [(0.0, Outcome::BadGateway, 2000.0)]);
}

#[test]
fn a_fixed_response_is_the_balancers_own() {
    for (status, outcome) in [(200, Outcome::Served), (404, Outcome::FixedResponse)] {
        let mut blueprint = behind_node(&[0], 5.0);
        blueprint.network.client = constant(0.01);
        blueprint.load_balancers[0].listeners[0].default_action = Action::FixedResponse(status);
        let mut stage = Stage::new(&blueprint);
        stage.run();
        assert_eq!(stage.seen(), [(0.0, outcome, 20.0)]);
    }
}

#[test]
fn target_groups_get_their_weights_shares() {
    let mut blueprint = blueprint(vec![], workers(100), 1000.0, 4);
    blueprint.zones.truncate(1);
    through_balancer(&mut blueprint);
    let second = {
        let mut group = blueprint.target_groups[0].clone();
        group.name = "second".into();
        blueprint.target_groups.push(group);
        TargetGroupIx(1)
    };
    let weights = |first, other| {
        [(TargetGroupIx(0), first), (second, other)]
            .map(|(target_group, weight)| WeightedGroup { target_group, weight })
            .to_vec()
    };
    blueprint.load_balancers[0].listeners[0].default_action = Action::Forward(weights(3, 1));
    blueprint.services[0].load_balancers.push(ServiceLoadBalancer {
        target_group: second,
        alternate: None,
    });
    let mut stage = Stage::new(&blueprint);
    stage.run_until(ms(2000));
    let now = stage.cx.now();
    let meter = stage.plane.meter(0, now, &blueprint.model.alb);
    let [first, other] = [meter.target_groups[0].requests, meter.target_groups[1].requests];
    let all = (first + other) as f64;
    // Some 2,000 requests: Binomial(2000, ¼) has a standard deviation of 0.0097 as a share; five of them.
    assert!((other as f64 / all - 0.25).abs() < 0.05, "{first} and {other}");
    // From now on everything goes to the other group.
    stage.order(Order::SetWeights {
        rule: RuleRef {
            load_balancer: LoadBalancerIx(0),
            listener: 0,
            rule: 0,
        },
        groups: weights(0, 100),
    });
    stage.run();
    let now = stage.cx.now();
    let meter = stage.plane.meter(1, now, &blueprint.model.alb);
    assert_eq!(meter.target_groups[0].requests, 0);
    assert!(meter.target_groups[1].requests > 1000);
}

#[test]
fn the_response_time_is_that_from_the_node_to_the_target_and_back() {
    // 2 ms each way and 30 ms of work; the client's 10 ms each way do not count.
    let mut blueprint = behind_node(&[0, 100], 0.03);
    blueprint.network.client = constant(0.01);
    blueprint.network.same_zone = constant(0.002);
    let mut stage = Stage::new(&blueprint);
    stage.run();
    assert_eq!(stage.seen()[0].2, 54.0);
    let group = meters(&mut stage).1;
    assert_eq!((group.target_2xx, group.response_time), (2, 68_000_000));
}

#[test]
fn a_health_check_waits_in_the_targets_own_queue() {
    // The only worker is busy until 1 s; the check's answer comes then, and the process is dead for the second one.
    let mut blueprint = behind_node(&[0], 1.0);
    blueprint.services[0].revisions[0].runtime = workers(1);
    let mut stage = Stage::new(&blueprint);
    let check = |stage: &mut Stage<'_>| {
        let task = stage.tasks[0][0];
        stage.order(Order::CheckTarget {
            target_group: TargetGroupIx(0),
            node: 0,
            task,
            check: 1,
        });
    };
    stage.run_until(ms(500));
    check(&mut stage);
    stage.run_until(ms(999));
    assert!(stage.checks.is_empty());
    stage.run_until(ms(1000));
    assert_eq!(stage.checks, [200]);
    stage.kill(stage.tasks[0][0]);
    check(&mut stage);
    assert_eq!(stage.checks, [200, 0]);
    stage.run();
    // Checks are nobody's requests.
    assert_eq!(stage.plane.revision_counts(ServiceIx(0))[0].requests, 1);
    assert_eq!(meters(&mut stage).1.requests, 1);
}

#[test]
fn a_redirect_ends_a_request_at_the_node_and_is_counted_as_its_own() {
    // The request in the middle carries the header that the rule asks for: 10 ms each way, and no target is asked.
    let mut blueprint = behind_node(&[0, 100], 0.05);
    blueprint.network.client = constant(0.01);
    more_traffic(&mut blueprint, &[40], None);
    blueprint.classes[1].http.headers = vec![("x-old".into(), "yes".into())];
    blueprint.load_balancers[0].listeners[0].rules = vec![Rule {
        priority: 1,
        paths: vec![],
        hosts: vec![],
        methods: vec![],
        sources: vec![],
        headers: vec![HeaderCondition {
            name: "X-Old".into(),
            values: vec![PathPattern("*".into())],
        }],
        queries: vec![],
        action: Action::Redirect(301),
        group_stickiness: None,
    }];
    let mut stage = Stage::new(&blueprint);
    stage.run();
    assert_eq!(
        stage.seen(),
        [
            (40.0, Outcome::Redirected, 20.0),
            (0.0, Outcome::Served, 70.0),
            (100.0, Outcome::Served, 70.0)
        ]
    );
    assert_eq!(meters(&mut stage).1.requests, 2);
}

/// Each of two nodes has a target in its own zone; 10 requests a second; at 50 s the first zone leaves DNS, at 200 s it is
/// back. Answers how many requests of some seconds went to the first zone, and of how many.
fn through_dns(ignored: f64, seconds: std::ops::Range<u64>) -> (usize, usize) {
    let millis: Vec<u64> = (0..3_000).map(|n| n * 100 + 50).collect();
    let mut blueprint = requests_at(&millis, vec![], workers(100));
    through_balancer(&mut blueprint);
    blueprint.model.alb.dns_ttl_ignored = Ratio::new(ignored).expect("a share");
    let mut stage = Stage::with_tasks(&blueprint, 2);
    for node in 0..2 {
        let target = PublishedTarget {
            task: stage.tasks[0][usize::from(node)],
            ramping_since: None,
        };
        stage.order(Order::PublishTargets {
            target_group: TargetGroupIx(0),
            node,
            targets: vec![target],
        });
    }
    for (at, out) in [(50_000, vec![ZoneIx(0)]), (200_000, vec![])] {
        stage.run_until(ms(at));
        stage.order(Order::PublishZones {
            load_balancer: LoadBalancerIx(0),
            out,
        });
    }
    stage.run();
    let within = |request: &&RequestFinished| {
        let arrived = request.arrived.since(ms(0)).seconds();
        (seconds.start as f64..seconds.end as f64).contains(&arrived)
    };
    let all: Vec<_> = stage.finished.iter().filter(within).collect();
    let first = |request: &&&RequestFinished| request.served_by.expect("it is served").zone == ZoneIx(0);
    (all.iter().filter(first).count(), all.len())
}

#[test]
fn clients_follow_dns_within_the_ttl_both_ways() {
    // Half of the requests draw the first node. While it leaves, 1 - t/60 of them still go there: 600 × ½ × ½ = 150 in
    // the minute, with a variance of Σ p(1-p) < 600 × 3/16 = 112.5; five standard deviations are 53. While it comes back,
    // as many stay away.
    let (first, all) = through_dns(0.0, 50..110);
    assert_eq!(all, 600);
    assert!(first.abs_diff(150) < 53, "{first}");
    assert_eq!(through_dns(0.0, 110..200).0, 0, "after the TTL nobody comes");
    assert!(through_dns(0.0, 200..260).0.abs_diff(150) < 53);
    // 400 requests, half of them: five standard deviations are 50.
    assert!(through_dns(0.0, 260..300).0.abs_diff(200) < 50);
}

#[test]
fn clients_that_ignore_the_ttl_stay_where_they_were() {
    // A quarter of those who would have gone there: 900 × ½ × ¼ = 112.5, five standard deviations 50.
    let (first, all) = through_dns(0.25, 110..200);
    assert_eq!(all, 900);
    assert!(first.abs_diff(112) < 50, "{first}");
}
