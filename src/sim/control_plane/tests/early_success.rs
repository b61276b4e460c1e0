//! Early success criteria of rolling deployments [DG:early-success-criteria]. The deployment begins at 100 s; `fleet`
//! tells how long a task takes.

use super::alarms::watched;
use super::harness::{Health, Stage, fleet, owned};
use crate::blueprint::{Blueprint, BreakerThreshold, CircuitBreaker, EarlySuccess, RevisionIx, SourceCleanup};
use crate::units::Span;

fn early(mut blueprint: Blueprint, (minimum, maximum): (u32, u32), percent: u32, cleanup: SourceCleanup) -> Blueprint {
    let deployment = &mut blueprint.services[0].deployment;
    deployment.minimum_healthy_percent = minimum;
    deployment.maximum_percent = maximum;
    deployment.early_success = Some(EarlySuccess {
        healthy_percent: percent,
        cleanup,
    });
    blueprint
}

fn deployed(blueprint: &Blueprint) -> Stage<'_> {
    let mut stage = Stage::new(blueprint);
    stage.run_until(100.0);
    stage.deploy(1);
    stage
}

/// 50/200 of 3, success at 50 %: 101: start 3, stop 1. Two are healthy at 130, the third never answers a check.
fn two_of_three(cleanup: SourceCleanup) -> Blueprint {
    early(fleet(3), (50, 200), 50, cleanup)
}

#[test]
fn with_50_percent_of_3_two_healthy_tasks_complete_a_deferred_deployment() {
    // 131: two new ones are healthy: ceil(1.5). The old ones are stopped in the same pass and gone at 173.
    let blueprint = two_of_three(SourceCleanup::AfterCompletion);
    let mut stage = deployed(&blueprint);
    stage.of_task.insert(5, Health::Silent);
    stage.run_until(131.0);
    assert_eq!(stage.outcomes(), [("COMPLETED", 131.0)]);
    // Outside of the deployment the third is replaced, and the service comes to rest.
    stage.run_until(400.0);
    assert_eq!(stage.levels(), (0, 3, 3));
    assert_eq!(stage.outcomes().len(), 1);
    assert_eq!(stage.said("has reached a steady state").len(), 1);
}

#[test]
fn a_blocking_deployment_completes_when_the_old_tasks_are_gone_although_one_new_is_not_healthy() {
    // The third fails at 135 and 145, 146 starts its replacement, which is healthy at 175. The old ones, stopped at 131,
    // are STOPPED at 173: 174 completes, with two of three.
    let blueprint = two_of_three(SourceCleanup::BeforeCompletion);
    let mut stage = deployed(&blueprint);
    stage.of_task.insert(5, Health::Silent);
    stage.run_until(174.0);
    assert_eq!(stage.outcomes(), [("COMPLETED", 174.0)]);
    assert_eq!(stage.levels().2, 2);
}

#[test]
fn without_early_success_the_same_deployment_waits_for_all() {
    let mut blueprint = two_of_three(SourceCleanup::BeforeCompletion);
    blueprint.services[0].deployment.early_success = None;
    let mut stage = deployed(&blueprint);
    stage.of_task.insert(5, Health::Silent);
    stage.run_until(400.0);
    assert_eq!(stage.outcomes(), [("COMPLETED", 176.0)]);
}

#[test]
fn the_bake_time_begins_when_enough_are_healthy_and_not_when_the_old_ones_are_gone() {
    // 50/100 of 4: 132: two new ones are healthy: bake for 20 s beside old ones that drain until 174. Deferred: 152.
    let mut blueprint = early(fleet(4), (50, 100), 50, SourceCleanup::AfterCompletion);
    blueprint = watched(blueprint, true);
    blueprint.services[0].deployment.bake_time = Span::from_secs(20);
    let mut stage = deployed(&blueprint);
    stage.run_until(400.0);
    let expected = [
        (101.0, "stop 2"),
        (102.0, "start 2"),
        (132.0, "stop 2"),
        (132.0, "wait"),
        (133.0, "start 2"),
        (152.0, "complete"),
    ];
    let rows = stage
        .rows()
        .into_iter()
        .filter(|(_, decision, reason)| decision != "wait" || reason == "bake time");
    let rows: Vec<_> = rows.map(|(second, decision, _)| (second, decision)).collect();
    assert_eq!(rows, owned(&expected));
    assert_eq!(stage.levels(), (0, 4, 4));
}

#[test]
fn once_completed_early_no_breaker_rolls_back() {
    let mut blueprint = early(fleet(4), (50, 100), 50, SourceCleanup::AfterCompletion);
    blueprint.services[0].deployment.circuit_breaker = Some(CircuitBreaker {
        rollback: true,
        threshold: BreakerThreshold::Count(1),
        reset_on_healthy_task: false,
    });
    let mut stage = deployed(&blueprint);
    stage.run_until(140.0);
    stage.of_revision.insert(RevisionIx(1), Health::Status(500));
    stage.run_until(1000.0);
    assert_eq!(stage.outcomes(), [("COMPLETED", 132.0)]);
    assert!(
        stage.entered("PROVISIONING").len() > 20,
        "they are replaced without end"
    );
}

#[test]
fn an_old_task_left_behind_is_not_replaced_by_its_own_revision() {
    // 140: the old ones are stopping or gone; one that crashes while it waits makes no new one of revision 0.
    let blueprint = early(fleet(3), (50, 200), 50, SourceCleanup::AfterCompletion);
    let mut stage = deployed(&blueprint);
    stage.run_until(131.0);
    stage.act(|control, cx| {
        control.crash_tasks(
            cx,
            &crate::blueprint::Selection::some_of(crate::blueprint::ServiceIx(0), 3),
            cx.key,
        )
    });
    stage.run_until(600.0);
    let tasks = &stage.control.services[0].tasks;
    assert!(
        tasks
            .iter()
            .all(|id| stage.control.tasks[*id].revision == RevisionIx(1))
    );
    assert_eq!(stage.levels(), (0, 3, 3));
}
