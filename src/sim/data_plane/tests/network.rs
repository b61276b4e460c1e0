//! The network: latencies, zones that nobody reaches, latency that a fault adds.

use super::stage::*;
use crate::blueprint::*;
use crate::sim::observation::Outcome;
use crate::units::Span;

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
        extras: None,
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
        extras: None,
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
