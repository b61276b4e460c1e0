//! Between caller and callee: sending, patience, retries, and who is told what when either side lets go.

use super::client;
use super::network::{AtBalancer, Crossing, Hop};
use super::program;
use super::{DataPlane, Leg, purpose};
use crate::blueprint::{CallIx, OnDisconnect, ServiceIx};
use crate::cluster::Attempt;
use crate::cluster::attempt::{Answer, Callee, Caller, DeadlineLink, Flags, Phase, QueueLink, ServedOperation};
use crate::cluster::deadline::Due;
use crate::cluster::view::View;
use crate::engine::arena::{Id, RawId};
use crate::policy::{retry, routing};
use crate::sim::context::Context;
use crate::sim::event::{DataEvent, Event};
use crate::units::Instant;

impl DataPlane {
    /// Sends an attempt on its way: now its caller waits.
    #[inline]
    pub(super) fn send(&mut self, cx: &mut Context<'_>, id: Id<Attempt>) {
        let attempt = &mut self.attempts[id];
        attempt.phase = Phase::Sent;
        if attempt.first_sent == Instant::NEVER {
            attempt.first_sent = cx.now();
            if attempt.caller == Caller::Client {
                self.open_requests += 1;
            }
        }
        match attempt.callee {
            Callee::Destination => {
                let at = self.client_of(self.attempts[id].class);
                if let Some(list) = self.clients[at].patience {
                    self.attempts[id].due = cx.now() + self.deadlines.patience(list);
                    self.await_answer(cx, list, id);
                }
                match self.clients[at].to {
                    client::To::Balancer(balancer) => self.to_balancer(cx, id, balancer),
                    client::To::Direct { service, .. } => self.to_task(cx, id, service),
                }
            }
            Callee::Call(call) => {
                if let Some(list) = self.calls[call.at()].patience {
                    self.attempts[id].due = cx.now() + self.deadlines.patience(list);
                    self.await_answer(cx, list, id);
                }
                match self.calls[call.at()].to {
                    program::To::Service { service, .. } => self.to_task(cx, id, service),
                    program::To::Balancer { load_balancer, .. } => self.to_balancer(cx, id, load_balancer),
                    program::To::Dependency(at) => self.to_dependency(cx, id, at),
                }
            }
            Callee::Known => unreachable!("branches and health checks are not sent"),
        }
    }

    /// Number of the listener's action that takes the attempt at a node.
    #[inline]
    pub(super) fn action_of(&self, id: Id<Attempt>) -> u32 {
        let attempt = &self.attempts[id];
        match attempt.callee {
            Callee::Call(call) => match self.calls[call.at()].to {
                program::To::Balancer { action, .. } => action,
                _ => unreachable!("only calls through a balancer come to its nodes"),
            },
            _ => self.class_actions[attempt.class.at()],
        }
    }

    /// The view that an attempt without balancer is sent from.
    #[inline]
    pub(super) fn direct_view(&mut self, id: Id<Attempt>) -> &mut View {
        let attempt = &self.attempts[id];
        match attempt.callee {
            Callee::Call(call) => match &mut self.calls[call.at()].to {
                program::To::Service { view, .. } => view,
                _ => unreachable!("only direct calls have a view of their own"),
            },
            _ => {
                let at = self.client_of(attempt.class);
                match &mut self.clients[at].to {
                    client::To::Direct { view, .. } => view,
                    client::To::Balancer(_) => unreachable!("only direct traffic has a view of its own"),
                }
            }
        }
    }

    /// Straight to one of the service's healthy tasks, without balancer.
    #[inline]
    fn to_task(&mut self, cx: &mut Context<'_>, id: Id<Attempt>, service: ServiceIx) {
        let key = self.attempts[id].key.child(purpose::TARGET);
        let now = cx.now();
        let chooser = match self.attempts[id].callee {
            Callee::Call(call) => match &self.calls[call.at()].to {
                program::To::Service { chooser, .. } => *chooser,
                _ => unreachable!("a direct call has a chooser"),
            },
            _ => match &self.clients[self.client_of(self.attempts[id].class)].to {
                client::To::Direct { chooser, .. } => *chooser,
                client::To::Balancer(_) => unreachable!("direct traffic has a chooser"),
            },
        };
        let view = self.direct_view(id);
        let chosen = routing::choose(view, chooser, key, now).map(|at| view.targets[at].task);
        if let Some(task) = chosen {
            view.began(task);
        }
        let attempt = &mut self.attempts[id];
        attempt.service = service;
        attempt.task = chosen;
        let server = chosen.and_then(|task| {
            self.servers
                .get(task.index() as usize)?
                .as_ref()
                .filter(|server| server.task == task)
        });
        if chosen.is_some() {
            attempt.flags.set(Flags::OUTSTANDING);
        }
        let Some(server) = server else {
            return self.answer_at_caller_with(cx, id, Answer::Refused);
        };
        attempt.revision = server.revision;
        attempt.zone = Some(server.zone);
        let hop = Hop {
            leg: Leg::ToCallee,
            from: attempt.from,
            to: attempt.zone,
            at_balancer: AtBalancer::Elsewhere,
            service,
            dependency: None,
        };
        match self.network.carry(cx, id, attempt.key, hop, DataEvent::AtCallee) {
            Crossing::UnderWay => {}
            Crossing::Arrived => self.at_callee(cx, id),
            Crossing::Lost => self.nobody_answers(cx, id),
        }
    }

