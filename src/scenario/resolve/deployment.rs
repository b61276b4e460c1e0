//! How a service is deployed: percentages, circuit breaker, alarms, and the pair of target groups of blue/green.

use super::{Context, Table};
use crate::aws::quotas::ecs;
use crate::blueprint::*;
use crate::scenario::diagnostic::Code;
use crate::scenario::path::Path;
use crate::scenario::schema::{self, BreakerThresholdType, DeploymentStrategy as Said};
use crate::units::Span;

pub(super) fn configuration(cx: &mut Context, service: &schema::Service, path: &Path) -> DeploymentConfiguration {
    let said = &service.deployment_configuration;
    let here = path.key("deployment_configuration");
    match said.strategy {
        Said::Rolling => check_rolling(cx, service, &here),
        Said::BlueGreen => check_blue_green(cx, service, path),
    }
    let circuit_breaker = said
        .deployment_circuit_breaker
        .as_ref()
        .filter(|breaker| breaker.enable)
        .map(|breaker| {
            let breaker_path = here.key("deployment_circuit_breaker");
            CircuitBreaker {
                rollback: breaker.rollback,
                threshold: threshold(
                    cx,
                    breaker.threshold_configuration,
                    &breaker_path.key("threshold_configuration"),
                ),
                reset_on_healthy_task: breaker.reset_on_healthy_task,
            }
        });
    let alarms = said.alarms.as_ref().filter(|alarms| alarms.enable).map(|alarms| {
        let list = here.key("alarms");
        let list = list.key("alarm_names");
        let found = alarms.alarm_names.iter().enumerate();
        let found = found.filter_map(|(at, name)| cx.find(Table::Alarm, name, &list.at(at)).map(AlarmIx::from_usize));
        DeploymentAlarms {
            alarms: found.collect(),
            rollback: alarms.rollback,
        }
    });
    DeploymentConfiguration {
        strategy: match said.strategy {
            Said::Rolling => DeploymentStrategy::Rolling,
            Said::BlueGreen => DeploymentStrategy::BlueGreen,
        },
        minimum_healthy_percent: percents(said).0,
        maximum_percent: percents(said).1,
        circuit_breaker,
        alarms,
        bake_time: said.bake_time.map_or(Span::ZERO, |time| time.0),
    }
}

/// Minimum and maximum, which are always filled in.
fn percents(said: &schema::DeploymentConfiguration) -> (u32, u32) {
    let minimum = said.minimum_healthy_percent;
    (minimum.unwrap_or(100), said.maximum_percent.unwrap_or(200))
}

fn check_rolling(cx: &mut Context, service: &schema::Service, path: &Path) {
    let said = &service.deployment_configuration;
    let (minimum, maximum) = percents(said);
    if minimum == 100 && maximum == 100 {
        let message = "Both maximumPercent and minimumHealthyPercent cannot be 100 as this will block deployments";
        let hint = "let one of them give way, for instance 100 and 200, or 50 and 100";
        cx.report_hint(Code::BlockedDeployment, &path.key("maximum_percent"), message, hint);
        return;
    }
    let desired = u64::from(service.desired_count.unwrap_or(0));
    let lower = (desired * u64::from(minimum)).div_ceil(100);
    let upper = desired * u64::from(maximum) / 100;
    if desired > 0 && lower >= desired && upper <= desired {
        let message = format!(
            "with {desired} tasks no deployment can begin: ceil({minimum} %) is {lower}, floor({maximum} %) is {upper}"
        );
        cx.report_hint(
            Code::DeploymentCannotMove,
            path,
            message,
            "AWS accepts this and waits for ever; widen the percentages or change desired_count",
        );
    }
}

fn check_blue_green(cx: &mut Context, service: &schema::Service, path: &Path) {
    let said = &service.deployment_configuration;
    let here = path.key("deployment_configuration");
    if said.bake_time.is_none() {
        let message = "BLUE_GREEN needs a bake time";
        cx.report_hint(
            Code::MissingBakeTime,
            &here.key("bake_time"),
            message,
            "say how long both revisions are kept after the shift: `bake_time: 5m`",
        );
    }
    if said.deployment_circuit_breaker.is_some_and(|breaker| breaker.enable) {
        let message = "the deployment circuit breaker works with rolling updates only";
        cx.report_hint(
            Code::BreakerNotRolling,
            &here.key("deployment_circuit_breaker"),
            message,
            "for BLUE_GREEN use `alarms`",
        );
    }
    let section = path.key("load_balancers");
    let bindings = service.load_balancers.as_deref().unwrap_or_default();
    let hint = "`advanced_configuration: { alternate_target_group: green, production_listener_rule: public/https/10 }`";
    if bindings.is_empty() {
        let message = "BLUE_GREEN shifts traffic between two target groups, and this service has none";
        cx.report_hint(Code::MissingAlternate, &here.key("strategy"), message, hint);
    }
    for (at, binding) in bindings.iter().enumerate() {
        if binding.advanced_configuration.is_none() {
            let message = format!(
                "`{}` has no alternate target group for BLUE_GREEN",
                binding.target_group
            );
            cx.report_hint(
                Code::MissingAlternate,
                &section.at(at).key("target_group"),
                message,
                hint,
            );
        }
    }
    let follows_one_group = |policy: &schema::ScalingPolicy| {
        let schema::ScalingPolicy::TargetTracking(policy) = policy;
        policy.metric == schema::ScalingMetric::ALBRequestCountPerTarget
    };
    let policies = service.auto_scaling.iter().flat_map(|scaling| &scaling.policies);
    for (at, _) in policies.enumerate().filter(|(_, policy)| follows_one_group(policy)) {
        let (scaling, message) = (
            path.key("auto_scaling"),
            "after a BLUE_GREEN deployment this metric sees no requests",
        );
        let policies = scaling.key("policies");
        cx.report_hint(
            Code::MetricLosesItsTargets,
            &policies.at(at).key("target_tracking"),
            message,
            "ALBRequestCountPerTarget follows one target group, and the tasks move to the other",
        );
    }
}

