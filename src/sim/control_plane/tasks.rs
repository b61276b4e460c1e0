//! The life cycle of a task, from its creation to RUNNING [DG:task-lifecycle-explanation].
//!
//! PROVISIONING is Fargate's own time or, on EC2, the attachment of a network interface (awsvpc). PENDING is the agent's
//! overhead and the pull of the images (`pulls`). ACTIVATING is the start of the containers (`agent`) and, once the
//! essential ones have started, the registration of targets, after which the task is RUNNING. The way out is in
//! `stopping`.

use super::ControlPlane;
use super::laws::purpose;
use crate::blueprint::{NetworkMode, Provider};
use crate::cluster::target_group::Opinion;
use crate::cluster::task::{Preparing, StopCode, Task, TaskState};
use crate::engine::arena::Id;
use crate::sim::context::Context;
use crate::sim::event::{ControlEvent, Event};
use crate::units::{Instant, Span};

impl ControlPlane {
    /// The task's current state is over `after` from now; what was due before is overtaken.
    pub(super) fn step_in(&mut self, cx: &mut Context<'_>, id: Id<Task>, after: Span) {
        let task = &mut self.tasks[id];
        task.step += 1;
        cx.calendar
            .schedule_in(after, Event::control(ControlEvent::TaskStep, id, task.step));
    }

    pub(super) fn task_step(&mut self, cx: &mut Context<'_>, id: Id<Task>, step: u32) {
        let Some(task) = self.tasks.get(id) else { return };
        if task.step != step {
            return;
        }
        let state = task.state();
        if self.is_unheard(id) && state != TaskState::Provisioning {
            // Nothing is heard of it; when its host is heard again, the step is taken.
            self.tasks[id].held = true;
            return;
        }
        match state {
            TaskState::Provisioning => self.provisioned(cx, id),
            TaskState::Pending => self.prepare(cx, id),
            TaskState::Activating => self.activated(cx, id),
            TaskState::Deactivating => self.begin_stopping(cx, id),
            TaskState::Stopping => self.stopped_running(cx, id),
            TaskState::Deprovisioning => self.gone(cx, id),
            TaskState::Running | TaskState::Stopped => unreachable!("no step ends RUNNING or STOPPED by itself"),
        }
    }

    /// What PROVISIONING takes.
    pub(super) fn provisioning_time(&self, cx: &Context<'_>, id: Id<Task>) -> Span {
        let task = &self.tasks[id];
        let law = &self.laws.host(task.provider).provisioning;
        match (task.provider, self.definition(cx, id).network_mode) {
            (Provider::Group(_), NetworkMode::None | NetworkMode::Bridge | NetworkMode::Host) => Span::ZERO,
            _ => law.sample(task.key.child(purpose::PROVISIONING)),
        }
    }

    fn provisioned(&mut self, cx: &mut Context<'_>, id: Id<Task>) {
        let zone = self.tasks[id].zone;
        if !self.zones[zone.at()].is_reachable() {
            let avoided = cx.blueprint.model.scheduler.failed_zone_avoided;
            self.zones[zone.at()].avoided_until = cx.now() + avoided;
            let reason = format!(
                "Timeout waiting for network interface provisioning in {}",
                cx.blueprint.zones[zone.at()]
            );
            return self.fail_to_start(cx, id, StopCode::TaskFailedToStart, &reason);
        }
        self.enter(cx, id, TaskState::Pending, "");
        let task = &self.tasks[id];
        let overhead = self
            .laws
            .host(task.provider)
            .pending
            .sample(task.key.child(purpose::PENDING));
        self.step_in(cx, id, overhead);
    }

    /// A task in PENDING goes on `after` from now.
    pub(super) fn go_on_in(&mut self, cx: &mut Context<'_>, id: Id<Task>, after: Span) {
        if after.is_zero() {
            self.prepare(cx, id);
        } else {
            self.step_in(cx, id, after);
        }
    }

