//! Load balancers: what each has as a whole, and references to their listeners. Rules and target groups have files of
//! their own.

mod doubts;
mod rules;
mod target_group;

pub(super) use doubts::doubts;

use super::{Context, Table, capacity, each};
use crate::aws::quotas::alb;
use crate::blueprint::*;
use crate::scenario::diagnostic::Code;
use crate::scenario::path::Path;
use crate::scenario::schema;

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
                groups.push(target_group::target_group(cx, name, group, path));
            },
        );
        quotas(cx, balancer, path);
        let listeners = rules::listeners(cx, at, name, &balancer.listeners, path);
        balancers.push(LoadBalancer {
            name: name.to_owned(),
            zones,
            internet_facing: balancer.scheme == schema::Scheme::InternetFacing,
            listeners,
            idle_timeout: balancer.idle_timeout.0,
            attributes: attributes(cx, name, balancer, path),
        });
    });
    (balancers, groups)
}

fn attributes(cx: &mut Context, name: &str, said: &schema::LoadBalancer, path: &Path) -> LoadBalancerAttributes {
    let mut attributes = LoadBalancerAttributes::default();
    if let Some(keep_alive) = said.client_keep_alive {
        let here = path.key("client_keep_alive");
        cx.within(keep_alive.0, alb::CLIENT_KEEP_ALIVE_RANGE_S, &here);
        let mine = |to: &str| to == name || to.split_once('/').is_some_and(|(balancer, _)| balancer == name);
        let known = |traffic: &schema::Traffic| {
            traffic.clients.is_some() || traffic.users.is_some() || !traffic.journeys.is_empty()
        };
        if !cx
            .said
            .traffic
            .iter()
            .any(|(_, traffic)| mine(&traffic.to) && known(traffic))
        {
            let message = "nobody keeps a connection here";
            let hint = "say how many `clients` the traffic comes from, or give it `users`";
            cx.report_hint(Code::ConflictingKeys, &here, message, hint);
        }
        attributes.client_keep_alive = keep_alive.0;
    }
    if let Some(capacity) = said.minimum_load_balancer_capacity {
        attributes.reserved_units = capacity.capacity_units;
    }
    attributes
}

/// Refuses what AWS refuses for its number.
fn quotas(cx: &mut Context, balancer: &schema::LoadBalancer, path: &Path) {
    let rules = balancer
        .listeners
        .iter()
        .map(|(_, listener)| listener.rules.len())
        .sum();
    let counts = [
        (
            "listeners",
            "listeners",
            balancer.listeners.len(),
            alb::LISTENERS_PER_BALANCER,
            "TooManyListeners",
        ),
        (
            "listeners",
            "rules besides the default ones",
            rules,
            alb::RULES_PER_BALANCER,
            "TooManyRules",
        ),
        (
            "target_groups",
            "target groups",
            balancer.target_groups.len(),
            alb::TARGET_GROUPS_PER_BALANCER,
            "TooManyUniqueTargetGroupsPerLoadBalancer",
        ),
    ];
    for (key, what, count, quota, reason) in counts {
        if count > quota {
            let message = format!("{count} {what} of one load balancer");
            cx.problems
                .report_with(Code::BalancerQuota, &path.key(key), message, |diagnostic| {
                    diagnostic
                        .expected(format!("at most {quota}"))
                        .hint(format!("AWS refuses it ({reason}); take another load balancer"))
                });
        }
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
