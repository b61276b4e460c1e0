//! Blue/green by ECS: stages, the shift, bake time, rollback by alarm.

use super::harness::{Health, Stage, constant, fleet, owned, target_group};
use crate::blueprint::*;
use crate::sim::observation::{EventKind, Observation};
use crate::sim::signal::{LoadBalancerMeter, Meter, Order, ServiceMeter, Signal, TargetGroupMeter};
use crate::units::Span;

const RULE: RuleRef = RuleRef {
    load_balancer: LoadBalancerIx(0),
    listener: 0,
    rule: 0,
};

/// Blue in target group 0, green in 1; a bake time of 120 s.
pub fn blue_green(desired: u32) -> Blueprint {
    let mut blueprint = fleet(desired);
    blueprint.target_groups.push(target_group("green"));
    let groups = vec![
        WeightedGroup {
            target_group: TargetGroupIx(0),
            weight: 100,
        },
        WeightedGroup {
            target_group: TargetGroupIx(1),
            weight: 0,
        },
    ];
    blueprint.load_balancers[0].listeners[0].default_action = Action::Forward(groups);
    let service = &mut blueprint.services[0];
    service.load_balancers[0].alternate = Some(Alternate {
        target_group: TargetGroupIx(1),
        rule: RULE,
        test_rule: None,
    });
    service.deployment.strategy = DeploymentStrategy::BlueGreen;
    service.deployment.bake_time = Span::from_secs(120);
    blueprint
}

/// An alarm on 5xx of the green group: 1 of 1 minute above 10.
pub fn with_alarm(mut blueprint: Blueprint, rollback: bool) -> Blueprint {
    blueprint.alarms = vec![Alarm {
        name: "green-5xx".into(),
        metrics: vec![AlarmMetric {
            id: "m".into(),
            metric: Metric::Target5xx(TargetGroupIx(1)),
            stat: Stat::Sum,
        }],
        expression: Expression::Metric(0),
        comparison: Comparison::GreaterThan,
        threshold: 10.0,
        period: Span::from_secs(60),
        evaluation_periods: 1,
        datapoints_to_alarm: 1,
        missing: MissingData::NotBreaching,
    }];
    blueprint.services[0].deployment.alarms = Some(DeploymentAlarms {
        alarms: vec![AlarmIx(0)],
        rollback,
    });
    blueprint
}

/// A minute with so many 5xx of the green group has ended now; its datapoint is published 60 s later.
pub fn meter(stage: &mut Stage<'_>, minute: u32, target_5xx: u64) {
    let ended = stage.cx.now();
    let green = TargetGroupMeter {
        requests: 1000,
        target_5xx,
        ..TargetGroupMeter::default()
    };
    let meter = Meter {
        queues: vec![],
        request_memory: vec![],
        minute,
        ended,
        services: vec![ServiceMeter::default()],
        target_groups: vec![TargetGroupMeter::default(), green],
        load_balancers: vec![LoadBalancerMeter::default()],
    };
    stage.act(|control, cx| control.receive(cx, Signal::Metered(Box::new(meter))));
}

/// (second, weight of blue's group, weight of green's).
pub fn shifts(stage: &Stage<'_>) -> Vec<(f64, u32, u32)> {
    let shifts = stage.orders.iter().filter_map(|(second, order)| match order {
        Order::SetWeights { rule, groups } => {
            if *rule != RULE {
                return None;
            }
            let weight = |at| {
                groups
                    .iter()
                    .find(|group| group.target_group == TargetGroupIx(at))
                    .expect("both")
                    .weight
            };
            Some((*second, weight(0), weight(1)))
        }
        _ => None,
    });
    shifts.collect()
}

pub fn revisions(stage: &Stage<'_>) -> Vec<u16> {
    stage.control.services[0]
        .tasks
        .iter()
        .map(|id| stage.control.tasks[*id].revision.0)
        .collect()
}

#[test]
fn green_scales_up_beside_blue_then_all_traffic_shifts_then_it_bakes_then_blue_goes() {
    // 101: 4 green start, healthy at 130. 131: shift; bake until 251, then blue stops: STOPPED 42 s later, at 293.
    let blueprint = blue_green(4);
    let mut stage = Stage::new(&blueprint);
    stage.run_until(100.0);
    stage.deploy(1);
    stage.run_until(400.0);
    let expected = [
        (101.0, "start 4"),
        (131.0, "shift traffic"),
        (251.0, "stop 4"),
        (294.0, "complete"),
    ];
    assert_eq!(stage.steps(), owned(&expected));
    assert_eq!(shifts(&stage), [(131.0, 0, 100)]);
    assert_eq!(stage.outcomes(), [("COMPLETED", 294.0)]);
    assert_eq!(revisions(&stage), [1; 4]);
    assert_eq!(stage.control.target_groups[0].targets.len(), 0);
    assert_eq!(stage.control.target_groups[1].targets.len(), 4);
}

