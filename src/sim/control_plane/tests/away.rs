//! AWS's own services away, capacity that is short or taken back, memory that leaks.

use super::harness::{Stage, fleet, on_ec2};
use crate::blueprint::*;
use crate::cluster::task::{StopCode, TaskState};
use crate::engine::random::Key;
use crate::units::{Instant, MiB, Ratio, Span};

const ECS: &[ControlService] = &[ControlService::Ecs];

fn some(count: u32) -> Selection {
    Selection::some_of(ServiceIx(0), count)
}

#[test]
fn while_ecs_is_away_what_dies_is_neither_seen_nor_replaced_and_then_it_is() {
    // Away from 10 to 100; a task crashes at 20. ECS hears of it at 100 and looks at the service at 101.
    let blueprint = fleet(4);
    let mut stage = Stage::new(&blueprint);
    stage.run_until(10.0);
    stage.act(|control, _| control.control_services_go(ECS));
    stage.run_until(20.0);
    let key = stage.cx.key;
    stage.act(|control, cx| control.crash_tasks(cx, &some(1), key));
    stage.run_until(100.0);
    assert_eq!(stage.created(), [0.0; 0]);
    let running = |stage: &Stage<'_>| {
        let tasks = stage.control.tasks.iter();
        tasks.filter(|(_, task)| task.state() == TaskState::Running).count()
    };
    assert_eq!(running(&stage), 4, "as far as ECS knows");
    stage.act(|control, cx| control.control_services_return(cx, ECS));
    stage.run_until(400.0);
    assert_eq!(stage.created(), [101.0]);
    assert_eq!(stage.levels(), (0, 4, 4));
}

#[test]
fn a_count_that_is_set_while_ecs_is_away_is_seen_to_afterwards() {
    let blueprint = fleet(2);
    let mut stage = Stage::new(&blueprint);
    stage.run_until(10.0);
    // Two outages overlap: it is back when both are over.
    stage.act(|control, _| control.control_services_go(ECS));
    stage.act(|control, _| control.control_services_go(ECS));
    stage.act(|control, cx| control.set_desired_count(cx, ServiceIx(0), 3, "test"));
    stage.run_until(50.0);
    stage.act(|control, cx| control.control_services_return(cx, ECS));
    stage.run_until(80.0);
    assert_eq!(stage.created(), [0.0; 0]);
    stage.act(|control, cx| control.control_services_return(cx, ECS));
    stage.run_until(300.0);
    assert_eq!(stage.created(), [81.0]);
    assert_eq!(stage.levels(), (0, 3, 3));
}

#[test]
fn a_scheduled_action_that_nobody_carries_out_is_tried_again_after_its_pause() {
    // Due at 20 and tried at 20, 45, 70 and 95; ECS is back at 80, and passes a second after the count is set.
    let mut blueprint = fleet(2);
    blueprint.model.scheduler.scheduled_action_retry = Span::from_secs(25);
    blueprint.services[0].auto_scaling = Some(AutoScaling {
        min_capacity: 1,
        max_capacity: 5,
        policies: Vec::new(),
        scheduled: vec![ScheduledCapacity {
            at: Instant::ZERO + Span::from_secs(20),
            min_capacity: Some(3),
            max_capacity: None,
        }],
    });
    let mut stage = Stage::new(&blueprint);
    stage.run_until(10.0);
    stage.act(|control, _| control.control_services_go(ECS));
    stage.run_until(80.0);
    stage.act(|control, cx| control.control_services_return(cx, ECS));
    stage.run_until(200.0);
    assert_eq!(stage.created(), [96.0]);
}

#[test]
fn a_zone_that_is_lost_while_ecs_is_away_is_written_off_when_it_is_back() {
    // Out at 10, lost at 100 (90 s of silence), but there is nobody until 200.
    let blueprint = fleet(4);
    let mut stage = Stage::new(&blueprint);
    stage.run_until(5.0);
    stage.act(|control, _| control.control_services_go(ECS));
    stage.run_until(10.0);
    stage.act(|control, cx| control.zone_outage_begins(cx, ZoneIx(1)));
    stage.run_until(199.0);
    assert_eq!(stage.entered("STOPPED"), []);
    stage.run_until(200.0);
    stage.act(|control, cx| control.control_services_return(cx, ECS));
    stage.run_until(201.0);
    assert_eq!(stage.entered("STOPPED"), [(200.0, 1), (200.0, 3)]);
}

