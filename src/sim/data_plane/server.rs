//! Servers: take requests in or refuse them, and give their CPU its turns.

use super::DataPlane;
use super::skew::Verdict;
use super::strand::hand_on;
use crate::blueprint::{OnDisconnect, Runtime, SkewAnswer};
use crate::cluster::Task;
use crate::cluster::attempt::{Answer, Attempt, Caller, Flags, Phase};
use crate::cluster::cause::Reason;
use crate::cluster::server::{Admission, Door};
use crate::engine::arena::Id;
use crate::sim::context::Context;
use crate::sim::event::DataEvent;
use crate::units::Instant;

impl DataPlane {
    /// An attempt has reached its task. Gives whether its program begins now.
    #[inline]
    pub(super) fn at_task(&mut self, cx: &mut Context<'_>, id: Id<Attempt>) -> bool {
        let Some(mut attempt) = self.attempts.get_mut(id) else {
            return false;
        };
        let task = attempt.task.expect("an attempt that goes to a task has one");
        let Some(mut server) = self.servers.get_mut(task) else {
            self.answer(cx, id, Answer::Refused(Reason::TargetGone.here()));
            return false;
        };
        if matches!(server.door, Door::Silent | Door::Troubled) {
            if self.ends_at_the_door(cx, id, task) {
                return false;
            }
            attempt = &mut self.attempts[id];
            server = self.servers.get_mut(task).expect("it is there");
        }
        let revision = &self.operations.revisions[server.revision as usize];
        if attempt.flags.has(Flags::CALLER_GONE) && revision.on_disconnect == OnDisconnect::Cancel {
            self.work[server.revision as usize].dropped += 1;
            self.trace_goes(cx, id);
            self.attempts.remove(id);
            return false;
        }
        match attempt.caller {
            // A check runs its own program and is nobody's operation.
            Caller::Check(_) => {}
            caller => {
                self.work[server.revision as usize].attempts += 1;
                debug_assert!(!server.is_relied_on, "what was held to reach no task reaches one");
                attempt.served = match caller {
                    Caller::Client(class, _) => self.operations.of_class(class.at(), server.revision),
                    _ => self.operations.of_call(attempt.site.at(), server.revision),
                };
                match self.operations.row(attempt.served).program {
                    Some(program) => attempt.program = program,
                    None => match self.skews.judge(cx, &self.operations, &self.attempts, id) {
                        Verdict::Understood { served, program } => {
                            attempt = &mut self.attempts[id];
                            (attempt.served, attempt.program) = (served, program);
                        }
                        verdict => {
                            self.turned_away(cx, id, verdict);
                            return false;
                        }
                    },
                }
            }
        }
        if attempt.flags.has(Flags::TRACED) {
            self.tracer.at_task(cx, &self.operations, (id, attempt));
        }
        if server.extras.is_some() {
            return self.at_server_with_rules(cx, id, task);
        }
        match server.admission() {
            Admission::Refused => {
                self.refused(cx, id, task);
                false
            }
            Admission::Queues => {
                server.present += 1;
                server.queue.push(&mut self.attempts, id);
                false
            }
            Admission::Begins => {
                server.present += 1;
                if let Runtime::ThreadPool { .. } = server.runtime {
                    server.busy += 1;
                    attempt.flags.set(Flags::HOLDS_WORKER);
                }
                attempt.phase = Phase::Ready;
                true
            }
        }
    }

    /// The server does not take the connection.
    #[cold]
    pub(super) fn refused(&mut self, cx: &mut Context<'_>, id: Id<Attempt>, task: Id<Task>) {
        let server = self.servers.get(task).expect("nobody is refused by nobody");
        let reason = refusal(server.door);
        self.answer_unserved(cx, id, Answer::Refused(reason.here()));
    }