#[test]
fn the_next_deployment_goes_back_to_the_first_target_group() {
    let blueprint = blue_green(2);
    let mut stage = Stage::new(&blueprint);
    stage.run_until(100.0);
    stage.deploy(1);
    stage.run_until(400.0);
    stage.deploy(2);
    stage.run_until(800.0);
    assert_eq!(shifts(&stage), [(131.0, 0, 100), (431.0, 100, 0)]);
    assert_eq!(stage.control.target_groups[0].targets.len(), 2);
    assert_eq!(revisions(&stage), [2; 2]);
}

#[test]
fn green_that_never_becomes_healthy_gets_no_traffic() {
    let blueprint = blue_green(2);
    let mut stage = Stage::new(&blueprint);
    stage.of_revision.insert(RevisionIx(1), Health::Status(500));
    stage.run_until(100.0);
    stage.deploy(1);
    stage.run_until(2000.0);
    assert_eq!(shifts(&stage), []);
    assert_eq!(stage.outcomes(), []);
}

#[test]
fn an_alarm_in_the_bake_time_shifts_all_traffic_back_at_once_and_green_goes() {
    // The minute that ends at 180 has 50 errors; published at 240; 241: rollback. Green's targets drain: STOPPED at 283.
    let blueprint = with_alarm(blue_green(4), true);
    let mut stage = Stage::new(&blueprint);
    stage.run_until(100.0);
    stage.deploy(1);
    stage.run_until(180.0);
    meter(&mut stage, 2, 50);
    stage.run_until(600.0);
    let expected = [
        (101.0, "start 4"),
        (131.0, "shift traffic"),
        (241.0, "roll back"),
        (241.0, "stop 4"),
        (284.0, "complete"),
    ];
    assert_eq!(stage.steps(), owned(&expected));
    assert_eq!(shifts(&stage), [(131.0, 0, 100), (241.0, 100, 0)]);
    assert_eq!(stage.outcomes(), [("ROLLED_BACK", 284.0)]);
    assert_eq!(revisions(&stage), [0; 4]);
    assert_eq!(stage.levels(), (0, 4, 4));
}

#[test]
fn an_alarm_that_is_already_in_alarm_when_the_deployment_starts_is_ignored() {
    let blueprint = with_alarm(blue_green(4), true);
    let mut stage = Stage::new(&blueprint);
    stage.run_until(60.0);
    meter(&mut stage, 0, 50);
    stage.run_until(130.0);
    stage.deploy(1);
    stage.run_until(180.0);
    meter(&mut stage, 1, 50);
    stage.run_until(600.0);
    assert_eq!(stage.outcomes()[0].0, "COMPLETED");
}

#[test]
fn an_alarm_without_rollback_fails_the_deployment_and_leaves_both_colours() {
    let blueprint = with_alarm(blue_green(2), false);
    let mut stage = Stage::new(&blueprint);
    stage.run_until(100.0);
    stage.deploy(1);
    stage.run_until(180.0);
    meter(&mut stage, 2, 50);
    stage.run_until(600.0);
    assert_eq!(stage.outcomes(), [("FAILED", 241.0)]);
    assert_eq!(revisions(&stage), [0, 0, 1, 1]);
}

#[test]
fn a_rolling_deployment_bakes_under_its_alarms_and_rolls_back_within_the_bounds() {
    // 100/200 of 2, alarm on group 0 in a bake time of 300 s: 101: start 2, 131: stop 2, gone at 173; 174: bake until 474.
    // The minute that ends at 240 has errors: 300 published; 301: roll back: start 2 of revision 0, healthy at 330; 331:
    // stop 2, STOPPED at 373; 374: rolled back.
    let mut blueprint = with_alarm(fleet(2), true);
    blueprint.alarms[0].metrics[0].metric = Metric::Target5xx(TargetGroupIx(0));
    blueprint.services[0].deployment.bake_time = Span::from_secs(300);
    let mut stage = Stage::new(&blueprint);
    stage.run_until(100.0);
    stage.deploy(1);
    stage.run_until(240.0);
    let ended = stage.cx.now();
    let meter = Meter {
        queues: vec![],
        request_memory: vec![],
        minute: 3,
        ended,
        services: vec![ServiceMeter::default()],
        target_groups: vec![TargetGroupMeter {
            requests: 100,
            target_5xx: 50,
            ..TargetGroupMeter::default()
        }],
        load_balancers: vec![LoadBalancerMeter::default()],
    };
    stage.act(|control, cx| control.receive(cx, Signal::Metered(Box::new(meter))));
    stage.run_until(600.0);
    let expected = [
        (101.0, "start 2"),
        (131.0, "stop 2"),
        (301.0, "roll back"),
        (301.0, "start 2"),
        (331.0, "stop 2"),
        (374.0, "complete"),
    ];
    assert_eq!(stage.steps(), owned(&expected));
    assert_eq!(stage.outcomes(), [("ROLLED_BACK", 374.0)]);
}