fn threshold(cx: &mut Context, said: Option<schema::BreakerThreshold>, path: &Path) -> BreakerThreshold {
    let Some(said) = said else {
        return BreakerThreshold::BoundedPercent(ecs::BREAKER_PERCENT);
    };
    if said.kind != BreakerThresholdType::Count && said.value > 100 {
        let message = format!("`{}` percent", said.value);
        cx.problems
            .report_with(Code::OutOfRange, &path.key("value"), message, |d| {
                d.expected("1 to 100")
            });
    }
    match said.kind {
        BreakerThresholdType::BoundedPercent => BreakerThreshold::BoundedPercent(f64::from(said.value)),
        BreakerThresholdType::UnboundedPercent => BreakerThreshold::UnboundedPercent(f64::from(said.value)),
        BreakerThresholdType::Count => BreakerThreshold::Count(said.value),
    }
}

/// The other target group of blue/green, and the rule whose weights turn.
pub(super) fn alternate(
    cx: &mut Context,
    primary: &str,
    said: &schema::AdvancedConfiguration,
    path: &Path,
) -> Option<Alternate> {
    let other = path.key("alternate_target_group");
    let group = cx.find(Table::TargetGroup, &said.alternate_target_group, &other);
    if said.alternate_target_group == primary {
        cx.report(
            Code::NameTaken,
            &other,
            "the alternate target group must be another one",
        );
    }
    let here = path.key("production_listener_rule");
    let rule = rule(cx, &said.production_listener_rule, primary, &here);
    Some(Alternate {
        target_group: TargetGroupIx::from_usize(group?),
        rule: rule?,
    })
}

/// `balancer/listener/priority` or `balancer/listener/default`.
fn rule(cx: &mut Context, reference: &str, primary: &str, path: &Path) -> Option<RuleRef> {
    let parts: Vec<&str> = reference.split('/').collect();
    let [balancer, listener, priority] = parts.as_slice() else {
        let message = format!("`{reference}` is not a listener rule");
        cx.problems
            .report_with(Code::MalformedReference, path, message, |diagnostic| {
                diagnostic.expected("`balancer/listener/priority` or `balancer/listener/default`")
            });
        return None;
    };
    let at = cx.find(Table::LoadBalancer, balancer, path)?;
    let listeners = &cx.said.load_balancers.0[at].1.listeners;
    let Some(position) = listeners.position(listener) else {
        let message = format!("`{balancer}` has no listener `{listener}`");
        cx.problems.report_with(Code::UnknownName, path, message, |d| {
            d.did_you_mean(listener, listeners.names())
        });
        return None;
    };
    let said = &listeners.0[position].1;
    let mut priorities: Vec<u32> = said.rules.iter().map(|rule| rule.priority).collect();
    priorities.sort_unstable();
    let (rule, forward) = if *priority == "default" {
        let forward = match &said.default_action {
            schema::Action::Forward(groups) => Some(groups),
            schema::Action::FixedResponse(_) | schema::Action::Redirect(_) => None,
        };
        (priorities.len(), forward)
    } else {
        let found = priority
            .parse()
            .ok()
            .and_then(|wanted: u32| priorities.iter().position(|known| *known == wanted));
        let Some(found) = found else {
            let message = format!("`{balancer}/{listener}` has no rule of priority `{priority}`");
            let known: Vec<String> = priorities
                .iter()
                .map(u32::to_string)
                .chain(["default".to_owned()])
                .collect();
            cx.problems.report_with(Code::UnknownName, path, message, |diagnostic| {
                diagnostic.expected(format!("one of {}", known.join(", ")))
            });
            return None;
        };
        let rule = said.rules.iter().find(|rule| rule.priority == priorities[found]);
        (found, rule.and_then(|rule| rule.forward.as_ref()))
    };
    if !forward.is_some_and(|groups| groups.iter().any(|group| group.target_group == primary)) {
        let message = format!("this rule does not forward to `{primary}`");
        cx.report_hint(
            Code::RuleWithoutGroup,
            path,
            message,
            "the production rule forwards to both target groups; the deployment turns their weights",
        );
    }
    Some(RuleRef {
        load_balancer: LoadBalancerIx::from_usize(at),
        listener: position as u16,
        rule: rule as u16,
    })
}
