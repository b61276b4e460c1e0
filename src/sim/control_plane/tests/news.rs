//! The scheduler's messages, word for word.

use super::harness::{Health, Stage, fleet, on_ec2, owned, without_balancer};
use crate::blueprint::{BreakerThreshold, CircuitBreaker, PlacementConstraint, ServiceIx, Start};
use crate::sim::observation::{EventKind, Observation};
use crate::units::{CpuUnits, MiB, Ratio};

/// All messages of the service scheduler, without the service's name.
fn messages(stage: &Stage<'_>) -> Vec<(f64, String)> {
    let row = |seen: &Observation| match seen {
        Observation::Happened(event) if event.kind == EventKind::Service => {
            let message = event.reason.strip_prefix("(service web) ");
            Some((
                event.at.seconds(),
                message.expect("every message names its service").to_string(),
            ))
        }
        _ => None,
    };
    stage.seen.iter().filter_map(row).collect()
}

#[test]
fn a_service_that_scales_out_and_in_says_so_in_ecs_own_sentences() {
    // Two more at 11 s, RUNNING 24 s later, healthy 5 s after that; then one less, STOPPED after 42 s.
    let blueprint = fleet(2);
    let mut stage = Stage::new(&blueprint);
    stage.run_until(10.0);
    stage.act(|control, cx| control.set_desired_count(cx, ServiceIx(0), 4, "test"));
    stage.run_until(100.0);
    stage.act(|control, cx| control.set_desired_count(cx, ServiceIx(0), 3, "test"));
    stage.run_until(200.0);
    let stopped = stage.entered("DEACTIVATING")[0].1;
    let expected = [
        (11.0, "has started 2 tasks: (task 2) (task 3).".to_string()),
        (36.0, "registered 2 targets in (target-group web)".to_string()),
        (41.0, "has reached a steady state.".to_string()),
        (101.0, "has begun draining connections on 1 tasks.".to_string()),
        (101.0, "deregistered 1 targets in (target-group web)".to_string()),
        (101.0, format!("has stopped 1 running tasks: (task {stopped}).")),
        (144.0, "has reached a steady state.".to_string()),
    ];
    assert_eq!(messages(&stage), expected);
}

#[test]
fn tasks_are_named_ten_to_a_sentence() {
    let blueprint = without_balancer(fleet(0));
    let mut stage = Stage::new(&blueprint);
    stage.act(|control, cx| control.set_desired_count(cx, ServiceIx(0), 12, "test"));
    stage.run_until(10.0);
    let said = messages(&stage);
    assert!(said[0].1.starts_with("has started 10 tasks: (task 0) (task 1)"));
    assert_eq!(said[1], (1.0, "has started 2 tasks: (task 10) (task 11).".to_string()));
    assert_eq!(said.len(), 2);
}

#[test]
fn a_steady_state_is_said_again_after_six_hours_of_it() {
    let blueprint = without_balancer(fleet(1));
    let mut stage = Stage::new(&blueprint);
    stage.run_until(50_000.0);
    let hours: Vec<f64> = stage
        .said("has reached a steady state.")
        .iter()
        .map(|s| s / 3600.0)
        .collect();
    assert_eq!(hours, [6.0, 12.0]);
}

#[test]
fn a_task_without_a_place_names_the_closest_instance_and_counts_what_the_others_lack() {
    // Each of two instances has 2 vCPU and 8 GiB, of which its task takes 2 vCPU and 6 GiB.
    let mut blueprint = without_balancer(on_ec2(fleet(2), 2));
    blueprint.task_definitions[0].cpu = CpuUnits(2048);
    blueprint.task_definitions[0].memory = MiB(6144);
    let mut stage = Stage::new(&blueprint);
    stage.run_until(10.0);
    stage.act(|control, cx| control.set_desired_count(cx, ServiceIx(0), 3, "test"));
    stage.run_until(20.0);
    let expected = "was unable to place a task because no container instance met all of its requirements. The closest \
                    matching (container-instance 0) has insufficient CPU units available. (2 instances: 2 insufficient \
                    CPU units)";
    assert_eq!(messages(&stage), owned(&[(11.0, expected)]));
}

#[test]
fn an_instance_that_a_constraint_rules_out_is_missing_an_attribute() {
    // Each of two instances has its task of the service already.
    let mut blueprint = without_balancer(on_ec2(fleet(2), 2));
    blueprint.services[0].placement_constraints = vec![PlacementConstraint::DistinctInstance];
    let mut stage = Stage::new(&blueprint);
    stage.run_until(10.0);
    stage.act(|control, cx| control.set_desired_count(cx, ServiceIx(0), 3, "test"));
    stage.run_until(20.0);
    let expected = "was unable to place a task because no container instance met all of its requirements. The closest \
                    matching (container-instance 0) is missing an attribute required by your task. (2 instances: 2 \
                    constraint not satisfied)";
    assert_eq!(messages(&stage), owned(&[(11.0, expected)]));
}

#[test]
fn a_cluster_without_instances_is_said_to_have_none() {
    let mut blueprint = without_balancer(on_ec2(fleet(1), 1));
    blueprint.start = Start::Empty;
    let mut stage = Stage::new(&blueprint);
    stage.run_until(10.0);
    let expected = "was unable to place a task because no container instance met all of its requirements. Reason: No \
                    Container Instances were found in your cluster.";
    assert_eq!(messages(&stage), owned(&[(0.0, expected)]));
}

#[test]
fn an_unhealthy_target_is_named_with_what_its_checks_say() {
    let blueprint = fleet(4);
    let mut stage = Stage::new(&blueprint);
    stage.run_until(12.0);
    stage.of_task.insert(2, Health::Status(500));
    stage.of_task.insert(3, Health::Silent);
    stage.run_until(31.0);
    let expected = [
        (
            25.0,
            "(task 2) is unhealthy in (target-group web) due to (reason Health checks failed)",
        ),
        (26.0, "has started 1 tasks: (task 4)."),
        (
            30.0,
            "(task 3) is unhealthy in (target-group web) due to (reason Request timed out)",
        ),
        (31.0, "has started 1 tasks: (task 5)."),
    ];
    assert_eq!(messages(&stage), owned(&expected));
}

#[test]
fn a_deployment_that_fails_says_why() {
    let mut blueprint = without_balancer(fleet(1));
    blueprint.services[0].revisions[1].defects.fails_to_start = Ratio::ONE;
    blueprint.services[0].deployment.circuit_breaker = Some(CircuitBreaker {
        rollback: false,
        threshold: BreakerThreshold::Count(1),
        reset_on_healthy_task: true,
    });
    let mut stage = Stage::new(&blueprint);
    stage.deploy(1);
    stage.run_until(100.0);
    // Created at 1, its container fails to start 21 s later; the pass a second after that.
    let expected = [
        (1.0, "has started 1 tasks: (task 1)."),
        (22.0, "is unable to consistently start tasks successfully."),
        (23.0, "(deployment 0) deployment failed: tasks failed to start."),
    ];
    assert_eq!(messages(&stage)[..3], owned(&expected));
}
