//! Dependencies: slots, queue, failover.

use super::stage::*;
use crate::blueprint::*;
use crate::cluster::cause::Reason;
use crate::sim::observation::Outcome;
use crate::units::{Ratio, Span};

/// Requests that do nothing but ask a database that takes 10 ms.
fn asks_database(millis: &[u64], slots: u32, backlog: u32) -> Blueprint {
    let mut blueprint = requests_at(millis, vec![Step::Call(CallIx(0))], workers(100));
    blueprint.dependencies.push(Dependency {
        name: "db".into(),
        zone: Some(ZoneIx(0)),
        standby: Some(ZoneIx(1)),
        failover: Span::from_secs(3),
        slots,
        backlog,
        service_time: constant(0.01),
        extras: None,
    });
    blueprint.calls.push(call(Callee::Dependency(DependencyIx(0))));
    blueprint
}

const FAILOVER: FaultKind = FaultKind::DependencyFailover {
    dependency: DependencyIx(0),
};

#[test]
fn slots_serve_in_order_of_arrival_and_the_backlog_is_bounded() {
    // One slot, two places: of four at once the last is refused, the others take 10, 20 and 30 ms.
    let blueprint = asks_database(&[0, 0, 0, 0], 1, 2);
    let mut stage = Stage::new(&blueprint);
    stage.run();
    assert_eq!(
        stage.seen(),
        [
            (0.0, Outcome::ServerError, 0.0),
            (0.0, Outcome::Served, 10.0),
            (0.0, Outcome::Served, 20.0),
            (0.0, Outcome::Served, 30.0)
        ]
    );
}

#[test]
fn slots_serve_side_by_side() {
    let blueprint = asks_database(&[0, 0, 4], 2, 10);
    let mut stage = Stage::new(&blueprint);
    stage.run();
    assert_eq!(
        stage.seen(),
        [
            (0.0, Outcome::Served, 10.0),
            (0.0, Outcome::Served, 10.0),
            (4.0, Outcome::Served, 16.0)
        ]
    );
}

#[test]
fn a_slow_dependency_takes_its_factor_as_long_until_that_is_lifted() {
    let blueprint = asks_database(&[0, 100, 200], 1, 10);
    let slow = FaultKind::DependencySlow {
        dependency: DependencyIx(0),
        factor: 4.0,
    };
    let mut stage = Stage::new(&blueprint);
    stage.run_until(ms(50));
    stage.fault(&slow);
    stage.run_until(ms(150));
    stage.lift(&slow);
    stage.run();
    let took: Vec<f64> = stage.seen().iter().map(|row| row.2).collect();
    assert_eq!(took, [10.0, 40.0, 10.0]);
}

#[test]
fn a_failover_resets_what_is_in_hand_and_refuses_until_the_standby_answers() {
    // It fails at 1.005 s, 5 ms into the request of 1 s; 4 s and earlier fall into the 3 s of failing over.
    let blueprint = asks_database(&[1000, 2000, 4000, 4010], 1, 10);
    let mut stage = Stage::new(&blueprint);
    stage.run_until(ms(1005));
    stage.fault(&FAILOVER);
    stage.run();
    assert_eq!(
        stage.seen(),
        [
            (1000.0, Outcome::ServerError, 5.0),
            (2000.0, Outcome::ServerError, 0.0),
            (4000.0, Outcome::ServerError, 0.0),
            (4010.0, Outcome::Served, 10.0)
        ]
    );
}

#[test]
fn the_standby_stands_in_its_own_zone() {
    // The callers stand in the first zone: 1 ms each way to the primary, 7 ms to the standby.
    let mut blueprint = asks_database(&[0, 5000], 1, 10);
    blueprint.network.same_zone = constant(0.001);
    blueprint.network.cross_zone = constant(0.007);
    let mut stage = Stage::new(&blueprint);
    stage.run_until(ms(1000));
    stage.fault(&FAILOVER);
    stage.run();
    let took: Vec<f64> = stage.seen().iter().map(|row| row.2).collect();
    assert_eq!(took, [12.0, 24.0]);
}