#[test]
fn a_group_replaces_nothing_while_ec2_is_away() {
    // Dead at 10, silent for 90 s: lost at 100; EC2 is back at 150, and terminates and launches then.
    const EC2: &[ControlService] = &[ControlService::Ec2];
    let blueprint = on_ec2(fleet(2), 3);
    let mut stage = Stage::new(&blueprint);
    stage.run_until(10.0);
    let key = stage.cx.key;
    stage.act(|control, _| control.control_services_go(EC2));
    stage.act(|control, cx| control.lose_instances(cx, GroupIx(0), 1, key));
    stage.run_until(149.0);
    assert_eq!(stage.control.groups[0].launches, 3);
    stage.run_until(150.0);
    stage.act(|control, cx| control.control_services_return(cx, EC2));
    stage.run_until(151.0);
    assert_eq!(stage.control.groups[0].launches, 4);
    stage.run_until(1000.0);
    assert_eq!(stage.control.groups[0].instances.len(), 3);
}

#[test]
fn fargate_launches_in_another_zone_than_the_one_without_capacity() {
    let blueprint = fleet(2);
    let mut stage = Stage::new(&blueprint);
    stage.run_until(10.0);
    stage.act(|control, _| control.capacity_shortage_begins(0, Provider::Fargate, Some(ZoneIx(0))));
    stage.act(|control, cx| control.set_desired_count(cx, ServiceIx(0), 5, "test"));
    stage.run_until(300.0);
    let tasks = stage.control.tasks.iter();
    let there = tasks.filter(|(_, task)| task.zone == ZoneIx(0)).count();
    assert_eq!((there, stage.control.tasks.len()), (1, 5));
}

#[test]
fn without_capacity_anywhere_fargate_is_asked_again_a_minute_later_and_the_service_is_told() {
    // Short from 10 to 100; asked at 11, 71 and 131.
    let blueprint = fleet(2);
    let mut stage = Stage::new(&blueprint);
    stage.run_until(10.0);
    stage.act(|control, _| control.capacity_shortage_begins(0, Provider::Fargate, None));
    stage.act(|control, cx| control.set_desired_count(cx, ServiceIx(0), 3, "test"));
    stage.run_until(100.0);
    assert_eq!(stage.created(), [0.0; 0]);
    stage.act(|control, cx| control.capacity_shortage_ends(cx, 0));
    stage.run_until(200.0);
    assert_eq!(stage.created(), [131.0]);
    let told = stage.said("Capacity is unavailable at this time");
    assert_eq!(told, [11.0, 71.0]);
}

#[test]
fn a_group_launches_where_there_is_capacity_and_waits_where_there_is_none() {
    let blueprint = on_ec2(fleet(2), 2);
    let mut stage = Stage::new(&blueprint);
    stage.run_until(10.0);
    let (key, group) = (stage.cx.key, Provider::Group(GroupIx(0)));
    stage.act(|control, _| control.capacity_shortage_begins(0, group, None));
    stage.act(|control, cx| control.lose_instances(cx, GroupIx(0), 1, key));
    stage.run_until(499.0);
    assert_eq!(stage.control.groups[0].launches, 2);
    stage.run_until(500.0);
    stage.act(|control, cx| control.capacity_shortage_ends(cx, 0));
    stage.run_until(501.0);
    assert_eq!(stage.control.groups[0].launches, 3);
}

#[test]
fn throttled_launches_come_one_after_the_other() {
    // One in ten seconds, from the pass at 11 on.
    let blueprint = fleet(1);
    let mut stage = Stage::new(&blueprint);
    stage.run_until(10.0);
    stage.act(|control, _| control.throttling_begins(0, 0.1));
    stage.act(|control, cx| control.set_desired_count(cx, ServiceIx(0), 4, "test"));
    stage.run_until(200.0);
    assert_eq!(stage.created(), [11.0, 21.0, 31.0]);
    // It is over: two at once.
    stage.act(|control, _| control.throttling_ends(0));
    stage.act(|control, cx| control.set_desired_count(cx, ServiceIx(0), 6, "test"));
    stage.run_until(300.0);
    assert_eq!(stage.created()[3..], [201.0, 201.0]);
}

#[test]
fn a_spot_task_that_is_taken_back_stops_while_it_drains_and_is_replaced_on_spot() {
    // Interrupted at 10: SIGTERM at once, though its target drains until 40; 2 s to end. A pass at 11.
    let mut blueprint = fleet(2);
    blueprint.services[0].capacity[0].provider = Provider::FargateSpot;
    let mut stage = Stage::new(&blueprint);
    stage.run_until(10.0);
    let key = stage.cx.key;
    let on = Selection {
        provider: Some(Provider::FargateSpot),
        amount: Amount::Share(Ratio::new(0.5).expect("a share")),
        ..Selection::default()
    };
    stage.act(|control, cx| control.reclaim_spot(cx, &on, key));
    stage.run_until(11.0);
    let stopping = stage.entered("STOPPING");
    assert_eq!(stopping.len(), 1);
    assert_eq!(stopping[0].0, 10.0);
    let taken = stage.control.tasks.iter().find(|(_, task)| task.stop.is_some());
    let stop = taken.and_then(|(_, task)| task.stop.clone()).expect("it stops");
    assert_eq!(stop.code, StopCode::SpotInterruption);
    assert_eq!(stage.created(), [11.0]);
    stage.run_until(300.0);
    let mut tasks = stage.control.tasks.iter();
    assert!(tasks.all(|(_, task)| task.provider == Provider::FargateSpot));
    assert_eq!(stage.levels(), (0, 2, 2));
    // What runs on demand is never meant.
    let on_demand = fleet(2);
    let mut stage = Stage::new(&on_demand);
    stage.run_until(10.0);
    stage.act(|control, cx| control.reclaim_spot(cx, &on, key));
    stage.run_until(20.0);
    assert_eq!(stage.entered("STOPPING"), []);
}

