//! What AWS would take of a balancer, though hardly as it was meant. Looked at when everything is resolved.

use crate::aws::quotas::alb;
use crate::blueprint::*;
use crate::scenario::diagnostic::Code;
use crate::scenario::path::Path;
use crate::scenario::resolve::Context;

pub(in crate::scenario::resolve) fn doubts(cx: &mut Context, blueprint: &Blueprint) {
    stickiness(cx, blueprint);
    targets(cx, blueprint);
}

/// Stickiness that no client brings a cookie for.
fn stickiness(cx: &mut Context, blueprint: &Blueprint) {
    let root = Path::Root;
    let section = root.key("load_balancers");
    for (at, balancer) in blueprint.load_balancers.iter().enumerate() {
        let known = |traffic: &Traffic| {
            let here =
                matches!(traffic.to, Destination::LoadBalancer { load_balancer, .. } if load_balancer.at() == at);
            let closed = matches!(traffic.source, Source::Closed { .. });
            here && (traffic.clients.is_some() || closed || !traffic.journeys.is_empty())
        };
        if blueprint.traffic.iter().any(known) {
            continue;
        }
        let mut own = (0..blueprint.target_groups.len()).filter(|group| cx.target_groups[*group].0 == at);
        let of_targets = own.any(|group| blueprint.target_groups[group].attributes.stickiness.is_some());
        let of_groups = balancer.listeners.iter().any(|listener| {
            let rules = listener.rules.iter().map(|rule| rule.group_stickiness);
            rules
                .chain([listener.group_stickiness])
                .any(|stickiness| stickiness.is_some())
        });
        if of_targets || of_groups {
            cx.report_hint(
                Code::StickinessWithoutClients,
                &section.key(&balancer.name),
                "nobody comes back with a cookie, so nothing is sticky here",
                "say how many `clients` its traffic comes from, or give it `users`",
            );
        }
    }
}

/// More targets than AWS registers [ALB23:load-balancer-limits].
fn targets(cx: &mut Context, blueprint: &Blueprint) {
    let root = Path::Root;
    let section = root.key("load_balancers");
    let most = |service: &Service| {
        let scaled = service.auto_scaling.as_ref().map_or(0, |scaling| scaling.max_capacity);
        service.desired_count.max(scaled) as usize
    };
    for (at, balancer) in blueprint.load_balancers.iter().enumerate() {
        let mine = |binding: &ServiceLoadBalancer| cx.target_groups[binding.target_group.at()].0 == at;
        let bindings = |service: &Service| service.load_balancers.iter().filter(|binding| mine(binding)).count();
        let count: usize = blueprint
            .services
            .iter()
            .map(|service| bindings(service) * most(service))
            .sum();
        if count > alb::TARGETS_PER_BALANCER {
            let message = format!("{count} targets of one load balancer");
            let hint = format!(
                "AWS registers {}, in a group as in a balancer; raise the quota or take another one",
                alb::TARGETS_PER_BALANCER
            );
            cx.report_hint(Code::TooManyTargets, &section.key(&balancer.name), message, hint);
        }
    }
}
