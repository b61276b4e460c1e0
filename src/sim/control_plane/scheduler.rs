//! The service scheduler: one pass over a service, `model.scheduler.pass` after a change that concerns it.
//!
//! A pass first moves the deployment on (`deployments`, `blue_green`), then asks `policy::rollout` what to start and stop,
//! does it, and notes when it must look again although nothing changes: the restart throttle, a launch rate, a retry of
//! placement, the end of a grace period or bake time. Changes meanwhile share the pass that is due.

use super::ControlPlane;
use super::launching::{Launched, Limit};
use super::laws::purpose;
use super::stopping::Manner;
use super::telling::row;
use crate::blueprint::{DeploymentStrategy, RevisionIx, ServiceIx};
use crate::cluster::deployment::Throttle;
use crate::cluster::service::{Halt, Steadiness};
use crate::cluster::task::{Stop, StopCode, Task, TaskState};
use crate::engine::arena::Id;
use crate::policy::breaker::restart_delay;
use crate::policy::rollout::{self, Starts, Step, Tasks, View, Why};
use crate::policy::stopping::{Candidate, Eligibility, Usefulness, choose};
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
        service.passes += 1;
        self.judge_deployment(cx, at);
        let blue_green = cx.blueprint.services[at.at()].deployment.strategy == DeploymentStrategy::BlueGreen;
        if blue_green {
            self.blue_green_pass(cx, at);
        } else {
            self.rolling_pass(cx, at);
        }
        self.conclude(cx, at);
        self.look_again(cx, at);
    }

    fn rolling_pass(&mut self, cx: &mut Context<'_>, at: ServiceIx) {
        let configuration = &cx.blueprint.services[at.at()].deployment;
        let service = &self.services[at.at()];
        let primary = service.primary;
        let draining = if cx.blueprint.model.scheduler.draining_counts_to_maximum {
            service.counts.stopping()
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
            new: self.tasks_of(cx, at, |revision| revision == primary),
            old: self.tasks_of(cx, at, |revision| revision != primary),
            draining,
            leaving,
            owed,
            starts: self.starts(cx, at),
        };
        let step = rollout::decide(&view);
        let done = self.take_step(cx, at, primary, &step);
        if view.old.live == 0 {
            // Nobody is left whom the failed ones belonged to.
            self.services[at.at()].owed.clear();
        }
        self.note_step(cx, at, &step, &done);
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
        let grace = cx.blueprint.services[at.at()].health_check_grace_period;
        let mut tasks = Tasks::default();
        for id in &self.services[at.at()].tasks {
            let task = &self.tasks[*id];
            if of(task.revision) && task.state().is_live() {
                tasks.live += 1;
                tasks.healthy += u32::from(task.healthy);
                tasks.unhealthy += u32::from(task.unhealthy && task.out_of_grace(grace, cx.now()));
            }
        }
        tasks
    }

    /// Starts and stops what a step says; answers what has come of it.
    pub(super) fn take_step(&mut self, cx: &mut Context<'_>, at: ServiceIx, new: RevisionIx, step: &Step) -> Done {
        let mut done = Done::default();
        for _ in 0..step.start_old {
            let owed = &mut self.services[at.at()].owed;
            let Some((revision, count)) = owed.last_mut() else {
                break;
            };
            let revision = *revision;
            *count -= 1;
            owed.retain(|(_, count)| *count > 0);
            let launched = self.launch(cx, at, revision, 1, step.why.told());
            if launched.tasks == 0 {
                self.services[at.at()].owe(revision);
            }
            done.add(launched);
        }
        if step.start_new > 0 {
            done.add(self.launch(cx, at, new, step.start_new, step.why.told()));
        }
        if done.started > 0 && done.limit != Limit::Capacity {
            self.services[at.at()].unplaced = None;
        }
        let scheduler = || Stop {
            code: StopCode::ServiceSchedulerInitiated,
            reason: "Scaling activity initiated by deployment".into(),
        };
        done.stopped += self.stop_some(cx, at, step.stop_old, |task| task.revision != new, scheduler);
        let scale_in = || Stop {
            code: StopCode::ServiceSchedulerInitiated,
            reason: "Scaling activity initiated by service scheduler".into(),
        };
        done.stopped += self.stop_some(
            cx,
            at,
            step.stop_surplus,
            |task| task.revision == new && !task.unhealthy,
            scale_in,
        );
        let failing = || Stop {
            code: StopCode::ServiceSchedulerInitiated,
            reason: "Task failed health checks".into(),
        };
        let unhealthy = self.unhealthy_tasks(cx, at, new);
        let replaced = self.stop_some(
            cx,
            at,
            step.stop_unhealthy,
            |task| unhealthy.contains(&task.ordinal),
            failing,
        );
        done.stopped += replaced;
        if replaced > 0 && self.services[at.at()].primary == new {
            self.replaced_for_health(cx, at, replaced);
        }
        if done.started > 0 {
            self.tell_service(cx, at, &format!("has started {} tasks", done.started));
        }
        if done.stopped > 0 {
            self.tell_service(cx, at, &format!("has stopped {} running tasks", done.stopped));
        }
        if done.started + done.stopped > 0 {
            self.services[at.at()].steadiness = Steadiness::Changing;
            self.request_pass(cx, at);
        }
        match done.limit {
            Limit::Unlimited => {}
            Limit::Rate(next) => self.pass_at(cx, at, next),
            // The next pass knows that waiting for a place is in vain.
            Limit::Capacity => self.request_pass(cx, at),
        }
        done
    }

    /// Ordinals of the tasks of a revision that are to be replaced.
    fn unhealthy_tasks(&self, cx: &Context<'_>, at: ServiceIx, revision: RevisionIx) -> Vec<u32> {
        let grace = cx.blueprint.services[at.at()].health_check_grace_period;
        let tasks = self.services[at.at()].tasks.iter().map(|id| &self.tasks[*id]);
        let unhealthy = tasks.filter(|task| {
            task.revision == revision && task.unhealthy && task.state().is_live() && task.out_of_grace(grace, cx.now())
        });
        unhealthy.map(|task| task.ordinal).collect()
    }

    /// Stops up to `count` live tasks among those eligible, chosen by policy; unhealthy ones without waiting for their
    /// deregistration.
    pub(super) fn stop_some(
        &mut self,
        cx: &mut Context<'_>,
        at: ServiceIx,
        count: u32,
        eligible: impl Fn(&Task) -> bool,
        stop: impl Fn() -> Stop,
    ) -> u32 {
        if count == 0 {
            return 0;
        }
        let passes = self.services[at.at()].passes;
        let live: Vec<Id<Task>> = self.services[at.at()]
            .tasks
            .iter()
            .copied()
            .filter(|id| self.tasks[*id].state().is_live())
            .collect();
        let candidates: Vec<Candidate> = live.iter().map(|id| self.candidate(*id, passes, &eligible)).collect();
        let chosen = choose(&candidates, count, &cx.blueprint.services[at.at()].placement_strategy);
        for position in &chosen {
            let id = live[*position];
            let task = &self.tasks[id];
            let manner = if task.unhealthy {
                Manner::AtOnce
            } else {
                Manner::DeregisterFirst
            };
            if task.unhealthy && task.revision != self.services[at.at()].primary && task.state() == TaskState::Running {
                self.failed_after_running(id);
            }
            self.stop_task(cx, id, stop(), manner);
        }
        chosen.len() as u32
    }

    fn candidate(&self, id: Id<Task>, passes: u64, eligible: &impl Fn(&Task) -> bool) -> Candidate {
        let task = &self.tasks[id];
        let host = task.instance.map(|instance| &self.instances[instance]);
        Candidate {
            may_be_stopped: if eligible(task) {
                Eligibility::Yes
            } else {
                Eligibility::No
            },
            usefulness: if task.unhealthy {
                Usefulness::Unhealthy
            } else if !task.healthy {
                Usefulness::NotYet
            } else {
                Usefulness::Useful
            },
            zone: task.zone,
            host: host.map_or(task.ordinal, |host| host.ordinal),
            host_free: host.map_or((0, 0), |host| (host.free.cpu.0, host.free.memory.0)),
            luck: task.key.child(purpose::STOP_CHOICE).child(passes).bits(),
        }
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
        if let Some(unplaced) = &service.unplaced {
            consider(unplaced.retry_at);
        }
        for id in &service.tasks {
            let task = &self.tasks[*id];
            if task.unhealthy && task.state() == TaskState::Running {
                consider(task.running.expect("a RUNNING task has begun to run") + grace);
            }
        }
        if let Some(bake) = service
            .deployment
            .as_ref()
            .and_then(|deployment| deployment.bakes_until())
        {
            consider(bake);
        }
        self.pass_at(cx, at, due);
    }

    /// A task stops without ever having been RUNNING: the restart throttle and the breaker's first stage count it.
    pub(super) fn never_ran(&mut self, cx: &mut Context<'_>, id: Id<Task>) {
        let (at, revision, created) = (self.tasks[id].service, self.tasks[id].revision, self.tasks[id].created);
        let backoff = &cx.blueprint.model.scheduler.restart_backoff;
        let service = &mut self.services[at.at()];
        if revision != service.primary {
            return service.owe(revision);
        }
        if service
            .throttle
            .count(created, cx.calendar.now(), |failed| restart_delay(backoff, failed))
        {
            self.tell_service(cx, at, "is unable to consistently start tasks successfully");
        }
        self.failed_to_start(cx, at);
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
    pub(super) fn has_run(&mut self, _cx: &mut Context<'_>, id: Id<Task>) {
        let task = &self.tasks[id];
        let service = &mut self.services[task.service.at()];
        if task.revision == service.primary {
            service.throttle = Throttle::OPEN;
            if let Some(deployment) = &mut service.deployment {
                deployment.breaker_stage = crate::cluster::deployment::BreakerStage::SomeHaveRun;
            }
        }
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
        self.levels_changed(cx, at);
        self.request_pass(cx, at);
    }

    /// Says when everything is as desired, once.
    pub(super) fn settle(&mut self, cx: &mut Context<'_>, at: ServiceIx) {
        let service = &mut self.services[at.at()];
        let counts = service.counts;
        let settled = service.deployment.is_none()
            && counts.running() == service.desired
            && counts.healthy == service.desired
            && counts.existing() == service.desired;
        let was = service.steadiness;
        service.steadiness = if settled {
            Steadiness::Steady
        } else {
            Steadiness::Changing
        };
        if settled && was == Steadiness::Changing {
            self.tell_service(cx, at, "has reached a steady state.");
        }
    }
}

/// What has come of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Done {
    pub started: u32,
    pub stopped: u32,
    pub limit: Limit,
}

impl Default for Done {
    fn default() -> Self {
        Done {
            started: 0,
            stopped: 0,
            limit: Limit::Unlimited,
        }
    }
}

impl Done {
    fn add(&mut self, launched: Launched) {
        self.started += launched.tasks;
        self.limit = launched.limit;
    }

    /// `start 2, stop 1` or `wait`.
    pub(super) fn told(&self) -> String {
        match (self.started, self.stopped) {
            (0, 0) => "wait".to_string(),
            (started, 0) => format!("start {started}"),
            (0, stopped) => format!("stop {stopped}"),
            (started, stopped) => format!("start {started}, stop {stopped}"),
        }
    }

    /// Why so many and no more.
    pub(super) fn why(&self, step: &Step) -> &'static str {
        match self.limit {
            Limit::Unlimited => step.why.told(),
            Limit::Rate(_) => "launch rate",
            Limit::Capacity => Why::WaitForCapacity.told(),
        }
    }
}
