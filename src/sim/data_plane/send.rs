//! Attempts begin here: a call is made, and what is to be sent goes on its way.

use super::balancer::to_node;
use super::guard::Leave;
use super::network::{Between, Crossing, Hop};
use super::pick::{pick, to_picked};
use super::site::To;
use super::{DataPlane, Leg, purpose};
use crate::blueprint::CallIx;
use crate::cluster::attempt::{Attempt, Caller, Flags, Phase, Site};
use crate::cluster::deadline::Joined;
use crate::engine::arena::Id;
use crate::sim::context::Context;
use crate::sim::event::DataEvent;
use crate::sim::trace::Doing;
use crate::units::Instant;

impl DataPlane {
    /// Sends an attempt on its way: now its caller waits.
    #[inline(always)]
    pub(super) fn send(&mut self, cx: &mut Context<'_>, id: Id<Attempt>) {
        let Some(attempt) = self.attempts.get(id) else {
            return;
        };
        if attempt.flags.has(Flags::TRACED) || self.sites[attempt.site.at()].is_special {
            self.send_specially(cx, id);
        } else {
            self.sends::<false>(cx, id);
        }
    }

    /// The same where somebody looks on, or there are guards or ways to ask.
    #[cold]
    #[inline(never)]
    fn send_specially(&mut self, cx: &mut Context<'_>, id: Id<Attempt>) {
        self.sends::<true>(cx, id);
    }

    /// `SPECIAL`: traced, or from a site with guards or ways.
    #[inline(always)]
    fn sends<const SPECIAL: bool>(&mut self, cx: &mut Context<'_>, id: Id<Attempt>) {
        let now = cx.now();
        let mut attempt = &mut self.attempts[id];
        attempt.phase = Phase::Sent;
        if SPECIAL && attempt.flags.has(Flags::TRACED) {
            self.tracer.begins(cx.blueprint, id, attempt, Doing::Network, now);
        }
        if attempt.first_sent == Instant::NEVER {
            attempt.first_sent = now;
            if let Caller::Client(..) = attempt.caller {
                self.open_requests += 1;
            }
        }
        let mut until = Instant::NEVER;
        if SPECIAL && self.sites[attempt.site.at()].is_guarded() {
            match self.ask_leave(cx, id) {
                Leave::Given { until: bound } => until = bound,
                Leave::Kept => return,
            }
            attempt = &mut self.attempts[id];
        }
        let site = &mut self.sites[attempt.site.at()];
        site.sent.attempts[usize::from(attempt.number > 1)] += 1;
        if SPECIAL && let To::Service { ways: Some(_), .. } = site.to {
            return self.send_by_ways(cx, id, until);
        }
        let joined = site.patience.map(|list| {
            attempt.due = now + self.deadlines.patience(list);
            let joined = self.deadlines.join(list, id, now);
            attempt.deadline = joined.link();
            joined
        });
        let crossing = match &mut site.to {
            To::Service { chooser, view, .. } => {
                let picked = pick(attempt, view, *chooser, &self.servers, now);
                to_picked(cx, &self.network, (attempt, id), picked)
            }
            To::Balancer { load_balancer, .. } => {
                let balancer = &self.balancers[load_balancer.at()];
                let hop = to_node(cx, &self.network, attempt, *load_balancer, balancer);
                self.network.carry(cx, id, hop, DataEvent::AtNode)
            }
            To::Dependency(at) if self.dependencies[at.at()].extras.is_some() => {
                cx.follow(DataEvent::AskBacked, id);
                Crossing::UnderWay
            }
            To::Queue(_) => {
                cx.follow(DataEvent::SendMessage, id);
                Crossing::UnderWay
            }
            To::Dependency(at) => {
                attempt.zone = self.dependencies[at.at()].zone;
                let hop = Hop {
                    leg: Leg::ToCallee,
                    sender: attempt.site,
                    key: attempt.key,
                    from: attempt.from,
                    to: attempt.zone,
                    between: Between::AndDependency(*at),
                };
                self.network.carry(cx, id, hop, DataEvent::AtDependency)
            }
        };
        if let Some(joined) = joined {
            self.listed(cx, joined, id);
        }
        if SPECIAL && until != Instant::NEVER {
            self.bound_patience(cx, id, until);
        }
        if crossing == Crossing::Lost {
            self.nobody_answers(cx, id);
        }
    }

    /// Sends an attempt on its way straight to a task where there is more to it than an algorithm.
    #[cold]
    #[inline(never)]
    fn send_by_ways(&mut self, cx: &mut Context<'_>, id: Id<Attempt>, until: Instant) {
        let attempt = &mut self.attempts[id];
        if let Some(list) = self.sites[attempt.site.at()].patience {
            attempt.due = until.min(cx.now() + self.deadlines.patience(list));
        }
        self.sends_by_ways(cx, id);
    }

    /// The same for whom patience has begun already.
    pub(super) fn sends_by_ways(&mut self, cx: &mut Context<'_>, id: Id<Attempt>) {
        let picked = self.pick_by_ways(id, cx.now());
        self.patience_goes_on(cx, id);
        let attempt = &mut self.attempts[id];
        if to_picked(cx, &self.network, (attempt, id), picked) == Crossing::Lost {
            self.nobody_answers(cx, id);
        }
    }

    /// Completes an attempt's entry in a list of deadlines.
    #[inline(always)]
    pub(super) fn listed(&mut self, cx: &mut Context<'_>, joined: Joined, id: Id<Attempt>) {
        self.deadlines.tied(&mut self.attempts, joined, id);
        if let Some(at) = joined.arm {
            cx.calendar.arm(self.deadline_timers[usize::from(joined.list)], at);
        }
    }

    /// A strand makes a call, which is to be sent.
    #[inline(always)]
    pub(super) fn call(&mut self, parent: Id<Attempt>, call: CallIx) -> Id<Attempt> {
        let attempt = &self.attempts[parent];
        let step = attempt.key.child(purpose::STEP + u64::from(attempt.step));
        let request_key = step.child(u64::from(call.0));
        let from = attempt.zone;
        let flags = attempt.flags.inherited();
        let (child, attempt) = self.attempts.place(Attempt::BLANK);
        attempt.key = request_key.child(purpose::ATTEMPT + 1);
        attempt.request_key = request_key;
        attempt.caller = Caller::Strand(parent);
        attempt.from = from;
        attempt.flags = flags;
        attempt.site = Site(call.0);
        self.attempts[parent].phase = Phase::Calling(child);
        child
    }
}
