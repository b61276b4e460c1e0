//! Carrying out a step of the scheduler: starting and stopping as many tasks as policy has said.
//!
//! Which tasks are stopped is `policy::stopping`'s choice; how many come of a wish to start is `launching`'s answer.

use super::ControlPlane;
use super::draining;
use super::launching::{Launched, Limit};
use super::laws::purpose;
use super::stopping::Manner;
use crate::blueprint::{RevisionIx, ServiceIx};
use crate::cluster::service::Steadiness;
use crate::cluster::task::{Stop, Task};
use crate::engine::arena::Id;
use crate::policy::rollout::{Step, Why};
use crate::policy::stopping::{Candidate, Eligibility, Usefulness, choose};
use crate::sim::context::Context;

impl ControlPlane {
    /// Starts and stops what a step says; answers what has come of it.
    pub(super) fn take_step(&mut self, cx: &mut Context<'_>, at: ServiceIx, new: RevisionIx, step: &Step) -> Done {
        let mut done = Done::default();
        let mut step = *step;
        self.hold_surplus(cx, at, &mut step);
        self.start_some(cx, at, new, &step, &mut done);
        self.stop_some_of_each(cx, at, new, &step, &mut done);
        self.after_step(cx, at, &done);
        done
    }

    /// When the service is to be looked at again after a step.
    pub(super) fn after_step(&mut self, cx: &mut Context<'_>, at: ServiceIx, done: &Done) {
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
    }

    fn start_some(&mut self, cx: &mut Context<'_>, at: ServiceIx, new: RevisionIx, step: &Step, done: &mut Done) {
        for _ in 0..step.start_old {
            let Some(revision) = self.services[at.at()].pay_one() else {
                break;
            };
            let launched = self.launch(cx, at, revision, 1, step.why.told());
            if launched.tasks == 0 {
                self.services[at.at()].owe(revision);
            }
            done.add(launched);
        }
        if step.start_new > 0 {
            done.add(self.launch(cx, at, new, step.start_new, step.why.told()));
        }
        let waits = self.services[at.at()]
            .unplaced
            .as_ref()
            .is_some_and(|unplaced| unplaced.retry_at > cx.now());
        if done.limit != Limit::Capacity && !waits {
            // Everything has its place, or nothing wants one any more.
            self.services[at.at()].unplaced = None;
        }
    }

    fn stop_some_of_each(
        &mut self,
        cx: &mut Context<'_>,
        at: ServiceIx,
        new: RevisionIx,
        step: &Step,
        done: &mut Done,
    ) {
        let grace = cx.blueprint.services[at.at()].health_check_grace_period;
        let now = cx.now();
        let rolling = !cx.blueprint.services[at.at()].deployment.strategy.shifts_traffic();
        let is_new = |task: &Task| task.revision == new && !task.displaced;
        // Where two colours stand beside each other, each has its own step.
        let is_old = |task: &Task| !is_new(task) && (rolling || task.revision == new);
        let failed = |task: &Task| task.unhealthy && task.out_of_grace(grace, now);

        let stop = self.scaling_stop(at);
        done.stopped += self.stop_some(cx, at, step.stop_old, is_old, &stop).len() as u32;
        let surplus = self.stop_some(cx, at, step.stop_surplus, |task| is_new(task) && !failed(task), &stop);
        done.stopped += surplus.len() as u32;
        let replaced = self.stop_some(cx, at, step.stop_unhealthy, |task| is_new(task) && failed(task), &stop);
        done.stopped += replaced.len() as u32;
        if !replaced.is_empty() && self.services[at.at()].primary == new {
            self.replaced_for_health(cx, at, replaced.len() as u32);
        }
        for id in self.stop_some(cx, at, step.replace_old, |task| is_old(task) && failed(task), &stop) {
            done.stopped += 1;
            let revision = self.tasks[id].revision;
            if revision != new {
                self.services[at.at()].owe(revision);
            }
        }
    }

    /// Stops up to `count` live tasks among those eligible, chosen by policy; unhealthy ones without waiting for their
    /// deregistration. Answers which.
    pub(super) fn stop_some(
        &mut self,
        cx: &mut Context<'_>,
        at: ServiceIx,
        count: u32,
        eligible: impl Fn(&Task) -> bool,
        stop: &Stop,
    ) -> Vec<Id<Task>> {
        if count == 0 {
            return Vec::new();
        }
        let passes = self.services[at.at()].passes;
        let tasks = self.services[at.at()].tasks.iter().copied();
        let live: Vec<Id<Task>> = tasks.filter(|id| self.tasks[*id].state().is_live()).collect();
        let now = cx.now();
        let wanted = live.iter().filter(|id| eligible(&self.tasks[**id])).count() as u32;
        let eligible = |task: &Task| eligible(task) && !task.is_protected(now);
        let candidates: Vec<Candidate> = live.iter().map(|id| self.candidate(*id, passes, &eligible)).collect();
        let chosen = choose(&candidates, count, &cx.blueprint.services[at.at()].placement_strategy);
        let chosen: Vec<Id<Task>> = chosen.into_iter().map(|position| live[position]).collect();
        self.tell_protected(cx, at, count.min(wanted) - chosen.len() as u32);
        for id in &chosen {
            let task = &self.tasks[*id];
            let manner = if task.unhealthy {
                Manner::AtOnce
            } else if task.displaced {
                draining::manner(&cx.blueprint.model)
            } else {
                Manner::DeregisterFirst
            };
            let stop = if task.displaced {
                draining::drained()
            } else if task.unhealthy {
                Stop {
                    reason: self.failed_checks(cx, *id),
                    ..stop.clone()
                }
            } else {
                stop.clone()
            };
            let ordinal = self.tasks[*id].ordinal;
            self.services[at.at()].news.stopped.push(ordinal);
            self.stop_task(cx, *id, stop, manner);
        }
        chosen
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
    pub(super) fn add(&mut self, launched: Launched) {
        self.started += launched.tasks;
        self.limit = launched.limit;
    }

    pub(super) fn acted(&self) -> bool {
        self.started + self.stopped > 0
    }

    /// This and what another colour's step came to.
    pub(super) fn with(self, other: &Done) -> Done {
        Done {
            started: self.started + other.started,
            stopped: self.stopped + other.stopped,
            limit: if self.limit == Limit::Unlimited {
                other.limit
            } else {
                self.limit
            },
        }
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
            // What keeps tasks from starting is no reason to stop any.
            _ if self.started == 0 && self.stopped > 0 => step.why.without_start().told(),
            Limit::Rate(_) => "launch rate",
            Limit::Capacity => Why::WaitForCapacity.told(),
        }
    }
}
