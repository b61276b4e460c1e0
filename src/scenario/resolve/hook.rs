//! Life-cycle hooks, and whether a deployment can get past them.

use super::Context;
use crate::aws::quotas::{ecs, lambda};
use crate::blueprint::*;
use crate::engine::dist::Dist;
use crate::policy::shift;
use crate::scenario::diagnostic::Code;
use crate::scenario::path::Path;
use crate::scenario::quantity::print_duration;
use crate::scenario::schema::{self, HookTargetType, LifecycleStage as Said};
use crate::units::{Ratio, Span};

/// From an answer IN_PROGRESS to the next call, if the function does not say.
const CALL_BACK_DELAY: Span = Span::from_secs(30);

/// `path` is the deployment configuration's.
pub(super) fn hooks(
    cx: &mut Context,
    said: &schema::DeploymentConfiguration,
    strategy: DeploymentStrategy,
    path: &Path,
) -> Vec<LifecycleHook> {
    let section = path.key("lifecycle_hooks");
    if !strategy.shifts_traffic() && !said.lifecycle_hooks.is_empty() {
        let message = "a rolling deployment has no stages for hooks";
        let hint = "hooks belong to BLUE_GREEN, LINEAR and CANARY";
        cx.report_hint(Code::HookWithoutStage, &section, message, hint);
        return Vec::new();
    }
    let mut hooks = Vec::new();
    for (at, said) in said.lifecycle_hooks.iter().enumerate() {
        let here = section.at(at);
        let hook = hook(cx, said, &here);
        check_time(cx, &hook, strategy, &here);
        hooks.push(hook);
    }
    hooks
}

fn hook(cx: &mut Context, said: &schema::LifecycleHook, path: &Path) -> LifecycleHook {
    let timeout = path.key("timeout_configuration");
    cx.within(
        said.timeout_configuration.timeout.0,
        ecs::HOOK_TIMEOUT_RANGE_S,
        &timeout.key("timeout"),
    );
    LifecycleHook {
        stages: stages(cx, said, path),
        target: target(cx, said, path),
        timeout: said.timeout_configuration.timeout.0,
        on_timeout: match said.timeout_configuration.action {
            schema::HookTimeoutAction::Rollback => TimeoutAction::Rollback,
            schema::HookTimeoutAction::Continue => TimeoutAction::Continue,
        },
    }
}

fn stages(cx: &mut Context, said: &schema::LifecycleHook, path: &Path) -> Vec<LifecycleStage> {
    let section = path.key("lifecycle_stages");
    if said.lifecycle_stages.is_empty() {
        cx.problems
            .report_with(Code::WrongLength, &section, "this hook is never called", |diagnostic| {
                diagnostic.expected("at least one stage")
            });
    }
    let mut stages = Vec::new();
    for (at, said_stage) in said.lifecycle_stages.iter().enumerate() {
        let (stage, here) = (stage(*said_stage), section.at(at));
        let name = stage.name();
        if !stage.takes_hooks() {
            let message = format!("{name} takes no hooks");
            let hint = "take the stage before or after it: POST_SCALE_UP, POST_PRODUCTION_TRAFFIC_SHIFT";
            cx.report_hint(Code::HookWithoutStage, &here, message, hint);
        }
        let shifts = matches!(said_stage, Said::TestTrafficShift | Said::ProductionTrafficShift);
        if shifts && said.target_type == HookTargetType::Pause {
            let message = format!("a pause cannot stand in {name}");
            let hint = format!("take the stage before or after it: PRE_{name} or POST_{name}");
            let hint = hint.replace("PRE_TEST_TRAFFIC_SHIFT", "POST_SCALE_UP");
            cx.report_hint(Code::PauseInShift, &here, message, hint);
        }
        if stages.contains(&stage) {
            cx.report(Code::NameTaken, &here, format!("{name} stands here twice"));
        }
        stages.push(stage);
    }
    stages
}

