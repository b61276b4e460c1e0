//! Container instances set to DRAINING [DG:container-instance-draining].
//!
//! A DRAINING instance takes no task any more. Service tasks on it that are not RUNNING yet are stopped at once; RUNNING
//! ones are replaced within minimumHealthyPercent and maximumPercent like old tasks of a deployment, so that 100/100 cannot
//! progress. Standalone tasks are left alone. Daemons go last, when nothing else is left. Whether such a task is taken from its target groups before it gets
//! SIGTERM is `model.scheduler.draining_instance_stop`: users see both at once [CR#708].

use super::ControlPlane;
use super::daemons::is_daemon;
use super::standalone::is_standalone;
use super::stopping::Manner;
use crate::blueprint::{DrainingInstanceStop, GroupIx, Model};
use crate::cluster::Instance;
use crate::cluster::instance::ContainerInstanceStatus;
use crate::cluster::task::{Stop, StopCode, Task};
use crate::engine::arena::Id;
use crate::engine::random::Key;
use crate::sim::context::Context;

impl ControlPlane {
    /// UpdateContainerInstancesState: `count` ACTIVE instances of the group, chosen at random, are DRAINING from now on.
    pub fn drain_instances(&mut self, cx: &mut Context<'_>, at: GroupIx, count: u32, key: Key) {
        for id in self.pick_instances(at, count, key) {
            let active = self.instances[id].status;
            self.instances[id].status = ContainerInstanceStatus::Draining;
            self.tell_of_instance(cx, id, active.name(), ContainerInstanceStatus::Draining.name(), "");
            self.drain(cx, id);
        }
        self.hosts_changed(cx);
    }

    pub(super) fn drain(&mut self, cx: &mut Context<'_>, id: Id<Instance>) {
        for task in self.instances[id].tasks.clone() {
            let service = self.tasks[task].service;
            if is_daemon(cx.blueprint, service)
                || is_standalone(cx.blueprint, service)
                || !self.tasks[task].state().is_live()
            {
                continue;
            }
            self.tasks[task].displaced = true;
            if self.tasks[task].state().is_launching() {
                let ordinal = self.tasks[task].ordinal;
                self.services[service.at()].news.stopped.push(ordinal);
                self.stop_task(cx, task, drained(), Manner::AtOnce);
            }
            self.request_pass(cx, service);
        }
        self.drain_daemons(cx, id);
    }

    /// Stops the daemons of a DRAINING instance once they are all that is left there.
    pub(super) fn drain_daemons(&mut self, cx: &mut Context<'_>, id: Id<Instance>) {
        let tasks = &self.instances[id].tasks;
        let only_daemons = tasks
            .iter()
            .all(|task| is_daemon(cx.blueprint, self.tasks[*task].service));
        if self.instances[id].status != ContainerInstanceStatus::Draining || !only_daemons {
            return;
        }
        let live: Vec<Id<Task>> = tasks
            .iter()
            .copied()
            .filter(|task| self.tasks[*task].state().is_live())
            .collect();
        for task in live {
            let (service, ordinal) = (self.tasks[task].service, self.tasks[task].ordinal);
            self.services[service.at()].news.stopped.push(ordinal);
            self.stop_task(cx, task, drained(), manner(&cx.blueprint.model));
        }
    }
}

/// The reason of a stop for this cause.
pub(super) fn drained() -> Stop {
    Stop {
        code: StopCode::ServiceSchedulerInitiated,
        reason: "Container instance is DRAINING".to_string(),
    }
}

/// In which order a RUNNING task of a DRAINING instance is stopped and taken from its target groups.
pub(super) fn manner(model: &Model) -> Manner {
    match model.scheduler.draining_instance_stop {
        DrainingInstanceStop::AtOnce => Manner::AtOnce,
        DrainingInstanceStop::DeregisterFirst => Manner::DeregisterFirst,
    }
}
