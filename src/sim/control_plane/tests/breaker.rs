//! The deployment circuit breaker. The deployment begins at 100 s; `fleet` tells how long a task takes.

use super::harness::{Health, Stage, at, fleet, owned};
use crate::blueprint::{Blueprint, BreakerThreshold, CircuitBreaker, RevisionIx, Start};
use crate::sim::observation::Observation;
use crate::units::Ratio;

fn with_breaker(mut blueprint: Blueprint, rollback: bool) -> Blueprint {
    blueprint.services[0].deployment.circuit_breaker = Some(CircuitBreaker {
        rollback,
        threshold: BreakerThreshold::BoundedPercent(50.0),
        reset_on_healthy_task: true,
    });
    blueprint
}

fn failing_to_start(mut blueprint: Blueprint) -> Blueprint {
    blueprint.services[0].revisions[1].defects.fails_to_start = Ratio::ONE;
    blueprint
}

fn deployed(blueprint: &Blueprint) -> Stage<'_> {
    let mut stage = Stage::new(blueprint);
    stage.run_until(100.0);
    stage.deploy(1);
    stage
}

#[test]
fn tasks_that_never_run_count_in_the_first_stage_and_the_service_rolls_back() {
    // 101: start 4; their containers fail to start at 101 + 10 + 10 + 1 = 122: four failures, threshold 3. 123: roll
    // back. They have no target: STOPPED at 132; 133: rolled back, the old four were never touched.
    let blueprint = with_breaker(failing_to_start(fleet(4)), true);
    let mut stage = deployed(&blueprint);
    stage.run_until(400.0);
    assert_eq!(
        stage.steps(),
        owned(&[(101.0, "start 4"), (123.0, "roll back"), (133.0, "complete")])
    );
    assert_eq!(stage.outcomes(), [("ROLLED_BACK", 133.0)]);
    let reason = "waiting for the failed revision's tasks to stop".to_string();
    assert!(stage.rows().contains(&(123.0, "wait".to_string(), reason)));
    let record = stage.seen.iter().find_map(|seen| match seen {
        Observation::DeploymentEnded(record) => Some(record.clone()),
        _ => None,
    });
    let record = record.expect("it ended");
    assert_eq!(record.detected, Some(at(123.0)));
    assert_eq!(record.reason, "deployment circuit breaker: 4 failures, threshold 3");
    assert_eq!(record.lowest_healthy, 4);
}

#[test]
fn without_rollback_a_failed_deployment_starts_no_more_tasks() {
    let blueprint = with_breaker(failing_to_start(fleet(4)), false);
    let mut stage = deployed(&blueprint);
    stage.run_until(4000.0);
    assert_eq!(stage.outcomes(), [("FAILED", 123.0)]);
    assert_eq!(stage.entered("PROVISIONING").len(), 4);
    assert_eq!(stage.levels(), (0, 4, 4));
}

#[test]
fn with_one_task_the_threshold_is_three() {
    // Attempts at 101, 101 + 21 + 15 = 137, 137 + 21 + 30 = 188: the third fails at 209; 210: fails.
    let blueprint = with_breaker(failing_to_start(fleet(1)), true);
    let mut stage = deployed(&blueprint);
    stage.run_until(400.0);
    let expected = [
        (101.0, "start 1"),
        (137.0, "start 1"),
        (188.0, "start 1"),
        (210.0, "roll back"),
        (220.0, "complete"),
    ];
    assert_eq!(stage.steps(), owned(&expected));
}

#[test]
fn with_25_tasks_thirteen_failures_are_needed() {
    // Half of the starts fail at 122, drawn by task: fewer than 13 would not be enough, so what counts is that the
    // deployment fails exactly if at least 13 did.
    let mut blueprint = with_breaker(fleet(25), true);
    blueprint.services[0].revisions[1].defects.fails_to_start = Ratio::new(0.5).expect("a share");
    let mut stage = deployed(&blueprint);
    stage.run_until(124.0);
    let failed = stage
        .entered("STOPPING")
        .into_iter()
        .filter(|(second, _)| *second == 122.0)
        .count();
    let rolled_back = stage.steps().contains(&(123.0, "roll back".to_string()));
    assert_eq!(rolled_back, failed >= 13, "{failed} failures");
}