    /// The next thing that a task in PENDING needs.
    fn prepare(&mut self, cx: &mut Context<'_>, id: Id<Task>) {
        match self.tasks[id].preparing {
            Preparing::Overhead => self.get_resources(cx, id, 0, 0),
            Preparing::Resources { next, failed } => self.get_resources(cx, id, next, failed),
            Preparing::WithoutResource { at } => self.without_resource(cx, id, at),
            Preparing::Registry { failed } => self.ask_registry(cx, id, failed),
            Preparing::Manifest => self.ask_for_layers(cx, id),
            Preparing::Urls => self.fetch(cx, id),
            Preparing::Refused => self.pull_refused(cx, id),
            Preparing::NoSpace => self.no_space(cx, id),
            Preparing::Layers | Preparing::Done => {
                self.enter(cx, id, TaskState::Activating, "");
                self.start_containers(cx, id);
            }
        }
    }

    /// The essential containers have started: on to registration, and RUNNING after it.
    pub(super) fn containers_started(&mut self, cx: &mut Context<'_>, id: Id<Task>) {
        let task = &self.tasks[id];
        let behind_balancer = !cx.blueprint.services[task.service.at()].load_balancers.is_empty();
        let registration = if behind_balancer {
            self.laws.registration.sample(task.key.child(purpose::REGISTRATION))
        } else {
            Span::ZERO
        };
        self.step_in(cx, id, registration);
    }

    fn activated(&mut self, cx: &mut Context<'_>, id: Id<Task>) {
        self.enter(cx, id, TaskState::Running, "");
        let now = cx.now();
        self.tasks[id].running = Some(now);
        self.has_run(id);
        self.register(cx, id, Opinion::Initial);
        self.begin_running(cx, id, now);
        self.reconsider(cx, id);
        let service = self.tasks[id].service;
        self.publish_discovery(cx, service);
        self.request_pass(cx, service);
    }

    /// What every task that runs has ahead of it: to count as healthy, and what may end it.
    pub(super) fn begin_running(&mut self, cx: &mut Context<'_>, id: Id<Task>, now: Instant) {
        let task = &self.tasks[id];
        let at = task.service;
        let unchecked = cx.blueprint.services[at.at()].load_balancers.is_empty()
            && self.container_health(cx.blueprint, task).is_none();
        if unchecked && !task.healthy {
            let after = cx.blueprint.model.task.healthy_after;
            cx.calendar
                .schedule_at(now + after, Event::control(ControlEvent::HealthyAfter, id, 0));
        }
        self.protect(cx, id);
        self.await_defect(cx, id);
        self.await_random_crash(cx, id);
    }

    /// What the revision does wrong after it has started.
    pub(super) fn await_defect(&self, cx: &mut Context<'_>, id: Id<Task>) {
        let task = &self.tasks[id];
        if let Some(law) = &self.laws.revision(task.service, task.revision).exits_after {
            let serving = self.revision(cx, id).serving_container;
            let life = law.sample(self.container_key(id, serving, purpose::EXITS_AFTER));
            self.schedule_exit_of_server(cx, id, life);
        }
    }

    /// 40 s after RUNNING a task without balancer and checks counts [BC:ecs minimumHealthyPercent].
    pub(super) fn healthy_after(&mut self, cx: &mut Context<'_>, id: Id<Task>) {
        if self
            .tasks
            .get(id)
            .is_some_and(|task| task.state() == TaskState::Running)
        {
            self.set_healthy(cx, id, true);
        }
    }

    /// The task definition of the task's revision.
    pub(super) fn definition<'b>(&self, cx: &Context<'b>, id: Id<Task>) -> &'b crate::blueprint::TaskDefinition {
        &cx.blueprint.task_definitions[self.revision(cx, id).task_definition.at()]
    }

    pub(super) fn revision<'b>(&self, cx: &Context<'b>, id: Id<Task>) -> &'b crate::blueprint::Revision {
        let task = &self.tasks[id];
        &cx.blueprint.services[task.service.at()].revisions[task.revision.at()]
    }
}
