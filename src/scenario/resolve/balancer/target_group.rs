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
