//! Tasks that are ill while they run: who they are, and what this plane sees of it.
//!
//! A task keeps its ills until the fault is lifted or the task is gone; the one that replaces it has none. ECS knows of
//! them only through health checks. Deliberately not here: what becomes of requests at such a task (the data plane's
//! `afflictions`).

use super::ControlPlane;
use super::agent::ContainerStep;
use super::laws::purpose;
use crate::blueprint::{ChecksOfTheIll, Ills, Motion, Selection};
use crate::cluster::Task;
use crate::cluster::task::HealthStatus;
use crate::engine::arena::Id;
use crate::engine::random::Key;
use crate::sim::context::Context;
use crate::sim::signal::Order;

/// Tasks that one fault has made ill.
#[derive(Clone, Debug)]
pub(super) struct Affliction {
    /// Position in the blueprint's events.
    fault: u32,
    tasks: Vec<Id<Task>>,
    ills: Ills,
}

impl ControlPlane {
    /// The RUNNING tasks of a selection are ill until [`ControlPlane::tasks_recover`]. `fault`: its position in the
    /// blueprint's events.
    pub fn tasks_fall_ill(&mut self, cx: &mut Context<'_>, fault: u32, on: &Selection, ills: Ills, key: Key) {
        let tasks = self.select(on, key);
        self.afflictions.push(Affliction {
            fault,
            tasks: tasks.clone(),
            ills,
        });
        self.tell_ills(cx, &tasks);
        for id in tasks {
            self.check_containers_of_the_still(cx, id);
        }
    }

    pub fn tasks_recover(&mut self, cx: &mut Context<'_>, fault: u32) {
        let Some(at) = self.afflictions.iter().position(|each| each.fault == fault) else {
            return;
        };
        let tasks = self.afflictions.remove(at).tasks;
        self.tell_ills(cx, &tasks);
    }

    /// All that is wrong with a task.
    pub(super) fn ills_of(&self, id: Id<Task>) -> Ills {
        let of_it = self.afflictions.iter().filter(|each| each.tasks.contains(&id));
        of_it.fold(Ills::NONE, |all, each| all.and(each.ills))
    }

    /// The share of its CPU's speed that the ills of a task leave it.
    pub(super) fn vigour(&self, id: Id<Task>) -> f64 {
        if self.afflictions.is_empty() {
            return 1.0;
        }
        let ills = self.ills_of(id);
        match ills.motion {
            Motion::Moving => 1.0 / ills.slow,
            Motion::Still => 0.0,
        }
    }

    /// Whether the health checks of its containers are not answered.
    pub(super) fn is_mute(&self, id: Id<Task>) -> bool {
        let ills = self.ills_of(id);
        ills.motion == Motion::Still && ills.checks == ChecksOfTheIll::Suffer
    }

    fn tell_ills(&self, cx: &mut Context<'_>, tasks: &[Id<Task>]) {
        for id in tasks.iter().filter(|id| self.tasks.contains(**id)) {
            let serving = self.revision(cx, *id).serving_container;
            if self.tasks[*id].containers[serving].is_running() {
                let (speed, ills) = (self.speed_of(cx, *id), self.ills_of(*id));
                cx.orders.push(Order::SetSpeed { task: *id, speed });
                cx.orders.push(Order::Afflict { task: *id, ills });
            }
        }
    }

    /// Checks that could only pass were made no more; those of a process that does not answer are.
    fn check_containers_of_the_still(&self, cx: &mut Context<'_>, id: Id<Task>) {
        let (definition, revision) = (self.definition(cx, id), self.revision(cx, id));
        let at = revision.serving_container;
        let rests = self.tasks[id].containers[at].health == HealthStatus::Healthy
            && revision.defects.fails_health_checks.get() == 0.0;
        if let Some(check) = definition.containers[at]
            .health_check
            .filter(|_| rests && self.is_mute(id))
        {
            let now = cx.now().nanos();
            let phase = self.tasks[id].key.child(purpose::FIRST_CHECK).child(now).uniform();
            self.container_in(cx, id, at, ContainerStep::HealthCheck, check.interval.scaled(phase));
        }
    }
}
