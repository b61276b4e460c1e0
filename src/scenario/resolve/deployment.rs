//! How a service is deployed: percentages, circuit breaker and alarms. What shifts traffic is in `shift`.

use super::{Context, Table, code_deploy, hook, rolling, shift};
use crate::aws::quotas::ecs;
use crate::blueprint::*;
use crate::scenario::diagnostic::Code;
use crate::scenario::path::Path;
use crate::scenario::schema::{self, BreakerThresholdType, DeploymentStrategy as Said};
use crate::units::Span;

pub(super) fn configuration(cx: &mut Context, service: &schema::Service, path: &Path) -> DeploymentConfiguration {
    if code_deploy::is_controller(service) {
        return code_deploy::configuration(cx, service, path);
    }
    if service.deployment_group.is_some() {
        let message = "a deployment group belongs to the controller CODE_DEPLOY";
        cx.report(Code::ConflictingKeys, &path.key("deployment_group"), message);
    }
    let said = &service.deployment_configuration;
    let here = path.key("deployment_configuration");
    match said.strategy {
        Said::Rolling => check_rolling(cx, service, &here),
        Said::BlueGreen | Said::Linear | Said::Canary => shift::check(cx, service, path),
    }
    let strategy = shift::strategy(cx, said, &here);
    let hooks = hook::hooks(cx, said, strategy, &here);
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
        strategy,
        minimum_healthy_percent: percents(said).0,
        maximum_percent: percents(said).1,
        circuit_breaker,
        alarms,
        early_success: rolling::early_success(cx, said, &here),
        bake_time: said.bake_time.map_or(Span::ZERO, |time| time.0),
        hooks,
        code_deploy: None,
    }
}

/// Minimum and maximum, which are always filled in.
pub(super) fn percents(said: &schema::DeploymentConfiguration) -> (u32, u32) {
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
