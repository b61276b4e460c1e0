//! Load balancers: listeners, rules, target groups, and who may forward to whom.

use super::{Context, Table, capacity, each, program};
use crate::aws::quotas::alb;
use crate::blueprint::*;
use crate::scenario::diagnostic::Code;
use crate::scenario::path::Path;
use crate::scenario::schema::{self, Named};

/// Numbers the target groups; a name under two balancers is reported.
pub(super) fn list_target_groups(cx: &mut Context) {
    let root = Path::Root;
    let section = root.key("load_balancers");
    each(&cx.said.load_balancers, &section, |at, _, balancer, path| {
        let groups = path.key("target_groups");
        for name in balancer.target_groups.names() {
            if let Some((other, _)) = cx.target_groups.iter().find(|(_, known)| *known == name) {
                let other = &cx.said.load_balancers.0[*other].0;
                let message = format!("the target group `{name}` is `{other}`'s already");
                cx.report_hint(
                    Code::TargetGroupShared,
                    &groups.key(name),
                    message,
                    "AWS ties a target group to one load balancer; give this one another name",
                );
            }
            cx.target_groups.push((at, name));
        }
        cx.check_names(balancer.target_groups.names(), &groups);
        cx.check_names(balancer.listeners.names(), &path.key("listeners"));
    });
}

pub(super) fn load_balancers(cx: &mut Context) -> (Vec<LoadBalancer>, Vec<TargetGroup>) {
    let root = Path::Root;
    let section = root.key("load_balancers");
    let mut balancers = Vec::new();
    let mut groups = Vec::new();
    each(&cx.said.load_balancers, &section, |at, name, balancer, path| {
        let zones = balancer.availability_zones.as_deref().unwrap_or_default();
        let zones = capacity::zones(cx, zones, &path.key("availability_zones"));
        cx.within(
            balancer.idle_timeout.0,
            alb::IDLE_TIMEOUT_RANGE_S,
            &path.key("idle_timeout"),
        );
        each(
            &balancer.target_groups,
            &path.key("target_groups"),
            |_, name, group, path| {
                groups.push(target_group(cx, name, group, path));
            },
        );
        let listeners = listeners(cx, at, name, &balancer.listeners, path);
        balancers.push(LoadBalancer {
            name: name.to_owned(),
            zones,
            internet_facing: balancer.scheme == schema::Scheme::InternetFacing,
            listeners,
            idle_timeout: balancer.idle_timeout.0,
        });
    });
    (balancers, groups)
}

fn listeners(
    cx: &mut Context,
    at: usize,
    balancer: &str,
    said: &Named<schema::Listener>,
    path: &Path,
) -> Vec<Listener> {
    let section = path.key("listeners");
    if said.is_empty() {
        cx.report(
            Code::NoListener,
            path,
            format!("`{balancer}` has no listener, so nothing can reach it"),
        );
    }
    let mut listeners: Vec<Listener> = Vec::new();
    each(said, &section, |_, name, listener, path| {
        if let Some(other) = listeners.iter().find(|other| other.port == listener.port) {
            let message = format!("port {} is `{}`'s already", listener.port, other.name);
            cx.report(Code::DuplicatePort, &path.key("port"), message);
        }
        let default = path.key("default_action");
        let default_action = match &listener.default_action {
            schema::Action::Forward(groups) => Action::Forward(forward(cx, at, groups, &default.key("forward"))),
            schema::Action::FixedResponse(code) => Action::FixedResponse(*code),
        };
        let rules = rules(cx, at, &listener.rules, &path.key("rules"));
        listeners.push(Listener {
            name: name.to_owned(),
            port: listener.port,
            rules,
            default_action,
        });
    });
    listeners
}

