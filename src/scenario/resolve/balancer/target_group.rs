//! Target groups: attributes and health checks within what AWS allows.

use crate::aws::quotas::alb;
use crate::blueprint::*;
use crate::scenario::diagnostic::Code;
use crate::scenario::path::Path;
use crate::scenario::resolve::{Context, program};
use crate::scenario::schema;

pub(super) fn target_group(cx: &mut Context, name: &str, said: &schema::TargetGroup, path: &Path) -> TargetGroup {
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
        attributes: TargetGroupAttributes {
            cross_zone: match said.cross_zone {
                schema::CrossZone::UseLoadBalancerConfiguration | schema::CrossZone::True => CrossZone::On,
                schema::CrossZone::False => CrossZone::Off,
            },
            stickiness: stickiness(cx, said, path),
            anomaly_mitigation: mitigation(cx, said, &path.key("anomaly_mitigation")),
            ..health(cx, &said.target_group_health, &path.key("target_group_health"))
        },
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

/// Sticky sessions, unless AWS refuses what they stand beside [ALB:edit-target-group-attributes].
fn stickiness(cx: &mut Context, said: &schema::TargetGroup, path: &Path) -> Option<Stickiness> {
    let stickiness = said.stickiness?;
    let here = path.key("stickiness");
    cx.within(stickiness.duration.0, alb::STICKINESS_RANGE_S, &here.key("duration"));
    if said.load_balancing_algorithm == schema::Algorithm::WeightedRandom {
        let message = "sticky sessions and weighted random do not go together";
        let hint = "AWS refuses them; use round_robin or least_outstanding_requests";
        cx.report_hint(Code::StickinessRefused, &here, message, hint);
    }
    if said.cross_zone == schema::CrossZone::False {
        let message = "sticky sessions need cross-zone balancing";
        let hint = "AWS refuses them without; a cookie may name a target in another zone than the node's";
        cx.report_hint(Code::StickinessRefused, &here, message, hint);
    }
    Some(Stickiness {
        cookie: match stickiness.kind {
            schema::StickinessType::LbCookie => Cookie::LoadBalancer,
            schema::StickinessType::AppCookie => Cookie::Application,
        },
        duration: stickiness.duration.0,
    })
}

fn mitigation(cx: &mut Context, said: &schema::TargetGroup, path: &Path) -> Mitigation {
    match said.anomaly_mitigation {
        schema::AnomalyMitigation::Off => Mitigation::Off,
        schema::AnomalyMitigation::On => {
            if said.load_balancing_algorithm != schema::Algorithm::WeightedRandom {
                let message = "anomaly mitigation works with weighted random only";
                let hint =
                    "AWS refuses it otherwise; give the target group `load_balancing_algorithm: weighted_random`";
                cx.report_hint(Code::MitigationAlgorithm, path, message, hint);
            }
            Mitigation::On
        }
    }
}

/// Both thresholds. What leaves DNS must do so before traffic goes to unhealthy targets [ALB23:target-group-health].
fn health(cx: &mut Context, said: &schema::TargetGroupHealth, path: &Path) -> TargetGroupAttributes {
    let (dns, routing) = (path.key("dns_failover"), path.key("unhealthy_state_routing"));
    let dns_path = dns.key("minimum_healthy_targets");
    let dns_failover = minimum(cx, &said.dns_failover.minimum_healthy_targets, &dns_path);
    let routing_path = routing.key("minimum_healthy_targets");
    let routing = &said.unhealthy_state_routing.minimum_healthy_targets;
    if routing.count.0.is_none() {
        cx.report_hint(
            Code::OutOfRange,
            &routing_path.key("count"),
            "AWS knows no `off` here",
            "1 is the least: without a healthy target a node sends to all",
        );
    }
    let unhealthy_state_routing = minimum(cx, routing, &routing_path);
    let pairs = [
        ("count", dns_failover.count, unhealthy_state_routing.count),
        (
            "percentage",
            dns_failover.percentage,
            unhealthy_state_routing.percentage,
        ),
    ];
    for (key, dns, routing) in pairs {
        if let (Some(dns), Some(routing)) = (dns, routing)
            && dns < routing
        {
            let message = format!("a DNS failover {key} of {dns} lies below the routing {key} of {routing}");
            cx.report_hint(
                Code::FailoverBelowRouting,
                &dns_path.key(key),
                message,
                "AWS refuses it: a zone leaves DNS at the latest when its nodes send to unhealthy targets",
            );
        }
    }
    TargetGroupAttributes {
        dns_failover,
        unhealthy_state_routing,
        ..TargetGroupAttributes::default()
    }
}

fn minimum(cx: &mut Context, said: &schema::MinimumHealthyTargets, path: &Path) -> MinimumHealthy {
    if said.percentage.0.is_some_and(|percentage| percentage > 100) {
        cx.problems
            .report_with(Code::OutOfRange, &path.key("percentage"), "more than all", |d| {
                d.expected("1 to 100, or `off`")
            });
    }
    MinimumHealthy {
        count: said.count.0,
        percentage: said.percentage.0,
    }
}
