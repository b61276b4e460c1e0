//! Between caller and callee: patience, retries, and who is told what when either side lets go.

use super::balancer::Balancer;
use super::client::{After, finished};
use super::group::Group;
use super::guard::Heard;
use super::network::{Between, Crossing, Hop, Network};
use super::site::{SiteState, To};
use super::{DataPlane, Leg, purpose};
use crate::blueprint::{OnDisconnect, Retry};
use crate::cluster::attempt::{Answer, Attempt, Caller, Flags, NodePath, Phase, Served, Site};
use crate::cluster::cause::Reason;
use crate::cluster::deadline::{DeadlineLink, Due};
use crate::engine::arena::Id;
use crate::engine::random::Key;
use crate::policy::retry;
use crate::sim::context::Context;
use crate::sim::event::{DataEvent, Event};
use crate::units::{Instant, Span};

impl DataPlane {
    /// What an attempt was before anybody was picked for it, under another key.
    pub(super) fn same_again(&self, id: Id<Attempt>, key: Key) -> Attempt {
        let attempt = &self.attempts[id];
        Attempt {
            key,
            deadline: DeadlineLink::NONE,
            phase: Phase::Sent,
            flags: attempt.flags.inherited(),
            task: None,
            sibling: None,
            path: None,
            zone: None,
            served: Served::NOBODY,
            step: 0,
            ..attempt.clone()
        }
    }

    /// It is the caller, and no node, who waits again, for what is left of its patience.
    pub(super) fn caller_waits(&mut self, cx: &mut Context<'_>, id: Id<Attempt>) {
        self.attempts[id].flags.clear(Flags::NODE_WAITS);
        self.patience_goes_on(cx, id);
    }

    /// Lists an attempt, which is in no list, where its deadline belongs; nothing if its site's patience never ends.
    pub(super) fn patience_goes_on(&mut self, cx: &mut Context<'_>, id: Id<Attempt>) {
        let attempt = &self.attempts[id];
        let Some(list) = self.sites[attempt.site.at()].patience else {
            return;
        };
        let lead = if attempt.flags.has(Flags::GUARDED) {
            self.listed_lead(id, list)
        } else {
            None
        };
        let armed = match lead {
            Some(lead) => self.deadlines.resume_beside(&mut self.attempts, list, id, lead),
            None => self.deadlines.resume(&mut self.attempts, list, id),
        };
        if let Some(at) = armed {
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
            let cause = self.hangs(id, Reason::IdleTimeout);
            return self.cut_off(cx, id, Answer::GatewayTimeout(cause));
        }
        self.client_closes(id);
        // Told first, so that a retry is on its way before abandoned work is swept up.
        let cause = self.hangs(id, Reason::TimedOut);
        if self.attempts[id].flags.has(Flags::TRACED) {
            self.trace_giving_up(cx, id, cause);
        }
        let answer = if self.attempts[id].flags.has(Flags::BY_WAYS) {
            self.patience_of_ways(id, cause)
        } else {
            Answer::TimedOut(cause)
        };
        self.tell_caller::<true>(cx, id, answer);
        self.disconnect(cx, id);
    }

    /// A caller closes its connection: a 460, if a target works behind a balancer.
    pub(super) fn client_closes(&mut self, id: Id<Attempt>) {
        let attempt = &self.attempts[id];
        if let Some(path) = attempt.path
            && attempt.flags.has(Flags::OUTSTANDING)
        {
            self.balancers[path.load_balancer.at()].meter.elb_4xx += 1;
        }
    }

