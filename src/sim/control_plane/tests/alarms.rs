//! Rolling deployments under CloudWatch alarms [DG:deployment-alarm-failure].

use super::harness::{Stage, fleet, owned};
use crate::blueprint::{
    Alarm, AlarmIx, AlarmMetric, Blueprint, Comparison, DeploymentAlarms, Expression, Metric, MissingData, Stat,
    TargetGroupIx,
};
use crate::sim::signal::{LoadBalancerMeter, Meter, ServiceMeter, Signal, TargetGroupMeter};
use crate::units::Span;

/// An alarm on 5xx of the target group: 1 of 1 minute above 10.
pub fn watched(mut blueprint: Blueprint, rollback: bool) -> Blueprint {
    blueprint.alarms = vec![Alarm {
        name: "bad".into(),
        metrics: vec![AlarmMetric {
            id: "m".into(),
            metric: Metric::Target5xx(TargetGroupIx(0)),
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

/// A minute with so many 5xx has ended now; its datapoint is published 60 s later.
fn meter(stage: &mut Stage<'_>, minute: u32, target_5xx: u64) {
    let group = TargetGroupMeter {
        requests: 1000,
        target_5xx,
        ..TargetGroupMeter::default()
    };
    let meter = Meter {
        queues: vec![],
        request_memory: vec![],
        minute,
        ended: stage.cx.now(),
        services: vec![ServiceMeter::default()],
        target_groups: vec![group],
        load_balancers: vec![LoadBalancerMeter::default()],
    };
    stage.act(|control, cx| control.receive(cx, Signal::Metered(Box::new(meter))));
}

#[test]
fn a_rolling_deployment_that_begins_in_alarm_ignores_all_alarms_to_its_end() {
    // The minute that ends at 60 is bad: ALARM from 120. The deployment of 130 ignores it, and that it recovers at 180 and
    // goes into ALARM again at 240: 131: start 2, 161: stop 2, gone at 203; 204: bake for 300 s; 504: complete.
    let mut blueprint = watched(fleet(2), true);
    blueprint.services[0].deployment.bake_time = Span::from_secs(300);
    let mut stage = Stage::new(&blueprint);
    stage.run_until(60.0);
    meter(&mut stage, 0, 500);
    stage.run_until(120.0);
    meter(&mut stage, 1, 5);
    stage.run_until(130.0);
    stage.deploy(1);
    for (minute, second) in [(2, 180.0), (3, 240.0)] {
        stage.run_until(second);
        meter(&mut stage, minute, 500);
    }
    stage.run_until(600.0);
    assert_eq!(stage.outcomes(), [("COMPLETED", 504.0)]);
    assert_eq!(stage.happened(crate::sim::observation::EventKind::Alarm).len(), 3);
}

#[test]
fn an_alarm_before_the_new_tasks_are_all_in_place_rolls_back_at_once() {
    // 100/125 of 4 goes one by one. The bad minute that ends at 90 is read at 150: 151: roll back, with one or two new.
    let mut blueprint = watched(fleet(4), true);
    blueprint.services[0].deployment.maximum_percent = 125;
    let mut stage = Stage::new(&blueprint);
    stage.run_until(90.0);
    meter(&mut stage, 0, 500);
    stage.run_until(100.0);
    stage.deploy(1);
    stage.run_until(160.0);
    let expected = [
        (101.0, "start 1"),
        (131.0, "stop 1"),
        (132.0, "start 1"),
        (151.0, "roll back"),
    ];
    assert_eq!(stage.steps()[..4], owned(&expected));
    stage.run_until(400.0);
    assert_eq!(stage.outcomes()[0].0, "ROLLED_BACK");
    assert_eq!(stage.levels(), (0, 4, 4));
}

#[test]
fn whichever_of_breaker_and_alarm_fires_first_fails_the_deployment() {
    // Starts fail at 122: the breaker at 123 wins over the alarm that is read at 150.
    let mut blueprint = watched(fleet(4), true);
    let service = &mut blueprint.services[0];
    service.deployment.circuit_breaker = Some(crate::blueprint::CircuitBreaker {
        rollback: true,
        threshold: crate::blueprint::BreakerThreshold::BoundedPercent(50.0),
        reset_on_healthy_task: true,
    });
    service.revisions[1].defects.fails_to_start = crate::units::Ratio::ONE;
    let mut stage = Stage::new(&blueprint);
    stage.run_until(90.0);
    meter(&mut stage, 0, 500);
    stage.run_until(100.0);
    stage.deploy(1);
    stage.run_until(400.0);
    let rolled_back: Vec<_> = stage
        .rows()
        .into_iter()
        .filter(|(_, decision, _)| decision == "roll back")
        .collect();
    assert_eq!(rolled_back.len(), 1);
    assert_eq!(
        (rolled_back[0].0, rolled_back[0].2.contains("circuit breaker")),
        (123.0, true)
    );
}