#[test]
fn a_leak_kills_when_the_memory_is_full_unless_it_ends_before() {
    // 2048 MiB at 8 MiB a second from 10 s on: full at 266 s. The replacement does not leak.
    let blueprint = fleet(1);
    let leaks = |until: f64| {
        let mut stage = Stage::new(&blueprint);
        stage.run_until(10.0);
        let key = Key::root(1, 1, 1);
        stage.act(|control, cx| control.memory_leak_begins(cx, 0, &some(1), 8.0, key));
        stage.run_until(until);
        stage.act(|control, cx| control.memory_leak_ends(cx, 0));
        stage.run_until(2000.0);
        stage.created()
    };
    assert_eq!(leaks(1000.0), [267.0]);
    assert_eq!(leaks(265.0), [0.0; 0]);
}

#[test]
fn a_leak_comes_on_top_of_what_the_container_declares() {
    // 1024 MiB and 1024 more at 8 MiB a second: 138 s.
    let mut blueprint = fleet(1);
    blueprint.task_definitions[0].containers[0].memory_use = Some(MemoryUse {
        base: MiB(1024),
        growth_per_hour: MiB(0),
    });
    let mut stage = Stage::new(&blueprint);
    stage.run_until(10.0);
    let key = stage.cx.key;
    stage.act(|control, cx| control.memory_leak_begins(cx, 0, &some(1), 8.0, key));
    stage.run_until(500.0);
    assert_eq!(stage.created(), [139.0]);
}

/// Two instances on Spot, a task on each; one is taken back at 10.
fn reclaimed(at_spot_warning: AtSpotWarning) -> Blueprint {
    let mut blueprint = on_ec2(fleet(2), 2);
    blueprint.auto_scaling_groups[0].market = Market::Spot;
    blueprint.auto_scaling_groups[0].agent.at_spot_warning = at_spot_warning;
    blueprint
}

fn reclaim_one<'a>(blueprint: &'a Blueprint) -> Stage<'a> {
    let mut stage = Stage::new(blueprint);
    stage.run_until(10.0);
    let key = stage.cx.key;
    let on = Selection {
        provider: Some(Provider::Group(GroupIx(0))),
        amount: Amount::Count(1),
        ..Selection::default()
    };
    stage.act(|control, cx| control.reclaim_spot(cx, &on, key));
    stage
}

#[test]
fn a_spot_instance_is_terminated_two_minutes_after_the_warning_with_all_that_runs_there() {
    let blueprint = reclaimed(AtSpotWarning::GoesOn);
    let mut stage = reclaim_one(&blueprint);
    stage.run_until(129.0);
    assert_eq!(stage.levels(), (0, 2, 2));
    stage.run_until(132.0);
    let stopped: Vec<f64> = stage.entered("STOPPED").iter().map(|row| row.0).collect();
    assert_eq!(stopped, [130.0]);
    assert_eq!(stage.control.groups[0].launches, 3, "the group replaces it");
    assert_eq!(stage.created(), [131.0], "and the service its task");
    stage.run_until(1000.0);
    assert_eq!(stage.levels(), (0, 2, 2));
    assert_eq!(stage.control.groups[0].instances.len(), 2);
}

#[test]
fn an_agent_that_drains_has_its_tasks_replaced_before_the_instance_is_gone() {
    // DRAINING at 10, a pass at 11, RUNNING 9 to 14 s later, healthy 5 s after that: nobody misses anything.
    let blueprint = reclaimed(AtSpotWarning::Drains);
    let mut stage = reclaim_one(&blueprint);
    stage.run_until(11.0);
    assert_eq!(stage.created(), [11.0]);
    stage.run_until(129.0);
    assert_eq!(stage.entered("STOPPED").len(), 1, "the old one has gone by itself");
    stage.run_until(131.0);
    assert_eq!(stage.levels(), (0, 2, 2));
    assert_eq!(stage.control.groups[0].launches, 3);
}
