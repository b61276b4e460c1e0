//! Servers: take requests in, run their programs on workers, loops and CPU, and let them go.
//!
//! A thread pool's worker is held from a program's first step to its last; an event loop only through `cpu` steps; an
//! unbounded server never makes anyone wait.

use super::program::Step;
use super::{DataPlane, purpose};
use crate::blueprint::{OnDisconnect, Runtime};
use crate::cluster::Attempt;
use crate::cluster::attempt::{Answer, Callee, Caller, DeadlineLink, Flags, Phase, QueueLink, ServedOperation};
use crate::cluster::server::{Admission, Server};
use crate::engine::arena::{Id, RawId};
use crate::sim::context::Context;
use crate::sim::event::{DataEvent, Event};
use crate::units::Instant;

impl DataPlane {
    /// An attempt has reached its task or dependency.
    #[inline]
    pub(super) fn at_callee(&mut self, cx: &mut Context<'_>, id: Id<Attempt>) {
        let attempt = &self.attempts[id];
        if let Callee::Call(call) = attempt.callee
            && let super::program::To::Dependency(at) = self.calls[call.at()].to
        {
            return self.at_dependency(cx, id, at);
        }
        let task = attempt.task.expect("an attempt that goes to a server has a task");
        let Some(server) = self
            .servers
            .get_mut(task.index() as usize)
            .and_then(Option::as_mut)
            .filter(|s| s.task == task)
        else {
            return self.answer(cx, id, Answer::Refused);
        };
        let row = self.first_revision[server.service.at()] as usize + server.revision.at();
        if attempt.flags.has(Flags::CALLER_GONE) && self.revisions[row].on_disconnect == OnDisconnect::Cancel {
            self.attempts.remove(id);
            return;
        }
        let (operation, program) = match attempt.caller {
            Caller::Check(_) => (ServedOperation::HealthCheck, attempt.program),
            _ => {
                let operation = match attempt.callee {
                    Callee::Call(call) => self.operations.of_call(call, row),
                    _ => self.operations.of_class(attempt.class.at(), row),
                };
                match operation {
                    ServedOperation::Operation(at) => (operation, self.programs.operation(row, at).program),
                    _ => return self.answer_unserved(cx, id, row, Answer::NotFound),
                }
            }
        };
        match server.admission() {
            Admission::Refused => self.answer_unserved(cx, id, row, Answer::Refused),
            admission => {
                server.present += 1;
                let attempt = &mut self.attempts[id];
                attempt.operation = operation;
                attempt.program = program;
                if admission == Admission::Queues {
                    attempt.phase = Phase::Queued;
                    server.queue.push(&mut self.attempts, id);
                    return;
                }
                if let Runtime::ThreadPool { .. } = server.runtime {
                    server.busy += 1;
                    attempt.flags.set(Flags::HOLDS_WORKER);
                }
                self.run(cx, id);
            }
        }
    }

    /// Answered at the door, without worker or queue.
    fn answer_unserved(&mut self, cx: &mut Context<'_>, id: Id<Attempt>, row: usize, answer: Answer) {
        if !matches!(self.attempts[id].caller, Caller::Check(_)) {
            self.counts[row].requests += 1;
            self.counts[row].errors += u64::from(answer == Answer::Refused);
        }
        self.answer(cx, id, answer);
    }

    /// Goes on with a strand's program until it has to wait for something or is over.
    #[inline]
    pub(super) fn run(&mut self, cx: &mut Context<'_>, id: Id<Attempt>) {
        loop {
            let Some(attempt) = self.attempts.get_mut(id) else {
                return;
            };
            let Some(step) = self.programs.step(attempt.program, attempt.step) else {
                return self.strand_over(cx, id, Answer::Success);
            };
            let key = attempt.key.child(purpose::STEP + u64::from(attempt.step));
            match step {
                Step::Wait(delay) => {
                    attempt.step += 1;
                    if delay.schedule(cx, key, Event::data(DataEvent::WaitOver, id)) {
                        attempt.phase = Phase::Waiting;
                        return self.leave_loop(id);
                    }
                }
                Step::Cpu(law) => {
                    let task = attempt.task.expect("a strand runs on a task");
                    let server = self.servers[task.index() as usize]
                        .as_mut()
                        .expect("a strand dies with its server");
                    if let Runtime::EventLoop { loops, .. } = server.runtime
                        && !attempt.flags.has(Flags::HOLDS_WORKER)
                    {
                        if server.busy >= loops {
                            attempt.phase = Phase::Queued;
                            return server.queue.push(&mut self.attempts, id);
                        }
                        server.busy += 1;
                        attempt.flags.set(Flags::HOLDS_WORKER);
                    }
                    attempt.step += 1;
                    attempt.phase = Phase::OnCpu;
                    let work = match attempt.operation {
                        ServedOperation::Operation(at) => {
                            let row = self.first_revision[server.service.at()] as usize + server.revision.at();
                            let factor = self.programs.operation(row, at).cpu_factor;
                            let work = law.sample(key);
                            if factor == 1.0 { work } else { work.scaled(factor) }
                        }
                        _ => law.sample(key),
                    };
                    server.cpu.admit(cx.now(), id, work);
                    return cx.calendar.arm(server.cpu_timer, server.cpu.next_turn());
                }
                Step::Call(call) => {
                    let call = *call;
                    attempt.step += 1;
                    self.leave_loop(id);
                    return self.call(cx, id, call);
                }
                Step::Parallel(_) => return self.fork(id),
            }
        }
    }

