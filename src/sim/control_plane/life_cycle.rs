//! The life cycle of deployments that shift traffic (BLUE_GREEN, LINEAR, CANARY): one machine of stages
//! [DG:blue-green-deployment-how-it-works].
//!
//! What follows a stage is `policy::shift`'s to say; here is what each does and when it is done. A stage that has nothing
//! to do takes no time and has no row. Until the clean-up a failure shifts all traffic back at once, to the blue that
//! stands beside green; were blue not whole at that moment, it would first be made so, and green would go on answering
//! meanwhile.

use super::ControlPlane;
use super::code_deploy::{self, after_failure, repeats};
use crate::aws::quotas::ecs;
use crate::blueprint::{LifecycleStage, RevisionIx, ServiceIx, TrafficShare};
use crate::cluster::deployment::Stage;
use crate::policy::shift::{self, View};
use crate::sim::context::Context;
use crate::units::{Instant, Span};

/// Whether a pass goes on to the next stage at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pass {
    GoesOn,
    IsOver,
}

impl ControlPlane {
    pub(super) fn life_cycle_pass(&mut self, cx: &mut Context<'_>, at: ServiceIx) {
        self.hear_hooks(cx, at);
        let service = &self.services[at.at()];
        let (primary, production) = (service.primary, service.production);
        let Some(deployment) = &service.deployment else {
            // One that failed without rollback has left both, and CodeDeploy may have kept blue alive.
            let kept = service.kept_alive.unwrap_or(primary);
            return self.keep(cx, at, &[primary, production, kept]);
        };
        let (from, to) = (deployment.from, deployment.to);
        let stage = match deployment.stage {
            Stage::RollBack => return self.roll_back_pass(cx, at),
            Stage::At(stage) => stage,
        };
        match stage {
            LifecycleStage::ReconcileService => self.reconcile(cx, at, from),
            LifecycleStage::PreScaleUp => self.keep(cx, at, &[from]),
            LifecycleStage::CleanUp => {
                self.keep(cx, at, &[to]);
                self.remove_all_but(cx, at, &[to], "cleaning up blue");
            }
            _ => self.keep(cx, at, &[to, from]),
        }
        self.look_for_steadiness(cx, at);
        while self.stage_is_done(cx, at) && self.go_on(cx, at) == Pass::GoesOn {}
        self.judge_time(cx, at);
    }

    /// RECONCILE_SERVICE: only blue is left, with all traffic. A superseded rollback that still waits for its blue goes on
    /// waiting here.
    fn reconcile(&mut self, cx: &mut Context<'_>, at: ServiceIx, blue: RevisionIx) {
        let service = &self.services[at.at()];
        let production = service.production;
        let had_shifted = service.completed.is_some_and(|completed| completed != production);
        self.remove_bystanders(cx, at, blue);
        self.keep(cx, at, &[blue, production]);
        if !self.has_all_traffic(at, blue) {
            // Green answers until blue is whole, if there is any green.
            if !self.all_healthy(cx, at, blue) && !self.only_exist(at, blue) {
                return;
            }
            self.give_all_traffic(cx, at, blue);
        }
        self.end_tests(cx, at);
        let why = if production != blue {
            "removing the failed green"
        } else if had_shifted {
            "removing the blue of the superseded deployment"
        } else {
            "removing the unfinished green"
        };
        self.remove_all_but(cx, at, &[blue], why);
    }

    /// Back to the revision that is primary now.
    fn roll_back_pass(&mut self, cx: &mut Context<'_>, at: ServiceIx) {
        let service = &self.services[at.at()];
        let (blue, production) = (service.primary, service.production);
        let why = "removing the failed green";
        if self.has_all_traffic(at, blue) {
            self.end_tests(cx, at);
            self.keep(cx, at, &[blue]);
            self.remove_all_but(cx, at, &[blue], why);
            if self.only_exist(at, blue) && self.all_healthy(cx, at, blue) {
                self.rolled_back(cx, at);
            }
            return;
        }
        let green = if production == blue {
            self.in_progress(at).to
        } else {
            production
        };
        self.remove_bystanders(cx, at, blue);
        self.keep(cx, at, &[blue, green]);
        if self.all_healthy(cx, at, blue) {
            self.give_all_traffic(cx, at, blue);
            self.end_tests(cx, at);
            self.remove_all_but(cx, at, &[blue], why);
        }
    }

