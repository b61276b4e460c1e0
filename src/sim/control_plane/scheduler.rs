//! The service scheduler: one pass over a service, `model.scheduler.pass` after a change that concerns it.
//!
//! A pass first moves the deployment on (`deployments`, `life_cycle`), then asks `policy::rollout` what to start and stop,
//! does it, and notes when it must look again although nothing changes: the restart throttle, a launch rate, a retry of
//! placement, the end of a grace period or bake time. Changes meanwhile share the pass that is due.

use super::ControlPlane;
use super::daemons::is_daemon;
use super::news::STEADY_STATE_SAID_EVERY;
use super::standalone::is_standalone;
use super::telling::row;
use crate::blueprint::{ControlService, RevisionIx, ServiceIx};
use crate::cluster::service::{Halt, Steadiness};
use crate::cluster::task::{Task, TaskState};
use crate::engine::arena::Id;
use crate::policy::rollout::{self, Starts, Tasks, View};
use crate::sim::context::Context;
use crate::sim::event::{ControlEvent, Event};
use crate::sim::observation::{EventKind, Observation};
use crate::units::Instant;

impl ControlPlane {
    /// A change concerns the service.
    pub(super) fn request_pass(&mut self, cx: &mut Context<'_>, at: ServiceIx) {
        let due = cx.now() + cx.blueprint.model.scheduler.pass;
        self.pass_at(cx, at, due);
    }

    /// The service is to be looked at then, or earlier if that is due.
    pub(super) fn pass_at(&mut self, cx: &mut Context<'_>, at: ServiceIx, due: Instant) {
        if is_standalone(cx.blueprint, at) {
            return;
        }
        let service = &mut self.services[at.at()];
        if due < service.pass_due {
            service.pass_due = due;
            cx.calendar
                .schedule_at(due, Event::control_extra(ControlEvent::SchedulerPass, u32::from(at.0)));
        }
    }

    pub(super) fn pass(&mut self, cx: &mut Context<'_>, at: ServiceIx) {
        let service = &mut self.services[at.at()];
        if service.pass_due != cx.now() {
            // An earlier pass has taken its place.
            return;
        }
        service.pass_due = Instant::NEVER;
        if self.is_away(ControlService::Ecs) {
            // It is looked at when ECS is back.
            return;
        }
        let service = &mut self.services[at.at()];
        service.passes += 1;
        self.judge_deployment(cx, at);
        if is_daemon(cx.blueprint, at) {
            self.daemon_pass(cx, at);
        } else if cx.blueprint.services[at.at()].deployment.strategy.shifts_traffic() {
            self.life_cycle_pass(cx, at);
        } else {
            self.rolling_pass(cx, at);
        }
        self.tell_news(cx, at);
        self.conclude(cx, at);
        self.rebalance(cx, at);
        self.look_again(cx, at);
    }

    fn rolling_pass(&mut self, cx: &mut Context<'_>, at: ServiceIx) {
        let configuration = &cx.blueprint.services[at.at()].deployment;
        let service = &self.services[at.at()];
        let primary = service.primary;
        let draining = if cx.blueprint.model.scheduler.draining_counts_to_maximum {
            service.counts.draining()
        } else {
            0
        };
        let placeable = service
            .unplaced
            .as_ref()
            .is_none_or(|unplaced| unplaced.retry_at <= cx.now());
        let owed = if placeable && service.halt != Halt::Stalled {
            service.owed_to_others()
        } else {
            0
        };
        let is_leaving = |id: &&Id<Task>| {
            let task = &self.tasks[**id];
            task.revision != primary && !task.state().is_live()
        };
        let leaving = service.tasks.iter().filter(is_leaving).count() as u32;
        let view = View {
            desired: service.desired,
            minimum_healthy_percent: configuration.minimum_healthy_percent,
            maximum_percent: configuration.maximum_percent,
            new: self.tasks_that(cx, at, |task| task.revision == primary && !task.displaced),
            old: self.tasks_that(cx, at, |task| task.revision != primary || task.displaced),
            draining,
            leaving,
            owed,
            starts: self.starts(cx, at),
        };
        let step = rollout::decide(&view);
        if placeable {
            self.services[at.at()].owe_at_most(step.start_old + step.still_owed);
        }
        let found = self.found(at);
        let done = self.take_step(cx, at, primary, &step);
        self.note_step(cx, at, found, &step, &done);
    }

