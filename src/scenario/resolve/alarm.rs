//! CloudWatch alarms: metrics by name, arithmetic on them, and when they fire.

use super::{Context, Table, each, expression};
use crate::aws::quotas::cloudwatch;
use crate::blueprint::*;
use crate::scenario::diagnostic::Code;
use crate::scenario::path::Path;
use crate::scenario::quantity::Level;
use crate::scenario::schema::{self, MetricName, Named};

pub(super) fn alarms(cx: &mut Context) -> Vec<Alarm> {
    let root = Path::Root;
    let section = root.key("alarms");
    let mut alarms = Vec::new();
    each(&cx.said.alarms, &section, |_, name, said, path| {
        alarms.extend(alarm(cx, name, said, path));
    });
    alarms
}

fn alarm(cx: &mut Context, name: &str, said: &schema::Alarm, path: &Path) -> Option<Alarm> {
    let periods = path.key("period");
    let seconds = said.period.0.nanos() / 1_000_000_000;
    if said.period.0.is_zero()
        || !said
            .period
            .0
            .nanos()
            .is_multiple_of(cloudwatch::PERIOD_S * 1_000_000_000)
    {
        let message = "the period is not a multiple of a minute";
        cx.problems
            .report_with(Code::AlarmPeriod, &periods, message, |d| d.expected("60s, 2m, 5m, …"));
    } else if seconds.saturating_mul(u64::from(said.evaluation_periods)) > cloudwatch::LONGEST_RANGE_S {
        let message = "period × evaluation_periods is longer than a day";
        cx.report(Code::AlarmPeriod, &path.key("evaluation_periods"), message);
    }
    let datapoints = said.datapoints_to_alarm.unwrap_or(said.evaluation_periods);
    if datapoints > said.evaluation_periods {
        let message = format!(
            "{datapoints} datapoints of {} periods can never be",
            said.evaluation_periods
        );
        cx.report(Code::DatapointsExceedPeriods, &path.key("datapoints_to_alarm"), message);
    }
    let MetricMath { metrics, expression } = math(cx, (name, &said.metrics, said.expression.as_deref()), path)?;
    let threshold = threshold(cx, said, &expression, &path.key("threshold"));
    Some(Alarm {
        name: name.to_owned(),
        metrics,
        expression,
        comparison: match said.comparison_operator {
            schema::Comparison::GreaterThanThreshold => Comparison::GreaterThan,
            schema::Comparison::GreaterThanOrEqualToThreshold => Comparison::GreaterThanOrEqual,
            schema::Comparison::LessThanThreshold => Comparison::LessThan,
            schema::Comparison::LessThanOrEqualToThreshold => Comparison::LessThanOrEqual,
        },
        threshold,
        period: said.period.0,
        evaluation_periods: said.evaluation_periods,
        datapoints_to_alarm: datapoints,
        missing: match said.treat_missing_data {
            schema::MissingData::Missing => MissingData::Missing,
            schema::MissingData::Ignore => MissingData::Ignore,
            schema::MissingData::Breaching => MissingData::Breaching,
            schema::MissingData::NotBreaching => MissingData::NotBreaching,
        },
    })
}

/// Metrics and the arithmetic on them, of an alarm or a policy of this name.
pub(super) fn math(
    cx: &mut Context,
    (name, said, expression): (&str, &Named<schema::AlarmMetric>, Option<&str>),
    path: &Path,
) -> Option<MetricMath> {
    let mut metrics = Vec::new();
    let section = path.key("metrics");
    if said.is_empty() {
        cx.problems.report_with(
            Code::WrongLength,
            &section,
            format!("`{name}` watches nothing"),
            |diagnostic| diagnostic.expected("at least one metric"),
        );
    }
    each(said, &section, |_, id, metric, path| {
        let found = self::metric(cx, metric, path);
        metrics.extend(found.map(|metric_of| AlarmMetric {
            id: id.to_owned(),
            metric: metric_of,
            stat: stat(metric.stat),
        }));
    });
    let expression = self::expression(cx, (said, expression), &path.key("expression"))?;
    (metrics.len() == said.len()).then_some(MetricMath { metrics, expression })
}

fn expression(
    cx: &mut Context,
    (metrics, said): (&Named<schema::AlarmMetric>, Option<&str>),
    path: &Path,
) -> Option<Expression> {
    let Some(text) = said else {
        if metrics.len() > 1 {
            let message = "several metrics need an expression";
            cx.problems.report_with(Code::MissingKey, path, message, |d| {
                d.expected("arithmetic, like `errors / all`")
            });
        }
        return None;
    };
    let names: Vec<&str> = metrics.names().collect();
    expression::parse(text, &names)
        .map_err(|why| {
            cx.problems.report_with(
                Code::MalformedExpression,
                path,
                format!("`{text}`: {why}"),
                |diagnostic| {
                    diagnostic.expected("numbers and metrics by name with + - * / and brackets, like `errors / all`")
                },
            );
        })
        .ok()
}

