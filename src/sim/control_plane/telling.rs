//! Past-tense records of what the control plane did, for the probes; and the bookkeeping that goes with every change of
//! a task's state.

use super::ControlPlane;
use crate::blueprint::ServiceIx;
use crate::cluster::task::{Task, TaskState};
use crate::engine::arena::Id;
use crate::sim::context::Context;
use crate::sim::observation::{Event, EventKind, Observation, ServiceLevels};
use crate::sim::signal::Order;
use crate::units::Instant;

/// A row of `events.csv` about nothing yet.
pub fn row(at: Instant, kind: EventKind, from: &str, to: &str, reason: impl Into<String>) -> Event {
    Event {
        at,
        kind,
        service: None,
        deployment: None,
        revision: None,
        task: None,
        instance: None,
        zone: None,
        from: from.to_string(),
        to: to.to_string(),
        reason: reason.into(),
    }
}

impl ControlPlane {
    /// Moves a task on and tells of it.
    pub(super) fn enter(&mut self, cx: &mut Context<'_>, id: Id<Task>, next: TaskState, reason: &str) {
        let task = &mut self.tasks[id];
        let from = task.state();
        task.enter(next);
        let service = task.service;
        let counts = &mut self.services[service.at()].counts;
        counts.remove(from);
        if next != TaskState::Stopped {
            counts.add(next);
        }
        if task.healthy && next != TaskState::Running {
            task.healthy = false;
            counts.healthy -= 1;
        }
        if next == TaskState::Running {
            cx.orders.push(Order::CountCpu(id));
        } else if from == TaskState::Running {
            cx.orders.push(Order::StopCountingCpu(id));
        }
        self.tell_task(cx, id, from.name(), reason);
        self.levels_changed(cx, service);
    }

    /// The task's row, as it is now.
    pub(super) fn tell_task(&self, cx: &mut Context<'_>, id: Id<Task>, from: &str, reason: &str) {
        let task = &self.tasks[id];
        let mut event = row(cx.now(), EventKind::Task, from, task.state().name(), reason);
        self.say_whose(&mut event, id);
        cx.observations.push(Observation::Happened(event));
    }

    /// Fills in what a row about a task says of it.
    pub(super) fn say_whose(&self, event: &mut Event, id: Id<Task>) {
        let task = &self.tasks[id];
        event.service = Some(task.service);
        event.deployment = self.services[task.service.at()]
            .deployment
            .as_ref()
            .map(|deployment| deployment.ordinal);
        event.revision = Some(task.revision);
        event.task = Some(task.ordinal);
        event.instance = task.instance.map(|instance| self.instances[instance].ordinal);
        event.zone = Some(task.zone);
    }

    /// To be called after every change of a service's counts.
    pub(super) fn levels_changed(&mut self, cx: &mut Context<'_>, at: ServiceIx) {
        let now = cx.now();
        let service = &mut self.services[at.at()];
        let counts = service.counts;
        if let Some(deployment) = &mut service.deployment {
            deployment.lowest_healthy = deployment.lowest_healthy.min(counts.healthy);
            let above = counts.billed().saturating_sub(service.desired);
            let below = service.desired.saturating_sub(counts.healthy);
            deployment.extra.set(now, above.into());
            deployment.missing.set(now, below.into());
        }
        let desired = service.desired;
        cx.observations.push(Observation::ServiceLevels(ServiceLevels {
            at: now,
            service: at,
            desired,
            pending: counts.pending(),
            running: counts.running(),
            healthy: counts.healthy,
            stopping: counts.stopping(),
        }));
    }
}
