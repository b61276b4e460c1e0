//! Between caller and callee: sending, patience, retries, and who is told what when either side lets go.

use super::network::{Between, Crossing, Hop};
use super::site::{ActionOf, To};
use super::{DataPlane, Leg, purpose};
use crate::blueprint::{CallIx, OnDisconnect, Retry};
use crate::cluster::attempt::{Answer, Attempt, Caller, Flags, Phase, Served, Site};
use crate::cluster::deadline::{DeadlineLink, Due};
use crate::cluster::view::View;
use crate::engine::arena::Id;
use crate::engine::random::Key;
use crate::policy::{retry, routing};
use crate::sim::context::Context;
use crate::sim::event::{DataEvent, Event};
use crate::units::{Instant, Span};

impl DataPlane {
    /// Sends an attempt on its way: now its caller waits.
    #[inline]
    pub(super) fn send(&mut self, cx: &mut Context<'_>, id: Id<Attempt>) {
        let now = cx.now();
        let attempt = &mut self.attempts[id];
        attempt.phase = Phase::Sent;
        if attempt.first_sent == Instant::NEVER {
            attempt.first_sent = now;
            if let Caller::Client(_) = attempt.caller {
                self.open_requests += 1;
            }
        }
        let site = &self.sites[attempt.site.at()];
        if let Some(list) = site.patience {
            attempt.due = now + self.deadlines.patience(list);
            self.await_answer(cx, list, id);
        }
        match self.sites[self.attempts[id].site.at()].to {
            To::Service { .. } => self.send_to_task(cx, id),
            To::Balancer { load_balancer, .. } => self.send_to_balancer(cx, id, load_balancer),
            To::Dependency(at) => self.send_to_dependency(cx, id, at),
        }
    }

    /// Number of the listener's action that takes the attempt at a node.
    #[inline]
    pub(super) fn action_of(&self, attempt: &Attempt) -> u32 {
        let To::Balancer { action, .. } = self.sites[attempt.site.at()].to else {
            unreachable!("only what is sent through a balancer comes to its nodes")
        };
        match (action, attempt.caller) {
            (ActionOf::Site(action), _) => action,
            (ActionOf::Class, Caller::Client(class)) => self.class_actions[class.at()],
            (ActionOf::Class, _) => unreachable!("only clients ask by class"),
        }
    }

    /// The view that attempts of a site without balancer are sent from.
    #[inline]
    pub(super) fn direct_view(&mut self, site: Site) -> &mut View {
        match &mut self.sites[site.at()].to {
            To::Service { view, .. } => view,
            _ => unreachable!("only a site that sends straight to tasks has a view of its own"),
        }
    }

    /// Straight to one of the service's healthy tasks, without balancer.
    #[inline]
    fn send_to_task(&mut self, cx: &mut Context<'_>, id: Id<Attempt>) {
        let attempt = &mut self.attempts[id];
        let To::Service { chooser, view, .. } = &mut self.sites[attempt.site.at()].to else {
            unreachable!("only a site that sends straight to tasks picks one")
        };
        let Some(at) = routing::choose(view, *chooser, attempt.key.child(purpose::TARGET), cx.now()) else {
            return self.answer_here(cx, id, Answer::Refused);
        };
        let task = view.began(at);
        attempt.task = Some(task);
        attempt.flags.set(Flags::OUTSTANDING);
        let Some(server) = self.servers.get(task) else {
            return self.answer_here(cx, id, Answer::Refused);
        };
        attempt.served = server.unrouted;
        attempt.zone = Some(server.zone);
        let hop = Hop {
            leg: Leg::ToCallee,
            from: attempt.from,
            to: attempt.zone,
            between: Between::AndTask(server.unrouted),
        };
        if self.network.carry(cx, id, attempt.key, hop, DataEvent::AtTask) == Crossing::Lost {
            self.nobody_answers(cx, id);
        }
    }

    /// A strand makes a call.
    #[inline]
    pub(super) fn call(&mut self, cx: &mut Context<'_>, parent: Id<Attempt>, call: CallIx) {
        let attempt = &self.attempts[parent];
        let step = attempt.key.child(purpose::STEP + u64::from(attempt.step));
        let request_key = step.child(u64::from(call.0));
        let (from, program) = (attempt.zone, attempt.program);
        let child = self.attempts.insert_with(|| Attempt {
            key: request_key.child(purpose::ATTEMPT + 1),
            request_key,
            first_sent: Instant::NEVER,
            at_node: Instant::ZERO,
            due: Instant::NEVER,
            deadline: DeadlineLink::NONE,
            caller: Caller::Strand(parent),
            phase: Phase::Paused,
            task: None,
            sibling: None,
            path: None,
            from,
            zone: None,
            site: Site(call.0),
            served: Served::NOBODY,
            program,
            step: 0,
            number: 1,
            flags: Flags::default(),
        });
        self.attempts[parent].phase = Phase::Calling(child);
        cx.follow(DataEvent::Send, child);
    }

