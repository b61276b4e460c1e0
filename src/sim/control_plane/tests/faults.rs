//! Zone outages, dead and slow instances.

use super::harness::{Health, Stage, fleet, on_ec2, owned, without_balancer};
use crate::blueprint::*;
use crate::cluster::task::TaskState;
use crate::sim::control_plane::SlowInstances;
use crate::sim::signal::Order;

/// The zone's tasks answer no checks any more, or do again: the data plane's half.
fn hush(stage: &mut Stage<'_>, zone: ZoneIx) {
    let there: Vec<u32> = stage
        .control
        .tasks
        .iter()
        .filter(|(_, task)| task.zone == zone)
        .map(|(_, task)| task.ordinal)
        .collect();
    for task in there {
        stage.of_task.insert(task, Health::Silent);
    }
}

#[test]
fn an_outage_is_known_by_failed_checks_first_and_by_silence_later() {
    // 4 tasks, two in zone b (1 and 3). Out at 10: checks at 15 and 25 time out at 20 and 30: unhealthy at 30. 31: two
    // replacements start, both in zone a? Placement does not know of the outage: fewest tasks of the service are in no
    // zone (2 and 2), so the first goes to a, the second to b, where its launch fails at 41. 100: lost.
    let blueprint = fleet(4);
    let mut stage = Stage::new(&blueprint);
    stage.run_until(10.0);
    hush(&mut stage, ZoneIx(1));
    stage.act(|control, cx| control.zone_outage_begins(cx, ZoneIx(1)));
    stage.run_until(400.0);
    assert_eq!(stage.target(1)[..2], owned(&[(0.0, "healthy"), (30.0, "unhealthy")]));
    assert_eq!(stage.created()[..2], [31.0, 31.0]);
    // The failed launch is DEPROVISIONING at 41; the throttle delays the next by 15 s: 56, and zone b is avoided.
    let failed = stage.entered("DEPROVISIONING")[0];
    assert_eq!(failed.0, 41.0);
    assert_eq!(stage.created()[2], 56.0);
    assert_eq!(stage.levels(), (0, 4, 4));
    for (_, task) in stage.control.tasks.iter() {
        assert_eq!(task.zone, ZoneIx(0));
    }
    // The two in zone b were told to stop when their replacements were healthy, but only silence ended them.
    let ended: Vec<(f64, u32)> = stage
        .entered("STOPPED")
        .into_iter()
        .filter(|(_, task)| *task == 1 || *task == 3)
        .collect();
    assert_eq!(ended, [(100.0, 1), (100.0, 3)]);
}

#[test]
fn what_is_heard_again_before_it_is_lost_goes_on() {
    // Out from 10 to 24: one check (15) failed, none more; nothing happens.
    let blueprint = fleet(4);
    let mut stage = Stage::new(&blueprint);
    stage.run_until(10.0);
    hush(&mut stage, ZoneIx(1));
    stage.act(|control, cx| control.zone_outage_begins(cx, ZoneIx(1)));
    stage.run_until(24.0);
    stage.of_task.clear();
    stage.act(|control, cx| control.zone_outage_ends(cx, ZoneIx(1)));
    stage.run_until(300.0);
    assert_eq!(stage.created(), [0.0; 0]);
    assert_eq!(stage.levels(), (0, 4, 4));
}

#[test]
fn a_task_on_its_way_out_in_a_silent_zone_is_held_and_then_goes_on() {
    // Scaled in at 5: task stops at 6, drains until 36. Its zone is out from 10 to 50: no signal reaches it at 36. At 50
    // it gets it: 2 s, 10 s.
    let mut blueprint = fleet(1);
    blueprint.load_balancers[0].zones = vec![ZoneIx(1)];
    let mut stage = Stage::new(&blueprint);
    stage.run_until(5.0);
    stage.act(|control, cx| control.set_desired_count(cx, ServiceIx(0), 0, "test"));
    stage.run_until(10.0);
    stage.act(|control, cx| control.zone_outage_begins(cx, ZoneIx(0)));
    stage.run_until(50.0);
    stage.act(|control, cx| control.zone_outage_ends(cx, ZoneIx(0)));
    stage.run_until(100.0);
    let expected = [
        (0.0, "RUNNING"),
        (6.0, "DEACTIVATING"),
        (50.0, "STOPPING"),
        (52.0, "DEPROVISIONING"),
        (62.0, "STOPPED"),
    ];
    assert_eq!(stage.way(0), owned(&expected));
}

