//! A deployment group of CodeDeploy as a deployment that shifts traffic; and what AWS refuses beside it.

use super::{Context, Table, shift};
use crate::aws::quotas::code_deploy as limits;
use crate::blueprint::*;
use crate::engine::dist::Dist;
use crate::scenario::diagnostic::Code;
use crate::scenario::path::Path;
use crate::scenario::schema::{self, AutoRollbackEvent, DeploymentConfig, DeploymentControllerType, Form};
use crate::units::{Ratio, Span};

pub(super) fn is_controller(service: &schema::Service) -> bool {
    service.deployment_controller.kind == DeploymentControllerType::CodeDeploy
}

/// `path` is the service's.
pub(super) fn configuration(cx: &mut Context, service: &schema::Service, path: &Path) -> DeploymentConfiguration {
    let nothing = schema::DeploymentGroup::default();
    let said = service.deployment_group.as_ref().unwrap_or(&nothing);
    let here = path.key("deployment_group");
    refuse(cx, service, path);
    shift::check_pairs(cx, service, "CODE_DEPLOY", path);
    let rollback = |event| {
        let configuration = &said.auto_rollback_configuration;
        configuration.enabled && configuration.events.contains(&event)
    };
    let termination = &said.blue_instance_termination_option;
    let wait = here.key("blue_instance_termination_option");
    cx.within(
        termination.termination_wait_time.0,
        limits::TERMINATION_WAIT_RANGE_S,
        &wait.key("termination_wait_time"),
    );
    let mut hooks = hooks(cx, &said.hooks, &here.key("hooks"));
    hooks.extend(ready(
        cx,
        &said.deployment_ready_option,
        &here.key("deployment_ready_option"),
    ));
    DeploymentConfiguration {
        strategy: strategy(cx, said, &here.key("deployment_config")),
        minimum_healthy_percent: 100,
        maximum_percent: 200,
        circuit_breaker: None,
        alarms: alarms(
            cx,
            &said.alarm_configuration,
            rollback(AutoRollbackEvent::DeploymentStopOnAlarm),
            &here,
        ),
        early_success: None,
        bake_time: termination.termination_wait_time.0,
        hooks,
        code_deploy: Some(CodeDeploy {
            rolls_back_on_failure: rollback(AutoRollbackEvent::DeploymentFailure),
            rolls_back_on_stop: rollback(AutoRollbackEvent::DeploymentStopOnRequest),
            blue: match termination.action {
                schema::TerminationAction::Terminate => BlueInstances::Terminate,
                schema::TerminationAction::KeepAlive => BlueInstances::KeepAlive,
            },
        }),
    }
}

fn strategy(cx: &mut Context, said: &schema::DeploymentGroup, path: &Path) -> DeploymentStrategy {
    let portion = |percent: u32, minutes: u64| Portion {
        share: TrafficShare::from_tenths(percent * 10).expect("a percentage of CodeDeploy's own"),
        bake: Span::from_secs(60 * minutes),
    };
    let routing = match said.deployment_config {
        Form::Short(predefined) => {
            return match predefined {
                DeploymentConfig::AllAtOnce => DeploymentStrategy::BlueGreen,
                DeploymentConfig::Linear10PercentEvery1Minutes => DeploymentStrategy::Linear(portion(10, 1)),
                DeploymentConfig::Linear10PercentEvery3Minutes => DeploymentStrategy::Linear(portion(10, 3)),
                DeploymentConfig::Canary10Percent5Minutes => DeploymentStrategy::Canary(portion(10, 5)),
                DeploymentConfig::Canary10Percent15Minutes => DeploymentStrategy::Canary(portion(10, 15)),
            };
        }
        Form::Long(routing) => routing,
    };
    let (said, key) = match routing {
        schema::TrafficRouting::TimeBasedCanary(said) => (said, "time_based_canary"),
        schema::TrafficRouting::TimeBasedLinear(said) => (said, "time_based_linear"),
    };
    let here = path.key(key);
    let share = shift::share(cx, said.percentage, limits::PERCENTAGE_RANGE, &here.key("percentage"));
    let Some(share) = share else {
        return DeploymentStrategy::BlueGreen;
    };
    let portion = Portion {
        share,
        bake: said.interval.0,
    };
    match routing {
        schema::TrafficRouting::TimeBasedCanary(_) => DeploymentStrategy::Canary(portion),
        schema::TrafficRouting::TimeBasedLinear(_) => DeploymentStrategy::Linear(portion),
    }
}

fn alarms(
    cx: &mut Context,
    said: &schema::AlarmConfiguration,
    rollback: bool,
    path: &Path,
) -> Option<DeploymentAlarms> {
    let here = path.key("alarm_configuration");
    let list = here.key("alarms");
    let found = said.alarms.iter().enumerate();
    let found = found.filter_map(|(at, name)| cx.find(Table::Alarm, name, &list.at(at)).map(AlarmIx::from_usize));
    let alarms: Vec<AlarmIx> = found.collect();
    said.enabled.then_some(DeploymentAlarms { alarms, rollback })
}