    /// The caller (or the node) waits for an answer from now on.
    #[inline]
    pub(super) fn await_answer(&mut self, cx: &mut Context<'_>, list: u16, id: Id<Attempt>) {
        if let Some(at) = self.deadlines.add(&mut self.attempts, list, id, cx.now()) {
            cx.calendar.arm(self.deadline_timers[usize::from(list)], at);
        }
    }

    /// It is the caller, and no node, who waits again, for what is left of its patience.
    pub(super) fn caller_waits(&mut self, cx: &mut Context<'_>, id: Id<Attempt>) {
        let attempt = &mut self.attempts[id];
        attempt.flags.clear(Flags::NODE_WAITS);
        if let Some(list) = self.sites[attempt.site.at()].patience
            && let Some(at) = self.deadlines.resume(&mut self.attempts, list, id)
        {
            cx.calendar.arm(self.deadline_timers[usize::from(list)], at);
        }
    }

    pub(super) fn deadlines_due(&mut self, cx: &mut Context<'_>, list: u16) {
        loop {
            match self.deadlines.due(&mut self.attempts, list, cx.now()) {
                Due::Now(id) => self.give_up(cx, id),
                Due::Later(at) => return cx.calendar.arm(self.deadline_timers[usize::from(list)], at),
                Due::Nothing => return,
            }
        }
    }

    /// Patience is over: the caller's own, or the node's that answers it with a 504.
    fn give_up(&mut self, cx: &mut Context<'_>, id: Id<Attempt>) {
        let attempt = &self.attempts[id];
        if attempt.flags.has(Flags::NODE_WAITS) {
            return self.cut_off(cx, id, Answer::GatewayTimeout);
        }
        if let Some(path) = attempt.path
            && attempt.flags.has(Flags::OUTSTANDING)
        {
            // 460: the client closed the connection while the target worked.
            self.balancers[path.load_balancer.at()].meter.elb_4xx += 1;
        }
        // Told first, so that a retry is on its way before abandoned work is swept up.
        self.tell_caller(cx, id, Answer::TimedOut);
        self.disconnect(cx, id);
    }

    /// The node answers in the target's place, and the target's work loses its caller.
    pub(super) fn cut_off(&mut self, cx: &mut Context<'_>, id: Id<Attempt>, answer: Answer) {
        self.deadlines.remove(&mut self.attempts, id);
        self.no_longer_outstanding(id);
        let attempt = &self.attempts[id];
        let caller = attempt.caller;
        let messenger = Attempt {
            flags: Flags::default(),
            phase: Phase::Sent,
            ..attempt.clone()
        };
        let messenger = self.attempts.insert(messenger);
        if let Caller::Strand(parent) = caller {
            self.now_calls(parent, id, messenger);
        }
        self.disconnect(cx, id);
        self.caller_waits(cx, messenger);
        self.node_answers(cx, messenger, answer);
    }

    /// A strand that waits for one call waits for another in its place; `false` if it does not wait for that.
    fn now_calls(&mut self, parent: Id<Attempt>, old: Id<Attempt>, new: Id<Attempt>) -> bool {
        match self.attempts.get_mut(parent) {
            Some(parent) if parent.phase == Phase::Calling(old) => {
                parent.phase = Phase::Calling(new);
                true
            }
            _ => false,
        }
    }

    /// The answer is under way from the callee to whoever asked; the callee has let go.
    #[inline]
    pub(super) fn answer(&mut self, cx: &mut Context<'_>, id: Id<Attempt>, answer: Answer) {
        let attempt = &mut self.attempts[id];
        if attempt.flags.has(Flags::CALLER_GONE) {
            self.attempts.remove(id);
            return;
        }
        attempt.phase = Phase::Answered(answer);
        let between = match (attempt.task, attempt.site) {
            (Some(_), _) => Between::AndTask(attempt.served),
            (None, site) => match self.sites[site.at()].to {
                To::Dependency(at) => Between::AndDependency(at),
                _ => unreachable!("a task or a dependency answers"),
            },
        };
        match attempt.path {
            Some(path) => {
                let hop = Hop {
                    leg: Leg::BackToNode,
                    from: Some(self.balancers[path.load_balancer.at()].nodes[usize::from(path.node)]),
                    to: attempt.zone,
                    between,
                };
                if self.network.carry(cx, id, attempt.key, hop, DataEvent::AnswerAtNode) == Crossing::Lost {
                    attempt.phase = Phase::Lost;
                }
            }
            None => {
                let hop = Hop {
                    leg: Leg::BackToCaller,
                    from: attempt.from,
                    to: attempt.zone,
                    between,
                };
                if self.network.carry(cx, id, attempt.key, hop, DataEvent::AnswerAtCaller) == Crossing::Lost {
                    attempt.phase = Phase::Lost;
                }
            }
        }
    }