#[test]
fn nodes_in_an_unreachable_zone_have_no_say() {
    // One node in each zone; the targets in zone a answer nobody: both nodes hold them unhealthy at 30. The node in zone b
    // would not change that.
    let mut blueprint = fleet(2);
    blueprint.load_balancers[0].zones = vec![ZoneIx(0), ZoneIx(1)];
    blueprint.services[0].health_check_grace_period = crate::units::Span::from_secs(3600);
    let mut stage = Stage::new(&blueprint);
    stage.run_until(2.0);
    // Node 1 fails everything from the beginning; node 0 passes.
    stage.act(|control, _| {
        for target in &mut control.target_groups[0].targets {
            target.views[0].opinion = crate::cluster::target_group::Opinion::Unhealthy;
        }
    });
    assert_eq!(stage.target(0), owned(&[(0.0, "healthy")]));
    // With the zone of node 1 gone, only node 0 is asked.
    stage.act(|control, cx| control.zone_outage_begins(cx, ZoneIx(1)));
    assert_eq!(stage.target(0), owned(&[(0.0, "healthy"), (2.0, "unhealthy")]));
    stage.act(|control, cx| control.zone_outage_ends(cx, ZoneIx(1)));
    assert_eq!(stage.target(0).last().expect("rows").1, "healthy");
}

#[test]
fn a_group_replaces_a_zones_instances_in_the_other_zone() {
    // Two instances, one in each zone. Zone b out at 10; its instance is lost at 100. The replacement is tried in zone b
    // (fewest instances) and fails after 50 s, at 150; zone b is avoided: the next goes to zone a, in service at 200.
    let blueprint = on_ec2(fleet(2), 2);
    let mut stage = Stage::new(&blueprint);
    stage.run_until(10.0);
    hush(&mut stage, ZoneIx(1));
    stage.act(|control, cx| control.zone_outage_begins(cx, ZoneIx(1)));
    stage.run_until(300.0);
    let zones: Vec<ZoneIx> = stage
        .control
        .instances
        .iter()
        .map(|(_, instance)| instance.zone)
        .collect();
    assert_eq!(zones, [ZoneIx(0), ZoneIx(0)]);
    let last = stage
        .happened(crate::sim::observation::EventKind::Instance)
        .last()
        .cloned()
        .expect("rows");
    assert_eq!((last.0, last.2.as_str()), (200.0, "InService"));
    assert_eq!(stage.levels(), (0, 2, 2));
}

#[test]
fn no_task_is_placed_on_a_silent_instance() {
    let blueprint = on_ec2(fleet(2), 2);
    let mut stage = Stage::new(&blueprint);
    stage.run_until(10.0);
    stage.act(|control, cx| control.lose_instances(cx, GroupIx(0), 2, cx.key));
    stage.act(|control, cx| control.set_desired_count(cx, ServiceIx(0), 3, "test"));
    stage.run_until(50.0);
    assert_eq!(stage.said("2 instances: 2 agent disconnected"), [11.0]);
}

#[test]
fn slow_instances_slow_their_tasks_old_and_new_until_the_fault_ends() {
    let blueprint = on_ec2(fleet(2), 1);
    let mut stage = Stage::new(&blueprint);
    stage.run_until(10.0);
    let slow = SlowInstances {
        group: GroupIx(0),
        count: 1,
        factor: 4.0,
    };
    stage.act(|control, cx| control.slow_instances_begin(cx, 0, slow, cx.key));
    stage.act(|control, cx| control.crash_tasks(cx, &crate::blueprint::Selection::some_of(ServiceIx(0), 1), cx.key));
    stage.run_until(100.0);
    stage.act(|control, cx| control.slow_instances_end(cx, 0));
    let speeds: Vec<(f64, f64)> = stage
        .orders
        .iter()
        .filter_map(|(second, order)| match order {
            Order::SetSpeed { speed, .. } => Some((*second, *speed)),
            Order::StartServer(spec) if *second > 0.0 => Some((*second, spec.speed)),
            _ => None,
        })
        .collect();
    // The crashed one is STOPPED at 20; 21: its replacement, whose server starts at 21 + 4 + 1 + 1.
    assert_eq!(
        speeds,
        [(10.0, 0.25), (10.0, 0.25), (27.0, 0.25), (100.0, 1.0), (100.0, 1.0)]
    );
}

