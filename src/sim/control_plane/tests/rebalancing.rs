//! AZ rebalancing. Without a balancer a task on Fargate is RUNNING 21 s after its creation and healthy 40 s later.

use super::harness::{Stage, fleet, on_ec2, without_balancer};
use crate::blueprint::{Blueprint, GroupIx, ServiceIx, ZoneIx, ZoneRebalancing};

fn rebalanced(mut blueprint: Blueprint) -> Blueprint {
    blueprint.services[0].scheduling.zone_rebalancing = ZoneRebalancing::Enabled;
    blueprint
}

/// Live tasks by zone.
fn zones(stage: &Stage<'_>) -> [usize; 2] {
    let in_zone = |zone: u16| {
        let tasks = stage.control.tasks.iter();
        tasks
            .filter(|(_, task)| task.zone == ZoneIx(zone) && task.state().is_live())
            .count()
    };
    [in_zone(0), in_zone(1)]
}

/// Zone 1 is lost from 10 s to 1000 s.
fn outage(blueprint: &Blueprint, until: f64) -> Stage<'_> {
    let mut stage = Stage::new(blueprint);
    stage.run_until(10.0);
    stage.act(|control, cx| control.zone_outage_begins(cx, ZoneIx(1)));
    stage.run_until(1000.0);
    stage.act(|control, cx| control.zone_outage_ends(cx, ZoneIx(1)));
    stage.run_until(until);
    stage
}

#[test]
fn after_a_zone_outage_tasks_are_moved_back_one_at_a_time() {
    // In the outage all four come to stand in zone 0. A launch into zone 1 that fails makes it shunned for 300 s; at the
    // first look after 1000 s two tasks are moved, one after the other.
    let blueprint = rebalanced(without_balancer(fleet(4)));
    let stage = outage(&blueprint, 4000.0);
    assert_eq!(zones(&stage), [2, 2]);
    let started = stage.said("is not AZ balanced with 4 tasks in us-east-1a, 0 tasks in us-east-1b. AZ Rebalancing");
    let done = stage.said("is AZ balanced with 2 tasks in us-east-1a, 2 tasks in us-east-1b.");
    let (begun, done) = (*started.last().expect("it begins"), done[0]);
    // Each: RUNNING after 21 s, healthy after 61, the pass and the stop at 62, STOPPED 12 s later, and a pass.
    assert!(begun > 1000.0 && begun < 1400.0, "{begun}");
    assert_eq!(done - begun, 150.0);
    let created: Vec<f64> = stage.created().into_iter().filter(|second| *second >= begun).collect();
    assert_eq!(created, [begun, begun + 75.0]);
}

#[test]
fn without_rebalancing_tasks_stay_where_they_are() {
    let blueprint = without_balancer(fleet(4));
    assert_eq!(zones(&outage(&blueprint, 4000.0)), [4, 0]);
}

#[test]
fn a_balanced_service_does_nothing() {
    let blueprint = rebalanced(without_balancer(fleet(5)));
    let mut stage = Stage::new(&blueprint);
    stage.run_until(20_000.0);
    assert!(stage.created().is_empty());
}

#[test]
fn rebalancing_waits_for_a_steady_state_and_for_room_above_the_desired_count() {
    let mut blueprint = rebalanced(without_balancer(fleet(4)));
    blueprint.services[0].deployment.minimum_healthy_percent = 50;
    blueprint.services[0].deployment.maximum_percent = 100;
    assert_eq!(zones(&outage(&blueprint, 4000.0)), [4, 0]);
}

#[test]
fn on_instances_rebalancing_needs_one_with_room_in_the_emptiest_zone() {
    // Two instances, one in each zone; the one of zone 1 dies with its task, which starts again in zone 0 (room for two).
    // The new instance of zone 1 is registered 90 + 50 s later: a pass later a task goes there, and in the end one of the other zone.
    let mut blueprint = rebalanced(without_balancer(on_ec2(fleet(2), 2)));
    blueprint.auto_scaling_groups[0].awsvpc_tasks = 2;
    let mut stage = Stage::new(&blueprint);
    stage.run_until(10.0);
    stage.act(|control, cx| control.lose_instances(cx, GroupIx(0), 1, cx.key));
    stage.run_until(149.0);
    let lonely = zones(&stage);
    assert!(lonely == [2, 0] || lonely == [0, 2], "{lonely:?}");
    stage.run_until(400.0);
    assert_eq!(zones(&stage), [1, 1]);
    assert_eq!(stage.created(), [101.0, 151.0]);
    assert_eq!(stage.entered("STOPPING").len(), 1);
}

#[test]
fn scale_in_during_a_move_ends_it() {
    let blueprint = rebalanced(without_balancer(fleet(4)));
    let mut stage = outage(&blueprint, 1000.0);
    let mut second = 1000.0;
    while stage.created().last().is_none_or(|created| *created < 1000.0) {
        second += 1.0;
        stage.run_until(second);
    }
    stage.act(|control, cx| control.set_desired_count(cx, ServiceIx(0), 1, "test"));
    stage.run_until(4000.0);
    assert_eq!(stage.levels(), (0, 1, 1));
}