    /// While `blue` is made whole again beside another revision that has production, the failed green is neither: its
    /// share goes back to production, and its room to blue.
    fn remove_bystanders(&mut self, cx: &mut Context<'_>, at: ServiceIx, blue: RevisionIx) {
        let production = self.services[at.at()].production;
        if production != blue {
            self.give_all_traffic(cx, at, production);
            self.end_tests(cx, at);
            self.remove_all_but(cx, at, &[blue, production], "removing the failed green");
        }
    }

    fn stage_is_done(&mut self, cx: &mut Context<'_>, at: ServiceIx) -> bool {
        let now = cx.now();
        let deployment = self.in_progress(at);
        let (from, to) = (deployment.from, deployment.to);
        let Stage::At(stage) = deployment.stage else {
            return false;
        };
        if !deployment.hooks.is_empty() || deployment.steady_by.is_some() {
            return false;
        }
        if stage == LifecycleStage::ProductionTrafficShift && deployment.bakes_until.is_none() {
            // A portion is looked at once all have said that it may.
            let bake = shift::bake_after(deployment.strategy, self.green_share(at));
            self.set_bake(at, now + bake);
            return bake.is_zero();
        }
        match stage {
            LifecycleStage::ReconcileService => self.has_all_traffic(at, from) && self.only_exist(at, from),
            LifecycleStage::ScaleUp => self.all_healthy(cx, at, to),
            LifecycleStage::ProductionTrafficShift | LifecycleStage::BakeTime => deployment.has_baked(now),
            LifecycleStage::CleanUp => self.only_exist(at, to),
            LifecycleStage::PreScaleUp
            | LifecycleStage::PostScaleUp
            | LifecycleStage::TestTrafficShift
            | LifecycleStage::PostTestTrafficShift
            | LifecycleStage::PreProductionTrafficShift
            | LifecycleStage::PostProductionTrafficShift => true,
        }
    }

    /// Enters the next stage that has something to do, or completes the deployment.
    fn go_on(&mut self, cx: &mut Context<'_>, at: ServiceIx) -> Pass {
        let deployment = self.in_progress(at);
        let Stage::At(mut stage) = deployment.stage else {
            return Pass::IsOver;
        };
        if deployment.from == deployment.to && stage == LifecycleStage::ScaleUp {
            // The service's creation: there is no blue to shift from.
            self.complete(cx, at);
            return Pass::IsOver;
        }
        let share = self.green_share(at);
        loop {
            let view = View {
                stage,
                share,
                before_each_portion: repeats(cx, at),
            };
            if stage == LifecycleStage::PostProductionTrafficShift && self.keeps_blue(cx, at) {
                return Pass::IsOver;
            }
            let Some(next) = shift::next_stage(&view) else {
                self.complete(cx, at);
                return Pass::IsOver;
            };
            stage = next;
            let has_tests = stage == LifecycleStage::TestTrafficShift && self.has_test_rule(cx, at);
            if has_work(stage) || has_tests || self.is_hooked(cx, at, stage) {
                return self.begin_stage(cx, at, stage);
            }
        }
    }

