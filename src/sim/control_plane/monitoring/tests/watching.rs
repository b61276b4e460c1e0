//! Alarms and the statistics they watch.

use super::*;
use crate::blueprint::{Alarm, AlarmMetric, Comparison, Expression, LoadBalancerIx, Metric, MissingData, Stat};

fn metric(id: &str, metric: Metric, stat: Stat) -> AlarmMetric {
    AlarmMetric {
        id: id.to_owned(),
        metric,
        stat,
    }
}

/// `errors / all > 2 %`, 2 of 3.
fn error_ratio(missing: MissingData) -> Alarm {
    Alarm {
        name: "errors".to_owned(),
        metrics: vec![
            metric("errors", Metric::Target5xx(TargetGroupIx(0)), Stat::Sum),
            metric("all", Metric::RequestCount(TargetGroupIx(0)), Stat::Sum),
        ],
        expression: Expression::Divide(Box::new(Expression::Metric(0)), Box::new(Expression::Metric(1))),
        comparison: Comparison::GreaterThan,
        threshold: 0.02,
        period: Span::from_secs(60),
        evaluation_periods: 3,
        datapoints_to_alarm: 2,
        missing,
    }
}

fn run_alarm(alarm: Alarm, parts: &[(usize, Load)]) -> Log {
    let mut bench = Bench::new(4, vec![]);
    bench.blueprint.alarms.push(alarm);
    bench.run(&minutes(parts))
}

#[test]
fn an_alarm_needs_m_of_n_datapoints() {
    // Minutes 0 to 9 have no errors (no datapoint: not breaching), 10 and 12 have 3 %: the second breach ends at 780 s.
    // From minute 13 on none: at 840 s (minutes 11, 12, 13) … the real breaches are 10 and 12 of minutes 9 to 13,
    // filled up with one that does not breach: still 2 of 3. Minute 10 leaves the five looked at with minute 15.
    let bad = requests(1_000, 30);
    let good = requests(1_000, 0);
    let seen = run_alarm(
        error_ratio(MissingData::NotBreaching),
        &[(10, good), (1, bad), (1, good), (1, bad), (10, good)],
    );
    assert_eq!(
        seen,
        log(&[
            (240, "INSUFFICIENT_DATA → OK"),
            (840, "OK → ALARM"),
            (1_020, "ALARM → OK")
        ])
    );
}

#[test]
fn a_division_by_zero_is_missing() {
    // Division by a metric that is there but zero: unhealthy over healthy hosts with none healthy.
    let mut alarm = error_ratio(MissingData::Missing);
    alarm.metrics = vec![
        metric("requests", Metric::RequestCount(TargetGroupIx(0)), Stat::Sum),
        metric("none", Metric::UnhealthyHostCount(TargetGroupIx(0)), Stat::Average),
    ];
    assert_eq!(
        run_alarm(alarm, &[(20, requests(100, 0))]),
        log(&[]),
        "it stays in INSUFFICIENT_DATA"
    );
}

#[test]
fn silence_is_treated_as_the_alarm_says() {
    // Three bad minutes, then no requests at all. In ALARM when minute 1 is published at 180 s (2 breaches). The five
    // minutes looked at hold 2 real breaches until minute 5, one in minute 6, none from minute 7 on (published 540 s).
    let parts = [(3, requests(1_000, 30)), (10, requests(0, 0))];
    let run = |missing| run_alarm(error_ratio(missing), &parts);
    let alarm = (180, "INSUFFICIENT_DATA → ALARM");
    assert_eq!(
        run(MissingData::Missing),
        log(&[alarm, (540, "ALARM → INSUFFICIENT_DATA")])
    );
    assert_eq!(run(MissingData::Ignore), log(&[alarm]));
    assert_eq!(run(MissingData::Breaching), log(&[alarm]));
    assert_eq!(run(MissingData::NotBreaching), log(&[alarm, (480, "ALARM → OK")]));
}

#[test]
fn an_alarm_that_stays_in_alarm_is_told_of_once() {
    let mut bench = Bench::new(4, vec![]);
    bench.blueprint.alarms.push(error_ratio(MissingData::NotBreaching));
    let seen = bench.run(&minutes(&[(30, requests(1_000, 500))]));
    assert_eq!(seen, log(&[(180, "INSUFFICIENT_DATA → ALARM")]));
}

#[test]
fn in_alarm_says_the_present_state() {
    let mut bench = Bench::new(4, vec![]);
    bench.blueprint.alarms.push(error_ratio(MissingData::NotBreaching));
    let blueprint = bench.blueprint.clone();
    let mut cx = Context::new(&blueprint, 0);
    let mut monitoring = Monitoring::new(&blueprint);
    let view = ServiceView {
        running: 4,
        desired: 4,
        deployment: Deployment::None,
    };
    let fleet = FleetCounts {
        running: vec![4],
        memory: vec![None],
        hosts: vec![HostCounts {
            healthy: 4,
            unhealthy: 0,
        }],
    };
    let states = [0, 1, 2].map(|minute| {
        monitoring.ingest(&mut cx, &meter(minute, requests(100, 50)), &fleet);
        monitoring.published(&mut cx, minute);
        monitoring.decide(&mut cx, minute, &[view]);
        monitoring.in_alarm(AlarmIx(0))
    });
    assert_eq!(states, [false, true, true]);
}

