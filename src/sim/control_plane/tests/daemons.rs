//! DAEMON services: one task an instance, before all others. Without a balancer, on instances that hold the image: RUNNING
//! 6 s after its creation (interface 4, PENDING 1, start 1), healthy 40 s later; STOPPED 12 s after its end began.

use super::harness::{Stage, as_daemon, fleet, on_ec2, owned, without_balancer};
use crate::blueprint::{Blueprint, GroupIx, PlacementConstraint, Start};
use crate::units::Ratio;

fn daemons(instances: u32) -> Blueprint {
    let mut blueprint = without_balancer(on_ec2(fleet(0), instances));
    as_daemon(&mut blueprint.services[0]);
    blueprint
}

#[test]
fn a_daemon_service_has_one_task_on_each_instance() {
    let blueprint = daemons(3);
    let mut stage = Stage::new(&blueprint);
    stage.run_until(10.0);
    assert_eq!(stage.levels(), (0, 3, 3));
    let hosts: Vec<usize> = stage
        .control
        .instances
        .iter()
        .map(|(_, host)| host.tasks.len())
        .collect();
    assert_eq!(hosts, [1, 1, 1]);
}

#[test]
fn daemons_take_their_capacity_before_replicas() {
    // Two tasks fit an instance. The replica service stands first in the scenario and wants six; its daemons leave it three.
    let mut blueprint = daemons(3);
    let mut replicas = blueprint.services[0].clone();
    replicas.name = "replicas".into();
    replicas.scheduling = crate::blueprint::Scheduling::default();
    replicas.desired_count = 6;
    blueprint.services.insert(0, replicas);
    let stage = Stage::new(&blueprint);
    let running = |at: usize| stage.control.services[at].counts.running();
    assert_eq!((running(0), running(1)), (3, 3));
}

#[test]
fn a_new_instance_gets_its_daemon_in_the_moment_of_its_registration() {
    // Lost at 10 s and declared so at 100 s, when its daemon goes and is not replaced elsewhere; the new instance is
    // registered 50 s later.
    let blueprint = daemons(2);
    let mut stage = Stage::new(&blueprint);
    stage.run_until(10.0);
    stage.act(|control, cx| control.lose_instances(cx, GroupIx(0), 1, cx.key));
    stage.run_until(120.0);
    assert_eq!((stage.levels().1, stage.control.services[0].desired), (1, 1));
    stage.run_until(300.0);
    assert_eq!(stage.entered("PROVISIONING"), [(150.0, 2)]);
    assert_eq!(stage.levels(), (0, 2, 2));
}

#[test]
fn from_an_empty_start_daemons_come_with_their_instances() {
    let mut blueprint = daemons(2);
    blueprint.start = Start::Empty;
    let mut stage = Stage::new(&blueprint);
    stage.run_until(200.0);
    assert_eq!(stage.created(), [50.0, 50.0]);
}

#[test]
fn a_rolling_update_of_daemons_stops_then_starts() {
    // 11: all three stop (minimum 0). STOPPED at 23, seen at 24; healthy at 70.
    let blueprint = daemons(3);
    let mut stage = Stage::new(&blueprint);
    stage.run_until(10.0);
    stage.deploy(1);
    stage.run_until(200.0);
    assert_eq!(
        stage.steps(),
        owned(&[(11.0, "stop 3"), (24.0, "start 3"), (71.0, "complete")])
    );
    assert_eq!(stage.outcomes(), [("COMPLETED", 71.0)]);
}

#[test]
fn a_minimum_of_50_percent_updates_daemons_one_after_the_other() {
    // ceil(3 × 50 %) = 2 stay: one every 60 s (13 s to stop, 47 s to be healthy and seen).
    let mut blueprint = daemons(3);
    blueprint.services[0].deployment.minimum_healthy_percent = 50;
    let mut stage = Stage::new(&blueprint);
    stage.run_until(10.0);
    stage.deploy(1);
    stage.run_until(300.0);
    let expected = [
        (11.0, "stop 1"),
        (24.0, "start 1"),
        (71.0, "stop 1"),
        (84.0, "start 1"),
        (131.0, "stop 1"),
        (144.0, "start 1"),
        (191.0, "complete"),
    ];
    assert_eq!(stage.steps(), owned(&expected));
}

#[test]
fn a_daemon_goes_only_to_instances_that_meet_its_constraints() {
    let mut blueprint = daemons(4);
    blueprint.services[0].placement_constraints = vec![PlacementConstraint::Zones(0b10)];
    let mut stage = Stage::new(&blueprint);
    stage.run_until(10.0);
    assert_eq!(stage.levels(), (0, 2, 2));
    assert_eq!(stage.control.services[0].desired, 2);
}

#[test]
fn daemons_that_never_run_are_throttled() {
    let mut blueprint = daemons(1);
    blueprint.services[0].revisions[1].defects.fails_to_start = Ratio::ONE;
    let mut stage = Stage::new(&blueprint);
    stage.run_until(10.0);
    stage.deploy(1);
    stage.run_until(200.0);
    // Created at 24, fails 6 s later, STOPPED at 40 (10 s of DEPROVISIONING): 15 s from 30 s on; then 30 s from 51 on.
    assert_eq!(stage.created()[..3], [24.0, 45.0, 81.0]);
}

#[test]
fn an_instance_without_room_keeps_no_other_from_its_daemon() {
    // A replica fills one of two instances before the daemon's new revision needs twice the room.
    let mut blueprint = daemons(2);
    let mut large = blueprint.task_definitions[0].clone();
    large.cpu = crate::units::CpuUnits(2048);
    blueprint.task_definitions.push(large);
    blueprint.services[0].revisions[1].task_definition = crate::blueprint::TaskDefinitionIx(1);
    let mut replicas = blueprint.services[0].clone();
    replicas.name = "replicas".into();
    replicas.scheduling = crate::blueprint::Scheduling::default();
    replicas.desired_count = 1;
    blueprint.services.push(replicas);
    let mut stage = Stage::new(&blueprint);
    stage.run_until(10.0);
    stage.deploy(1);
    stage.run_until(100.0);
    assert_eq!(stage.levels(), (0, 1, 1));
    assert_eq!(stage.said("has insufficient CPU units available")[..2], [24.0, 84.0]);
}
