//! Deployments: their beginning, what makes them fail, rollback, completion, and the rows about them.
//!
//! The circuit breaker counts in two stages: until a task of the deployment has been RUNNING, each that fails to get
//! there; afterwards each that is replaced for a failed check [DG:deployment-circuit-breaker]. Any alarm of the
//! deployment in ALARM fails it, unless one was when it started [DG:deployment-alarm-failure]. A rollback goes to the
//! latest COMPLETED deployment, which is IN_PROGRESS meanwhile; without one the service stalls. Old tasks count as gone
//! when they are STOPPED. The stages of deployments that shift traffic are in `life_cycle`.

use super::{ControlPlane, next};
use crate::blueprint::{LifecycleStage, RevisionIx, ServiceIx, SourceCleanup};
use crate::cluster::deployment::{AlarmWatch, BreakerStage, Deployment, Stage, Throttle};
use crate::cluster::service::Halt;
use crate::policy::breaker::threshold;
use crate::policy::rollout::enough_for_success;
use crate::sim::context::Context;
use crate::sim::observation::Observation;
use crate::stats::TimeWeighted;
use crate::units::Instant;

/// Who wants to know whether the service goes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rollback {
    Wanted,
    NotWanted,
}

impl Rollback {
    pub(super) fn from(wanted: bool) -> Self {
        if wanted { Rollback::Wanted } else { Rollback::NotWanted }
    }
}

impl ControlPlane {
    /// Services begin to deploy revisions together.
    pub fn deploy(&mut self, cx: &mut Context<'_>, services: &[(ServiceIx, RevisionIx)]) {
        for (at, revision) in services {
            let from = self.to_be_replaced(cx, *at);
            if self.services[at.at()].deployment.is_some() {
                let by = self.ordinals.deployment;
                self.end_deployment(cx, *at, "STOPPED", &format!("superseded by deployment {by}"));
            }
            self.begin_deployment(cx, *at, from, *revision);
            self.request_pass(cx, *at);
        }
    }

    /// The revision that the next deployment replaces.
    fn to_be_replaced(&self, cx: &Context<'_>, at: ServiceIx) -> RevisionIx {
        let service = &self.services[at.at()];
        if !cx.blueprint.services[at.at()].deployment.strategy.shifts_traffic() {
            // A rolling deployment that never completed has replaced nothing.
            return service.completed.unwrap_or(service.production);
        }
        match &service.deployment {
            // What it rolls back to, though the failed green may still have the traffic.
            Some(deployment) if deployment.stage == Stage::RollBack => service.primary,
            _ => service.production,
        }
    }

    pub(super) fn begin_deployment(&mut self, cx: &mut Context<'_>, at: ServiceIx, from: RevisionIx, to: RevisionIx) {
        let now = cx.now();
        let configuration = &cx.blueprint.services[at.at()].deployment;
        let alarms = match &configuration.alarms {
            Some(alarms) if !self.any_in_alarm(&alarms.alarms) => AlarmWatch::Watching,
            _ => AlarmWatch::Ignored,
        };
        let ordinal = next(&mut self.ordinals.deployment);
        let service = &self.services[at.at()];
        let shifts = configuration.strategy.shifts_traffic();
        let has_strangers = service.tasks.iter().any(|id| self.tasks[*id].revision != from);
        // Traffic may still be shared with a green that has lost all its tasks.
        let has_traffic = self.has_all_traffic(at, from) && service.test_side == service.side;
        let first = if shifts && (has_strangers || !has_traffic) {
            LifecycleStage::ReconcileService
        } else if shifts && from != to && self.is_hooked(cx, at, LifecycleStage::PreScaleUp) {
            LifecycleStage::PreScaleUp
        } else {
            LifecycleStage::ScaleUp
        };
        let service = &mut self.services[at.at()];
        service.primary = to;
        if !shifts {
            service.production = to;
        }
        service.halt = Halt::Going;
        service.kept_alive = None;
        service.throttle = Throttle::OPEN;
        service.unplaced = None;
        let existing = service.counts.billed();
        service.deployment = Some(Deployment {
            ordinal,
            strategy: configuration.strategy,
            from,
            to,
            stage: Stage::At(first),
            entered: now,
            bakes_until: None,
            steady_by: None,
            hooks: Vec::new(),
            started: now,
            failures: 0,
            breaker_stage: BreakerStage::NoneHasRun,
            alarms,
            detected: None,
            lowest_healthy: service.counts.healthy,
            desired_at_start: service.desired,
            extra: TimeWeighted::new(now, existing.saturating_sub(service.desired).into()),
            missing: TimeWeighted::new(now, service.desired.saturating_sub(service.counts.healthy).into()),
            last_step: (String::new(), String::new()),
        });
        let record = self.deployment_record(cx.blueprint, at, None, "IN_PROGRESS", "");
        cx.observations.push(Observation::DeploymentStarted(record));
        self.tell_deployment(cx, at, "", "IN_PROGRESS", &format!("deployment {ordinal}"));
        if shifts && from != to {
            self.call_hooks(cx, at, first);
        }
    }