    /// Does what a stage begins with.
    fn begin_stage(&mut self, cx: &mut Context<'_>, at: ServiceIx, stage: LifecycleStage) -> Pass {
        let to = self.in_progress(at).to;
        self.enter_stage(cx, at, Stage::At(stage));
        let pass = match stage {
            LifecycleStage::ScaleUp => {
                self.request_pass(cx, at);
                Pass::IsOver
            }
            LifecycleStage::TestTrafficShift if self.has_test_rule(cx, at) => {
                let decision = "shift test traffic";
                self.step_row(cx, at, self.found(at), decision, "all green tasks are healthy");
                self.begin_tests(cx, at);
                Pass::GoesOn
            }
            LifecycleStage::ProductionTrafficShift => {
                let strategy = self.in_progress(at).strategy;
                let before = self.green_share(at);
                let share = shift::next_share(strategy, before);
                let decision = if share == TrafficShare::ALL {
                    "shift traffic".to_string()
                } else {
                    format!("shift traffic to {share}")
                };
                let reason = if before == TrafficShare::NOTHING {
                    "all green tasks are healthy"
                } else {
                    "the bake time of the last shift is over"
                };
                self.step_row(cx, at, self.found(at), &decision, reason);
                self.shift(cx, at, to, share);
                Pass::GoesOn
            }
            LifecycleStage::BakeTime => {
                self.begin_bake_time(cx, at);
                Pass::IsOver
            }
            LifecycleStage::CleanUp => {
                self.remove_all_but(cx, at, &[to], "bake time is over");
                Pass::IsOver
            }
            _ => Pass::GoesOn,
        };
        self.call_hooks(cx, at, stage);
        pass
    }

    /// Of production's traffic.
    pub(super) fn green_share(&self, at: ServiceIx) -> TrafficShare {
        let service = &self.services[at.at()];
        let deployment = self.in_progress(at);
        if service.production == deployment.to && deployment.from != deployment.to {
            TrafficShare::ALL
        } else {
            service.shifted
        }
    }

    /// A stage lasts a day at most, and a deployment thirty.
    fn judge_time(&mut self, cx: &mut Context<'_>, at: ServiceIx) {
        let Some(limit) = self.time_limit(cx, at) else {
            return;
        };
        if limit <= cx.now() {
            let name = self.in_progress(at).stage.name();
            let reason = format!("{name} has lasted longer than a stage or a deployment may");
            self.fail_deployment(cx, at, &reason, after_failure(cx, at));
            self.request_pass(cx, at);
        }
    }

    fn time_limit(&self, cx: &Context<'_>, at: ServiceIx) -> Option<Instant> {
        let deployment = self.services[at.at()].deployment.as_ref()?;
        if cx.blueprint.services[at.at()].deployment.code_deploy.is_some() {
            return code_deploy::time_limit(deployment);
        }
        time_limit(deployment)
    }

    /// When a deployment that shifts traffic must be looked at although nothing changes.
    pub(super) fn life_cycle_due(&self, cx: &Context<'_>, at: ServiceIx) -> Instant {
        let deployment = self.services[at.at()].deployment.as_ref();
        let bake = deployment.and_then(|deployment| deployment.bakes_until);
        let limit = self.time_limit(cx, at);
        let hooks = deployment.iter().flat_map(|deployment| &deployment.hooks);
        let answers = hooks.map(|run| run.ends);
        answers.chain(bake).chain(limit).min().unwrap_or(Instant::NEVER)
    }
}

/// Whether a stage takes part although nobody has hung a hook on it.
fn has_work(stage: LifecycleStage) -> bool {
    matches!(
        stage,
        LifecycleStage::ReconcileService
            | LifecycleStage::ScaleUp
            | LifecycleStage::ProductionTrafficShift
            | LifecycleStage::BakeTime
            | LifecycleStage::CleanUp
    )
}

/// When the present stage, or the whole deployment, has lasted too long. A rollback and the clean-up take what they take.
fn time_limit(deployment: &crate::cluster::Deployment) -> Option<Instant> {
    let stage = match deployment.stage {
        Stage::RollBack | Stage::At(LifecycleStage::CleanUp) => return None,
        Stage::At(stage) => stage,
    };
    if !deployment.strategy.shifts_traffic() || deployment.from == deployment.to {
        return None;
    }
    let whole = deployment.started + Span::from_secs(ecs::DEPLOYMENT_LIMIT_S);
    let of_stage = deployment.entered + Span::from_secs(ecs::LIFECYCLE_STAGE_LIMIT_S);
    // A bake time is bounded by its own range.
    Some(if stage == LifecycleStage::BakeTime {
        whole
    } else {
        whole.min(of_stage)
    })
}
