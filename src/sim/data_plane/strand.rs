//! Strands: programs of requests in execution, on workers, loops and CPU.
//!
//! A thread pool's worker is held from a program's first step to its last; an event loop only through `cpu` steps; an
//! unbounded server never makes anyone wait.

use super::afflictions::answer_of_the_ill;
use super::call::send_back;
use super::course::count_work;
use super::network::Between;
use super::program::What;
use super::{DataPlane, purpose};
use crate::blueprint::Runtime;
use crate::cluster::attempt::{Answer, Attempt, Caller, Flags, Phase};
use crate::cluster::cause::{Cause, Reason};
use crate::cluster::server::{Server, Servers};
use crate::engine::arena::{Arena, Id};
use crate::sim::context::Context;
use crate::sim::event::DataEvent;
use crate::sim::trace::Doing;

impl DataPlane {
    /// Goes on with a strand's program; gives the call that is to be sent, if it makes one. Who was reset meanwhile,
    /// because its task died, goes on no more.
    #[inline]
    pub(super) fn go_on(&mut self, cx: &mut Context<'_>, id: Id<Attempt>) -> Option<Id<Attempt>> {
        let mut attempt = self.attempts.get_mut(id)?;
        if !matches!(attempt.phase, Phase::Waiting | Phase::Ready | Phase::OnCpu) {
            return None;
        }
        if attempt.flags.has(Flags::UNUSUAL_STEP) {
            if self.is_seen_to(cx, id) {
                return None;
            }
            attempt = &mut self.attempts[id];
        }
        let Some(step) = self.programs.step(attempt.program, attempt.step) else {
            self.strand_over(cx, id, Answer::Success);
            return None;
        };
        if attempt.flags.has(Flags::HOLDS_LOOP) && !matches!(step.what, What::Cpu(_) | What::Steer(_)) {
            leave_loop(&mut self.servers, &mut self.attempts, cx, id);
            attempt = &mut self.attempts[id];
        }
        let purpose = step.purpose;
        match &step.what {
            What::Wait(delay) => {
                attempt.phase = Phase::Waiting;
                delay.schedule(cx, || attempt.key.child_for(purpose), DataEvent::GoOn, id);
            }
            What::Cpu(law) => {
                let task = attempt.task.expect("a strand runs on a task");
                let server = self.servers.get_mut(task).expect("a strand dies with its server");
                if let Runtime::EventLoop { loops, .. } = server.runtime
                    && !attempt.flags.has(Flags::HOLDS_LOOP)
                {
                    if server.busy >= loops {
                        if server.extras.is_some() {
                            self.waits(cx, id, task);
                        } else {
                            server.queue.push(&mut self.attempts, id);
                        }
                        return None;
                    }
                    server.busy += 1;
                    attempt.flags.set(Flags::HOLDS_LOOP);
                }
                attempt.phase = Phase::OnCpu;
                let work = law.sample(attempt.key.child_for(purpose));
                let factor = self.operations.row(attempt.served).cpu_factor;
                let work = if factor == 1.0 { work } else { work.scaled(factor) };
                let work = match &server.extras {
                    None => work,
                    Some(extras) => work.scaled(extras.cpu_factor(cx.now())),
                };
                if attempt.flags.has(Flags::HAS_COURSE) {
                    count_work(&mut self.courses, id, work);
                }
                server.cpu.admit(cx.now(), id, work);
                self.cpus_changed.push(task.index());
            }
            What::Call(call) => {
                let call = *call;
                attempt.step += 1;
                return Some(self.call(id, call));
            }
            What::CallOnCourse(call) => {
                let call = *call;
                attempt.step += 1;
                return Some(self.call_on_course(id, call));
            }
            What::Parallel(_) | What::Race(_) => {
                self.fork(cx, id);
                return None;
            }
            What::Steer(_) => {
                self.steer(cx, id);
                return None;
            }
        }
        attempt.step += 1;
        None
    }

    /// A strand that is not like most is about to go on; gives whether that is taken care of.
    #[cold]
    #[inline(never)]
    fn is_seen_to(&mut self, cx: &mut Context<'_>, id: Id<Attempt>) -> bool {
        if self.attempts[id].flags.has(Flags::AFFLICTED) && self.is_held_up(cx, id) {
            return true;
        }
        if self.attempts[id].flags.has(Flags::DEADLINE) && self.abandons_late_work(cx, id) {
            return true;
        }
        let attempt = &mut self.attempts[id];
        if attempt.flags.has(Flags::TRACED)
            && let Some(step) = self.programs.step(attempt.program, attempt.step)
        {
            self.tracer
                .steps(cx.blueprint, &self.operations, (id, attempt), step, cx.now());
        }
        false
    }

