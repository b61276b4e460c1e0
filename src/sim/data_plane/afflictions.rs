//! Tasks that are ill: what becomes of the requests that they have in hand.
//!
//! An attempt at such a task carries a flag, and is looked at here before each of its steps; all others pay for one bit.
//! Where a process hangs, whatever would go on is noted instead and goes on when it recovers: waits and answers come in
//! meanwhile and find nobody. (CPU work stands still because the control plane leaves the process no speed.)

use super::program::What;
use super::strand::leave_loop;
use super::{DataPlane, purpose};
use crate::blueprint::{ChecksOfTheIll, Ills, Motion};
use crate::cluster::Task;
use crate::cluster::aside::Aside;
use crate::cluster::attempt::{Answer, Attempt, Caller, Flags, Phase};
use crate::cluster::cause::{Cause, Reason};
use crate::cluster::server::Door;
use crate::engine::arena::Id;
use crate::sim::context::Context;
use crate::sim::event::{DataEvent, Event};

pub(super) struct Affliction {
    ills: Ills,
    /// Attempts that go on when the process moves again, in the order in which they would have.
    held_up: Vec<Id<Attempt>>,
    /// Those that fail then.
    failing: Vec<(Id<Attempt>, Cause)>,
}

impl DataPlane {
    /// What is wrong with a task changes.
    pub(super) fn afflict(&mut self, cx: &mut Context<'_>, task: Id<Task>, ills: Ills) {
        let before = self.afflictions.take(task);
        let endangered = self.is_endangered(task);
        let Some(server) = self.servers.get_mut(task) else {
            return;
        };
        let (old, new) = match ills == Ills::NONE && !endangered {
            true => (Door::Troubled, Door::Open),
            false => (Door::Open, Door::Troubled),
        };
        if server.door == old {
            server.door = new;
        }
        let mut affliction = before.unwrap_or(Affliction {
            ills,
            held_up: Vec::new(),
            failing: Vec::new(),
        });
        affliction.ills = ills;
        let (mut held_up, mut failing) = (Vec::new(), Vec::new());
        if ills.motion == Motion::Moving {
            held_up = std::mem::take(&mut affliction.held_up);
            failing = std::mem::take(&mut affliction.failing);
        }
        if ills != Ills::NONE {
            self.afflictions.put(task, affliction);
            self.flag_all_at(task);
        }
        for id in held_up {
            cx.follow(DataEvent::GoOn, id);
        }
        for (id, cause) in failing {
            if self.attempts.contains(id) {
                self.strand_fails(cx, id, cause);
            }
        }
    }

    /// What the task has in hand is looked at from now on.
    fn flag_all_at(&mut self, task: Id<Task>) {
        let in_hand: Vec<Id<Attempt>> = self
            .attempts
            .iter()
            .filter(|(_, attempt)| attempt.task == Some(task) && attempt.phase.is_in_hand())
            .map(|(id, _)| id)
            .collect();
        for id in in_hand {
            self.attempts[id].flags.set(Flags::AFFLICTED);
        }
    }

    /// The door of a process that begins to listen.
    pub(super) fn open_door(&self, task: Id<Task>) -> Door {
        match self.afflictions.get(task).is_some() || self.is_endangered(task) {
            true => Door::Troubled,
            false => Door::Open,
        }
    }

    /// An attempt at a door behind which something is wrong; gives whether that is its end.
    #[cold]
    #[inline(never)]
    pub(super) fn ends_at_the_door(&mut self, cx: &mut Context<'_>, id: Id<Attempt>, task: Id<Task>) -> bool {
        let server = self.servers.get(task);
        if server.is_none_or(|server| server.door != Door::Troubled) {
            self.unanswered(cx, id);
            return true;
        }
        self.taste(cx, id, task);
        let Some(affliction) = self.afflictions.get(task) else {
            return false;
        };
        let is_check = matches!(self.attempts[id].caller, Caller::Check(_));
        if is_check && affliction.ills.checks == ChecksOfTheIll::Pass {
            self.answer(cx, id, Answer::Success);
            return true;
        }
        self.attempts[id].flags.set(Flags::AFFLICTED);
        false
    }

    /// A strand at a task that is or was ill is about to go on; gives whether that is taken care of.
    #[cold]
    #[inline(never)]
    pub(super) fn is_held_up(&mut self, cx: &mut Context<'_>, id: Id<Attempt>) -> bool {
        if self.acts(cx, id) {
            return true;
        }
        let attempt = &mut self.attempts[id];
        let task = attempt.task.expect("a strand runs on a task");
        let Some(affliction) = self.afflictions.get_mut(task) else {
            if !self.poisons.keeps(id) {
                attempt.flags.clear(Flags::AFFLICTED);
            }
            return false;
        };
        if affliction.ills.motion == Motion::Still {
            affliction.held_up.push(id);
            return true;
        }
        let slow = affliction.ills.slow;
        let Some(step) = self.programs.step(attempt.program, attempt.step) else {
            return false;
        };
        let What::Wait(delay) = &step.what else { return false };
        let span = delay.span(attempt.key.child_for(step.purpose)).scaled(slow);
        if attempt.flags.has(Flags::HOLDS_LOOP) {
            leave_loop(&mut self.servers, &mut self.attempts, cx, id);
        }
        let attempt = &mut self.attempts[id];
        attempt.phase = Phase::Waiting;
        attempt.step += 1;
        cx.calendar.schedule_in(span, Event::data(DataEvent::GoOn, id));
        true
    }
}

impl DataPlane {
    /// A call of a strand has failed; gives whether its process hangs, and fails it only when it moves again.
    #[cold]
    pub(super) fn fails_later(&mut self, id: Id<Attempt>, cause: Cause) -> bool {
        let task = self.attempts[id].task.expect("a strand runs on a task");
        let still = self.afflictions.get_mut(task);
        let Some(still) = still.filter(|affliction| affliction.ills.motion == Motion::Still) else {
            return false;
        };
        still.failing.push((id, cause));
        self.attempts[id].phase = Phase::Ready;
        true
    }
}

/// How an attempt ends at a task that is ill.
#[cold]
#[inline(never)]
pub(super) fn answer_of_the_ill(afflictions: &Aside<Task, Affliction>, attempt: &Attempt, answer: Answer) -> Answer {
    let affliction = attempt.task.and_then(|task| afflictions.get(task));
    let ratio = affliction.map_or(0.0, |affliction| affliction.ills.error_ratio);
    if answer == Answer::Success && attempt.key.child(purpose::GRAY_FAILURE).happens(ratio) {
        Answer::Failure(Reason::GrayFailure.here())
    } else {
        answer
    }
}
