//! Auto Scaling groups and what instances have room for.

use super::harness::{Stage, constant, fleet, on_ec2, without_balancer};
use crate::blueprint::*;
use crate::cluster::task::TaskState;
use crate::sim::observation::EventKind;
use crate::sim::signal::{Interface, Order};

fn zones_of_instances(stage: &Stage<'_>) -> Vec<ZoneIx> {
    let mut zones: Vec<ZoneIx> = stage
        .control
        .instances
        .iter()
        .map(|(_, instance)| instance.zone)
        .collect();
    zones.sort();
    zones
}

#[test]
fn a_group_spreads_its_instances_over_its_zones() {
    let blueprint = on_ec2(fleet(0), 5);
    let stage = Stage::new(&blueprint);
    assert_eq!(
        zones_of_instances(&stage),
        [ZoneIx(0), ZoneIx(0), ZoneIx(0), ZoneIx(1), ZoneIx(1)]
    );
}

#[test]
fn a_lost_instance_is_replaced_once_it_is_known_to_be_lost() {
    // Lost at 10 s: silent, its two tasks' servers dead at once. 100: declared lost after 90 s; a new one takes 50 s.
    let blueprint = on_ec2(fleet(2), 2);
    let mut stage = Stage::new(&blueprint);
    stage.run_until(10.0);
    stage.act(|control, cx| control.lose_instances(cx, GroupIx(0), 1, cx.key));
    stage.run_until(300.0);
    let rows: Vec<(f64, String)> = stage
        .happened(EventKind::Instance)
        .into_iter()
        .filter(|(second, ..)| *second > 0.0)
        .map(|(second, _, to)| (second, to))
        .collect();
    let expected = [
        (10.0, "InService"),
        (100.0, "Terminated"),
        (100.0, "Pending"),
        (150.0, "InService"),
    ];
    assert_eq!(rows, super::harness::owned(&expected));
    assert_eq!(zones_of_instances(&stage), [ZoneIx(0), ZoneIx(1)]);
    // Its task was found unhealthy (refused at 15 and 25) and replaced on the other instance at 26; it held its place
    // until 100.
    assert_eq!(stage.entered("PROVISIONING"), [(26.0, 2)]);
    assert_eq!(stage.entered("STOPPED").len(), 1);
    assert_eq!(stage.entered("STOPPED")[0].0, 100.0);
}

#[test]
fn an_instance_takes_as_many_awsvpc_tasks_as_it_has_interfaces_for() {
    let mut blueprint = on_ec2(fleet(3), 1);
    blueprint.auto_scaling_groups[0].awsvpc_tasks = 2;
    blueprint.task_definitions[0].cpu = crate::units::CpuUnits(128);
    blueprint.task_definitions[0].memory = crate::units::MiB(128);
    let mut stage = Stage::new(&blueprint);
    stage.run_until(500.0);
    assert_eq!(stage.levels().1, 2);
    // At the start, and at each retry.
    assert_eq!(stage.said("1 instances: 1 no network interface left")[..2], [0.0, 60.0]);
}

#[test]
fn a_static_host_port_allows_one_task_an_instance() {
    let mut blueprint = on_ec2(fleet(3), 2);
    blueprint.task_definitions[0].network_mode = NetworkMode::Host;
    blueprint.task_definitions[0].containers[0].host_ports = vec![80];
    let mut stage = Stage::new(&blueprint);
    stage.run_until(500.0);
    assert_eq!(stage.levels().1, 2);
    assert_eq!(stage.said("2 instances: 2 host port in use")[0], 0.0);
}