#[test]
fn tasks_replaced_for_failed_checks_count_in_the_second_stage() {
    // Revision 1 answers 500. 101: start 4, RUNNING at 125, checked at 130 and 140: unhealthy. 141: 8 tasks are the
    // maximum, so one is stopped; 142: its replacement starts; 143, 145: the next two. 146: three failures: roll back,
    // and with it the others stop.
    let blueprint = with_breaker(fleet(4), true);
    let mut stage = deployed(&blueprint);
    stage.of_revision.insert(RevisionIx(1), Health::Status(500));
    stage.run_until(400.0);
    let steps = stage.steps();
    let expected = [
        (101.0, "start 4"),
        (141.0, "stop 1"),
        (142.0, "start 1"),
        (143.0, "stop 1"),
        (144.0, "start 1"),
        (145.0, "stop 1"),
        (146.0, "roll back"),
        (146.0, "stop 3"),
        (158.0, "complete"),
    ];
    assert_eq!(steps, owned(&expected));
    // The last of them, stopped at 146 with 2 s to shut down and 10 s of DEPROVISIONING, is STOPPED at 158, just before
    // the pass that the one before it asked for.
    assert_eq!(stage.outcomes(), [("ROLLED_BACK", 158.0)]);
    assert_eq!(stage.levels(), (0, 4, 4));
}

#[test]
fn a_task_that_becomes_healthy_resets_the_count_unless_told_otherwise() {
    // 2 desired, threshold 3. A long deregistration of the old tasks keeps the deployment in progress, while every 100 s
    // one of the new tasks begins to fail its checks and is stopped once its replacement is healthy. So each failure
    // comes after a recovery: only a count that is not reset reaches 3.
    let rolls_back = |reset| {
        let mut blueprint = with_breaker(fleet(2), true);
        blueprint.target_groups[0].deregistration_delay = crate::units::Span::from_secs(2000);
        let breaker = blueprint.services[0]
            .deployment
            .circuit_breaker
            .as_mut()
            .expect("set above");
        breaker.reset_on_healthy_task = reset;
        let mut stage = deployed(&blueprint);
        for second in [200.0, 300.0, 400.0, 500.0, 600.0] {
            stage.run_until(second);
            let healthy = stage
                .control
                .tasks
                .iter()
                .map(|(_, task)| task)
                .find(|task| task.healthy);
            let victim = healthy.expect("there is a healthy task").ordinal;
            stage.of_task.insert(victim, Health::Status(500));
        }
        stage.steps().iter().any(|(_, decision)| decision == "roll back")
    };
    assert!(rolls_back(false));
    assert!(!rolls_back(true));
}

#[test]
fn exits_after_running_are_not_counted_by_the_breaker() {
    let mut blueprint = with_breaker(fleet(4), true);
    // They run for 3 s and exit before the first check: neither failed starts nor failed checks.
    blueprint.services[0].revisions[1].defects.exits_after = Some(super::harness::constant(3.0));
    let mut stage = deployed(&blueprint);
    stage.run_until(3000.0);
    assert_eq!(stage.outcomes(), []);
    assert!(stage.entered("PROVISIONING").len() > 40, "they are relaunched for ever");
}

#[test]
fn a_service_without_a_completed_deployment_stalls() {
    // The very first deployment fails: nothing to go back to, nothing is started any more.
    let mut blueprint = with_breaker(fleet(4), true);
    blueprint.start = Start::Empty;
    blueprint.services[0].revisions[0].defects.fails_to_start = Ratio::ONE;
    let mut stage = Stage::new(&blueprint);
    stage.run_until(3000.0);
    // 0: start 4; 21: all fail; 22: fail.
    assert_eq!(stage.steps(), owned(&[(0.0, "start 4"), (22.0, "fail")]));
    assert_eq!(stage.outcomes(), [("FAILED", 22.0)]);
    assert_eq!(stage.levels(), (0, 0, 0));
}

