//! DRAINING instances. On instances that hold the image a task is RUNNING 6 s after its creation without a balancer, 9 s with
//! one (3 s of registration), where its first check comes 5 s later.

use super::harness::{Stage, as_daemon, constant, fleet, on_ec2, owned, without_balancer};
use crate::blueprint::{Blueprint, DrainingInstanceStop, GroupIx, ServiceIx};
use crate::cluster::task::TaskState;
use crate::sim::observation::EventKind;

/// Drains one of the instances at 10 s.
fn drained(blueprint: &Blueprint, until: f64) -> Stage<'_> {
    let mut stage = Stage::new(blueprint);
    stage.run_until(10.0);
    stage.act(|control, cx| control.drain_instances(cx, GroupIx(0), 1, cx.key));
    stage.run_until(until);
    stage
}

#[test]
fn running_tasks_of_a_draining_instance_are_replaced_within_the_bounds() {
    // Two tasks on each of two instances, a third has room. 100/200: two start at 11, RUNNING at 20, healthy at 25; the
    // two displaced ones go at 26.
    let mut blueprint = on_ec2(fleet(4), 3);
    blueprint.task_definitions[0].cpu = crate::units::CpuUnits(512);
    let stage = drained(&blueprint, 200.0);
    let moved = stage.created().len();
    assert_eq!(stage.created(), vec![11.0; moved]);
    let stopping: Vec<f64> = stage.entered("STOPPING").iter().map(|(second, _)| *second).collect();
    assert_eq!(stopping, vec![26.0; moved]);
    assert!(moved > 0);
    assert_eq!(stage.levels(), (0, 4, 4));
    let rows = stage.happened(EventKind::Instance);
    assert_eq!(
        rows.last().map(|(second, _, to)| (*second, to.as_str())),
        Some((10.0, "DRAINING"))
    );
    let is_draining = |control: &crate::sim::control_plane::ControlPlane| {
        control
            .instances
            .iter()
            .filter(|(_, host)| !host.is_active())
            .map(|(_, host)| host.tasks.len())
            .sum::<usize>()
    };
    assert_eq!(is_draining(&stage.control), 0, "it is empty in the end");
}

#[test]
fn with_a_maximum_of_100_percent_the_replacement_starts_once_the_old_task_stops() {
    // One task an instance, 50/100: 11: one stops, which makes room under the maximum at once; the next pass starts one.
    let mut blueprint = without_balancer(on_ec2(fleet(2), 3));
    blueprint.services[0].deployment.minimum_healthy_percent = 50;
    blueprint.services[0].deployment.maximum_percent = 100;
    let stage = drained(&blueprint, 100.0);
    let held = stage.entered("DEACTIVATING");
    if let Some((second, _)) = stage.entered("STOPPING").first() {
        assert_eq!((*second, stage.created()), (11.0, vec![12.0]));
    } else {
        panic!("nothing was on the drained instance: {held:?}");
    }
}

#[test]
fn with_100_and_100_percent_draining_cannot_progress() {
    let mut blueprint = without_balancer(on_ec2(fleet(3), 3));
    blueprint.services[0].deployment.maximum_percent = 100;
    let stage = drained(&blueprint, 1000.0);
    assert_eq!((stage.created(), stage.entered("STOPPING")), (vec![], vec![]));
    assert_eq!(stage.levels(), (0, 3, 3));
}

#[test]
fn pending_tasks_of_a_draining_instance_stop_at_once() {
    // Three start at 11 and attach their interfaces until 15; at 12 an instance is drained.
    let blueprint = without_balancer(on_ec2(fleet(0), 3));
    let mut stage = Stage::new(&blueprint);
    stage.run_until(10.0);
    stage.act(|control, cx| control.set_desired_count(cx, ServiceIx(0), 6, "test"));
    stage.run_until(12.0);
    stage.act(|control, cx| control.drain_instances(cx, GroupIx(0), 1, cx.key));
    let ended: Vec<f64> = stage
        .entered("DEPROVISIONING")
        .iter()
        .map(|(second, _)| *second)
        .collect();
    assert_eq!(ended, [12.0, 12.0]);
    stage.run_until(200.0);
    assert_eq!(stage.levels().1, 4, "the other two take two each");
}

#[test]
fn sigterm_comes_with_the_deregistration_or_after_its_delay() {
    for (stop, sigterm) in [
        (DrainingInstanceStop::AtOnce, 26.0),
        (DrainingInstanceStop::DeregisterFirst, 56.0),
    ] {
        let mut blueprint = on_ec2(fleet(2), 2);
        blueprint.model.scheduler.draining_instance_stop = stop;
        let stage = drained(&blueprint, 200.0);
        assert_eq!(stage.entered("STOPPING").len(), 1);
        assert_eq!(stage.entered("STOPPING")[0].0, sigterm);
    }
}

#[test]
fn daemons_leave_a_draining_instance_last() {
    // The replica is replaced at 11, the new one healthy at 57 (RUNNING at 17), stopped at 58, STOPPED at 70: then the
    // daemon goes, and is not replaced.
    let mut blueprint = without_balancer(on_ec2(fleet(0), 2));
    as_daemon(&mut blueprint.services[0]);
    blueprint.task_definitions[0].cpu = crate::units::CpuUnits(512);
    blueprint.task_definitions[0].containers[0].shut_down = constant(2.0);
    let mut replicas = blueprint.services[0].clone();
    replicas.name = "replicas".into();
    replicas.scheduling = crate::blueprint::Scheduling::default();
    replicas.deployment.minimum_healthy_percent = 100;
    replicas.deployment.maximum_percent = 200;
    replicas.desired_count = 2;
    blueprint.services.push(replicas);
    let stage = drained(&blueprint, 300.0);
    let (daemon, _) = stage
        .happened(EventKind::Task)
        .into_iter()
        .filter(|(second, ..)| *second == 70.0)
        .map(|(_, task, to)| (task.expect("a task's row"), to))
        .find(|(_, to)| to == "STOPPING")
        .expect("the daemon goes when the replica is gone");
    let way = stage.way(daemon).split_off(1);
    assert_eq!(
        way,
        owned(&[(70.0, "STOPPING"), (72.0, "DEPROVISIONING"), (82.0, "STOPPED")])
    );
    assert_eq!(stage.control.services[0].counts.of(TaskState::Running), 1);
    assert_eq!(stage.control.services[0].desired, 1);
}