#[test]
fn a_minute_that_nobody_took_has_no_data_points_and_the_next_one_has() {
    let mut metrics = Metrics::keeping(10);
    let fleet = FleetCounts {
        running: vec![4],
        memory: vec![None],
        hosts: vec![HostCounts::default()],
    };
    let series = |metrics: &Metrics| metrics.series(Metric::CpuUtilization(ServiceIx(0)), Stat::Average, 2, 3, 1);
    metrics.ingest(&meter(0, cpu(50.0)), &fleet);
    metrics.miss(1);
    metrics.ingest(&meter(2, cpu(70.0)), &fleet);
    let near = |seen: Option<f64>, percent: f64| seen.is_some_and(|seen| (seen - percent).abs() < 1e-6);
    let seen = series(&metrics);
    assert!(
        near(seen[0], 50.0) && seen[1].is_none() && near(seen[2], 70.0),
        "{seen:?}"
    );
}

#[test]
fn a_period_of_five_minutes_slides_by_one() {
    // The mean over five minutes exceeds 50 % once three of them are at 80 and two at 20 (56 %): minutes 8 to 12 with
    // 10, 11 and 12 high. Minute 12 ends at 780 s.
    let alarm = Alarm {
        metrics: vec![metric("cpu", Metric::CpuUtilization(ServiceIx(0)), Stat::Average)],
        expression: Expression::Metric(0),
        threshold: 50.0,
        period: Span::from_secs(300),
        evaluation_periods: 1,
        datapoints_to_alarm: 1,
        ..error_ratio(MissingData::Missing)
    };
    let seen = run_alarm(alarm, &[(10, cpu(20.0)), (5, cpu(80.0))]);
    assert_eq!(seen, log(&[(360, "INSUFFICIENT_DATA → OK"), (840, "OK → ALARM")]));
}

#[test]
fn statistics_are_cloudwatchs() {
    let mut metrics = cloudwatch::Metrics::keeping(10);
    let fleet = |running| FleetCounts {
        running: vec![running],
        memory: vec![None],
        hosts: vec![HostCounts {
            healthy: running,
            unhealthy: 1,
        }],
    };
    metrics.ingest(
        &meter(
            0,
            Load {
                cpu: Some(30.0),
                requests: 100,
                errors: 5,
                ..Load::default()
            },
        ),
        &fleet(1),
    );
    metrics.ingest(
        &meter(
            1,
            Load {
                cpu: Some(60.0),
                requests: 300,
                errors: 0,
                ..Load::default()
            },
        ),
        &fleet(2),
    );
    let one = |metric, stat| metrics.series(metric, stat, 1, 1, 2)[0];
    let (group, service) = (TargetGroupIx(0), ServiceIx(0));
    assert_eq!(one(Metric::RequestCount(group), Stat::Sum), Some(400.0));
    assert_eq!(one(Metric::RequestCount(group), Stat::Average), Some(1.0));
    assert_eq!(
        one(Metric::RequestCountPerTarget(group), Stat::Sum),
        Some(100.0 + 150.0)
    );
    assert_eq!(one(Metric::TargetResponseTime(group), Stat::Average), Some(0.02));
    assert_eq!(one(Metric::Target5xx(group), Stat::Sum), Some(5.0));
    assert_eq!(one(Metric::HealthyHostCount(group), Stat::Minimum), Some(1.0));
    // One task at 30 %, then two at 60 %: (30 + 60 + 60)/3.
    assert_eq!(one(Metric::CpuUtilization(service), Stat::Average), Some(50.0));
    assert_eq!(one(Metric::CpuUtilization(service), Stat::Maximum), Some(60.0));
    assert_eq!(one(Metric::CpuUtilization(service), Stat::SampleCount), Some(3.0));
    assert_eq!(
        one(Metric::Elb5xx(LoadBalancerIx(0)), Stat::Sum),
        None,
        "zero is not reported"
    );
}

#[test]
fn the_minute_that_was_under_way_at_the_start_is_not_reported() {
    let bench = Bench::new(1, vec![]);
    let mut cx = Context::new(&bench.blueprint, 0);
    let mut monitoring = Monitoring::new(&bench.blueprint);
    let mut partial = meter(0, cpu(50.0));
    partial.ended = Instant::from_nanos(MINUTE / 2);
    monitoring.ingest(&mut cx, &partial, &FleetCounts::default());
    assert!(cx.calendar.is_empty());
}

#[test]
fn memory_does_not_grow_with_time() {
    let mut metrics = cloudwatch::Metrics::keeping(20);
    let fleet = FleetCounts {
        running: vec![1],
        memory: vec![None],
        hosts: vec![HostCounts::default()],
    };
    for minute in 0..1_000 {
        metrics.ingest(&meter(minute, cpu(50.0)), &fleet);
    }
    assert_eq!(metrics.minutes_kept(), 20);
    assert_eq!(
        metrics.series(Metric::CpuUtilization(ServiceIx(0)), Stat::Average, 999, 20, 1),
        vec![Some(50.0); 20]
    );
}