    /// Answered at the door, without worker or queue.
    pub(super) fn answer_unserved(&mut self, cx: &mut Context<'_>, id: Id<Attempt>, answer: Answer) {
        let attempt = &self.attempts[id];
        if !matches!(attempt.caller, Caller::Check(_)) {
            let counts = &mut self.counts[self.operations.row(attempt.served).revision as usize];
            counts.requests += 1;
            counts.errors += u64::from(!answer.is_client_error());
        }
        self.answer(cx, id, answer);
    }

    /// Without a route, or not understood: answered at the door, or never.
    #[cold]
    fn turned_away(&mut self, cx: &mut Context<'_>, id: Id<Attempt>, verdict: Verdict) {
        match verdict {
            Verdict::Fails(SkewAnswer::ServerError) => {
                self.answer_unserved(cx, id, Answer::Failure(Reason::VersionSkew.here()));
            }
            Verdict::Fails(SkewAnswer::Nothing) => {
                let attempt = &mut self.attempts[id];
                attempt.phase = Phase::Lost;
                let counts = &mut self.counts[self.operations.row(attempt.served).revision as usize];
                counts.requests += 1;
                counts.errors += 1;
                if attempt.flags.has(Flags::CALLER_GONE) {
                    self.attempts.remove(id);
                }
            }
            _ => self.answer_unserved(cx, id, Answer::NotFound),
        }
    }

    /// A task's CPU has a departure, or its quota ends or begins.
    pub(super) fn cpu_turn(&mut self, cx: &mut Context<'_>, slot: usize) {
        let Some(server) = self.servers.in_slot_mut(slot) else {
            return;
        };
        server.cpu_turns_at = Instant::NEVER;
        server
            .cpu
            .turn(cx.now(), |id| cx.at_once.push((DataEvent::GoOn, id.raw())));
        self.cpus_changed.push(slot as u32);
    }

    /// Sets the timers of CPUs that have changed in the present event: once each, however often they did.
    pub(super) fn arm_cpus(&mut self, cx: &mut Context<'_>) {
        if self.hosts.is_some() {
            self.share_out_hosts(cx.now());
        }
        for &slot in &self.cpus_changed {
            if let Some(server) = self.servers.in_slot_mut(slot as usize) {
                let next = server.cpu.next_turn();
                if server.cpu_turns_at != next {
                    server.cpu_turns_at = next;
                    cx.calendar.arm(server.cpu_timer, next);
                }
            }
        }
        self.cpus_changed.clear();
    }

    /// A cancelled request leaves its server, and gives back the worker or loop that it holds.
    pub(super) fn leave_server(&mut self, cx: &mut Context<'_>, id: Id<Attempt>) {
        if self.attempts[id].flags.has(Flags::HAS_RULES) {
            self.leaves_server_with_rules(cx.now(), id, None);
        }
        let attempt = &mut self.attempts[id];
        let task = attempt.task.expect("a strand runs on a task");
        let held = attempt.flags.has(Flags::HOLDS_SOMETHING);
        attempt.flags.clear(Flags::HOLDS_SOMETHING);
        if let Some(server) = self.servers.get_mut(task) {
            server.present -= 1;
            if held {
                hand_on(server, &mut self.attempts, cx);
            }
        }
    }

    /// Nobody is there to take the attempt or to refuse it.
    pub(super) fn unanswered(&mut self, cx: &mut Context<'_>, id: Id<Attempt>) {
        let attempt = &self.attempts[id];
        if attempt.flags.has(Flags::CALLER_GONE) || matches!(attempt.caller, Caller::Check(_)) {
            self.attempts.remove(id);
        } else {
            self.nobody_answers(cx, id);
        }
    }
}

/// Why a server with such a door refuses a request.
#[cold]
fn refusal(door: Door) -> Reason {
    match door {
        Door::Starting => Reason::NotListening,
        Door::Closed => Reason::ShuttingDown,
        Door::Open | Door::Silent | Door::Troubled => Reason::QueueFull,
    }
}
