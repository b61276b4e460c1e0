//! What is told of a deployment: its rows in `deployment_steps.csv`, `deployments.csv` and `events.csv`.

use super::ControlPlane;
use super::stepping::Done;
use super::telling::row;
use crate::blueprint::{Blueprint, CodeDeploy, LifecycleStage, ServiceIx};
use crate::cluster::deployment::Stage;
use crate::cluster::task::TaskState;
use crate::policy::rollout::{Step, Why, lower_bound, upper_bound};
use crate::sim::context::Context;
use crate::sim::observation::{DeploymentRecord, DeploymentStep, EventKind, Observation};
use crate::stats::TimeWeighted;
use crate::units::Instant;

/// Counts of a deployment's tasks before a decision. New ones are those of the revision that is deployed, also while it
/// is rolled back.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Found {
    old_running: u32,
    new_running: u32,
    new_healthy: u32,
    draining: u32,
}

impl ControlPlane {
    /// The row of a pass of a deployment: of each that did something, and of a wait when its reason is new.
    pub(super) fn note_step(&mut self, cx: &mut Context<'_>, at: ServiceIx, found: Found, step: &Step, done: &Done) {
        let Some(deployment) = &self.services[at.at()].deployment else {
            return;
        };
        let (decision, mut reason) = (done.told(), done.why(step));
        if deployment.stage == Stage::RollBack && reason == Why::WaitForOldToStop.told() {
            // What a rollback takes away is what was deployed.
            reason = "waiting for the failed revision's tasks to stop";
        }
        let waits = done.started + done.stopped == 0;
        if deployment.stage == Stage::At(LifecycleStage::BakeTime) && waits {
            return;
        }
        let is_news = step.why != Why::Settled && deployment.last_step != (decision.clone(), reason.to_string());
        if waits && !is_news {
            return;
        }
        if step.why == Why::Stuck {
            let message = "was unable to stop or start tasks during a deployment because of the service deployment \
                           configuration. Update the minimumHealthyPercent or maximumPercent value and try again.";
            self.tell_service(cx, at, message);
        }
        self.step_row(cx, at, found, &decision, reason);
    }

    /// What a pass finds: to be asked before anything is started or stopped.
    pub(super) fn found(&self, at: ServiceIx) -> Found {
        let service = &self.services[at.at()];
        let mut found = Found {
            draining: service.counts.stopping(),
            ..Found::default()
        };
        let to = service.deployment.as_ref().map(|deployment| deployment.to);
        let tasks = service.tasks.iter().map(|id| &self.tasks[*id]);
        for task in tasks.filter(|task| task.state() == TaskState::Running) {
            if Some(task.revision) == to {
                found.new_running += 1;
                found.new_healthy += u32::from(task.healthy);
            } else {
                found.old_running += 1;
            }
        }
        found
    }

    pub(super) fn step_row(&mut self, cx: &mut Context<'_>, at: ServiceIx, found: Found, decision: &str, reason: &str) {
        let configuration = &cx.blueprint.services[at.at()].deployment;
        let desired = self.services[at.at()].desired;
        let (minimum, maximum) = if configuration.strategy.shifts_traffic() {
            // Both colours are kept whole, whatever the percentages say.
            (100, 200)
        } else {
            (configuration.minimum_healthy_percent, configuration.maximum_percent)
        };
        let Some(deployment) = &mut self.services[at.at()].deployment else {
            return;
        };
        deployment.last_step = (decision.to_string(), reason.to_string());
        cx.observations.push(Observation::DeploymentStepped(DeploymentStep {
            at: cx.calendar.now(),
            deployment: deployment.ordinal,
            service: at,
            desired,
            old_running: found.old_running,
            new_running: found.new_running,
            new_healthy: found.new_healthy,
            draining: found.draining,
            lower: lower_bound(desired, minimum),
            upper: upper_bound(desired, maximum),
            decision: decision.to_string(),
            reason: reason.to_string(),
        }));
    }

    pub(super) fn tell_deployment(&self, cx: &mut Context<'_>, at: ServiceIx, from: &str, to: &str, reason: &str) {
        let deployment = self.services[at.at()]
            .deployment
            .as_ref()
            .expect("rows about deployments in progress");
        let (from, to) = match cx.blueprint.services[at.at()].deployment.code_deploy {
            Some(_) => (CodeDeploy::word(from), CodeDeploy::word(to)),
            None => (from, to),
        };
        let mut event = row(cx.now(), EventKind::Deployment, from, to, reason);
        event.service = Some(at);
        event.deployment = Some(deployment.ordinal);
        event.revision = Some(deployment.to);
        cx.observations.push(Observation::Happened(event));
    }

    /// The deployment's row as it stands.
    pub(super) fn deployment_record(
        &self,
        blueprint: &Blueprint,
        at: ServiceIx,
        ended: Option<Instant>,
        outcome: &'static str,
        reason: &str,
    ) -> DeploymentRecord {
        let service = &self.services[at.at()];
        let deployment = service
            .deployment
            .as_ref()
            .expect("a record is of a deployment in progress");
        let revision = &blueprint.services[at.at()].revisions[deployment.to.at()];
        let size = &blueprint.task_definitions[revision.task_definition.at()];
        let until = ended.unwrap_or(deployment.started);
        let task_seconds = |level: &TimeWeighted| level.area(until) as f64 / 1e9;
        let extra = task_seconds(&deployment.extra);
        let detected = deployment.detected.as_ref();
        DeploymentRecord {
            deployment: deployment.ordinal,
            service: at,
            strategy: match blueprint.services[at.at()].deployment.code_deploy {
                Some(_) => "CODE_DEPLOY",
                None => deployment.strategy.name(),
            },
            from: deployment.from,
            to: deployment.to,
            started: deployment.started,
            ended,
            outcome,
            reason: match detected {
                Some((_, why)) if reason.is_empty() => why.clone(),
                _ => reason.to_string(),
            },
            detected: detected.map(|(when, _)| *when),
            desired: deployment.desired_at_start,
            lowest_healthy: deployment.lowest_healthy,
            deepest_dip: deployment.missing.max() as u32,
            below_desired_task_s: task_seconds(&deployment.missing),
            peak_extra_tasks: deployment.extra.max() as u32,
            extra_vcpu_s: extra * size.cpu.vcpus(),
            extra_gib_s: extra * size.memory.gib(),
        }
    }
}