fn rules(cx: &mut Context, balancer: usize, said: &[schema::Rule], path: &Path) -> Vec<Rule> {
    let mut rules: Vec<Rule> = Vec::new();
    for (at, rule) in said.iter().enumerate() {
        let path = path.at(at);
        if said[..at].iter().any(|other| other.priority == rule.priority) {
            let message = format!("another rule of this listener has the priority {}", rule.priority);
            cx.report(Code::DuplicatePriority, &path.key("priority"), message);
        }
        let conditions = rule.path_pattern.len() + rule.host_header.len() + rule.http_request_method.len();
        if conditions == 0 {
            cx.problems
                .report_with(Code::MissingKey, &path, "this rule has no condition", |diagnostic| {
                    diagnostic
                        .expected("`path_pattern`, `host_header` or `http_request_method`")
                        .hint("what all requests get is the listener's `default_action`")
                });
        }
        if conditions > alb::VALUES_PER_RULE {
            let message = format!("{conditions} values in the conditions of a rule");
            cx.problems.report_with(Code::WrongLength, &path, message, |d| {
                d.expected("at most 5, as AWS allows")
            });
        }
        for (key, patterns) in [("path_pattern", &rule.path_pattern), ("host_header", &rule.host_header)] {
            for (at, pattern) in patterns.iter().enumerate() {
                if pattern.is_empty() || pattern.len() > alb::PATTERN_LENGTH {
                    let message = "a pattern has 1 to 128 characters";
                    cx.report(Code::WrongLength, &path.key(key).at(at), message);
                }
            }
        }
        let action = match (&rule.forward, rule.fixed_response) {
            (Some(groups), None) => Action::Forward(forward(cx, balancer, groups, &path.key("forward"))),
            (None, Some(code)) => Action::FixedResponse(code),
            (forward, _) => {
                let message = if forward.is_some() {
                    "two actions in one rule"
                } else {
                    "this rule does nothing"
                };
                cx.problems
                    .report_with(Code::NotExactlyOne, &path, message, |diagnostic| {
                        diagnostic.expected("one of `forward` and `fixed_response`")
                    });
                continue;
            }
        };
        let patterns = |list: &[String]| list.iter().cloned().map(PathPattern).collect();
        rules.push(Rule {
            priority: rule.priority,
            paths: patterns(&rule.path_pattern),
            hosts: patterns(&rule.host_header),
            methods: rule
                .http_request_method
                .iter()
                .map(|method| super::behaviour::method(*method))
                .collect(),
            action,
        });
    }
    rules.sort_by_key(|rule| rule.priority);
    rules
}

fn forward(cx: &mut Context, balancer: usize, said: &[schema::WeightedTargetGroup], path: &Path) -> Vec<WeightedGroup> {
    if said.is_empty() || said.len() > alb::TARGET_GROUPS_PER_ACTION {
        let message = format!("{} target groups in an action", said.len());
        cx.problems
            .report_with(Code::WrongLength, path, message, |d| d.expected("1 to 5 target groups"));
    } else if said.iter().all(|group| group.weight == 0) {
        cx.report_hint(
            Code::WeightsSumToZero,
            path,
            "the weights add up to 0",
            "give one of them a weight above 0",
        );
    }
    let mut groups: Vec<WeightedGroup> = Vec::new();
    for (at, group) in said.iter().enumerate() {
        let here = path.at(at);
        let name = here.key("target_group");
        let Some(target_group) = cx.find(Table::TargetGroup, &group.target_group, &name) else {
            continue;
        };
        if cx.target_groups[target_group].0 != balancer {
            let owner = &cx.said.load_balancers.0[cx.target_groups[target_group].0].0;
            let message = format!("the target group `{}` is `{owner}`'s", group.target_group);
            cx.report_hint(
                Code::TargetGroupShared,
                &name,
                message,
                "AWS ties a target group to one load balancer; make another one under this balancer",
            );
        }
        let target_group = TargetGroupIx::from_usize(target_group);
        if groups.iter().any(|other| other.target_group == target_group) {
            cx.report(
                Code::NameTaken,
                &name,
                format!("`{}` stands here twice", group.target_group),
            );
        }
        groups.push(WeightedGroup {
            target_group,
            weight: group.weight,
        });
    }
    groups
}