    /// A strand makes a call.
    #[inline]
    pub(super) fn call(&mut self, cx: &mut Context<'_>, parent: Id<Attempt>, call: CallIx) {
        let attempt = &self.attempts[parent];
        let request_key = attempt
            .key
            .child(purpose::STEP + u64::from(attempt.step))
            .child(u64::from(call.0));
        let child = self.attempts.insert(Attempt {
            request_key,
            key: request_key.child(purpose::ATTEMPT + 1),
            caller: Caller::Strand(parent),
            callee: Callee::Call(call),
            phase: Phase::Paused,
            flags: Flags::default(),
            number: 1,
            class: attempt.class,
            from: attempt.zone,
            first_sent: Instant::NEVER,
            at_node: Instant::ZERO,
            last_pause: crate::units::Span::ZERO,
            path: None,
            task: None,
            service: DataPlane::NO_SERVICE,
            revision: attempt.revision,
            zone: None,
            operation: ServedOperation::NoRoute,
            program: attempt.program,
            step: 0,
            pending: 0,
            child: RawId::NONE,
            sibling: RawId::NONE,
            answer: Answer::Success,
            due: Instant::NEVER,
            deadline: DeadlineLink::NONE,
            queue: QueueLink::NONE,
        });
        let attempt = &mut self.attempts[parent];
        attempt.phase = Phase::Calling;
        attempt.child = child.raw();
        self.send(cx, child);
    }

    /// The caller (or the node) waits for an answer from now on.
    #[inline]
    pub(super) fn await_answer(&mut self, cx: &mut Context<'_>, list: u16, id: Id<Attempt>) {
        if let Some(at) = self.deadlines.add(&mut self.attempts, list, id, cx.now()) {
            cx.calendar.arm(self.deadline_timers[usize::from(list)], at);
        }
    }

    /// The node has its answer: from now on it is the caller who waits.
    pub(super) fn node_waits_no_more(&mut self, cx: &mut Context<'_>, id: Id<Attempt>) {
        if self.attempts[id].flags.has(Flags::NODE_WAITS) {
            self.attempts[id].flags.clear(Flags::NODE_WAITS);
            self.deadlines.remove(&mut self.attempts, id);
            self.caller_waits(cx, id);
        }
    }

    fn caller_waits(&mut self, cx: &mut Context<'_>, id: Id<Attempt>) {
        let list = match self.attempts[id].callee {
            Callee::Call(call) => self.calls[call.at()].patience,
            Callee::Destination => self.clients[self.client_of(self.attempts[id].class)].patience,
            Callee::Known => None,
        };
        if let Some(list) = list
            && let Some(at) = self.deadlines.insert(&mut self.attempts, list, id)
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
        if self.attempts[id].flags.has(Flags::NODE_WAITS) {
            return self.cut_off(cx, id, Answer::GatewayTimeout);
        }
        if let Some(path) = self.attempts[id]
            .path
            .filter(|_| self.attempts[id].flags.has(Flags::OUTSTANDING))
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
        let mut messenger = self.attempts[id].clone();
        messenger.flags = Flags::default();
        messenger.child = RawId::NONE;
        let caller = messenger.caller;
        let messenger = self.attempts.insert(messenger);
        if let Caller::Strand(parent) = caller
            && let Some(parent) = self.attempts.get_mut(parent)
            && parent.child == id.raw()
        {
            parent.child = messenger.raw();
        }
        self.disconnect(cx, id);
        self.caller_waits(cx, messenger);
        self.node_answers(cx, messenger, answer);
    }

    /// The answer is under way from the callee to whoever asked; the callee has let go.
    #[inline]
    pub(super) fn answer(&mut self, cx: &mut Context<'_>, id: Id<Attempt>, answer: Answer) {
        let attempt = &mut self.attempts[id];
        if attempt.flags.has(Flags::CALLER_GONE) {
            self.attempts.remove(id);
            return;
        }
        attempt.phase = Phase::Answered;
        attempt.answer = answer;
        let (leg, to, event) = match attempt.path {
            Some(path) => {
                let node = self.balancers[path.load_balancer.at()].nodes[usize::from(path.node)];
                (Leg::BackToNode, Some(node), DataEvent::AnswerAtNode)
            }
            None => (Leg::BackToCaller, attempt.from, DataEvent::AnswerAtCaller),
        };
        let (service, zone, callee, key) = (attempt.service, attempt.zone, attempt.callee, attempt.key);
        let dependency = match callee {
            Callee::Call(call) => self.dependency_of(call),
            _ => None,
        };
        let hop = Hop {
            leg,
            from: to,
            to: zone,
            at_balancer: AtBalancer::Elsewhere,
            service,
            dependency,
        };
        match self.network.carry(cx, id, key, hop, event) {
            Crossing::UnderWay => {}
            Crossing::Arrived if event == DataEvent::AnswerAtNode => self.answer_at_node(cx, id),
            Crossing::Arrived => self.answer_at_caller(cx, id),
            Crossing::Lost => self.attempts[id].phase = Phase::Lost,
        }
    }