    /// Fails the deployment if its breaker or an alarm says so.
    pub(super) fn judge_deployment(&mut self, cx: &mut Context<'_>, at: ServiceIx) {
        let configuration = &cx.blueprint.services[at.at()].deployment;
        let desired = self.services[at.at()].desired;
        let Some(deployment) = &self.services[at.at()].deployment else {
            return;
        };
        if deployment.stage == Stage::At(LifecycleStage::CleanUp) {
            return;
        }
        if !configuration.strategy.shifts_traffic()
            && let Some(breaker) = &configuration.circuit_breaker
        {
            let bound = threshold(breaker.threshold, desired);
            if deployment.failures >= bound {
                let reason = format!(
                    "deployment circuit breaker: {} failures, threshold {bound}",
                    deployment.failures
                );
                self.tell_failure(cx, at, "tasks failed to start.");
                return self.fail_deployment(cx, at, &reason, Rollback::from(breaker.rollback));
            }
        }
        if let Some(alarms) = &configuration.alarms
            && deployment.alarms == AlarmWatch::Watching
            && deployment.stage != Stage::RollBack
            && let Some(alarm) = alarms.alarms.iter().find(|alarm| self.any_in_alarm(&[**alarm]))
        {
            let reason = format!("alarm {} in ALARM", cx.blueprint.alarms[alarm.at()].name);
            self.tell_failure(cx, at, "alarm detected.");
            self.fail_deployment(cx, at, &reason, Rollback::from(alarms.rollback));
        }
    }

    pub(super) fn fail_deployment(&mut self, cx: &mut Context<'_>, at: ServiceIx, reason: &str, rollback: Rollback) {
        let now = cx.now();
        let service = &mut self.services[at.at()];
        let deployment = service
            .deployment
            .as_mut()
            .expect("a deployment that fails is in progress");
        let again = deployment.stage == Stage::RollBack;
        deployment.detected.get_or_insert((now, reason.to_string()));
        let (from, to, shifts) = (deployment.from, deployment.to, deployment.strategy.shifts_traffic());
        let back_to = if rollback == Rollback::Wanted && !again {
            service.completed.take()
        } else {
            None
        };
        // Blue stands beside green until the clean-up, also where its own deployment was superseded while it baked.
        let blue_stands = shifts && from != to && self.tasks_of(cx, at, |revision| revision == from).healthy > 0;
        let back_to = if blue_stands && rollback == Rollback::Wanted {
            Some(from)
        } else {
            back_to
        };
        let service = &mut self.services[at.at()];
        let Some(back_to) = back_to else {
            service.halt = if rollback == Rollback::Wanted {
                Halt::Stalled
            } else {
                Halt::Failed
            };
            let stalled = if service.halt == Halt::Stalled {
                "; no COMPLETED deployment to roll back to"
            } else {
                ""
            };
            self.step_row(cx, at, self.found(at), "fail", reason);
            return self.end_deployment(cx, at, "FAILED", &format!("{reason}{stalled}"));
        };
        let deployment = service.deployment.as_mut().expect("as above");
        deployment.stage = Stage::RollBack;
        deployment.steady_by = None;
        deployment.bakes_until = None;
        deployment.hooks.clear();
        service.throttle = Throttle::OPEN;
        service.unplaced = None;
        service.owed.clear();
        let deployment = service.deployment.as_mut().expect("as above");
        deployment.failures = 0;
        deployment.breaker_stage = BreakerStage::NoneHasRun;
        service.primary = back_to;
        self.tell_deployment(cx, at, "IN_PROGRESS", Stage::RollBack.name(), reason);
        self.step_row(cx, at, self.found(at), "roll back", reason);
        if !shifts {
            self.services[at.at()].production = back_to;
        }
    }

    /// Moves on a rolling deployment (or rollback) that has got there; says when the service is steady.
    pub(super) fn conclude(&mut self, cx: &mut Context<'_>, at: ServiceIx) {
        if !cx.blueprint.services[at.at()].deployment.strategy.shifts_traffic() {
            self.conclude_rolling(cx, at);
        }
        self.settle(cx, at);
    }

