//! What failures of tasks are counted for: the restart throttle, the circuit breaker, and whom a replacement is owed to.
//!
//! The throttle and the breaker's first stage count tasks that stop without having been RUNNING, when it is decided that
//! they will not be; the second stage counts tasks that are replaced for failed checks. A task that runs and then exits
//! counts for neither. A failed task of another revision than the primary is replaced by its own revision.

use super::ControlPlane;
use super::standalone::is_standalone;
use crate::blueprint::ServiceIx;
use crate::cluster::Task;
use crate::cluster::deployment::{BreakerStage, Throttle};
use crate::cluster::target_group::TargetState;
use crate::cluster::task::{HealthStatus, Stop, StopCode};
use crate::engine::arena::Id;
use crate::policy::breaker::restart_delay;
use crate::sim::context::Context;

impl ControlPlane {
    /// A stop by the service scheduler, in ECS's words.
    pub(super) fn scaling_stop(&self, at: ServiceIx) -> Stop {
        let deployment = &self.services[at.at()].deployment;
        let by = deployment.as_ref().map_or_else(
            || "service scheduler".to_string(),
            |deployment| format!("(deployment ecs-svc/{})", deployment.ordinal),
        );
        Stop {
            code: StopCode::ServiceSchedulerInitiated,
            reason: format!("Scaling activity initiated by {by}"),
        }
    }

    /// Which check has failed the task, in ECS's words.
    pub(super) fn failed_checks(&self, cx: &Context<'_>, id: Id<Task>) -> String {
        let task = &self.tasks[id];
        if self.container_health(cx.blueprint, task) == Some(HealthStatus::Unhealthy) {
            return "Task failed container health checks".to_string();
        }
        let unhealthy = task.registered.iter().find(|at| {
            let target = self.target_groups[at.at()].find(id);
            target.is_some_and(|target| target.state == TargetState::Unhealthy)
        });
        let group = unhealthy.map_or("", |at| &cx.blueprint.target_groups[at.at()].name);
        format!("Task failed ELB health checks in (target-group {group})")
    }

    /// A task stops without ever having been RUNNING: the restart throttle and the breaker's first stage count it.
    pub(super) fn never_ran(&mut self, cx: &mut Context<'_>, id: Id<Task>) {
        let (at, revision, created) = (self.tasks[id].service, self.tasks[id].revision, self.tasks[id].created);
        let backoff = &cx.blueprint.model.scheduler.restart_backoff;
        let service = &mut self.services[at.at()];
        if revision != service.primary {
            return service.owe(revision);
        }
        if is_standalone(cx.blueprint, at) {
            return;
        }
        if service
            .throttle
            .count(created, cx.calendar.now(), |failed| restart_delay(backoff, failed))
        {
            self.tell_service(cx, at, "is unable to consistently start tasks successfully.");
        }
        self.failed_to_start(at);
        self.request_pass(cx, at);
    }

    /// A task of another revision than the primary has failed: it is replaced by its own kind.
    pub(super) fn failed_after_running(&mut self, id: Id<Task>) {
        let task = &self.tasks[id];
        let service = &mut self.services[task.service.at()];
        if task.revision != service.primary {
            service.owe(task.revision);
        }
    }

    /// A task of the primary has reached RUNNING.
    pub(super) fn has_run(&mut self, id: Id<Task>) {
        let task = &self.tasks[id];
        let service = &mut self.services[task.service.at()];
        if task.revision == service.primary {
            service.throttle = Throttle::OPEN;
            if let Some(deployment) = &mut service.deployment {
                deployment.breaker_stage = BreakerStage::SomeHaveRun;
            }
        }
    }

    /// A task of the primary fails to reach RUNNING.
    fn failed_to_start(&mut self, at: ServiceIx) {
        if let Some(deployment) = &mut self.services[at.at()].deployment
            && deployment.breaker_stage == BreakerStage::NoneHasRun
        {
            deployment.failures += 1;
        }
    }

    /// Tasks of the primary are being replaced for failed checks.
    pub(super) fn replaced_for_health(&mut self, cx: &mut Context<'_>, at: ServiceIx, count: u32) {
        if let Some(deployment) = &mut self.services[at.at()].deployment {
            deployment.failures += count;
            self.request_pass(cx, at);
        }
    }

    /// A task has become healthy: the breaker's count starts afresh, if it is set to.
    pub(super) fn became_healthy(&mut self, cx: &mut Context<'_>, id: Id<Task>) {
        let (at, revision) = (self.tasks[id].service, self.tasks[id].revision);
        let breaker = &cx.blueprint.services[at.at()].deployment.circuit_breaker;
        let service = &mut self.services[at.at()];
        if let (Some(breaker), Some(deployment)) = (breaker, &mut service.deployment)
            && breaker.reset_on_healthy_task
            && revision == service.primary
        {
            deployment.failures = 0;
        }
    }
}