    /// The caller itself finds that nothing will come of it.
    #[cold]
    pub(super) fn answer_here(&mut self, cx: &mut Context<'_>, id: Id<Attempt>, answer: Answer) {
        self.attempts[id].phase = Phase::Answered(answer);
        cx.follow(DataEvent::AnswerAtCaller, id);
    }

    /// The answer has come; both sides have let go.
    #[inline]
    pub(super) fn answer_at_caller(&mut self, cx: &mut Context<'_>, id: Id<Attempt>) {
        let attempt = &self.attempts[id];
        let Phase::Answered(answer) = attempt.phase else {
            unreachable!("only an answer is carried back")
        };
        if !attempt.flags.has(Flags::CALLER_GONE) {
            self.deadlines.remove(&mut self.attempts, id);
            self.no_longer_outstanding(id);
            self.tell_caller(cx, id, answer);
        }
        self.attempts.remove(id);
    }

    /// What the caller makes of an answer: goes on, tries again, or fails in its turn. The record stays.
    #[inline]
    fn tell_caller(&mut self, cx: &mut Context<'_>, id: Id<Attempt>, answer: Answer) {
        if answer.is_retryable() && self.tries_again(cx, id) {
            return;
        }
        match self.attempts[id].caller {
            Caller::Client(class) => self.request_finished(cx, id, class, answer),
            Caller::Strand(parent) => match self.attempts.get_mut(parent) {
                Some(strand) if strand.phase == Phase::Calling(id) => {
                    if answer.is_success() {
                        strand.phase = Phase::Ready;
                        cx.follow(DataEvent::GoOn, parent);
                    } else {
                        self.strand_fails(cx, parent);
                    }
                }
                _ => {}
            },
            Caller::Check(check) => self.check_answered(cx, id, check, answer),
            Caller::Join(_) => unreachable!("a branch joins, it is not answered"),
        }
    }

    /// Starts the next attempt after its pause, if the caller has one left.
    fn tries_again(&mut self, cx: &mut Context<'_>, id: Id<Attempt>) -> bool {
        let attempt = &self.attempts[id];
        if attempt.site == Site::NONE {
            return false;
        }
        let retry = &self.sites[attempt.site.at()].retry;
        if u32::from(attempt.number) >= retry.max_attempts {
            return false;
        }
        let number = attempt.number + 1;
        let pause = pause_before(retry, attempt.request_key, number);
        let next = Attempt {
            key: attempt_key(attempt.request_key, number),
            number,
            due: Instant::NEVER,
            deadline: DeadlineLink::NONE,
            phase: Phase::Paused,
            flags: Flags::default(),
            task: None,
            sibling: None,
            path: None,
            zone: None,
            served: Served::NOBODY,
            step: 0,
            ..attempt.clone()
        };
        let caller = next.caller;
        let next = self.attempts.insert(next);
        if let Caller::Strand(parent) = caller
            && !self.now_calls(parent, id, next)
        {
            // The caller's own work has been cut short meanwhile: nobody is there to try again.
            self.attempts.remove(next);
            return true;
        }
        cx.calendar.schedule_in(pause, Event::data(DataEvent::Send, next));
        true
    }

    /// The caller waits no more: the record goes as soon as the callee has let go too.
    pub(super) fn disconnect(&mut self, cx: &mut Context<'_>, id: Id<Attempt>) {
        self.deadlines.remove(&mut self.attempts, id);
        self.no_longer_outstanding(id);
        let attempt = &mut self.attempts[id];
        attempt.flags.set(Flags::CALLER_GONE);
        match attempt.phase {
            Phase::Paused | Phase::Lost => {
                self.attempts.remove(id);
            }
            Phase::Sent | Phase::Answered(_) => {}
            // Dependencies do not notice.
            _ => {
                if attempt.task.is_some()
                    && self.operations.revision(attempt.served).on_disconnect == OnDisconnect::Cancel
                {
                    self.cancel(cx, id);
                }
            }
        }
    }
}

#[inline]
fn attempt_key(request: Key, number: u16) -> Key {
    request.child(purpose::ATTEMPT + u64::from(number))
}

/// The pause before an attempt. Decorrelated jitter builds on the pause before, so all of them are gone through.
fn pause_before(retry: &Retry, request: Key, number: u16) -> Span {
    (2..=number).fold(Span::ZERO, |last, number| {
        let key = attempt_key(request, number).child(purpose::PAUSE);
        retry::pause(&retry.backoff, u32::from(number) - 2, last, key)
    })
}