    /// The node answers in the target's place, and the target's work loses its caller.
    pub(super) fn cut_off(&mut self, cx: &mut Context<'_>, id: Id<Attempt>, answer: Answer) {
        self.deadlines.remove(&mut self.attempts, id);
        let attempt = &mut self.attempts[id];
        no_longer_outstanding(attempt, &mut self.groups, &mut self.sites);
        let caller = attempt.caller;
        let messenger = Attempt {
            flags: attempt.flags.inherited(),
            phase: Phase::Sent,
            ..attempt.clone()
        };
        let messenger = self.attempts.insert(messenger);
        self.tracer.passes_on(id, messenger);
        self.attempts[id].flags.clear(Flags::TRACED);
        if self.attempts[id].flags.has(Flags::GUARDED) {
            self.guarded_goes_on_as(id, messenger);
        }
        self.keeps_course(id, messenger);
        if let Caller::Strand(parent) = caller {
            self.now_calls(parent, id, messenger);
        }
        self.journeys.now_awaits(caller, messenger);
        self.disconnect(cx, id);
        self.caller_waits(cx, messenger);
        self.node_answers(cx, messenger, answer);
    }

    /// A strand that waits for one call waits for another in its place; `false` if it does not wait for that.
    pub(super) fn now_calls(&mut self, parent: Id<Attempt>, old: Id<Attempt>, new: Id<Attempt>) -> bool {
        match self.attempts.get_mut(parent) {
            Some(parent) if parent.phase == Phase::Calling(old) => {
                parent.phase = Phase::Calling(new);
                true
            }
            _ => false,
        }
    }

    /// The answer is under way from the callee to whoever asked; the callee has let go.
    pub(super) fn answer(&mut self, cx: &mut Context<'_>, id: Id<Attempt>, answer: Answer) {
        let attempt = &mut self.attempts[id];
        if attempt.flags.has(Flags::TRACED) {
            self.tracer.answers(cx, id, attempt);
        }
        if attempt.flags.has(Flags::CALLER_GONE) {
            self.trace_goes(cx, id);
            self.attempts.remove(id);
            return;
        }
        let between = match attempt.task {
            Some(_) => Between::AndTask(attempt.served),
            None => match self.sites[attempt.site.at()].to {
                To::Dependency(at) => Between::AndDependency(at),
                _ => unreachable!("a task or a dependency answers"),
            },
        };
        send_back(cx, &self.network, &self.balancers, (attempt, id), between, answer);
    }

    /// The caller itself finds that nothing will come of it.
    #[cold]
    pub(super) fn answer_here(&mut self, cx: &mut Context<'_>, id: Id<Attempt>, answer: Answer) {
        self.attempts[id].phase = Phase::Answered(answer);
        cx.follow(DataEvent::AnswerAtCaller, id);
    }

    /// The answer has come; both sides have let go.
    #[inline(always)]
    pub(super) fn answer_at_caller(&mut self, cx: &mut Context<'_>, id: Id<Attempt>) {
        let Some(attempt) = self.attempts.get_mut(id) else {
            return;
        };
        let Phase::Answered(answer) = attempt.phase else {
            unreachable!("only an answer is carried back")
        };
        if attempt.flags.has(Flags::OVERHEARD) {
            return self.answer_is_overheard(cx, id, answer);
        }
        if !attempt.flags.has(Flags::CALLER_GONE) {
            let deadline = std::mem::replace(&mut attempt.deadline, DeadlineLink::NONE);
            no_longer_outstanding(attempt, &mut self.groups, &mut self.sites);
            self.deadlines.unlink(&mut self.attempts, deadline);
            self.tell_caller::<false>(cx, id, answer);
        }
        self.attempts.remove(id);
    }