    /// Starts the branches of a `parallel` step, each a strand of the same task without a worker of its own.
    fn fork(&mut self, id: Id<Attempt>) {
        self.leave_loop(id);
        let attempt = &mut self.attempts[id];
        let Some(Step::Parallel(branches)) = self.programs.step(attempt.program, attempt.step) else {
            unreachable!("only a parallel step forks");
        };
        let key = attempt.key.child(purpose::STEP + u64::from(attempt.step));
        attempt.step += 1;
        attempt.pending = branches.len() as u16;
        attempt.phase = Phase::Joining;
        attempt.flags.clear(Flags::BRANCH_FAILED);
        let parent = attempt.clone();
        let mut sibling = RawId::NONE;
        for (at, &program) in branches.iter().enumerate().rev() {
            let branch = self.attempts.insert(Attempt {
                key: key.child(purpose::BRANCH + at as u64),
                caller: Caller::Join(id),
                callee: Callee::Known,
                phase: Phase::Waiting,
                flags: Flags::default(),
                program,
                step: 0,
                child: RawId::NONE,
                sibling,
                path: None,
                deadline: DeadlineLink::NONE,
                queue: QueueLink::NONE,
                ..parent.clone()
            });
            sibling = branch.raw();
        }
        self.attempts[id].child = sibling;
        while sibling != RawId::NONE {
            let branch = Id::from_raw(sibling);
            sibling = self.attempts[branch].sibling;
            self.ready.push(branch);
        }
        if self.attempts[id].pending == 0 {
            self.ready.push(id);
        }
    }

    pub(super) fn wait_over(&mut self, cx: &mut Context<'_>, id: Id<Attempt>) {
        // Who was reset meanwhile, because its task died or its dependency failed over, waits no more.
        if self.attempts[id].phase != Phase::Waiting {
            return;
        }
        if let Callee::Call(call) = self.attempts[id].callee
            && let super::program::To::Dependency(at) = self.calls[call.at()].to
        {
            return self.served_by_dependency(cx, id, at);
        }
        self.run(cx, id);
    }

    /// A task's CPU has a departure, or its quota ends or begins.
    pub(super) fn cpu_turn(&mut self, cx: &mut Context<'_>, slot: usize) {
        let Some(server) = self.servers[slot].as_mut() else {
            return;
        };
        let mut finished = std::mem::take(&mut self.finished_jobs);
        server.cpu.turn(cx.now(), &mut finished);
        let task = server.task;
        for &id in &finished {
            self.run(cx, id);
        }
        finished.clear();
        self.finished_jobs = finished;
        if let Some(server) = self.servers[slot].as_mut().filter(|server| server.task == task) {
            cx.calendar.arm(server.cpu_timer, server.cpu.next_turn());
        }
    }

    /// A strand has come to its end, by itself or because a call failed.
    pub(super) fn strand_over(&mut self, cx: &mut Context<'_>, id: Id<Attempt>, answer: Answer) {
        let attempt = &self.attempts[id];
        let (service, revision, operation, key) = (attempt.service, attempt.revision, attempt.operation, attempt.key);
        let flags = attempt.flags;
        if let Caller::Join(parent) = attempt.caller {
            self.leave_loop(id);
            self.attempts.remove(id);
            return self.joined(cx, parent, answer);
        }
        self.leave_worker(id);
        let row = self.revision_row(service, revision);
        let mut answer = answer;
        if let ServedOperation::Operation(at) = operation {
            let ratio = self.programs.operation(row, at).error_ratio.get();
            if answer == Answer::Success && ratio > 0.0 && key.child(purpose::ERROR).happens(ratio) {
                answer = Answer::Failure;
            }
            self.counts[row].requests += 1;
            self.counts[row].errors += u64::from(answer != Answer::Success);
        }
        if flags.has(Flags::CALLER_GONE) {
            self.attempts.remove(id);
        } else {
            self.answer(cx, id, answer);
        }
    }

    /// A branch has ended; the last one lets the `parallel` step end.
    fn joined(&mut self, cx: &mut Context<'_>, parent: Id<Attempt>, answer: Answer) {
        let Some(attempt) = self.attempts.get_mut(parent) else {
            return;
        };
        attempt.pending -= 1;
        if answer != Answer::Success {
            attempt.flags.set(Flags::BRANCH_FAILED);
        }
        if attempt.pending > 0 {
            return;
        }
        if attempt.flags.has(Flags::BRANCH_FAILED) {
            self.strand_over(cx, parent, Answer::Failure);
        } else {
            self.ready.push(parent);
        }
    }