#[test]
fn crashes_choose_running_tasks_at_random_and_the_same_ones_for_the_same_key() {
    let crashed = |key: u64| {
        let blueprint = fleet(8);
        let mut stage = Stage::new(&blueprint);
        stage.run_until(10.0);
        stage.act(|control, cx| {
            control.crash_tasks(
                cx,
                &crate::blueprint::Selection::some_of(ServiceIx(0), 3),
                cx.key.child(key),
            )
        });
        stage.run_until(10.0);
        assert_eq!(stage.control.services[0].counts.of(TaskState::Deprovisioning), 3);
        stage.entered("DEPROVISIONING")
    };
    assert_eq!(crashed(1), crashed(1));
    assert!((2..30).any(|key| crashed(key) != crashed(1)));
}

/// The zones of the RUNNING tasks that a selection takes.
fn selected(on: &Selection) -> Vec<u16> {
    let blueprint = fleet(6);
    let mut stage = Stage::new(&blueprint);
    stage.run_until(10.0);
    let key = stage.cx.key;
    let mut zones: Vec<u16> = stage
        .control
        .select(on, key)
        .iter()
        .map(|id| stage.control.tasks[*id].zone.0)
        .collect();
    zones.sort_unstable();
    zones
}

#[test]
fn a_selection_takes_all_to_whom_everything_applies_or_some_of_them() {
    // Six tasks, three in each zone.
    let of_zone = |amount| Selection {
        zone: Some(ZoneIx(1)),
        amount,
        ..Selection::default()
    };
    assert_eq!(selected(&of_zone(Amount::All)), [1, 1, 1]);
    assert_eq!(selected(&of_zone(Amount::Count(2))), [1, 1]);
    assert_eq!(selected(&of_zone(Amount::Count(9))), [1, 1, 1]);
    // A third of three is one, half of three rounded up two.
    let share = |share| Amount::Share(crate::units::Ratio::new(share).expect("a share"));
    assert_eq!(selected(&of_zone(share(1.0 / 3.0))), [1]);
    assert_eq!(selected(&of_zone(share(0.5))), [1, 1]);
    let nobody = Selection {
        revision: Some(RevisionIx(1)),
        ..Selection::default()
    };
    assert_eq!(selected(&nobody), [0; 0]);
}

#[test]
fn the_ills_of_a_task_end_with_the_last_of_its_faults_and_its_replacement_has_none() {
    let blueprint = fleet(1);
    let mut stage = Stage::new(&blueprint);
    stage.run_until(10.0);
    let all = Selection::default();
    let slow = Ills {
        slow: 4.0,
        ..Ills::NONE
    };
    let still = Ills {
        motion: Motion::Still,
        ..Ills::NONE
    };
    stage.act(|control, cx| control.tasks_fall_ill(cx, 0, &all, slow, cx.key));
    stage.act(|control, cx| control.tasks_fall_ill(cx, 1, &all, still, cx.key));
    stage.act(|control, cx| control.tasks_recover(cx, 1));
    stage.act(|control, cx| control.crash_tasks(cx, &all, cx.key));
    stage.run_until(100.0);
    stage.act(|control, cx| control.tasks_recover(cx, 0));
    let speeds: Vec<f64> = stage
        .orders
        .iter()
        .filter_map(|(second, order)| match order {
            Order::SetSpeed { speed, .. } => Some(*speed),
            Order::StartServer(spec) if *second > 0.0 => Some(spec.speed),
            _ => None,
        })
        .collect();
    assert_eq!(speeds, [0.25, 0.0, 0.25, 1.0]);
}

#[test]
fn a_process_that_hangs_fails_the_health_checks_of_its_container() {
    // Checks each 10 s, three must fail: unhealthy 20 to 30 s after it hangs at 10, and replaced. If it lies, never.
    for (checks, replaced) in [(ChecksOfTheIll::Suffer, 1), (ChecksOfTheIll::Pass, 0)] {
        let mut blueprint = without_balancer(fleet(1));
        blueprint.task_definitions[0].containers[0].health_check = Some(ContainerHealthCheck {
            interval: crate::units::Span::from_secs(10),
            timeout: crate::units::Span::from_secs(5),
            retries: 3,
            start_period: crate::units::Span::ZERO,
        });
        let mut stage = Stage::new(&blueprint);
        stage.run_until(10.0);
        let ills = Ills {
            motion: Motion::Still,
            checks,
            ..Ills::NONE
        };
        stage.act(|control, cx| control.tasks_fall_ill(cx, 0, &Selection::default(), ills, cx.key));
        stage.run_until(29.0);
        assert_eq!(stage.created().len(), 0);
        stage.run_until(60.0);
        assert_eq!(stage.created().len(), replaced);
    }
}