    /// The answer has come, and somebody else than the caller is to hear of it.
    #[cold]
    #[inline(never)]
    fn answer_is_overheard(&mut self, cx: &mut Context<'_>, id: Id<Attempt>, answer: Answer) {
        let flags = self.attempts[id].flags;
        if flags.has(Flags::TRACED) {
            self.trace_answer(cx, id, answer);
        }
        if flags.has(Flags::BY_WAYS) {
            self.ended_by_ways(id);
        }
        let attempt = &mut self.attempts[id];
        if !attempt.flags.has(Flags::CALLER_GONE) {
            let deadline = std::mem::replace(&mut attempt.deadline, DeadlineLink::NONE);
            no_longer_outstanding(attempt, &mut self.groups, &mut self.sites);
            let is_backed = attempt.flags.has(Flags::BACKING);
            self.deadlines.unlink(&mut self.attempts, deadline);
            if is_backed {
                self.connection_free(cx, id, answer);
            }
            self.tell_caller::<true>(cx, id, answer);
        }
        self.attempts.remove(id);
    }

    /// What the caller makes of an answer: goes on, tries again, or fails in its turn. The record stays. `OVERHEARD`:
    /// it may concern ways, guards or the tracer.
    #[inline(always)]
    fn tell_caller<const OVERHEARD: bool>(&mut self, cx: &mut Context<'_>, id: Id<Attempt>, answer: Answer) {
        if OVERHEARD {
            let flags = self.attempts[id].flags;
            if flags.has(Flags::BY_WAYS) && !answer.is_success() && self.failed_by_ways(cx, id, answer) {
                return;
            }
            if flags.has(Flags::GUARDED) && self.guards_hear(cx, id, answer) == Heard::PassedOver {
                return self.count_failure(id, answer);
            }
        }
        if !answer.is_success() {
            self.count_failure(id, answer);
            if answer.is_retryable() && self.tries_again(cx, id, answer) {
                return;
            }
        }
        let attempt = &self.attempts[id];
        let flags = attempt.flags;
        match attempt.caller {
            Caller::Client(class, browser) => {
                cx.finished.push(finished(attempt, class, answer, &self.operations, cx));
                self.open_requests -= 1;
                if OVERHEARD && attempt.flags.has(Flags::TRACED) {
                    self.tracer.finished(cx, attempt.request_key);
                }
                let client = &self.clients[usize::from(self.class_traffic[class.at()])];
                if client.after() != After::Nothing {
                    let key = attempt.request_key;
                    self.goes_on(cx, (class, browser), key, answer);
                }
            }
            Caller::Strand(parent) => match self.attempts.get_mut(parent) {
                Some(strand) if strand.phase == Phase::Calling(id) => {
                    if answer.is_success() {
                        strand.phase = Phase::Ready;
                        if OVERHEARD {
                            strand.flags.degraded_by(flags);
                        }
                        cx.follow(DataEvent::GoOn, parent);
                    } else if self.falls_back(id, parent) {
                        cx.follow(DataEvent::GoOn, parent);
                    } else {
                        let cause = answer.cause().of(&self.attempts[id]);
                        self.strand_fails(cx, parent, cause);
                    }
                }
                _ => {}
            },
            Caller::Check(check) => self.check_answered(cx, id, check, answer),
            Caller::Join(_) | Caller::Nobody | Caller::StartUp | Caller::SetUp(_) | Caller::Poller(_) => {
                unreachable!("a branch joins, a start-up and a message's strand end: none is answered")
            }
        }
    }

    /// Starts the next attempt after its pause, if the caller has one left.
    fn tries_again(&mut self, cx: &mut Context<'_>, id: Id<Attempt>, answer: Answer) -> bool {
        let attempt = &self.attempts[id];
        if attempt.site == Site::NONE {
            return false;
        }
        let site = &self.sites[attempt.site.at()];
        if u32::from(attempt.number) >= site.retry.max_attempts {
            return false;
        }
        if site.is_guarded() && !self.guards_allow_retry(cx, id, answer) {
            return false;
        }
        let attempt = &self.attempts[id];
        let retry = &self.sites[attempt.site.at()].retry;
        let number = attempt.number + 1;
        let mut pause = pause_before(retry, attempt.request_key, number);
        if self.sites[attempt.site.at()].is_guarded() {
            pause += self.asked_to_wait(attempt, answer);
        }
        let next = Attempt {
            number,
            due: Instant::NEVER,
            phase: Phase::Paused,
            ..self.same_again(id, attempt_key(attempt.request_key, number))
        };
        let caller = next.caller;
        let next = self.attempts.insert(next);
        self.keeps_course(id, next);
        if let Caller::Strand(parent) = caller
            && !self.now_calls(parent, id, next)
        {
            // The caller's own work has been cut short meanwhile: nobody is there to try again.
            self.attempts.remove(next);
            return true;
        }
        self.journeys.now_awaits(caller, next);
        cx.calendar.schedule_in(pause, Event::data(DataEvent::Send, next));
        true
    }

