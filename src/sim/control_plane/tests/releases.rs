//! Release trains, second by second. The release begins at 100 s; `fleet` tells how long a task takes.

use super::harness::{Stage, at, fleet};
use crate::blueprint::{
    Blueprint, BreakerThreshold, CircuitBreaker, OnReleaseFailure, Release, ReleaseStep, RevisionIx, ServiceIx,
};
use crate::sim::observation::{EventKind, Observation};
use crate::units::{Ratio, Span};

/// `web` behind its balancer (a deployment takes 74 s) and `second` without one (76 s).
fn two() -> Blueprint {
    let mut blueprint = fleet(4);
    let mut second = blueprint.services[0].clone();
    second.name = "second".into();
    second.load_balancers.clear();
    blueprint.services.push(second);
    for service in &mut blueprint.services {
        service.deployment.circuit_breaker = Some(CircuitBreaker {
            rollback: true,
            threshold: BreakerThreshold::BoundedPercent(50.0),
            reset_on_healthy_task: true,
        });
    }
    blueprint
}

fn train(on_failure: OnReleaseFailure) -> Release {
    let step = |wait: u64, service: u16| ReleaseStep {
        wait: Span::from_secs(wait),
        deploy: vec![(ServiceIx(service), RevisionIx(1))],
    };
    Release {
        steps: vec![step(0, 0), step(10, 1)],
        on_failure,
    }
}

fn released<'a>(blueprint: &'a Blueprint, release: &Release, until: f64) -> Stage<'a> {
    let mut stage = Stage::new(blueprint);
    stage.run_until(100.0);
    stage.act(|control, cx| control.begin_release(cx, release));
    stage.run_until(until);
    stage
}

/// Service, revision, start, outcome and end of each deployment.
fn deployments(stage: &Stage<'_>) -> Vec<(u16, u16, f64, &'static str, f64)> {
    let ended = stage.seen.iter().filter_map(|seen| match seen {
        Observation::DeploymentEnded(it) => {
            let ended = it.ended.expect("it ended").seconds();
            Some((it.service.0, it.to.0, it.started.seconds(), it.outcome, ended))
        }
        _ => None,
    });
    ended.collect()
}

fn told(stage: &Stage<'_>) -> Vec<(f64, String)> {
    let rows = stage.happened(EventKind::Release).into_iter();
    rows.map(|(second, _, to)| (second, to)).collect()
}

#[test]
fn a_step_begins_when_the_one_before_has_completed_and_its_wait_is_over() {
    // 174: web has COMPLETED; 10 s later second begins, which takes 76 s.
    let blueprint = two();
    let stage = released(&blueprint, &train(OnReleaseFailure::Stop), 400.0);
    let expected = [(0, 1, 100.0, "COMPLETED", 174.0), (1, 1, 184.0, "COMPLETED", 260.0)];
    assert_eq!(deployments(&stage), expected);
    let expected = [(100.0, "step 1 of 2"), (184.0, "step 2 of 2"), (260.0, "COMPLETED")];
    assert_eq!(told(&stage), super::harness::owned(&expected));
}

#[test]
fn a_failed_step_stops_the_release_and_leaves_what_has_completed() {
    // web fails to start at 122 and is back at 133, as by the breaker's own test: second never begins.
    let mut blueprint = two();
    blueprint.services[0].revisions[1].defects.fails_to_start = Ratio::ONE;
    let stage = released(&blueprint, &train(OnReleaseFailure::Stop), 1000.0);
    assert_eq!(deployments(&stage), [(0, 1, 100.0, "ROLLED_BACK", 133.0)]);
    let expected = [(100.0, "step 1 of 2"), (133.0, "STOPPED")];
    assert_eq!(told(&stage), super::harness::owned(&expected));
}

#[test]
fn a_failed_step_takes_back_those_before_it() {
    // second begins at 184, its four tasks fail to start at 206, 207: roll back; without targets they are STOPPED at 216:
    // 217 ROLLED_BACK. At once web is deployed back to revision 0, which takes its 74 s.
    let mut blueprint = two();
    blueprint.services[1].revisions[1].defects.fails_to_start = Ratio::ONE;
    let stage = released(&blueprint, &train(OnReleaseFailure::RollBack), 1000.0);
    let expected = [
        (0, 1, 100.0, "COMPLETED", 174.0),
        (1, 1, 184.0, "ROLLED_BACK", 217.0),
        (0, 0, 217.0, "COMPLETED", 291.0),
    ];
    assert_eq!(deployments(&stage), expected);
    let expected = [
        (100.0, "step 1 of 2"),
        (184.0, "step 2 of 2"),
        (217.0, "ROLLING_BACK"),
        (217.0, "back: 0 steps to go"),
        (291.0, "ROLLED_BACK"),
    ];
    assert_eq!(told(&stage), super::harness::owned(&expected));
    let tasks = stage.control.services[0].tasks.iter();
    assert!(
        tasks
            .clone()
            .all(|id| stage.control.tasks[*id].revision == RevisionIx(0))
    );
    assert_eq!(stage.cx.now(), at(1000.0));
}

#[test]
fn siblings_of_a_failed_deployment_go_on_to_their_end_and_are_taken_back_too() {
    // Both begin at 100. web is ROLLED_BACK at 133, second COMPLETED at 176: only then it is deployed back, for 76 s.
    let mut blueprint = two();
    blueprint.services[0].revisions[1].defects.fails_to_start = Ratio::ONE;
    let mut release = train(OnReleaseFailure::RollBack);
    release.steps = vec![ReleaseStep {
        wait: Span::ZERO,
        deploy: vec![(ServiceIx(0), RevisionIx(1)), (ServiceIx(1), RevisionIx(1))],
    }];
    let stage = released(&blueprint, &release, 1000.0);
    let expected = [
        (0, 1, 100.0, "ROLLED_BACK", 133.0),
        (1, 1, 100.0, "COMPLETED", 176.0),
        (1, 0, 176.0, "COMPLETED", 252.0),
    ];
    assert_eq!(deployments(&stage), expected);
}

#[test]
fn a_deployment_from_elsewhere_that_supersedes_one_of_a_release_fails_it() {
    let blueprint = two();
    let mut stage = released(&blueprint, &train(OnReleaseFailure::Stop), 110.0);
    stage.deploy(2);
    stage.run_until(1000.0);
    assert_eq!(told(&stage)[1], (110.0, "STOPPED".to_string()));
    assert_eq!(stage.control.services[1].primary, RevisionIx(0));
}
