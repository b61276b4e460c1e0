//! Life-cycle hooks of a deployment that shifts traffic: called when a stage begins, heard when they answer.
//!
//! All hooks of a stage are called at once, and the stage goes on when all have answered (MODEL). When a hook will answer
//! is known when it is called, so nothing polls; a pause lasts until its timeout, unless somebody continues the
//! deployment. Any failure rolls back. A rollback calls no hooks, nor does the creation of a service.

use super::ControlPlane;
use super::code_deploy::after_failure;
use super::laws::purpose;
use crate::blueprint::{HookTarget, LambdaHook, LifecycleHook, LifecycleStage, ServiceIx};
use crate::cluster::deployment::{HookAnswer, HookRun};
use crate::engine::random::Key;
use crate::policy::hook::{self, LastWord, Outcome, Patience};
use crate::sim::context::Context;
use crate::units::Span;

impl ControlPlane {
    /// Whether anybody has hung a hook on the stage.
    pub(super) fn is_hooked(&self, cx: &Context<'_>, at: ServiceIx, stage: LifecycleStage) -> bool {
        let hooks = &cx.blueprint.services[at.at()].deployment.hooks;
        hooks.iter().any(|hook| hook.stages.contains(&stage))
    }

    /// The stage has begun.
    pub(super) fn call_hooks(&mut self, cx: &mut Context<'_>, at: ServiceIx, stage: LifecycleStage) {
        let now = cx.now();
        let hooks = &cx.blueprint.services[at.at()].deployment.hooks;
        for (number, hook) in hooks.iter().enumerate() {
            if !hook.stages.contains(&stage) {
                continue;
            }
            let (after, outcome) = self.answer_of(at, number, hook, stage);
            let run = HookRun {
                hook: number,
                ends: now + after,
                answer: match outcome {
                    Outcome::Succeeded => HookAnswer::GoOn,
                    outcome => outcome.failure().map_or(HookAnswer::GoOn, HookAnswer::Fail),
                },
                told: outcome.name(),
            };
            let deployment = self.services[at.at()].deployment.as_mut();
            deployment.expect("stages belong to a deployment").hooks.push(run);
            self.tell_hook(cx, at, number, "IN_PROGRESS");
            let reason = format!("lifecycle hook of {}", stage.name());
            self.step_row(cx, at, self.found(at), "wait", &reason);
        }
    }

    /// When a hook will answer, and what.
    fn answer_of(&self, at: ServiceIx, number: usize, hook: &LifecycleHook, stage: LifecycleStage) -> (Span, Outcome) {
        let patience = Patience {
            timeout: hook.timeout,
            then: hook.on_timeout,
        };
        let (HookTarget::Lambda(lambda), Some(law)) = (&hook.target, self.laws.hook(at, number)) else {
            return (hook.timeout, Outcome::TimedOut(hook.on_timeout));
        };
        let key = self.hook_key(at, number, stage);
        hook::answer(lambda, patience, last_word(lambda, key), |call| {
            law.sample(key.child(purpose::HOOK_CALL).child(u64::from(call)))
        })
    }

    /// Differs by revision, stage, portion of the traffic and hook.
    fn hook_key(&self, at: ServiceIx, number: usize, stage: LifecycleStage) -> Key {
        let to = self.in_progress(at).to;
        self.services[at.at()]
            .key
            .child(purpose::HOOK)
            .child(to.0.into())
            .child(stage as u64)
            .child(self.green_share(at).tenths().into())
            .child(number as u64)
    }

    /// Takes the answers that have come by now; the first failure fails the deployment.
    pub(super) fn hear_hooks(&mut self, cx: &mut Context<'_>, at: ServiceIx) {
        let now = cx.now();
        let Some(deployment) = &mut self.services[at.at()].deployment else {
            return;
        };
        if !deployment.hooks.iter().any(|run| run.ends <= now) {
            return;
        }
        let stage = deployment.stage.name();
        let (heard, waiting) = deployment.hooks.drain(..).partition(|run| run.ends <= now);
        deployment.hooks = waiting;
        let heard: Vec<HookRun> = heard;
        for run in &heard {
            self.tell_hook(cx, at, run.hook, run.told);
        }
        let failed = heard.iter().find_map(|run| match run.answer {
            HookAnswer::GoOn => None,
            HookAnswer::Fail(why) => Some((run.hook, why)),
        });
        if let Some((hook, why)) = failed {
            let reason = format!("lifecycle hook {} of {stage} {why}", hook + 1);
            self.fail_deployment(cx, at, &reason, after_failure(cx, at));
        }
    }

    /// ContinueServiceDeployment: what pauses goes on.
    pub fn continue_deployment(&mut self, cx: &mut Context<'_>, at: ServiceIx) {
        let hooks = &cx.blueprint.services[at.at()].deployment.hooks;
        let pauses = |run: &HookRun| matches!(hooks[run.hook].target, HookTarget::Pause);
        let Some(deployment) = &mut self.services[at.at()].deployment else {
            return;
        };
        let (continued, waiting) = deployment.hooks.drain(..).partition(pauses);
        deployment.hooks = waiting;
        let continued: Vec<HookRun> = continued;
        for run in &continued {
            self.tell_hook(cx, at, run.hook, "SUCCEEDED");
        }
        if !continued.is_empty() {
            self.request_pass(cx, at);
        }
    }

    fn tell_hook(&self, cx: &mut Context<'_>, at: ServiceIx, hook: usize, status: &str) {
        let target = cx.blueprint.services[at.at()].deployment.hooks[hook].target.name();
        let stage = self.in_progress(at).stage.name();
        let reason = format!("lifecycle hook {} ({target})", hook + 1);
        self.tell_deployment(cx, at, stage, status, &reason);
    }
}

fn last_word(lambda: &LambdaHook, key: Key) -> LastWord {
    if key.child(purpose::HOOK_FAILS).happens(lambda.failure_ratio.get()) {
        LastWord::Failed
    } else {
        LastWord::Succeeded
    }
}