    /// The caller waits no more: the record goes as soon as the callee has let go too.
    pub(super) fn disconnect(&mut self, cx: &mut Context<'_>, id: Id<Attempt>) {
        self.deadlines.remove(&mut self.attempts, id);
        if self.attempts[id].flags.has(Flags::GUARDED) {
            self.guards_forget(cx, id);
        }
        if self.attempts[id].flags.has(Flags::BY_WAYS) {
            self.ended_by_ways(id);
        }
        let attempt = &mut self.attempts[id];
        no_longer_outstanding(attempt, &mut self.groups, &mut self.sites);
        attempt.flags.set(Flags::CALLER_GONE);
        if attempt.flags.has(Flags::BACKING) && self.backed_disconnected(cx, id) {
            return;
        }
        self.unwanted_below(id);
        let attempt = &mut self.attempts[id];
        match attempt.phase {
            Phase::Paused | Phase::Lost => {
                self.trace_goes(cx, id);
                self.attempts.remove(id);
            }
            Phase::Sent | Phase::Answered(_) => {
                if self.wires.is_some() && self.stops_sending(cx, id) {
                    self.trace_goes(cx, id);
                    self.attempts.remove(id);
                }
            }
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

/// Sends an answer to the node that the attempt came through, or else straight to the caller.
#[inline(always)]
pub(super) fn send_back(
    cx: &mut Context<'_>,
    network: &Network,
    balancers: &[Balancer],
    (attempt, id): (&mut Attempt, Id<Attempt>),
    between: Between,
    answer: Answer,
) {
    attempt.phase = Phase::Answered(answer);
    let (leg, from, event) = match attempt.path {
        Some(path) => {
            let node = balancers[path.load_balancer.at()].nodes[usize::from(path.node)];
            (Leg::BackToNode, Some(node), DataEvent::AnswerAtNode)
        }
        None => (Leg::BackToCaller, attempt.from, DataEvent::AnswerAtCaller),
    };
    let hop = Hop {
        leg,
        sender: attempt.site,
        key: attempt.key,
        from,
        to: attempt.zone,
        between,
    };
    if network.carry(cx, id, hop, event) == Crossing::Lost {
        attempt.phase = Phase::Lost;
        if let Caller::Check(_) = attempt.caller {
            // No patience of its own will end it: its sender keeps the time.
            cx.calendar
                .schedule_in(network.connect_span, Event::data(DataEvent::ConnectTimeout, id));
        }
    }
}

/// The view from which the attempt was sent counts it no more.
#[inline(always)]
pub(super) fn no_longer_outstanding(attempt: &mut Attempt, groups: &mut [Group], sites: &mut [SiteState]) {
    if !attempt.flags.has(Flags::OUTSTANDING) {
        return;
    }
    attempt.flags.clear(Flags::OUTSTANDING);
    let task = attempt.task.expect("what is outstanding is so at a task");
    let view = match attempt.path {
        Some(NodePath {
            node,
            target_group: Some(group),
            ..
        }) => &mut groups[group.at()].views[usize::from(node)],
        _ => match &mut sites[attempt.site.at()].to {
            To::Service { view, .. } => view,
            _ => unreachable!("only a site that sends straight to tasks has a view of its own"),
        },
    };
    view.ended(task);
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