    fn conclude_rolling(&mut self, cx: &mut Context<'_>, at: ServiceIx) {
        let configuration = &cx.blueprint.services[at.at()].deployment;
        let service = &self.services[at.at()];
        let Some(deployment) = &service.deployment else { return };
        let new = self.tasks_of(cx, at, |revision| revision == service.primary);
        let old_is_gone = service
            .tasks
            .iter()
            .all(|id| self.tasks[*id].revision == service.primary);
        let early = configuration
            .early_success
            .filter(|_| deployment.stage != Stage::RollBack);
        let enough = early.map_or(service.desired, |early| {
            enough_for_success(service.desired, early.healthy_percent)
        });
        // Only early success lets the bake time begin beside old tasks.
        let may_go_on = new.healthy >= enough && (old_is_gone || early.is_some());
        let cleaned_up = old_is_gone || early.is_some_and(|early| early.cleanup == SourceCleanup::AfterCompletion);
        if !may_go_on {
            return;
        }
        let bakes = configuration.alarms.is_some() && !configuration.bake_time.is_zero();
        match deployment.stage {
            Stage::At(LifecycleStage::ScaleUp) if bakes => {
                let bake_time = Stage::At(LifecycleStage::BakeTime);
                self.enter_stage_after(cx, at, "IN_PROGRESS", bake_time);
                self.begin_bake_time(cx, at);
            }
            Stage::At(LifecycleStage::ScaleUp) if cleaned_up => self.complete(cx, at),
            Stage::At(LifecycleStage::BakeTime) if deployment.has_baked(cx.now()) && cleaned_up => {
                self.complete(cx, at);
            }
            Stage::RollBack => self.rolled_back(cx, at),
            _ => {}
        }
    }

    /// BAKE_TIME has been entered.
    pub(super) fn begin_bake_time(&mut self, cx: &mut Context<'_>, at: ServiceIx) {
        let until = cx.now() + cx.blueprint.services[at.at()].deployment.bake_time;
        self.set_bake(at, until);
        self.step_row(cx, at, self.found(at), "wait", "bake time");
        if until <= cx.now() {
            self.request_pass(cx, at);
        }
    }

    /// The present stage goes on at least until then.
    pub(super) fn set_bake(&mut self, at: ServiceIx, until: Instant) {
        let deployment = self.services[at.at()].deployment.as_mut();
        deployment.expect("stages belong to a deployment").bakes_until = Some(until);
    }

    pub(super) fn in_progress(&self, at: ServiceIx) -> &Deployment {
        let deployment = self.services[at.at()].deployment.as_ref();
        deployment.expect("stages belong to a deployment")
    }

    pub(super) fn enter_stage(&mut self, cx: &mut Context<'_>, at: ServiceIx, stage: Stage) {
        let from = self.in_progress(at).stage.name();
        self.enter_stage_after(cx, at, from, stage);
    }

    fn enter_stage_after(&mut self, cx: &mut Context<'_>, at: ServiceIx, from: &str, stage: Stage) {
        let deployment = self.services[at.at()].deployment.as_mut();
        let deployment = deployment.expect("stages belong to a deployment");
        deployment.stage = stage;
        deployment.entered = cx.calendar.now();
        deployment.bakes_until = None;
        deployment.hooks.clear();
        self.tell_deployment(cx, at, from, stage.name(), "");
    }

    /// The new revision has arrived.
    pub(super) fn complete(&mut self, cx: &mut Context<'_>, at: ServiceIx) {
        let reason = if cx.blueprint.services[at.at()].deployment.early_success.is_some() {
            "enough new tasks are healthy for early success"
        } else {
            "all new tasks are healthy and all old ones gone"
        };
        self.step_row(cx, at, self.found(at), "complete", reason);
        self.services[at.at()].completed = Some(self.services[at.at()].primary);
        self.end_deployment(cx, at, "COMPLETED", "");
    }

    /// The old revision is back.
    pub(super) fn rolled_back(&mut self, cx: &mut Context<'_>, at: ServiceIx) {
        self.step_row(cx, at, self.found(at), "complete", "rolled back");
        self.services[at.at()].completed = Some(self.services[at.at()].primary);
        self.end_deployment(cx, at, "ROLLED_BACK", "");
    }

    /// Takes the deployment off the service; its reason is what was detected, if nothing else is said.
    pub(super) fn end_deployment(&mut self, cx: &mut Context<'_>, at: ServiceIx, outcome: &'static str, reason: &str) {
        let now = cx.now();
        let record = self.deployment_record(cx.blueprint, at, Some(now), outcome, reason);
        self.tell_deployment(cx, at, "IN_PROGRESS", outcome, &record.reason);
        if outcome == "COMPLETED" {
            let ordinal = record.deployment;
            self.tell_service(cx, at, &format!("(deployment {ordinal}) deployment completed."));
        }
        self.train_hears(cx, &record);
        cx.observations.push(Observation::DeploymentEnded(record));
        self.services[at.at()].deployment = None;
    }
}
