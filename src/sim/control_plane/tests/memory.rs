//! Memory that grows, kills, and what monitoring sees of it; CPU that is used beside the server.

use super::harness::{Stage, constant, container, fleet, on_ec2, without_balancer};
use super::life_cycle::record;
use crate::blueprint::*;
use crate::sim::signal::{CpuLeft, Order, Signal};
use crate::units::{CpuUnits, MiB, Span};

fn uses(base: u64, growth_per_hour: u64) -> Option<MemoryUse> {
    Some(MemoryUse {
        base: MiB(base),
        growth_per_hour: MiB(growth_per_hour),
    })
}

const REASON: &str = "OutOfMemoryError: Container killed due to memory usage";

#[test]
fn a_container_is_killed_when_it_reaches_its_hard_limit() {
    // 500 of 1,000 MiB, and 5 MiB a second more: 100 s.
    let mut blueprint = without_balancer(fleet(1));
    let app = &mut blueprint.task_definitions[0].containers[0];
    app.memory_limit = Some(MiB(1000));
    app.memory_use = uses(500, 18_000);
    let mut stage = Stage::new(&blueprint);
    stage.run_until(120.0);
    let killed = record(&stage, 0);
    assert_eq!(killed.stopping.map(|at| at.seconds()), Some(100.0));
    assert_eq!(
        (killed.stop_code, killed.stop_reason.as_str()),
        ("EssentialContainerExited", REASON)
    );
    assert_eq!(killed.exit_codes, "app=137");
}

#[test]
fn beyond_the_tasks_memory_the_largest_container_is_killed() {
    // 2,048 MiB for both: 1,000 + 800, and 2.48 MiB a second together reach it after 100 s; by then the second is larger.
    let mut blueprint = without_balancer(fleet(1));
    let definition = &mut blueprint.task_definitions[0];
    definition.containers[0].memory_use = uses(1000, 0);
    let mut leaking = container("leaking");
    leaking.essential = false;
    leaking.memory_use = uses(800, 8_928);
    definition.containers.push(leaking);
    let mut stage = Stage::new(&blueprint);
    stage.run_until(99.9);
    let state = |stage: &Stage<'_>| {
        let (_, task) = stage.control.tasks.iter().next().expect("it runs");
        [task.containers[0].is_running(), task.containers[1].is_running()]
    };
    assert_eq!(state(&stage), [true, true]);
    stage.run_until(100.1);
    assert_eq!(state(&stage), [true, false]);
}

#[test]
fn requests_have_what_containers_leave_and_the_server_is_killed_when_they_have_taken_it() {
    // 2,048 MiB, of which containers have 1,000 and grow by 1 MiB a second; the server's own limit is wider.
    let mut blueprint = without_balancer(fleet(1));
    let app = &mut blueprint.task_definitions[0].containers[0];
    app.memory_use = uses(1000, 3600);
    let mut stage = Stage::new(&blueprint);
    stage.run_until(10.0);
    let (id, _) = stage.control.tasks.iter().next().expect("it runs");
    let left = stage.control.memory_left(&stage.cx, id);
    assert_eq!((left.room, left.shrinks), (1048.0, 1.0));
    stage.act(|control, cx| control.receive(cx, Signal::OutOfMemory(id)));
    stage.run_until(60.0);
    let killed = record(&stage, 0);
    assert_eq!(
        (killed.stop_code, killed.stop_reason.as_str()),
        ("EssentialContainerExited", REASON)
    );
}

#[test]
fn a_restarted_container_begins_with_little_memory_again() {
    let mut blueprint = without_balancer(fleet(1));
    let app = &mut blueprint.task_definitions[0].containers[0];
    app.memory_limit = Some(MiB(1000));
    app.memory_use = uses(500, 18_000);
    app.restart_policy = Some(RestartPolicy {
        ignored_exit_codes: vec![],
        attempt_period: Span::from_secs(60),
    });
    let mut stage = Stage::new(&blueprint);
    stage.run_until(250.0);
    let kills = stage
        .orders
        .iter()
        .filter(|(_, order)| matches!(order, Order::KillServer(_)));
    // Killed at 100, runs from 101: killed at 201.
    assert_eq!(kills.map(|(at, _)| *at).collect::<Vec<_>>(), [100.0, 201.0]);
}

