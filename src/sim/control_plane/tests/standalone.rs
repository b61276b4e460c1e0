//! Standalone tasks. On Fargate one is RUNNING 21 s after its creation; its container runs for 30 s; STOPPED 10 s later.

use super::harness::{Stage, constant, fleet, on_ec2, owned, without_balancer};
use crate::blueprint::{
    Blueprint, ContainerExit, ControlService, GroupIx, SchedulingStrategy, ServiceIx, TaskDefinitionIx,
};
use crate::sim::observation::{EventKind, Observation};
use crate::units::{CpuUnits, Ratio, Span};

const FAMILY: ServiceIx = ServiceIx(1);

/// A service of `desired` tasks and a family beside it.
fn beside(desired: u32) -> Blueprint {
    let mut blueprint = without_balancer(fleet(desired));
    let mut definition = blueprint.task_definitions[0].clone();
    definition.containers[0].exits = Some(ContainerExit {
        after: constant(30.0),
        code: 0,
    });
    blueprint.task_definitions.push(definition);
    let mut family = blueprint.services[0].clone();
    family.name = "family:report".into();
    family.desired_count = 0;
    family.scheduling.strategy = SchedulingStrategy::Standalone;
    family.revisions.truncate(1);
    family.revisions[0].task_definition = TaskDefinitionIx(1);
    blueprint.services.push(family);
    blueprint
}

fn reasons(stage: &Stage<'_>, kind: EventKind) -> Vec<(f64, String)> {
    let row = |seen: &Observation| match seen {
        Observation::Happened(event) if event.kind == kind => Some((event.at.seconds(), event.reason.clone())),
        _ => None,
    };
    stage.seen.iter().filter_map(row).collect()
}

#[test]
fn a_standalone_task_runs_its_life_and_is_not_replaced() {
    let blueprint = beside(0);
    let mut stage = Stage::new(&blueprint);
    stage.run_until(10.0);
    stage.act(|control, cx| control.run_task(cx, FAMILY, 1));
    stage.run_until(500.0);
    let way = [
        (10.0, "PROVISIONING"),
        (20.0, "PENDING"),
        (30.0, "ACTIVATING"),
        (31.0, "RUNNING"),
        (61.0, "STOPPING"),
        (61.0, "DEPROVISIONING"),
        (71.0, "STOPPED"),
    ];
    assert_eq!(stage.way(0), owned(&way));
    assert_eq!(stage.created(), [10.0]);
    assert!(
        reasons(&stage, EventKind::Service).is_empty(),
        "no service says anything of it"
    );
}

#[test]
fn run_task_fails_for_each_task_that_finds_no_place_and_does_not_try_again() {
    // Two instances of two tasks each, one of which is the service's: three fit.
    let mut blueprint = on_ec2(beside(1), 2);
    blueprint.services[1].capacity = blueprint.services[0].capacity.clone();
    let mut stage = Stage::new(&blueprint);
    stage.run_until(10.0);
    stage.act(|control, cx| control.run_task(cx, FAMILY, 5));
    stage.run_until(500.0);
    let failed = reasons(&stage, EventKind::RunTask);
    let expected = "RESOURCE:CPU (2 instances: 2 insufficient CPU units)";
    assert_eq!(failed, owned(&[(10.0, expected), (10.0, expected)]));
    assert_eq!(stage.created(), [10.0; 3]);
}

#[test]
fn standalone_tasks_take_capacity_from_services() {
    // Four fill both instances until they are STOPPED at 57 (RUNNING at 16, or 5 s of pull later, plus 30 s and 10 s); only
    // then does the service get its task.
    let mut blueprint = on_ec2(beside(0), 2);
    blueprint.services[1].capacity = blueprint.services[0].capacity.clone();
    let mut stage = Stage::new(&blueprint);
    stage.run_until(10.0);
    stage.act(|control, cx| control.run_task(cx, FAMILY, 4));
    stage.act(|control, cx| control.set_desired_count(cx, ServiceIx(0), 1, "test"));
    stage.run_until(300.0);
    let stopped = stage.entered("STOPPED")[0].0;
    assert_eq!(stage.created(), [10.0, 10.0, 10.0, 10.0, stopped + 1.0]);
}

#[test]
fn a_draining_instance_keeps_its_standalone_tasks() {
    let mut blueprint = on_ec2(beside(0), 1);
    blueprint.services[1].capacity = blueprint.services[0].capacity.clone();
    let mut stage = Stage::new(&blueprint);
    stage.run_until(10.0);
    stage.act(|control, cx| control.run_task(cx, FAMILY, 1));
    stage.run_until(12.0);
    stage.act(|control, cx| control.drain_instances(cx, GroupIx(0), 1, cx.key));
    stage.run_until(300.0);
    assert_eq!(stage.entered("RUNNING").len(), 1);
    assert_eq!(stage.entered("STOPPED").len(), 1);
    assert_eq!(
        stage.entered("STOPPED")[0].0 - stage.entered("RUNNING")[0].0,
        40.0,
        "its life and its end"
    );
}

#[test]
fn run_task_on_fargate_takes_20_calls_of_10_tasks_a_second() {
    // 205 tasks are 21 calls: 20 at once, the last one 50 ms later. The launch bucket is made large enough.
    let mut blueprint = beside(0);
    blueprint.model.fargate.launch_burst = 1000;
    let mut stage = Stage::new(&blueprint);
    stage.run_until(10.0);
    stage.act(|control, cx| control.run_task(cx, FAMILY, 205));
    stage.run_until(20.0);
    let created = stage.created();
    assert_eq!(created.iter().filter(|second| **second == 10.0).count(), 200);
    assert_eq!(created[200..], [10.05; 5]);
}

#[test]
fn run_task_is_called_again_after_a_pause_while_ecs_is_away() {
    // Called at 15, 22, 29 and 36; ECS is away from 10 to 35.
    let mut blueprint = beside(0);
    blueprint.model.scheduler.run_task_retry = Span::from_secs(7);
    let mut stage = Stage::new(&blueprint);
    stage.run_until(10.0);
    stage.act(|control, _| control.control_services_go(&[ControlService::Ecs]));
    stage.run_until(15.0);
    stage.act(|control, cx| control.run_task(cx, FAMILY, 1));
    stage.run_until(35.0);
    stage.act(|control, cx| control.control_services_return(cx, &[ControlService::Ecs]));
    stage.run_until(100.0);
    assert_eq!(stage.created(), [36.0]);
}

#[test]
fn run_task_waits_for_fargates_launch_bucket() {
    let mut blueprint = beside(0);
    blueprint.model.fargate.launch_burst = 2;
    blueprint.model.fargate.launch_rate = 1.0;
    let mut stage = Stage::new(&blueprint);
    stage.run_until(10.0);
    stage.act(|control, cx| control.run_task(cx, FAMILY, 4));
    stage.run_until(20.0);
    assert_eq!(stage.created(), [10.0, 10.0, 11.0, 12.0]);
}

#[test]
fn a_standalone_task_that_never_runs_is_not_throttled() {
    let mut blueprint = beside(0);
    blueprint.services[1].revisions[0].defects.fails_to_start = Ratio::ONE;
    blueprint.task_definitions[1].cpu = CpuUnits(512);
    let mut stage = Stage::new(&blueprint);
    stage.run_until(10.0);
    for _ in 0..3 {
        stage.act(|control, cx| control.run_task(cx, FAMILY, 1));
        let next = stage.cx.now().seconds() + 40.0;
        stage.run_until(next);
    }
    assert_eq!(stage.created(), [10.0, 50.0, 90.0]);
    assert!(reasons(&stage, EventKind::Service).is_empty());
}
