//! Deployments that shift traffic: the portions, the pair of target groups, and the listener rule that turns.

use super::{Context, Table};
use crate::aws::quotas::ecs;
use crate::blueprint::*;
use crate::policy::shift;
use crate::scenario::diagnostic::Code;
use crate::scenario::path::Path;
use crate::scenario::schema::{self, DeploymentStrategy as Said};
use crate::units::Span;
use std::ops::RangeInclusive;

/// `path` is the deployment configuration's.
pub(super) fn strategy(cx: &mut Context, said: &schema::DeploymentConfiguration, path: &Path) -> DeploymentStrategy {
    let (linear, canary) = (said.linear_configuration, said.canary_configuration);
    let configurations = [
        (Said::Linear, "linear_configuration", linear.is_some()),
        (Said::Canary, "canary_configuration", canary.is_some()),
    ];
    for (strategy, key, given) in configurations {
        if given && said.strategy != strategy {
            let message = format!("`{key}` belongs to the strategy {}", name(strategy));
            cx.report(Code::ConflictingKeys, &path.key(key), message);
        }
    }
    if said.strategy != Said::Rolling
        && let Some(bake_time) = said.bake_time
    {
        cx.within(bake_time.0, ecs::BAKE_TIME_RANGE_S, &path.key("bake_time"));
    }
    let strategy = match said.strategy {
        Said::Rolling => return DeploymentStrategy::Rolling,
        Said::BlueGreen => return DeploymentStrategy::BlueGreen,
        Said::Linear => {
            let said = linear.unwrap_or_default();
            let share = ("step_percent", said.step_percent, ecs::STEP_PERCENT_RANGE);
            let bake = ("step_bake_time", said.step_bake_time.0);
            portion(cx, share, bake, &path.key("linear_configuration")).map(DeploymentStrategy::Linear)
        }
        Said::Canary => {
            let said = canary.unwrap_or_default();
            let share = ("canary_percent", said.canary_percent, ecs::CANARY_PERCENT_RANGE);
            let bake = ("canary_bake_time", said.canary_bake_time.0);
            portion(cx, share, bake, &path.key("canary_configuration")).map(DeploymentStrategy::Canary)
        }
    };
    let Some(strategy) = strategy else {
        return DeploymentStrategy::BlueGreen;
    };
    if let DeploymentStrategy::Linear(_) = strategy {
        arrives(cx, strategy, &path.key("linear_configuration"));
    }
    strategy
}

/// A share of the traffic and how long it is looked at, each under the key that says it.
fn portion(
    cx: &mut Context,
    (share_key, percent, range): (&str, f64, RangeInclusive<f64>),
    (bake_key, bake): (&str, Span),
    here: &Path,
) -> Option<Portion> {
    cx.within(bake, ecs::BAKE_TIME_RANGE_S, &here.key(bake_key));
    let share = share(cx, percent, range, &here.key(share_key))?;
    Some(Portion { share, bake })
}

/// A percentage of the traffic, in tenths.
pub(super) fn share(cx: &mut Context, percent: f64, range: RangeInclusive<f64>, path: &Path) -> Option<TrafficShare> {
    let tenths = percent * 10.0;
    let is_whole = (tenths - tenths.round()).abs() < 1e-6;
    if is_whole && range.contains(&percent) {
        return TrafficShare::from_tenths(tenths.round() as u32);
    }
    let message = if percent <= 0.0 {
        format!("with {percent} percent at a time no traffic ever arrives")
    } else {
        format!("{percent} percent of the traffic")
    };
    cx.problems
        .report_with(Code::ShareOfTraffic, path, message, |diagnostic| {
            diagnostic.expected(format!("{:.1} to {:.1}, in tenths", range.start(), range.end()))
        });
    None
}

/// Whether the last step comes before the deployment has lasted too long.
fn arrives(cx: &mut Context, strategy: DeploymentStrategy, path: &Path) {
    let steps = shift::schedule(strategy);
    let whole: Span = steps.iter().fold(Span::ZERO, |sum, (_, bake)| sum + *bake);
    if whole <= Span::from_secs(ecs::DEPLOYMENT_LIMIT_S) {
        return;
    }
    let message = format!(
        "{} steps with {} between them take longer than the 30 days of a deployment",
        steps.len(),
        crate::scenario::quantity::print_duration(steps[0].1)
    );
    cx.report_hint(
        Code::ShiftNeverArrives,
        &path.key("step_bake_time"),
        message,
        "AWS accepts this, and rolls back after 30 days; take larger steps or wait less between them",
    );
}

pub(super) const fn name(strategy: Said) -> &'static str {
    match strategy {
        Said::Rolling => "ROLLING",
        Said::BlueGreen => "BLUE_GREEN",
        Said::Linear => "LINEAR",
        Said::Canary => "CANARY",
    }
}

/// What AWS asks of a service whose deployments shift traffic.
pub(super) fn check(cx: &mut Context, service: &schema::Service, path: &Path) {
    let said = &service.deployment_configuration;
    let here = path.key("deployment_configuration");
    let strategy = name(said.strategy);
    if said.bake_time.is_none() {
        let message = format!("{strategy} needs a bake time");
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
            format!("for {strategy} use `alarms`"),
        );
    }
    check_pairs(cx, service, strategy, path);
}

/// The pairs of target groups, whoever deploys.
pub(super) fn check_pairs(cx: &mut Context, service: &schema::Service, strategy: &str, path: &Path) {
    let section = path.key("load_balancers");
    let bindings = service.load_balancers.as_deref().unwrap_or_default();
    let hint = "`advanced_configuration: { alternate_target_group: green, production_listener_rule: public/https/10 }`";
    if bindings.is_empty() {
        let message = format!("{strategy} shifts traffic between two target groups, and this service has none");
        cx.report_hint(Code::MissingAlternate, &section, message, hint);
    }
    for (at, binding) in bindings.iter().enumerate() {
        if binding.advanced_configuration.is_none() {
            let message = format!(
                "`{}` has no alternate target group for {strategy}",
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
        policy.metric == Some(schema::ScalingMetric::ALBRequestCountPerTarget)
    };
    let policies = service.auto_scaling.iter().flat_map(|scaling| &scaling.policies);
    for (at, _) in policies.enumerate().filter(|(_, policy)| follows_one_group(policy)) {
        let (scaling, message) = (
            path.key("auto_scaling"),
            format!("after a {strategy} deployment this metric sees no requests"),
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
    let production = rule(cx, &said.production_listener_rule, primary, &here);
    let here = path.key("test_listener_rule");
    let test_rule = match &said.test_listener_rule {
        Some(reference) => Some(rule(cx, reference, primary, &here)?),
        None => None,
    };
    if test_rule.is_some() && test_rule == production {
        let message = "the test traffic takes the rule of production";
        let hint = "give the balancer a second listener, such as `test: { port: 9001, default_action: … }`";
        cx.report_hint(Code::TestRuleOfProduction, &here, message, hint);
    }
    Some(Alternate {
        target_group: TargetGroupIx::from_usize(group?),
        rule: production?,
        test_rule,
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
            "such a rule forwards to both target groups; the deployment turns their weights",
        );
    }
    Some(RuleRef {
        load_balancer: LoadBalancerIx::from_usize(at),
        listener: position as u16,
        rule: rule as u16,
    })
}
