//! Dependencies: databases and the like, with slots, a queue, a zone and a standby.

use super::network::{AtBalancer, Crossing, Hop};
use super::program::To;
use super::{DataPlane, Leg, purpose};
use crate::blueprint::{self, CallIx, DependencyIx, ZoneIx};
use crate::cluster::Attempt;
use crate::cluster::attempt::{Answer, Flags, Phase};
use crate::cluster::queue::Queue;
use crate::engine::arena::Id;
use crate::engine::dist::{Law, Tables};
use crate::sim::context::Context;
use crate::sim::event::{DataEvent, Event};
use crate::units::Span;

pub(super) struct DependencyState {
    pub zone: Option<ZoneIx>,
    /// Not yet used standby.
    standby: Option<ZoneIx>,
    failover: Span,
    slots: u32,
    backlog: u32,
    service_time: Law,
    /// Service times are this many times as long; the product of the faults in force.
    pub slowdown: f64,
    pub busy: u32,
    pub queue: Queue,
    /// The primary has failed and nobody has taken over yet.
    pub failing_over: bool,
}

impl DependencyState {
    pub fn new(written: &blueprint::Dependency, tables: &mut Tables) -> Self {
        DependencyState {
            zone: written.zone,
            standby: written.standby,
            failover: written.failover,
            slots: written.slots,
            backlog: written.backlog,
            service_time: Law::compile(&written.service_time, tables),
            slowdown: 1.0,
            busy: 0,
            queue: Queue::default(),
            failing_over: false,
        }
    }

    pub fn has_standby(&self) -> bool {
        self.standby.is_some()
    }
}

impl DataPlane {
    #[inline]
    pub(super) fn dependency_of(&self, call: CallIx) -> Option<DependencyIx> {
        match self.calls[call.at()].to {
            To::Dependency(at) => Some(DependencyIx::from_usize(at)),
            _ => None,
        }
    }

    #[inline]
    pub(super) fn to_dependency(&mut self, cx: &mut Context<'_>, id: Id<Attempt>, at: usize) {
        let attempt = &mut self.attempts[id];
        attempt.zone = self.dependencies[at].zone;
        let hop = Hop {
            leg: Leg::ToCallee,
            from: attempt.from,
            to: attempt.zone,
            at_balancer: AtBalancer::Elsewhere,
            service: attempt.service,
            dependency: Some(DependencyIx::from_usize(at)),
        };
        match self.network.carry(cx, id, attempt.key, hop, DataEvent::AtCallee) {
            Crossing::UnderWay => {}
            Crossing::Arrived => self.at_dependency(cx, id, at),
            Crossing::Lost => self.nobody_answers(cx, id),
        }
    }

    #[inline]
    pub(super) fn at_dependency(&mut self, cx: &mut Context<'_>, id: Id<Attempt>, at: usize) {
        let dependency = &mut self.dependencies[at];
        if dependency.failing_over {
            return self.answer(cx, id, Answer::Refused);
        }
        if dependency.busy < dependency.slots {
            dependency.busy += 1;
            self.serve_at_dependency(cx, id, at);
        } else if dependency.queue.len() < dependency.backlog {
            self.attempts[id].phase = Phase::Queued;
            dependency.queue.push(&mut self.attempts, id);
        } else {
            self.answer(cx, id, Answer::Refused);
        }
    }

    #[inline]
    fn serve_at_dependency(&mut self, cx: &mut Context<'_>, id: Id<Attempt>, at: usize) {
        let dependency = &self.dependencies[at];
        let attempt = &mut self.attempts[id];
        attempt.phase = Phase::Waiting;
        let time = dependency.service_time.sample(attempt.key.child(purpose::SERVICE));
        let time = if dependency.slowdown == 1.0 {
            time
        } else {
            time.scaled(dependency.slowdown)
        };
        cx.calendar.schedule_in(time, Event::data(DataEvent::WaitOver, id));
    }

    pub(super) fn served_by_dependency(&mut self, cx: &mut Context<'_>, id: Id<Attempt>, at: usize) {
        match self.dependencies[at].queue.pop(&mut self.attempts) {
            Some(next) => self.serve_at_dependency(cx, next, at),
            None => self.dependencies[at].busy -= 1,
        }
        if self.attempts[id].flags.has(Flags::CALLER_GONE) {
            self.attempts.remove(id);
        } else {
            self.answer(cx, id, Answer::Success);
        }
    }

    /// The primary is gone: what it had in hand is reset, and the standby (or the primary itself, if there is none)
    /// answers after the failover time.
    pub(super) fn fail_over(&mut self, cx: &mut Context<'_>, at: usize) {
        if self.dependencies[at].failing_over {
            return;
        }
        self.dependencies[at].failing_over = true;
        let index = DependencyIx::from_usize(at);
        let lost: Vec<Id<Attempt>> = self
            .attempts
            .iter()
            .filter(|(_, attempt)| {
                matches!(attempt.phase, Phase::Queued | Phase::Waiting)
                    && match attempt.callee {
                        crate::cluster::attempt::Callee::Call(call) => self.dependency_of(call) == Some(index),
                        _ => false,
                    }
            })
            .map(|(id, _)| id)
            .collect();
        self.dependencies[at].queue = Queue::default();
        self.dependencies[at].busy = 0;
        for id in lost {
            self.answer(cx, id, Answer::Refused);
        }
        let event = Event::data_extra(DataEvent::FailoverDone, at as u32);
        cx.calendar.schedule_in(self.dependencies[at].failover, event);
    }

    pub(super) fn failover_done(&mut self, at: usize) {
        let dependency = &mut self.dependencies[at];
        dependency.failing_over = false;
        if let Some(standby) = dependency.standby.take() {
            dependency.zone = Some(standby);
        }
    }
}
