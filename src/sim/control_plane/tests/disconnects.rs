//! Agents that are cut off, log drivers that block, and disks that are full.

use super::harness::{Stage, fleet, on_ec2, without_balancer};
use super::life_cycle::record;
use crate::blueprint::*;
use crate::sim::signal::Order;
use crate::units::MiB;

/// The agents of both instances are cut off at 10 s.
fn cut_off(blueprint: &Blueprint) -> Stage<'_> {
    let mut stage = Stage::new(blueprint);
    stage.run_until(10.0);
    let key = stage.cx.key;
    stage.act(|control, cx| control.agents_disconnect(cx, 0, GroupIx(0), 2, key));
    stage
}

#[test]
fn nothing_is_placed_where_the_agent_is_cut_off_and_what_runs_goes_on() {
    let blueprint = without_balancer(on_ec2(fleet(2), 2));
    let mut stage = cut_off(&blueprint);
    stage.act(|control, cx| control.set_desired_count(cx, ServiceIx(0), 3, "test"));
    // Far longer than what makes a silent host lost.
    stage.run_until(1000.0);
    assert_eq!(stage.created(), [0.0; 0]);
    assert_eq!(stage.levels(), (0, 2, 2));
    assert_eq!(stage.control.instances.len(), 2);
    // The agents try every 2 minutes, or a fifth later: the task is placed then.
    stage.act(|control, cx| control.agents_may_reconnect(cx, 0));
    stage.run_until(1000.0 + 145.0);
    assert_eq!(stage.created().len(), 1);
}

#[test]
fn an_exit_is_seen_when_the_agent_is_back() {
    let blueprint = without_balancer(on_ec2(fleet(2), 2));
    let mut stage = cut_off(&blueprint);
    let key = stage.cx.key;
    stage.run_until(20.0);
    stage.act(|control, cx| control.crash_tasks(cx, &crate::blueprint::Selection::some_of(ServiceIx(0), 1), key));
    stage.run_until(30.0);
    assert_eq!(stage.levels(), (0, 2, 2));
    // 20 s of pauses from 250 ms on, half as long again each: the next attempt is less than 10 s away.
    stage.act(|control, cx| control.agents_may_reconnect(cx, 0));
    stage.run_until(42.0);
    let seen = stage.entered("STOPPING");
    assert_eq!(seen.len(), 1);
    assert!(seen[0].0 >= 30.0, "{seen:?}");
}

#[test]
fn a_blocking_log_driver_stops_the_server_while_cloudwatch_takes_nothing() {
    let mut blueprint = without_balancer(fleet(1));
    blueprint.task_definitions[0].containers[0].logs = Some(Logs::Blocking);
    let speeds = |blueprint: &Blueprint| {
        let mut stage = Stage::new(blueprint);
        stage.run_until(10.0);
        stage.act(|control, cx| control.logs_stall_begins(cx));
        stage.run_until(20.0);
        stage.act(|control, cx| control.logs_stall_ends(cx));
        let speeds = stage.orders.iter().filter_map(|(at, order)| match order {
            Order::SetSpeed { speed, .. } => Some((*at, *speed)),
            _ => None,
        });
        speeds.collect::<Vec<_>>()
    };
    assert_eq!(speeds(&blueprint), [(10.0, 0.0), (20.0, 1.0)]);
    blueprint.task_definitions[0].containers[0].logs = Some(Logs::NonBlocking);
    assert_eq!(speeds(&blueprint), []);
}

#[test]
fn an_image_that_does_not_fit_the_disk_is_not_pulled() {
    // 20 GiB hold 8 GiB at 2.5 to one: 102.4 s at 80 MiB/s, from 15 s on. With 1 GiB more it fits: 8.4 GiB.
    let mut blueprint = without_balancer(fleet(1));
    blueprint.start = Start::Empty;
    blueprint.layers[0].size = MiB(8200);
    let mut stage = Stage::new(&blueprint);
    stage.run_until(130.0);
    let failed = record(&stage, 0);
    assert_eq!(failed.stopping.map(|at| at.seconds()), Some(117.4));
    assert!(failed.stop_reason.ends_with("no space left on device"));
    blueprint.task_definitions[0].extra_storage_gib = 1;
    let mut stage = Stage::new(&blueprint);
    stage.run_until(130.0);
    assert_eq!(stage.entered("ACTIVATING"), [(117.5, 0)]);
}
