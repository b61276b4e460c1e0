//! What CodeDeploy does otherwise than ECS on the same life cycle [DG23:deployment-type-bluegreen].
//!
//! It rolls back only for the events that its deployment group names, waits an hour for green's steady state and five
//! minutes for the service's after a scaling event while traffic shifts, calls BeforeAllowTraffic once, and may keep blue
//! alive. Statuses and stages are told in its own words.

use super::ControlPlane;
use super::deployments::Rollback;
use crate::aws::quotas::code_deploy as limits;
use crate::blueprint::{BlueInstances, CodeDeploy, LifecycleStage, ServiceIx};
use crate::cluster::Deployment;
use crate::cluster::deployment::Stage;
use crate::policy::shift::Repeats;
use crate::sim::context::Context;
use crate::units::{Instant, Span};

fn controller<'a>(cx: &Context<'a>, at: ServiceIx) -> Option<&'a CodeDeploy> {
    cx.blueprint.services[at.at()].deployment.code_deploy.as_ref()
}

/// Whether a hook or a limit that fails a deployment takes it back. ECS always does.
pub(super) fn after_failure(cx: &Context<'_>, at: ServiceIx) -> Rollback {
    Rollback::from(controller(cx, at).is_none_or(|group| group.rolls_back_on_failure))
}

pub(super) fn repeats(cx: &Context<'_>, at: ServiceIx) -> Repeats {
    match controller(cx, at) {
        Some(_) => Repeats::OnlyTheFirst,
        None => Repeats::Always,
    }
}

/// When CodeDeploy has waited too long. Its hooks have limits of their own.
pub(super) fn time_limit(deployment: &Deployment) -> Option<Instant> {
    match deployment.stage {
        Stage::At(LifecycleStage::ScaleUp) if deployment.from != deployment.to => {
            Some(deployment.entered + Span::from_secs(limits::STEADY_STATE_S))
        }
        Stage::At(_) => deployment.steady_by,
        Stage::RollBack => None,
    }
}

impl ControlPlane {
    /// The desired count has changed: CodeDeploy shifts no more traffic until the service is steady again.
    pub(super) fn scaled_while_shifting(&mut self, cx: &Context<'_>, at: ServiceIx) {
        let by = cx.now() + Span::from_secs(limits::STEADY_AGAIN_S);
        let is_watched = controller(cx, at).is_some();
        if let Some(deployment) = &mut self.services[at.at()].deployment
            && is_watched
            && deployment.stage == Stage::At(LifecycleStage::ProductionTrafficShift)
        {
            deployment.steady_by = Some(by);
        }
    }

    /// Whether both colours are whole again after a scaling event.
    pub(super) fn look_for_steadiness(&mut self, cx: &Context<'_>, at: ServiceIx) {
        let Some(deployment) = &self.services[at.at()].deployment else {
            return;
        };
        let (from, to) = (deployment.from, deployment.to);
        if deployment.steady_by.is_none() || !self.all_healthy(cx, at, from) || !self.all_healthy(cx, at, to) {
            return;
        }
        if let Some(deployment) = &mut self.services[at.at()].deployment {
            deployment.steady_by = None;
        }
    }

    /// Completes a deployment that keeps blue alive.
    pub(super) fn keeps_blue(&mut self, cx: &mut Context<'_>, at: ServiceIx) -> bool {
        if controller(cx, at).is_none_or(|group| group.blue == BlueInstances::Terminate) {
            return false;
        }
        self.services[at.at()].kept_alive = Some(self.in_progress(at).from);
        self.complete(cx, at);
        true
    }

    /// StopServiceDeployment, or StopDeployment of CodeDeploy: nothing if none is on its way.
    pub fn stop_deployment(&mut self, cx: &mut Context<'_>, at: ServiceIx) {
        let stage = self.services[at.at()]
            .deployment
            .as_ref()
            .map(|deployment| deployment.stage);
        let Some(stage) = stage else { return };
        if stage == Stage::RollBack || stage == Stage::At(LifecycleStage::CleanUp) {
            return;
        }
        let wanted = controller(cx, at).is_none_or(|group| group.rolls_back_on_stop);
        self.fail_deployment(cx, at, "stopped on request", Rollback::from(wanted));
        self.request_pass(cx, at);
    }
}