#[test]
fn a_deployment_during_scale_up_first_removes_the_unfinished_green() {
    // 115: revision 2, while revision 1 is on its way. 116: revision 1's tasks stop while PENDING, STOPPED at 126; 127: on
    // to SCALE_UP; 128: start; healthy at 157; 158: shift.
    let blueprint = blue_green(2);
    let mut stage = Stage::new(&blueprint);
    stage.run_until(100.0);
    stage.deploy(1);
    stage.run_until(115.0);
    stage.deploy(2);
    stage.run_until(160.0);
    assert_eq!(stage.outcomes(), [("STOPPED", 115.0)]);
    assert_eq!(shifts(&stage), [(158.0, 0, 100)]);
}

#[test]
fn a_lost_blue_task_is_replaced_by_a_blue_one_during_the_bake_time() {
    let blueprint = blue_green(2);
    let mut stage = Stage::new(&blueprint);
    stage.run_until(100.0);
    stage.deploy(1);
    stage.run_until(150.0);
    let blue = stage.control.services[0].tasks[0];
    stage.act(|control, cx| control.container_exited(cx, blue, 0, 1));
    stage.run_until(200.0);
    assert_eq!(revisions(&stage), [0, 1, 1, 0]);
    assert_eq!(
        stage.control.target_groups[0]
            .targets
            .iter()
            .filter(|target| target.is_registered())
            .count(),
        2
    );
}

#[test]
fn the_creation_of_a_service_has_no_blue() {
    let mut blueprint = blue_green(2);
    blueprint.start = Start::Empty;
    let mut stage = Stage::new(&blueprint);
    stage.run_until(100.0);
    assert_eq!(stage.outcomes(), [("COMPLETED", 30.0)]);
    assert_eq!(shifts(&stage), []);
}

#[test]
fn service_discovery_finds_blue_until_the_shift_and_green_after_it() {
    let blueprint = blue_green(2);
    let mut stage = Stage::new(&blueprint);
    stage.run_until(100.0);
    stage.deploy(1);
    stage.run_until(400.0);
    let mut told = Vec::new();
    for (second, order) in &stage.orders {
        if let Order::PublishDiscovery { tasks, .. } = order {
            told.push((*second, tasks.len()));
        }
    }
    assert_eq!(told, [(0.0, 2), (131.0, 2)]);
}

#[test]
fn green_waits_for_capacity_like_anything_else() {
    let mut blueprint = super::harness::on_ec2(blue_green(4), 2);
    blueprint.auto_scaling_groups[0].launch_time = constant(50.0);
    let mut stage = Stage::new(&blueprint);
    stage.run_until(100.0);
    stage.deploy(1);
    stage.run_until(300.0);
    assert_eq!(shifts(&stage), []);
    assert_eq!(stage.said("was unable to place a task")[0], 101.0);
}

/// (second, decision, old running, new running) of each row but waits.
fn running(stage: &Stage<'_>) -> Vec<(f64, String, u32, u32)> {
    let rows = stage.seen.iter().filter_map(|seen| match seen {
        Observation::DeploymentStepped(step) if step.decision != "wait" => Some((
            step.at.seconds(),
            step.decision.clone(),
            step.old_running,
            step.new_running,
        )),
        _ => None,
    });
    rows.collect()
}