    #[inline]
    pub(super) fn answer_at_caller(&mut self, cx: &mut Context<'_>, id: Id<Attempt>) {
        let answer = self.attempts[id].answer;
        self.answer_at_caller_with(cx, id, answer);
    }

    /// The answer has come; both sides have let go.
    #[inline]
    pub(super) fn answer_at_caller_with(&mut self, cx: &mut Context<'_>, id: Id<Attempt>, answer: Answer) {
        if !self.attempts[id].flags.has(Flags::CALLER_GONE) {
            self.deadlines.remove(&mut self.attempts, id);
            self.no_longer_outstanding(id);
            self.tell_caller(cx, id, answer);
        }
        self.attempts.remove(id);
    }

    /// What the caller makes of an answer: goes on, tries again, or fails in its turn. The record stays.
    #[inline]
    fn tell_caller(&mut self, cx: &mut Context<'_>, id: Id<Attempt>, answer: Answer) {
        let attempt = &self.attempts[id];
        let caller = attempt.caller;
        if answer.is_retryable() && self.tries_again(cx, id) {
            return;
        }
        match caller {
            Caller::Client => self.request_finished(cx, id, answer),
            Caller::Strand(parent) => {
                let waits = |parent: &&Attempt| parent.phase == Phase::Calling && parent.child == id.raw();
                if self.attempts.get(parent).filter(waits).is_none() {
                    return;
                }
                if answer.is_success() {
                    self.ready.push(parent);
                } else {
                    self.strand_over(cx, parent, Answer::Failure);
                }
            }
            Caller::Check(check) => self.check_answered(cx, id, check, answer),
            Caller::Join(_) => unreachable!("a branch joins, it is not answered"),
        }
    }

    /// Starts the next attempt after its pause, if the caller has one left.
    fn tries_again(&mut self, cx: &mut Context<'_>, id: Id<Attempt>) -> bool {
        let attempt = &self.attempts[id];
        let (max_attempts, policy) = match (attempt.callee, attempt.caller) {
            (_, Caller::Check(_)) => return false,
            (Callee::Call(call), _) => (self.calls[call.at()].max_attempts, &cx.blueprint.calls[call.at()].retry),
            _ => {
                let at = self.client_of(attempt.class);
                (self.clients[at].max_attempts, &cx.blueprint.traffic[at].retry)
            }
        };
        if u32::from(attempt.number) >= max_attempts {
            return false;
        }
        let number = attempt.number + 1;
        let key = attempt.request_key.child(purpose::ATTEMPT + u64::from(number));
        let pause = retry::pause(
            &policy.backoff,
            u32::from(number) - 2,
            attempt.last_pause,
            key.child(purpose::PAUSE),
        );
        let next = Attempt {
            key,
            number,
            phase: Phase::Paused,
            flags: Flags::default(),
            last_pause: pause,
            path: None,
            task: None,
            service: DataPlane::NO_SERVICE,
            zone: None,
            step: 0,
            child: RawId::NONE,
            sibling: RawId::NONE,
            due: Instant::NEVER,
            deadline: DeadlineLink::NONE,
            queue: QueueLink::NONE,
            ..attempt.clone()
        };
        let next = self.attempts.insert(next);
        if let Caller::Strand(parent) = self.attempts[next].caller {
            match self.attempts.get_mut(parent).filter(|parent| parent.child == id.raw()) {
                Some(parent) => parent.child = next.raw(),
                None => {
                    // The caller's own work has been cut short meanwhile: nobody is there to try again.
                    self.attempts.remove(next);
                    return true;
                }
            }
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
            Phase::Sent | Phase::Answered => {}
            Phase::Queued | Phase::OnCpu | Phase::Waiting | Phase::Calling | Phase::Joining => {
                if self.cancels(id) {
                    self.cancel(cx, id);
                }
            }
        }
    }

    /// Whether the callee stops when its caller has gone. Dependencies do not.
    pub(super) fn cancels(&self, id: Id<Attempt>) -> bool {
        let attempt = &self.attempts[id];
        attempt.task.is_some() && {
            let row = self.revision_row(attempt.service, attempt.revision);
            self.revisions[row].on_disconnect == OnDisconnect::Cancel
        }
    }
}