fn hooks(cx: &mut Context, said: &schema::AppSpecHooks, path: &Path) -> Vec<LifecycleHook> {
    let all = [
        ("before_install", &said.before_install, LifecycleStage::PreScaleUp),
        ("after_install", &said.after_install, LifecycleStage::PostScaleUp),
        (
            "after_allow_test_traffic",
            &said.after_allow_test_traffic,
            LifecycleStage::PostTestTrafficShift,
        ),
        (
            "before_allow_traffic",
            &said.before_allow_traffic,
            LifecycleStage::PreProductionTrafficShift,
        ),
        (
            "after_allow_traffic",
            &said.after_allow_traffic,
            LifecycleStage::PostProductionTrafficShift,
        ),
    ];
    let mut hooks = Vec::new();
    for (key, said, stage) in all {
        let Some(said) = said else { continue };
        let here = path.key(key);
        let duration = match &said.duration {
            Some(duration) => cx.dist(duration, &here.key("duration")),
            None => Dist::constant(1.0).expect("a second is a time"),
        };
        let least = duration.quantile(0.0);
        if least > limits::HOOK_TIMEOUT_S as f64 {
            let message = format!("this hook reports after {least:.0} s at the earliest, and CodeDeploy waits an hour");
            let hint = "every deployment would fail";
            cx.report_hint(Code::HookOutlastsDeployment, &here.key("duration"), message, hint);
        }
        hooks.push(LifecycleHook {
            stages: vec![stage],
            target: HookTarget::Lambda(LambdaHook {
                duration,
                // It may report long after its call is over.
                longest_call: Span::from_secs(limits::HOOK_TIMEOUT_S),
                failure_ratio: said.failure_ratio.map_or(Ratio::ZERO, |share| share.0),
                in_progress: 0,
                call_back_delay: Span::ZERO,
            }),
            timeout: Span::from_secs(limits::HOOK_TIMEOUT_S),
            on_timeout: TimeoutAction::Rollback,
        });
    }
    hooks
}

/// Green is ready and waits for somebody.
fn ready(cx: &mut Context, said: &schema::DeploymentReadyOption, path: &Path) -> Option<LifecycleHook> {
    let here = path.key("wait_time");
    match (said.action_on_timeout, said.wait_time) {
        (schema::ReadyAction::ContinueDeployment, None) => None,
        (schema::ReadyAction::ContinueDeployment, Some(_)) => {
            cx.report(Code::ConflictingKeys, &here, "CONTINUE_DEPLOYMENT waits for nobody");
            None
        }
        (schema::ReadyAction::StopDeployment, wait) => {
            let wait = wait.map_or(Span::ZERO, |wait| wait.0);
            cx.positive(wait, &here);
            Some(LifecycleHook {
                stages: vec![LifecycleStage::PostTestTrafficShift],
                target: HookTarget::Pause,
                timeout: wait,
                on_timeout: TimeoutAction::Rollback,
            })
        }
    }
}

/// What AWS does not have together with CodeDeploy.
fn refuse(cx: &mut Context, service: &schema::Service, path: &Path) {
    let said = &service.deployment_configuration;
    let here = path.key("deployment_configuration");
    if service.scheduling_strategy == schema::SchedulingStrategy::Daemon {
        let message = "the DAEMON scheduling strategy is not supported with the CODE_DEPLOY controller";
        cx.report(Code::NotWithCodeDeploy, &path.key("scheduling_strategy"), message);
    }
    let keys = [
        ("strategy", said.strategy != schema::DeploymentStrategy::Rolling),
        ("deployment_circuit_breaker", said.deployment_circuit_breaker.is_some()),
        ("alarms", said.alarms.is_some()),
        ("lifecycle_hooks", !said.lifecycle_hooks.is_empty()),
        ("linear_configuration", said.linear_configuration.is_some()),
        ("canary_configuration", said.canary_configuration.is_some()),
        ("early_success_criteria", said.early_success_criteria.is_some()),
        (
            "minimum_healthy_percent",
            said.minimum_healthy_percent.is_some_and(|percent| percent != 100),
        ),
        (
            "maximum_percent",
            said.maximum_percent.is_some_and(|percent| percent != 200),
        ),
        ("bake_time", said.bake_time.is_some_and(|time| !time.0.is_zero())),
    ];
    for (key, _) in keys.iter().filter(|(_, given)| *given) {
        let message = format!("`{key}` is ECS's, and this service is deployed by CodeDeploy");
        let hint = "CodeDeploy has its own under `deployment_group`";
        cx.report_hint(Code::NotWithCodeDeploy, &here.key(key), message, hint);
    }
}

/// Calls that would need Service Connect or service discovery, which find tasks without a balancer.
pub(super) fn check_calls(cx: &mut Context, blueprint: &Blueprint) {
    let root = Path::Root;
    let section = root.key("services");
    for call in &blueprint.calls {
        let Callee::Service { service, .. } = call.to else {
            continue;
        };
        let service = &blueprint.services[service.at()];
        if service.deployment.code_deploy.is_some() {
            let message = format!("`{}` calls this service without a balancer", call.name);
            let hint = "Service Connect is not supported with CODE_DEPLOY; call it `via` its balancer";
            let here = section.key(&service.name);
            cx.report_hint(
                Code::NotWithCodeDeploy,
                &here.key("deployment_controller"),
                message,
                hint,
            );
        }
    }
}