/// CloudWatch knows utilisation in percent and time in seconds; a quotient is a plain number.
fn threshold(cx: &mut Context, said: &schema::Alarm, expression: &Expression, path: &Path) -> f64 {
    let only = match expression {
        Expression::Metric(at) => said.metrics.0.get(*at).map(|(_, metric)| metric.metric),
        _ => None,
    };
    match (said.threshold.0, only) {
        (Level::Percent(percent), Some(MetricName::CPUUtilization | MetricName::MemoryUtilization)) => percent,
        (Level::Percent(percent), None) => percent / 100.0,
        (Level::Duration(span), Some(MetricName::TargetResponseTime | MetricName::ApproximateAgeOfOldestMessage)) => {
            span.seconds()
        }
        (Level::Number(number), metric)
            if !matches!(
                metric,
                Some(MetricName::TargetResponseTime | MetricName::ApproximateAgeOfOldestMessage)
            ) =>
        {
            number
        }
        (_, metric) => {
            let expected = match metric {
                Some(MetricName::TargetResponseTime | MetricName::ApproximateAgeOfOldestMessage) => {
                    "a time, like `250ms`"
                }
                Some(MetricName::CPUUtilization | MetricName::MemoryUtilization) => "a percentage, like `80%`",
                _ => "a number",
            };
            let message = "the threshold does not fit the metric's unit";
            cx.problems
                .report_with(Code::MalformedQuantity, path, message, |d| d.expected(expected));
            0.0
        }
    }
}

fn stat(said: schema::Stat) -> Stat {
    match said {
        schema::Stat::Sum => Stat::Sum,
        schema::Stat::Average => Stat::Average,
        schema::Stat::Minimum => Stat::Minimum,
        schema::Stat::Maximum => Stat::Maximum,
        schema::Stat::SampleCount => Stat::SampleCount,
    }
}

/// The metric of a queue, if it is one.
fn of_queue(name: MetricName) -> Option<QueueMetric> {
    Some(match name {
        MetricName::ApproximateNumberOfMessagesVisible => QueueMetric::MessagesVisible,
        MetricName::ApproximateNumberOfMessagesNotVisible => QueueMetric::MessagesNotVisible,
        MetricName::ApproximateNumberOfMessagesDelayed => QueueMetric::MessagesDelayed,
        MetricName::ApproximateAgeOfOldestMessage => QueueMetric::AgeOfOldestMessage,
        MetricName::NumberOfMessagesSent => QueueMetric::MessagesSent,
        MetricName::NumberOfMessagesReceived => QueueMetric::MessagesReceived,
        MetricName::NumberOfMessagesDeleted => QueueMetric::MessagesDeleted,
        _ => return None,
    })
}

/// The metric with what it is of: a target group, a balancer, a service or a queue.
fn metric(cx: &mut Context, said: &schema::AlarmMetric, path: &Path) -> Option<Metric> {
    let of_service = matches!(
        said.metric,
        MetricName::CPUUtilization | MetricName::MemoryUtilization | MetricName::RunningTaskCount
    );
    let of_queue = of_queue(said.metric);
    let of_balancer = said.metric == MetricName::Elb5xx;
    let wanted = if of_service {
        "service"
    } else if of_balancer {
        "load_balancer"
    } else if of_queue.is_some() {
        "queue"
    } else {
        "target_group"
    };
    let keys = [
        ("target_group", &said.target_group),
        ("load_balancer", &said.load_balancer),
        ("service", &said.service),
        ("queue", &said.queue),
    ];
    for (key, _) in keys.iter().filter(|(key, given)| given.is_some() && *key != wanted) {
        let message = format!("this metric is not of a {}", key.replace('_', " "));
        cx.problems
            .report_with(Code::ConflictingKeys, &path.key(key), message, |d| {
                d.expected(format!("`{wanted}`"))
            });
    }
    let name = keys
        .into_iter()
        .find(|(key, _)| *key == wanted)
        .and_then(|(_, name)| name.as_deref());
    let Some(name) = name else {
        let message = format!("this metric is of a {}, and none is named", wanted.replace('_', " "));
        cx.problems.report_with(Code::MissingKey, path, message, |d| {
            d.expected(format!("the key `{wanted}`"))
        });
        return None;
    };
    let here = path.key(wanted);
    if of_service {
        let service = ServiceIx::from_usize(cx.find(Table::Service, name, &here)?);
        return Some(match said.metric {
            MetricName::CPUUtilization => Metric::CpuUtilization(service),
            MetricName::RunningTaskCount => Metric::RunningTaskCount(service),
            _ => Metric::MemoryUtilization(service),
        });
    }
    if let Some(metric) = of_queue {
        let queue = QueueIx::from_usize(cx.find(Table::Queue, name, &here)?);
        return Some(Metric::Queue(queue, metric));
    }
    if of_balancer {
        return Some(Metric::Elb5xx(LoadBalancerIx::from_usize(cx.find(
            Table::LoadBalancer,
            name,
            &here,
        )?)));
    }
    let group = TargetGroupIx::from_usize(cx.find(Table::TargetGroup, name, &here)?);
    Some(match said.metric {
        MetricName::RequestCount => Metric::RequestCount(group),
        MetricName::RequestCountPerTarget => Metric::RequestCountPerTarget(group),
        MetricName::TargetResponseTime => Metric::TargetResponseTime(group),
        MetricName::Target2xx => Metric::Target2xx(group),
        MetricName::Target4xx => Metric::Target4xx(group),
        MetricName::Target5xx => Metric::Target5xx(group),
        MetricName::HealthyHostCount => Metric::HealthyHostCount(group),
        MetricName::UnHealthyHostCount => Metric::UnhealthyHostCount(group),
        _ => unreachable!("metrics of balancers, services and queues are taken above"),
    })
}