#[test]
fn a_rollback_goes_back_to_the_blue_that_stands_even_if_its_deployment_was_superseded() {
    // Revision 1 is shifted to at 131 and bakes until 251. 150: revision 2; 151: revision 0 goes, STOPPED at 193; 194: on;
    // 195: start, healthy at 224; 225: shift. The minute that ends at 240 has errors, published at 300; 301: all weight
    // back to revision 1, whose four tasks were never touched; revision 2 is STOPPED at 343.
    let blueprint = with_alarm(blue_green(4), true);
    let mut stage = Stage::new(&blueprint);
    stage.run_until(100.0);
    stage.deploy(1);
    stage.run_until(150.0);
    stage.deploy(2);
    stage.run_until(240.0);
    meter(&mut stage, 3, 50);
    stage.run_until(600.0);
    let row = |second: f64, decision: &str, old, new| (second, decision.to_string(), old, new);
    let expected = [
        row(101.0, "start 4", 4, 0),
        row(131.0, "shift traffic", 4, 4),
        row(151.0, "stop 4", 8, 0),
        row(195.0, "start 4", 4, 0),
        row(225.0, "shift traffic", 4, 4),
        row(301.0, "roll back", 4, 4),
        row(301.0, "stop 4", 4, 4),
        row(344.0, "complete", 4, 0),
    ];
    assert_eq!(running(&stage), expected);
    assert_eq!(shifts(&stage), [(131.0, 0, 100), (225.0, 100, 0), (301.0, 0, 100)]);
    assert_eq!(stage.outcomes(), [("STOPPED", 150.0), ("ROLLED_BACK", 344.0)]);
    assert_eq!(revisions(&stage), [1; 4]);
    let rows = stage.rows();
    let removed = rows
        .iter()
        .find(|(second, decision, _)| *second == 151.0 && decision == "stop 4");
    assert_eq!(
        removed.expect("a row").2,
        "removing the blue of the superseded deployment"
    );
}

#[test]
fn weights_wait_for_a_blue_that_is_not_whole() {
    // At 290 a blue task crashes; 291: its successor starts, healthy at 320. 301: the alarm; 321: shift, green goes.
    let mut blueprint = with_alarm(blue_green(2), true);
    blueprint.services[0].deployment.bake_time = Span::from_secs(600);
    let mut stage = Stage::new(&blueprint);
    stage.run_until(100.0);
    stage.deploy(1);
    stage.run_until(240.0);
    meter(&mut stage, 3, 50);
    stage.run_until(290.0);
    let blue = stage.control.services[0].tasks[0];
    stage.act(|control, cx| control.container_exited(cx, blue, 0, 1));
    stage.run_until(320.5);
    assert_eq!(shifts(&stage), [(131.0, 0, 100)]);
    assert_eq!(revisions(&stage), [0, 1, 1, 0]);
    stage.run_until(600.0);
    assert_eq!(shifts(&stage), [(131.0, 0, 100), (321.0, 100, 0)]);
    assert_eq!(stage.outcomes(), [("ROLLED_BACK", 364.0)]);
}

#[test]
fn both_colours_share_one_row_of_a_pass_which_tells_what_was_there_before() {
    let blueprint = blue_green(2);
    let mut stage = Stage::new(&blueprint);
    stage.run_until(100.0);
    stage.deploy(1);
    stage.run_until(150.0);
    stage.act(|control, cx| control.set_desired_count(cx, ServiceIx(0), 3, "test"));
    stage.run_until(200.0);
    let rows = running(&stage);
    assert_eq!(rows[2..], [(151.0, "start 2".to_string(), 2, 2)]);
}

#[test]
fn each_stage_is_entered_from_the_one_before() {
    let blueprint = blue_green(2);
    let mut stage = Stage::new(&blueprint);
    stage.run_until(100.0);
    stage.deploy(1);
    stage.run_until(400.0);
    let moves = stage.seen.iter().filter_map(|seen| match seen {
        Observation::Happened(event) if event.kind == EventKind::Deployment => {
            Some((event.from.as_str(), event.to.as_str()))
        }
        _ => None,
    });
    let expected = [
        ("", "IN_PROGRESS"),
        ("SCALE_UP", "PRODUCTION_TRAFFIC_SHIFT"),
        ("PRODUCTION_TRAFFIC_SHIFT", "BAKE_TIME"),
        ("BAKE_TIME", "CLEAN_UP"),
        ("IN_PROGRESS", "COMPLETED"),
    ];
    assert_eq!(moves.collect::<Vec<_>>(), expected);
}

#[test]
fn a_target_that_outlives_its_task_keeps_its_revision() {
    // The task is STOPPED 12 s after the crash at 100, its target drains until 130.
    let blueprint = blue_green(2);
    let mut stage = Stage::new(&blueprint);
    stage.run_until(100.0);
    let blue = stage.control.services[0].tasks[0];
    stage.act(|control, cx| control.container_exited(cx, blue, 0, 1));
    stage.run_until(200.0);
    let last = stage.seen.iter().find_map(|seen| match seen {
        Observation::Happened(event) if event.kind == EventKind::Target && event.to == "unused" => {
            Some((event.at.seconds(), event.revision))
        }
        _ => None,
    });
    assert_eq!(last, Some((130.0, Some(RevisionIx(0)))));
}