#[test]
fn a_reset_service_frees_no_slot_a_second_time() {
    // Its failover is quick (1 ms); the reset request is still on its way back (20 ms) when its service would have
    // ended. The only slot must not be given up twice: of two at once, one waits for the other.
    let mut blueprint = asks_database(&[0, 100, 100], 1, 10);
    blueprint.network.same_zone = constant(0.02);
    blueprint.dependencies[0].standby = None;
    blueprint.dependencies[0].failover = Span::from_millis(1);
    let mut stage = Stage::new(&blueprint);
    stage.run_until(ms(25));
    stage.fault(&FAILOVER);
    stage.run_until(ms(50));
    assert_eq!(stage.sample().dependencies[0].in_service, 0);
    stage.run();
    assert_eq!(
        stage.seen(),
        [
            (0.0, Outcome::ServerError, 45.0),
            (100.0, Outcome::Served, 50.0),
            (100.0, Outcome::Served, 60.0)
        ]
    );
}

#[test]
fn a_dependency_works_on_for_a_caller_that_has_given_up() {
    // Patience of 5 ms; the slot is taken for the full 10 ms all the same.
    let mut blueprint = asks_database(&[0, 1], 1, 10);
    blueprint.calls[0].timeout = Some(Span::from_millis(5));
    let mut stage = Stage::new(&blueprint);
    stage.run_until(ms(9));
    assert_eq!(
        stage.seen(),
        [(0.0, Outcome::ServerError, 5.0), (1.0, Outcome::ServerError, 5.0)]
    );
    let dependency = stage.sample().dependencies[0];
    assert_eq!((dependency.in_service, dependency.queued), (1, 1));
    stage.run();
}

fn outage(share: f64, manner: Unserved, slow: f64) -> FaultKind {
    FaultKind::DependencyOutage {
        dependencies: vec![DependencyIx(0)],
        outage: Outage {
            share: Ratio::new(share).expect("a share"),
            manner,
            slow,
        },
    }
}

#[test]
fn a_dependency_that_is_out_refuses_at_once_and_goes_on_with_what_it_has() {
    // Out from 5 to 150 ms.
    let blueprint = asks_database(&[0, 100, 200], 1, 10);
    let mut stage = Stage::new(&blueprint);
    stage.run_until(ms(5));
    let out = outage(1.0, Unserved::Refused, 1.0);
    stage.fault(&out);
    stage.run_until(ms(150));
    stage.lift(&out);
    stage.run();
    assert_eq!(
        stage.seen(),
        [
            (0.0, Outcome::Served, 10.0),
            (100.0, Outcome::ServerError, 0.0),
            (200.0, Outcome::Served, 10.0)
        ]
    );
    let failure = stage.finished[1].failure.as_ref().expect("it has failed");
    assert_eq!(failure.reason, Reason::DependencyOut);
}

#[test]
fn a_dependency_that_does_not_answer_costs_its_callers_their_patience() {
    let mut blueprint = asks_database(&[100, 200], 1, 10);
    blueprint.calls[0].timeout = Some(Span::from_millis(70));
    let mut stage = Stage::new(&blueprint);
    let out = outage(1.0, Unserved::Unanswered, 1.0);
    stage.fault(&out);
    stage.run_until(ms(150));
    stage.lift(&out);
    stage.run();
    assert_eq!(
        stage.seen(),
        [(100.0, Outcome::ServerError, 70.0), (200.0, Outcome::Served, 10.0)]
    );
}

#[test]
fn in_a_brown_out_a_share_is_refused_and_the_rest_is_slow() {
    let times: Vec<u64> = (0..1000).map(|n| n * 50).collect();
    let blueprint = asks_database(&times, 1, 10);
    let mut stage = Stage::new(&blueprint);
    stage.fault(&outage(0.2, Unserved::Refused, 3.0));
    stage.run();
    let refused = stage.seen().iter().filter(|row| row.1 == Outcome::ServerError).count() as f64;
    // A binomial's standard deviation is √(1000 × 0.2 × 0.8) = 12.6.
    assert!((refused - 200.0).abs() < 4.0 * 12.6, "{refused}");
    let mut served = stage.seen().into_iter().filter(|row| row.1 == Outcome::Served);
    assert!(served.all(|row| row.2 == 30.0));
}