#[test]
fn a_deployment_may_bring_a_leak() {
    let mut blueprint = without_balancer(fleet(1));
    let mut leaking = blueprint.task_definitions[0].clone();
    leaking.containers[0].memory_use = uses(0, 2048 * 36);
    blueprint.task_definitions.push(leaking);
    blueprint.services[0].revisions[1].task_definition = TaskDefinitionIx(1);
    let mut stage = Stage::new(&blueprint);
    stage.run_until(10.0);
    stage.deploy(1);
    // Created at 10 (the deployment begins at once) or 11; its container runs 21 s after that, and is killed 100 s later.
    stage.run_until(200.0);
    let killed = record(&stage, 1);
    assert_eq!(killed.stop_reason, REASON);
    let lived = killed.stopping.expect("it stops").seconds() - killed.running.expect("it ran").seconds();
    assert_eq!(lived, 100.0);
}

#[test]
fn a_sidecar_takes_what_it_uses_and_no_more_than_its_shares() {
    // 1,024 units. A sidecar with 256 of 1,024 shares uses 100: the server has 924. One that would use 600 gets 256.
    for (used, left) in [(100, 924), (600, 768)] {
        let mut blueprint = without_balancer(fleet(1));
        let definition = &mut blueprint.task_definitions[0];
        definition.containers[0].cpu = CpuUnits(768);
        let mut sidecar = container("sidecar");
        sidecar.cpu = CpuUnits(256);
        sidecar.cpu_use = CpuUnits(used);
        definition.containers.push(sidecar);
        let stage = Stage::new(&blueprint);
        let started = stage.orders.iter().find_map(|(_, order)| match order {
            Order::StartServer(spec) => Some(spec.left),
            _ => None,
        });
        let expected = CpuLeft {
            server: CpuUnits(left),
            beside: CpuUnits(1024 - left),
            shares: [768, 256],
        };
        assert_eq!(started, Some(expected));
    }
}

#[test]
fn the_server_has_the_whole_again_when_the_sidecar_ends() {
    // The sidecar starts with the server at 20 s, both run from 21; it ends 7 s later.
    let mut blueprint = without_balancer(fleet(1));
    blueprint.start = Start::Empty;
    let mut sidecar = container("init");
    sidecar.essential = false;
    sidecar.cpu_use = CpuUnits(200);
    sidecar.exits = Some(ContainerExit {
        after: constant(7.0),
        code: 0,
    });
    blueprint.task_definitions[0].containers.push(sidecar);
    let mut stage = Stage::new(&blueprint);
    stage.run_until(100.0);
    let parted = stage.orders.iter().filter_map(|(at, order)| match order {
        Order::PartCpu { left, .. } => Some((*at, left.server.0)),
        _ => None,
    });
    assert_eq!(parted.collect::<Vec<_>>(), [(21.0, 824), (28.0, 1024)]);
}

#[test]
fn a_task_without_a_limit_takes_from_its_instance_by_shares() {
    // Two containers with 512 and 256 of the instance's shares; the second computes on three vCPUs of which there are two.
    let mut blueprint = on_ec2(without_balancer(fleet(1)), 2);
    let definition = &mut blueprint.task_definitions[0];
    definition.cpu_limit = CpuLimit::Shares;
    definition.containers[0].cpu = CpuUnits(512);
    let mut sidecar = container("sidecar");
    sidecar.cpu = CpuUnits(256);
    sidecar.cpu_use = CpuUnits(3 * 1024);
    definition.containers.push(sidecar);
    let stage = Stage::new(&blueprint);
    let hosts = stage
        .orders
        .iter()
        .filter(|(_, order)| matches!(order, Order::HostStands(_)));
    assert_eq!(hosts.count(), 2, "both instances stand before anything runs on them");
    let started = stage.orders.iter().find_map(|(_, order)| match order {
        Order::StartServer(spec) => Some((spec.left, spec.host)),
        _ => None,
    });
    let (left, host) = started.expect("the task stands");
    let whole = CpuUnits(2048);
    assert_eq!((left.server, left.beside, left.shares), (whole, whole, [512, 256]));
    let host = host.expect("its instance is shared");
    assert_eq!((host.shares, host.limit), (768, CpuLimit::Shares));
}