fn target(cx: &mut Context, said: &schema::LifecycleHook, path: &Path) -> HookTarget {
    match said.target_type {
        HookTargetType::AwsLambda => HookTarget::Lambda(LambdaHook {
            duration: match &said.duration {
                Some(duration) => cx.dist(duration, &path.key("duration")),
                None => Dist::constant(1.0).expect("a second is a time"),
            },
            longest_call: Span::from_secs(lambda::LONGEST_CALL_S),
            failure_ratio: said.failure_ratio.map_or(Ratio::ZERO, |share| share.0),
            in_progress: said.in_progress.unwrap_or(0),
            call_back_delay: said.call_back_delay.map_or(CALL_BACK_DELAY, |delay| delay.0),
        }),
        HookTargetType::Pause => {
            let given = [
                ("duration", said.duration.is_some()),
                ("failure_ratio", said.failure_ratio.is_some()),
                ("in_progress", said.in_progress.is_some()),
                ("call_back_delay", said.call_back_delay.is_some()),
            ];
            for (key, _) in given.iter().filter(|(_, given)| *given) {
                cx.report(Code::ConflictingKeys, &path.key(key), "a pause calls no function");
            }
            HookTarget::Pause
        }
    }
}

/// Whether a function can answer before its own limit, that of its stage, or that of the whole deployment.
fn check_time(cx: &mut Context, hook: &LifecycleHook, strategy: DeploymentStrategy, path: &Path) {
    let stage_limit = Span::from_secs(ecs::LIFECYCLE_STAGE_LIMIT_S);
    let deployment_limit = Span::from_secs(ecs::DEPLOYMENT_LIMIT_S);
    if hook.timeout > stage_limit {
        let timeout = path.key("timeout_configuration");
        let message = format!(
            "this hook may take {}, and a stage ends after 24 hours",
            print_duration(hook.timeout)
        );
        cx.report_hint(
            Code::HookOutlastsStage,
            &timeout.key("timeout"),
            message,
            "AWS accepts this; the deployment is rolled back when the stage has lasted a day",
        );
    }
    let HookTarget::Lambda(lambda) = &hook.target else {
        return;
    };
    let calls = f64::from(lambda.in_progress) + 1.0;
    let call = lambda.duration.quantile(0.0);
    let least = call * calls + lambda.call_back_delay.seconds() * (calls - 1.0);
    let portions = shift::schedule(strategy).len() as f64;
    let each = |stage: &LifecycleStage| match stage {
        LifecycleStage::PreProductionTrafficShift | LifecycleStage::ProductionTrafficShift => portions,
        _ => 1.0,
    };
    let whole: f64 = hook.stages.iter().map(|stage| least * each(stage)).sum();
    let bound = hook.timeout.min(stage_limit);
    let (message, key) = if call > lambda::LONGEST_CALL_S as f64 {
        (
            format!("each call takes {call:.0} s at least, and a function is ended after 15 minutes"),
            "duration",
        )
    } else if least > bound.seconds() {
        (
            format!(
                "this hook answers after {least:.0} s at the earliest, and is waited for {} only",
                print_duration(bound)
            ),
            if lambda.in_progress > 0 {
                "in_progress"
            } else {
                "duration"
            },
        )
    } else if whole > deployment_limit.seconds() {
        (
            format!(
                "the calls of this hook take {:.0} days together, and a deployment 30 at most",
                whole / 86_400.0
            ),
            "lifecycle_stages",
        )
    } else {
        return;
    };
    let hint = "every deployment would be rolled back";
    cx.report_hint(Code::HookOutlastsDeployment, &path.key(key), message, hint);
}

fn stage(said: Said) -> LifecycleStage {
    match said {
        Said::ReconcileService => LifecycleStage::ReconcileService,
        Said::PreScaleUp => LifecycleStage::PreScaleUp,
        Said::ScaleUp => LifecycleStage::ScaleUp,
        Said::PostScaleUp => LifecycleStage::PostScaleUp,
        Said::TestTrafficShift => LifecycleStage::TestTrafficShift,
        Said::PostTestTrafficShift => LifecycleStage::PostTestTrafficShift,
        Said::PreProductionTrafficShift => LifecycleStage::PreProductionTrafficShift,
        Said::ProductionTrafficShift => LifecycleStage::ProductionTrafficShift,
        Said::PostProductionTrafficShift => LifecycleStage::PostProductionTrafficShift,
        Said::BakeTime => LifecycleStage::BakeTime,
        Said::CleanUp => LifecycleStage::CleanUp,
    }
}
