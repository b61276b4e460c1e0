//! Application Auto Scaling: bounds, target tracking, scheduled actions.

use super::{Context, Table, alarm, schedule};
use crate::blueprint::*;
use crate::scenario::diagnostic::Code;
use crate::scenario::path::Path;
use crate::scenario::quantity::Level;
use crate::scenario::schema::{self, ScalingPolicy};

pub(super) fn auto_scaling(cx: &mut Context, said: Option<&schema::AutoScaling>, path: &Path) -> Option<AutoScaling> {
    let said = said?;
    if said.min_capacity > said.max_capacity {
        let message = format!("min {} ≤ max {} does not hold", said.min_capacity, said.max_capacity);
        cx.report(Code::ContradictorySizes, &path.key("min_capacity"), message);
    }
    let section = path.key("policies");
    let policies = said
        .policies
        .iter()
        .enumerate()
        .filter_map(|(at, ScalingPolicy::TargetTracking(policy))| {
            target_tracking(cx, policy, &section.at(at).key("target_tracking"))
        })
        .collect();
    let section = path.key("scheduled_actions");
    let mut scheduled = Vec::new();
    for (at, action) in said.scheduled_actions.iter().enumerate() {
        let here = section.at(at);
        if action.min_capacity.is_none() && action.max_capacity.is_none() {
            cx.problems
                .report_with(Code::MissingKey, &here, "this action changes nothing", |diagnostic| {
                    diagnostic.expected("`min_capacity`, `max_capacity` or both")
                });
        }
        let low = action.min_capacity.unwrap_or(0);
        if action.max_capacity.is_some_and(|high| low > high) {
            cx.report(
                Code::ContradictorySizes,
                &here.key("min_capacity"),
                "min_capacity lies above max_capacity",
            );
        }
        for at in schedule::instants(cx, &action.schedule, &here.key("schedule")) {
            scheduled.push(ScheduledCapacity {
                at,
                min_capacity: action.min_capacity,
                max_capacity: action.max_capacity,
            });
        }
    }
    // Stable: actions at the same instant act in the order written.
    scheduled.sort_by_key(|action| action.at);
    Some(AutoScaling {
        min_capacity: said.min_capacity,
        max_capacity: said.max_capacity,
        policies,
        scheduled,
    })
}

fn target_tracking(cx: &mut Context, said: &schema::TargetTracking, path: &Path) -> Option<TargetTracking> {
    let group = path.key("target_group");
    let value = path.key("target_value");
    let predefined = match (said.metric, &said.customized_metric_specification) {
        (Some(metric), None) => metric,
        (None, Some(customized)) => return customized_tracking(cx, said, customized, path),
        _ => {
            cx.problems
                .report_with(Code::NotExactlyOne, path, "what is to be followed is not clear", |d| {
                    d.expected("one of `metric` and `customized_metric_specification`")
                });
            return None;
        }
    };
    let (metric, target_value) = match (predefined, &said.target_group) {
        (
            said_metric @ (schema::ScalingMetric::ECSServiceAverageCPUUtilization
            | schema::ScalingMetric::ECSServiceAverageMemoryUtilization),
            name,
        ) => {
            if name.is_some() {
                let message = "`target_group` means nothing for a utilisation";
                cx.report(Code::ConflictingKeys, &group, message);
            }
            let Level::Percent(percent) = said.target_value.0 else {
                let message = "a utilisation is a percentage";
                cx.problems
                    .report_with(Code::MissingUnit, &value, message, |d| d.expected("a value like `60%`"));
                return None;
            };
            let metric = match said_metric {
                schema::ScalingMetric::ECSServiceAverageMemoryUtilization => ScalingMetric::Memory,
                _ => ScalingMetric::Cpu,
            };
            (metric, percent)
        }
        (schema::ScalingMetric::ALBRequestCountPerTarget, None) => {
            let message = "ALBRequestCountPerTarget needs a `target_group`";
            cx.report(Code::MissingKey, &group, message);
            return None;
        }
        (schema::ScalingMetric::ALBRequestCountPerTarget, Some(name)) => {
            let found = cx.find(Table::TargetGroup, name, &group)?;
            let Level::Number(number) = said.target_value.0 else {
                let message = "requests are counted";
                cx.problems
                    .report_with(Code::MalformedQuantity, &value, message, |diagnostic| {
                        diagnostic.expected("requests for each target and minute, like `1000`")
                    });
                return None;
            };
            (
                ScalingMetric::RequestCountPerTarget(TargetGroupIx::from_usize(found)),
                number,
            )
        }
    };
    Some(tracking(cx, said, (metric, target_value), &value))
}

fn tracking(
    cx: &mut Context,
    said: &schema::TargetTracking,
    (metric, target_value): (ScalingMetric, f64),
    path: &Path,
) -> TargetTracking {
    if target_value <= 0.0 {
        cx.problems
            .report_with(Code::OutOfRange, path, "a target of nothing", |d| {
                d.expected("a value above 0")
            });
    }
    TargetTracking {
        name: said.policy_name.clone().unwrap_or_default(),
        metric,
        target_value,
        scale_out_cooldown: said.scale_out_cooldown.0,
        scale_in_cooldown: said.scale_in_cooldown.0,
        disable_scale_in: said.disable_scale_in,
    }
}

/// A policy that follows a metric of its own.
fn customized_tracking(
    cx: &mut Context,
    said: &schema::TargetTracking,
    customized: &schema::CustomizedMetricSpecification,
    path: &Path,
) -> Option<TargetTracking> {
    if said.target_group.is_some() {
        let message = "`target_group` means nothing here: each metric says what it is of";
        cx.report(Code::ConflictingKeys, &path.key("target_group"), message);
    }
    let value = path.key("target_value");
    let Level::Number(target_value) = said.target_value.0 else {
        let message = "a customized metric is a plain number";
        cx.problems.report_with(Code::MalformedQuantity, &value, message, |d| {
            d.expected("a number, like `100`")
        });
        return None;
    };
    let name = said.policy_name.as_deref().unwrap_or_default();
    let path = path.key("customized_metric_specification");
    let math = alarm::math(cx, (name, &customized.metrics, customized.expression.as_deref()), &path)?;
    let metric = ScalingMetric::Customized(Box::new(math));
    Some(tracking(cx, said, (metric, target_value), &value))
}