    /// A strand comes to an early end because a call failed.
    #[inline(never)]
    pub(super) fn strand_fails(&mut self, cx: &mut Context<'_>, id: Id<Attempt>, cause: Cause) {
        if self.attempts[id].flags.has(Flags::AFFLICTED) && self.fails_later(id, cause) {
            return;
        }
        self.misses_end(cx, id, Some(cause));
        self.strand_over(cx, id, Answer::Failure(cause));
    }

    /// A strand has come to its end: it leaves its server, gives back what it holds there, and is answered.
    #[inline(always)]
    pub(super) fn strand_over(&mut self, cx: &mut Context<'_>, id: Id<Attempt>, answer: Answer) {
        let mut answer = answer;
        let mut attempt = &mut self.attempts[id];
        match attempt.caller {
            Caller::Join(parent) => return self.branch_over(cx, id, parent, answer),
            Caller::Nobody => return self.loser_over(cx, id),
            Caller::StartUp => return self.started_up(cx, id),
            Caller::Poller(poller) => return self.message_handled(cx, (id, poller), answer),
            Caller::SetUp(asking) => return self.connection_made(cx, id, asking),
            Caller::Client(..) | Caller::Strand(_) | Caller::Check(_) => {}
        }
        if attempt.flags.has(Flags::UNUSUAL_END) {
            answer = self.ends_unusually(cx, id, answer);
            attempt = &mut self.attempts[id];
        }
        let task = attempt.task.expect("a strand runs on a task");
        let server = self.servers.get_mut(task).expect("a strand dies with its server");
        server.present -= 1;
        let held = attempt.flags.has(Flags::HOLDS_SOMETHING);
        attempt.flags.clear(Flags::HOLDS_SOMETHING);
        if !matches!(attempt.caller, Caller::Check(_)) {
            let row = self.operations.row(attempt.served);
            if row.error_ratio > 0.0
                && answer == Answer::Success
                && attempt.key.child(purpose::ERROR).happens(row.error_ratio)
            {
                answer = Answer::Failure(Reason::OwnError.here());
            }
            let counts = &mut self.counts[row.revision as usize];
            counts.requests += 1;
            if answer != Answer::Success {
                counts.errors += u64::from(!answer.is_client_error());
            }
        }
        if attempt.flags.has(Flags::CALLER_GONE) {
            if attempt.flags.has(Flags::TRACED) {
                self.tracer.goes(cx, id);
            }
            self.attempts.remove(id);
        } else {
            let between = Between::AndTask(attempt.served);
            send_back(cx, &self.network, &self.balancers, (attempt, id), between, answer);
        }
        if held {
            hand_on(server, &mut self.attempts, cx);
        }
    }

    /// The end of a strand that is not like most; gives what it answers.
    #[cold]
    #[inline(never)]
    pub(super) fn ends_unusually(&mut self, cx: &mut Context<'_>, id: Id<Attempt>, answer: Answer) -> Answer {
        let mut answer = answer;
        if self.attempts[id].flags.has(Flags::HAS_RULES) {
            answer = self
                .leaves_server_with_rules(cx.now(), id, Some(answer))
                .unwrap_or(answer);
        }
        let attempt = &mut self.attempts[id];
        if attempt.flags.has(Flags::TRACED) {
            self.tracer.begins(cx.blueprint, id, attempt, Doing::Network, cx.now());
        }
        if attempt.flags.has(Flags::AFFLICTED) {
            answer = answer_of_the_ill(&self.afflictions, attempt, answer);
        }
        if attempt.flags.has(Flags::FOR_NOTHING) {
            let row = self.operations.row(attempt.served);
            let work = &mut self.work[row.revision as usize];
            work.wasted += 1;
            let spent = match self.courses.as_ref().and_then(|courses| courses.spent(id)) {
                Some(spent) => spent,
                None => self.programs.cpu_spent(attempt, row.cpu_factor),
            };
            work.wasted_cpu += spent.nanos();
        }
        answer
    }
}

/// Gives the event loop back, if the strand holds one.
#[inline]
pub(super) fn leave_loop(servers: &mut Servers, attempts: &mut Arena<Attempt>, cx: &mut Context<'_>, id: Id<Attempt>) {
    let attempt = &mut attempts[id];
    if attempt.flags.has(Flags::HOLDS_LOOP) {
        attempt.flags.clear(Flags::HOLDS_LOOP);
        let task = attempt.task.expect("a loop is held at a task");
        if let Some(server) = servers.get_mut(task) {
            hand_on(server, attempts, cx);
        }
    }
}

/// Whoever waits first gets the worker or loop that is given up, and is ready to run.
#[inline(always)]
pub(super) fn hand_on(server: &mut Server, attempts: &mut Arena<Attempt>, cx: &mut Context<'_>) {
    match server.queue.pop(attempts) {
        Some(next) => {
            attempts[next].flags.set(match server.runtime {
                Runtime::EventLoop { .. } => Flags::HOLDS_LOOP,
                _ => Flags::HOLDS_WORKER,
            });
            cx.follow(DataEvent::GoOn, next);
        }
        None => server.busy -= 1,
    }
}