    /// Gives the event loop back at a step that does not need it.
    #[inline]
    fn leave_loop(&mut self, id: Id<Attempt>) {
        if !self.attempts[id].flags.has(Flags::HOLDS_WORKER) {
            return;
        }
        let server = self.server_mut(id).expect("a worker is held at a server");
        if let Runtime::EventLoop { .. } = server.runtime {
            self.give_up_worker(id);
        }
    }

    /// The request leaves its server.
    #[inline]
    fn leave_worker(&mut self, id: Id<Attempt>) {
        if self.attempts[id].flags.has(Flags::HOLDS_WORKER) {
            self.give_up_worker(id);
        }
        if let Some(server) = self.server_mut(id) {
            server.present -= 1;
        }
    }

    /// Whoever waits first gets the worker or loop and is ready to run.
    #[inline]
    fn give_up_worker(&mut self, id: Id<Attempt>) {
        let attempt = &mut self.attempts[id];
        attempt.flags.clear(Flags::HOLDS_WORKER);
        let task = attempt.task.expect("a worker is held at a task");
        let Some(server) = self.servers[task.index() as usize].as_mut() else {
            return;
        };
        match server.queue.pop(&mut self.attempts) {
            Some(next) => {
                self.attempts[next].flags.set(Flags::HOLDS_WORKER);
                self.ready.push(next);
            }
            None => server.busy -= 1,
        }
    }

    /// Stops a strand that nobody waits for, and what it waits for itself.
    pub(super) fn cancel(&mut self, cx: &mut Context<'_>, id: Id<Attempt>) {
        match self.attempts[id].phase {
            Phase::Queued => {
                let task = self.attempts[id].task.expect("a strand waits at a task");
                if let Some(server) = self.servers[task.index() as usize].as_mut() {
                    if !self.attempts[id].flags.has(Flags::HOLDS_WORKER) {
                        server.queue.remove(&mut self.attempts, id);
                    }
                }
            }
            Phase::OnCpu => {
                let now = cx.now();
                if let Some(server) = self.server_mut(id) {
                    server.cpu.withdraw(now, id);
                    let (timer, next) = (server.cpu_timer, server.cpu.next_turn());
                    cx.calendar.arm(timer, next);
                }
            }
            Phase::Calling => self.abandon_calls(cx, id),
            Phase::Joining => {
                let mut branch = self.attempts[id].child;
                while let Some(sibling) = self.attempts.get(Id::from_raw(branch)).map(|branch| branch.sibling) {
                    self.cancel(cx, Id::from_raw(branch));
                    branch = sibling;
                }
            }
            Phase::Paused | Phase::Sent | Phase::Waiting | Phase::Answered | Phase::Lost => {}
        }
        if matches!(self.attempts[id].caller, Caller::Join(_)) {
            self.leave_loop(id);
        } else {
            self.leave_worker(id);
        }
        self.attempts.remove(id);
    }

    /// A strand that ends early leaves the call it waits for without a caller.
    pub(super) fn abandon_calls(&mut self, cx: &mut Context<'_>, id: Id<Attempt>) {
        let child = Id::from_raw(self.attempts[id].child);
        if self
            .attempts
            .get(child)
            .is_some_and(|child| child.caller == Caller::Strand(id))
        {
            self.disconnect(cx, child);
        }
    }

    /// Kills a process: everything in hand is lost, its connections are reset.
    pub(super) fn kill(&mut self, cx: &mut Context<'_>, slot: usize) {
        let Some(server) = self.servers[slot].take() else {
            return;
        };
        cx.calendar.drop_timer(server.cpu_timer);
        let Server {
            task,
            service,
            revision,
            ..
        } = server;
        let in_hand = |attempt: &Attempt| {
            attempt.task == Some(task)
                && matches!(
                    attempt.phase,
                    Phase::Queued | Phase::OnCpu | Phase::Waiting | Phase::Calling | Phase::Joining
                )
        };
        let lost: Vec<Id<Attempt>> = self
            .attempts
            .iter()
            .filter(|(_, attempt)| in_hand(attempt))
            .map(|(id, _)| id)
            .collect();
        for &id in &lost {
            self.attempts[id].flags.clear(Flags::HOLDS_WORKER);
            if self.attempts[id].phase == Phase::Calling {
                self.abandon_calls(cx, id);
            }
        }
        let row = self.revision_row(service, revision);
        for id in lost {
            let attempt = &self.attempts[id];
            if matches!(attempt.caller, Caller::Join(_)) {
                self.attempts.remove(id);
                continue;
            }
            if attempt.operation != ServedOperation::HealthCheck {
                self.counts[row].requests += 1;
                self.counts[row].errors += 1;
            }
            self.answer(cx, id, Answer::Refused);
        }
    }
}

/// Where a meter begins to count for a process that has just started.
pub(super) fn metered_from(now: Instant) -> crate::cluster::server::Metered {
    crate::cluster::server::Metered { at: now, used: 0 }
}