#[test]
fn a_task_that_waits_for_a_place_takes_it_as_soon_as_one_is_free() {
    // Full with 4. A fifth is wanted at 10. At 20 the count is 4 again and one goes... so instead a second service's task
    // is stopped: STOPPED at 21 + 12 = 33; 34: the waiting one is created, long before the retry at 71.
    let mut blueprint = without_balancer(on_ec2(fleet(3), 2));
    let mut other = blueprint.services[0].clone();
    other.name = "other".into();
    other.desired_count = 1;
    blueprint.services.push(other);
    let mut stage = Stage::new(&blueprint);
    stage.run_until(10.0);
    stage.act(|control, cx| control.set_desired_count(cx, ServiceIx(0), 4, "test"));
    stage.run_until(20.0);
    stage.act(|control, cx| control.set_desired_count(cx, ServiceIx(1), 0, "test"));
    stage.run_until(60.0);
    assert_eq!(stage.entered("STOPPED")[0].0, 33.0);
    assert_eq!(stage.entered("PROVISIONING"), [(34.0, 4)]);
}

#[test]
fn everything_a_task_takes_is_taken_until_it_is_stopped() {
    let blueprint = without_balancer(on_ec2(fleet(1), 1));
    let mut stage = Stage::new(&blueprint);
    let free = |stage: &Stage<'_>| {
        stage
            .control
            .instances
            .iter()
            .next()
            .expect("one instance")
            .1
            .free
            .cpu
            .0
    };
    assert_eq!(free(&stage), 1024);
    stage.run_until(10.0);
    stage.act(|control, cx| control.set_desired_count(cx, ServiceIx(0), 0, "test"));
    // 11: stopping; 13: DEPROVISIONING; 23: STOPPED.
    stage.run_until(22.9);
    assert_eq!(stage.control.services[0].counts.of(TaskState::Deprovisioning), 1);
    assert_eq!(free(&stage), 1024);
    stage.run_until(23.1);
    assert_eq!(free(&stage), 2048);
}

#[test]
fn an_empty_start_launches_the_group_and_places_tasks_when_instances_register() {
    let mut blueprint = on_ec2(fleet(2), 2);
    blueprint.start = Start::Empty;
    blueprint.auto_scaling_groups[0].launch_time = constant(80.0);
    let mut stage = Stage::new(&blueprint);
    stage.run_until(300.0);
    // In service at 80; a pass later placed; interface 4, pending 1, pull 5, start 1, registration 3.
    assert_eq!(stage.created(), [81.0, 81.0]);
    assert_eq!(stage.entered("RUNNING"), [(95.0, 0), (95.0, 1)]);
    assert_eq!(stage.outcomes(), [("COMPLETED", 101.0)]);
}

#[test]
fn binpack_fills_one_instance_and_spread_fills_all() {
    let used = |strategy| {
        let mut blueprint = on_ec2(fleet(2), 2);
        blueprint.services[0].placement_strategy = vec![strategy];
        let stage = Stage::new(&blueprint);
        let mut tasks: Vec<usize> = stage
            .control
            .instances
            .iter()
            .map(|(_, instance)| instance.tasks.len())
            .collect();
        tasks.sort_unstable();
        tasks
    };
    assert_eq!(used(PlacementStrategy::BinpackMemory), [0, 2]);
    assert_eq!(used(PlacementStrategy::SpreadInstance), [1, 1]);
    assert_eq!(used(PlacementStrategy::SpreadZone), [1, 1]);
}

#[test]
fn tasks_of_an_instance_have_its_interface_and_baseline_and_fargate_tasks_their_own() {
    let interfaces = |blueprint: &Blueprint| -> Vec<Interface> {
        let stage = Stage::new(blueprint);
        let started = stage.orders.iter().filter_map(|(_, order)| match order {
            Order::StartServer(spec) => Some(spec.interface),
            _ => None,
        });
        started.collect()
    };
    // Two tasks on one m6i.large, whose baseline is 781 Mbit/s.
    let shared = interfaces(&on_ec2(without_balancer(fleet(2)), 1));
    assert!(shared[0].instance.is_some() && shared[0] == shared[1]);
    assert_eq!(shared[0].bandwidth, 781e6 / 8.0);
    let mut blueprint = without_balancer(fleet(1));
    blueprint.wires.fargate_bandwidth = 1e6;
    let vcpus = blueprint.task_definitions[0].cpu.vcpus();
    let own = Interface {
        instance: None,
        bandwidth: 1e6 * vcpus,
    };
    assert_eq!(interfaces(&blueprint), [own]);
}