    /// Whether the scheduler may start tasks of the primary revision now.
    pub(super) fn starts(&self, cx: &Context<'_>, at: ServiceIx) -> Starts {
        let service = &self.services[at.at()];
        if service.halt != Halt::Going {
            Starts::Forbidden
        } else if service.throttle.not_before > cx.now() {
            Starts::Throttled
        } else if service
            .unplaced
            .as_ref()
            .is_some_and(|unplaced| unplaced.retry_at > cx.now())
        {
            Starts::Unplaceable
        } else {
            Starts::Allowed
        }
    }

    /// Counts the live tasks of some revisions.
    pub(super) fn tasks_of(&self, cx: &Context<'_>, at: ServiceIx, of: impl Fn(RevisionIx) -> bool) -> Tasks {
        self.tasks_that(cx, at, |task| of(task.revision))
    }

    /// Counts the live tasks that a predicate takes.
    pub(super) fn tasks_that(&self, cx: &Context<'_>, at: ServiceIx, of: impl Fn(&Task) -> bool) -> Tasks {
        let grace = cx.blueprint.services[at.at()].health_check_grace_period;
        let mut tasks = Tasks::default();
        for id in &self.services[at.at()].tasks {
            let task = &self.tasks[*id];
            if of(task) && task.state().is_live() {
                tasks.live += 1;
                tasks.healthy += u32::from(task.healthy);
                tasks.unhealthy += u32::from(task.unhealthy && task.out_of_grace(grace, cx.now()));
            }
        }
        tasks
    }

    /// When the service must be looked at although nothing changes.
    fn look_again(&mut self, cx: &mut Context<'_>, at: ServiceIx) {
        let now = cx.now();
        let grace = cx.blueprint.services[at.at()].health_check_grace_period;
        let service = &self.services[at.at()];
        let mut due = Instant::NEVER;
        let mut consider = |instant: Instant| {
            if instant > now {
                due = due.min(instant);
            }
        };
        if service.halt == Halt::Going {
            consider(service.throttle.not_before);
        }
        consider(self.zones_good_again(cx, at));
        if let Steadiness::Steady { said } = service.steadiness {
            consider(said + STEADY_STATE_SAID_EVERY);
        }
        if let Some(unplaced) = &service.unplaced {
            consider(unplaced.retry_at);
        }
        for id in &service.tasks {
            let task = &self.tasks[*id];
            consider(task.protected_until);
            if task.unhealthy && task.state() == TaskState::Running {
                consider(task.running.expect("a RUNNING task has begun to run") + grace);
            }
        }
        consider(self.life_cycle_due(cx, at));
        self.pass_at(cx, at, due);
    }

    /// Changes the desired count as UpdateService does.
    pub fn set_desired_count(&mut self, cx: &mut Context<'_>, at: ServiceIx, desired: u32, cause: &str) {
        let before = self.services[at.at()].desired;
        let mut event = row(
            cx.now(),
            EventKind::Scaling,
            &before.to_string(),
            &desired.to_string(),
            cause,
        );
        event.service = Some(at);
        cx.observations.push(Observation::Happened(event));
        self.change_desired_count(cx, at, desired);
    }

    pub(super) fn change_desired_count(&mut self, cx: &mut Context<'_>, at: ServiceIx, desired: u32) {
        self.services[at.at()].desired = desired;
        self.scaled_while_shifting(cx, at);
        self.levels_changed(cx, at);
        self.request_pass(cx, at);
    }
}