fn target_group(cx: &mut Context, name: &str, said: &schema::TargetGroup, path: &Path) -> TargetGroup {
    let slow_start = said.slow_start.0;
    let slow_path = path.key("slow_start");
    let algorithm = match said.load_balancing_algorithm {
        schema::Algorithm::RoundRobin => Algorithm::RoundRobin,
        schema::Algorithm::LeastOutstandingRequests => Algorithm::LeastOutstandingRequests,
        schema::Algorithm::WeightedRandom => Algorithm::WeightedRandom,
    };
    if !slow_start.is_zero() {
        cx.within(slow_start, alb::SLOW_START_RANGE_S, &slow_path);
        if algorithm != Algorithm::RoundRobin {
            let message = "slow start works with round robin only";
            cx.report_hint(
                Code::SlowStartAlgorithm,
                &slow_path,
                message,
                "AWS refuses it with least outstanding requests and weighted random; use round_robin or leave slow_start out",
            );
        }
    }
    cx.within(
        said.deregistration_delay.0,
        alb::DEREGISTRATION_DELAY_RANGE_S,
        &path.key("deregistration_delay"),
    );
    let check = &said.health_check;
    let here = path.key("health_check");
    cx.within(
        check.interval.0,
        alb::health_check::INTERVAL_RANGE_S,
        &here.key("interval"),
    );
    cx.within(
        check.timeout.0,
        alb::health_check::TIMEOUT_RANGE_S,
        &here.key("timeout"),
    );
    if check.timeout.0 >= check.interval.0 {
        let message = "the health check's timeout is not shorter than its interval";
        cx.report(Code::CheckTimeoutTooLong, &here.key("timeout"), message);
    }
    if !check.path.starts_with('/') {
        cx.problems.report_with(
            Code::MalformedRoute,
            &here.key("path"),
            format!("`{}` is not a path", check.path),
            |d| d.expected("a path that begins with `/`"),
        );
    }
    let runs = match check.runs.as_slice() {
        [] => cx.nothing,
        steps => program::program(cx, steps, &format!("{name} health check"), &here.key("runs")),
    };
    TargetGroup {
        name: name.to_owned(),
        algorithm,
        deregistration_delay: said.deregistration_delay.0,
        slow_start,
        health_check: HealthCheck {
            path: check.path.clone(),
            interval: check.interval.0,
            timeout: check.timeout.0,
            healthy_threshold: check.healthy_threshold,
            unhealthy_threshold: check.unhealthy_threshold,
            matcher: check.matcher.0.clone(),
            runs,
        },
    }
}

/// A listener by `balancer` or `balancer/listener`; the first form only if the balancer has just one.
pub(super) fn listener(cx: &mut Context, reference: &str, path: &Path) -> Option<(LoadBalancerIx, u16)> {
    let (balancer, listener) = match reference.split_once('/') {
        Some((balancer, listener)) => (balancer, Some(listener)),
        None => (reference, None),
    };
    let at = cx.find(Table::LoadBalancer, balancer, path)?;
    let names: Vec<&str> = cx.said.load_balancers.0[at].1.listeners.names().collect();
    let found = match listener {
        None if names.len() == 1 => Some(0),
        // A balancer without listeners has been reported.
        None if names.is_empty() => None,
        None => {
            let message = format!("`{balancer}` has several listeners");
            let known: Vec<String> = names.iter().map(|name| format!("`{balancer}/{name}`")).collect();
            cx.problems
                .report_with(Code::MalformedReference, path, message, |diagnostic| {
                    diagnostic.expected(format!("one of {}", known.join(", ")))
                });
            None
        }
        Some(listener) => {
            let found = names.iter().position(|name| *name == listener);
            if found.is_none() {
                let message = format!("`{balancer}` has no listener `{listener}`");
                cx.problems
                    .report_with(Code::UnknownName, path, message, |d| d.did_you_mean(listener, names));
            }
            found
        }
    }?;
    Some((LoadBalancerIx::from_usize(at), found as u16))
}
