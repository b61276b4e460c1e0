//! How the scheduler keeps a service's tasks: replicas or daemons.

use super::Context;
use super::service::check_desired_count;
use crate::blueprint::*;
use crate::scenario::diagnostic::Code;
use crate::scenario::imply::{on_fargate, rebalancing_obstacle};
use crate::scenario::path::Path;
use crate::scenario::schema;

pub(super) fn scheduling(cx: &mut Context, said: &schema::Service, path: &Path) -> Scheduling {
    let rebalances = said.availability_zone_rebalancing == Some(schema::ZoneRebalancing::Enabled);
    if let Some(obstacle) = rebalancing_obstacle(said).filter(|_| rebalances) {
        cx.report_hint(
            Code::RebalancingCannotWork,
            &path.key("availability_zone_rebalancing"),
            format!("AZ rebalancing is not possible here: {obstacle}"),
            "say DISABLED, or leave it out",
        );
    }
    let protection = said.task_protection.as_ref();
    let protection = protection.map(|said_of| task_protection(cx, said_of, &path.key("task_protection")));
    if protection.is_some() && said.scheduling_strategy == schema::SchedulingStrategy::Daemon {
        let message = "scale-in protection of a DAEMON service's tasks is not modelled";
        cx.report_hint(
            Code::NotModelledYet,
            &path.key("task_protection"),
            message,
            "leave it out",
        );
    }
    Scheduling {
        protection,
        zone_rebalancing: if rebalances {
            ZoneRebalancing::Enabled
        } else {
            ZoneRebalancing::Disabled
        },
        strategy: match said.scheduling_strategy {
            schema::SchedulingStrategy::Replica => SchedulingStrategy::Replica,
            schema::SchedulingStrategy::Daemon => SchedulingStrategy::Daemon,
        },
    }
}

fn task_protection(cx: &mut Context, said: &schema::TaskProtection, path: &Path) -> TaskProtection {
    // [DG23:task-scale-in-protection]: from a minute to 48 hours.
    cx.within(said.expires_in.0, 60..=48 * 3600, &path.key("expires_in"));
    TaskProtection {
        share: said.share.0,
        works_for: cx.dist(&said.works_for, &path.key("works_for")),
        expires_in: said.expires_in.0,
    }
}

/// How many tasks there are to be at the start.
pub(super) fn desired_count(
    cx: &mut Context,
    said: &schema::Service,
    shares: &[CapacityShare],
    groups: &[AutoScalingGroup],
    path: &Path,
) -> u32 {
    if said.scheduling_strategy == schema::SchedulingStrategy::Replica {
        let count = said.desired_count.unwrap_or(1);
        check_desired_count(cx, count, &path.key("desired_count"));
        return count;
    }
    check_daemon(cx, said, path);
    let instances = shares.iter().filter_map(|share| match share.provider {
        Provider::Group(group) => groups.get(group.at()),
        Provider::Fargate | Provider::FargateSpot => None,
    });
    instances.map(|group| group.desired_capacity).sum()
}

/// UpdateService takes no desired count for a DAEMON service.
pub(super) fn check_is_replica(cx: &mut Context, service: ServiceIx, path: &Path) {
    let (name, said) = &cx.said.services.0[service.at()];
    if said.scheduling_strategy == schema::SchedulingStrategy::Daemon {
        let message = format!("`{name}` is a DAEMON service and has as many tasks as there are instances");
        cx.report_hint(
            Code::DaemonCannotHave,
            path,
            message,
            "change the number of instances instead",
        );
    }
}

/// What AWS refuses with DAEMON [BC:ecs CreateServiceRequest.schedulingStrategy].
fn check_daemon(cx: &mut Context, said: &schema::Service, path: &Path) {
    let strategy = path.key("scheduling_strategy");
    if on_fargate(said) {
        let message = "tasks on Fargate do not support the DAEMON scheduling strategy";
        let hint = "a daemon runs on each instance: say `launch_type: EC2` and describe `cluster.capacity_providers`";
        return cx.report_hint(Code::DaemonOnFargate, &strategy, message, hint);
    }
    let deployment = path.key("deployment_configuration");
    let refused = [
        (
            said.desired_count.is_some(),
            path.key("desired_count"),
            "a DAEMON service has as many tasks as there are instances",
        ),
        (
            said.placement_strategy.is_some(),
            path.key("placement_strategy"),
            "a DAEMON service has a task on every instance; a placement strategy has no say",
        ),
        (
            said.auto_scaling.is_some(),
            path.key("auto_scaling"),
            "a DAEMON service has as many tasks as there are instances and is not scaled",
        ),
        (
            said.deployment_configuration.strategy != schema::DeploymentStrategy::Rolling,
            deployment.key("strategy"),
            "a DAEMON service is deployed by ROLLING only",
        ),
        (
            said.deployment_configuration
                .maximum_percent
                .is_some_and(|percent| percent > 100),
            deployment.key("maximum_percent"),
            "a DAEMON service never has more than one task on an instance",
        ),
    ];
    for (is_said, place, message) in refused {
        if is_said {
            cx.report_hint(Code::DaemonCannotHave, &place, message, "leave it out");
        }
    }
}