#[test]
fn a_deployment_during_a_rollback_finds_no_completed_one_and_stalls() {
    // Revision 1 fails and is rolled back at 123; at 125, before its tasks are STOPPED, revision 2 is deployed. It fails
    // as well: there is no COMPLETED deployment.
    let mut blueprint = with_breaker(failing_to_start(fleet(4)), true);
    blueprint.services[0].revisions[2].defects.fails_to_start = Ratio::ONE;
    let mut stage = deployed(&blueprint);
    stage.run_until(125.0);
    stage.deploy(2);
    stage.run_until(3000.0);
    let outcomes: Vec<&str> = stage.outcomes().into_iter().map(|(outcome, _)| outcome).collect();
    assert_eq!(outcomes, ["STOPPED", "FAILED"]);
    assert_eq!(stage.levels(), (0, 4, 4), "the old tasks still stand");
}

#[test]
fn container_checks_count_in_the_second_stage_like_the_balancers() {
    // Without balancer, a check every 10 s, unhealthy after three. 101: start 4, their containers run from 122 and have
    // failed at 132, 142 and 152. 153: 8 tasks are the maximum: one goes, 154 starts another; 155 and 157 the next two.
    // 158: three failures.
    let mut blueprint = with_breaker(super::harness::without_balancer(fleet(4)), true);
    blueprint.task_definitions[0].containers[0].health_check = Some(crate::blueprint::ContainerHealthCheck {
        interval: crate::units::Span::from_secs(10),
        timeout: crate::units::Span::from_secs(5),
        retries: 3,
        start_period: crate::units::Span::ZERO,
    });
    blueprint.services[0].revisions[1].defects.fails_health_checks = Ratio::ONE;
    let mut stage = deployed(&blueprint);
    stage.run_until(400.0);
    let expected = [
        (101.0, "start 4"),
        (153.0, "stop 1"),
        (154.0, "start 1"),
        (155.0, "stop 1"),
        (156.0, "start 1"),
        (157.0, "stop 1"),
        (158.0, "roll back"),
        (158.0, "stop 3"),
        (170.0, "complete"),
    ];
    assert_eq!(stage.steps(), owned(&expected));
}

#[test]
fn the_threshold_follows_the_desired_count_as_it_is_now() {
    // 100/125 of 8, half without bounds: 101: two begin, which fail at 122: two of four. At 125 the desired count falls to
    // 4: 126: two of two.
    let mut blueprint = with_breaker(failing_to_start(fleet(8)), true);
    blueprint.services[0].deployment.maximum_percent = 125;
    blueprint.services[0].deployment.circuit_breaker = Some(CircuitBreaker {
        rollback: true,
        threshold: BreakerThreshold::UnboundedPercent(50.0),
        reset_on_healthy_task: true,
    });
    let mut stage = deployed(&blueprint);
    stage.run_until(125.0);
    assert!(!stage.steps().iter().any(|(_, decision)| decision == "roll back"));
    stage.act(|control, cx| control.set_desired_count(cx, crate::blueprint::ServiceIx(0), 4, "swarm"));
    stage.run_until(126.0);
    assert!(stage.steps().contains(&(126.0, "roll back".to_string())));
}

#[test]
fn in_the_second_stage_tasks_that_do_not_start_are_not_counted() {
    // COUNT 1, one task; half of the starts fail, the others run for a second and exit. The deployment fails exactly if
    // the very first start did: once a task has run, failures to start count for nothing, however many.
    let mut fates = Vec::new();
    for seed in 0..8 {
        let mut blueprint = with_breaker(fleet(1), true);
        blueprint.seed = seed;
        let breaker = blueprint.services[0].deployment.circuit_breaker.as_mut();
        breaker.expect("set above").threshold = BreakerThreshold::Count(1);
        let defects = &mut blueprint.services[0].revisions[1].defects;
        defects.exits_after = Some(super::harness::constant(1.0));
        defects.fails_to_start = Ratio::new(0.5).expect("a share");
        let mut stage = deployed(&blueprint);
        stage.run_until(4000.0);
        let rolled_back = stage.steps().iter().any(|(_, decision)| decision == "roll back");
        let first_to_run = stage.entered("RUNNING").first().map(|(_, task)| *task);
        let first = stage.entered("PROVISIONING")[0].1;
        assert_eq!(rolled_back, first_to_run != Some(first), "seed {seed}");
        fates.push(rolled_back);
    }
    assert!(
        fates.contains(&true) && fates.contains(&false),
        "both are seen: {fates:?}"
    );
}
