//! Strands: programs of requests in execution, on workers, loops and CPU.
//!
//! A thread pool's worker is held from a program's first step to its last; an event loop only through `cpu` steps; an
//! unbounded server never makes anyone wait.

use super::afflictions::answer_of_the_ill;
use super::call::send_back;
use super::network::Between;
use super::program::What;
use super::{DataPlane, purpose};
use crate::blueprint::Runtime;
use crate::cluster::attempt::{Answer, Attempt, Caller, Flags, Phase, Site};
use crate::cluster::cause::{Cause, Reason};
use crate::cluster::deadline::DeadlineLink;
use crate::cluster::server::{Server, Servers};
use crate::engine::arena::{Arena, Id};
use crate::sim::context::Context;
use crate::sim::event::DataEvent;

impl DataPlane {
    /// Goes on with a strand's program; gives the call that is to be sent, if it makes one. Who was reset meanwhile,
    /// because its task died, goes on no more.
    #[inline]
    pub(super) fn go_on(&mut self, cx: &mut Context<'_>, id: Id<Attempt>) -> Option<Id<Attempt>> {
        let mut attempt = self.attempts.get_mut(id)?;
        if !matches!(attempt.phase, Phase::Waiting | Phase::Ready | Phase::OnCpu) {
            return None;
        }
        if attempt.flags.has(Flags::AFFLICTED) {
            if self.is_held_up(cx, id) {
                return None;
            }
            attempt = &mut self.attempts[id];
        }
        let Some(step) = self.programs.step(attempt.program, attempt.step) else {
            self.strand_over(cx, id, Answer::Success);
            return None;
        };
        if attempt.flags.has(Flags::HOLDS_LOOP) && !matches!(step.what, What::Cpu(_)) {
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
                        server.queue.push(&mut self.attempts, id);
                        return None;
                    }
                    server.busy += 1;
                    attempt.flags.set(Flags::HOLDS_LOOP);
                }
                attempt.phase = Phase::OnCpu;
                let work = law.sample(attempt.key.child_for(purpose));
                let factor = self.operations.row(attempt.served).cpu_factor;
                let work = if factor == 1.0 { work } else { work.scaled(factor) };
                server.cpu.admit(cx.now(), id, work);
                self.cpus_changed.push(task.index());
            }
            What::Call(call) => {
                let call = *call;
                attempt.step += 1;
                return Some(self.call(id, call));
            }
            What::Parallel(_) => {
                self.fork(cx, id);
                return None;
            }
        }
        attempt.step += 1;
        None
    }

    /// Starts the branches of a `parallel` step, each a strand of the same task without a worker of its own.
    #[inline(never)]
    fn fork(&mut self, cx: &mut Context<'_>, id: Id<Attempt>) {
        let attempt = &mut self.attempts[id];
        let Some(What::Parallel(branches)) = self.programs.step(attempt.program, attempt.step).map(|step| &step.what)
        else {
            unreachable!("only a parallel step forks");
        };
        let key = attempt.key.child(purpose::STEP + u64::from(attempt.step));
        attempt.step += 1;
        attempt.flags.clear(Flags::BRANCH_FAILED);
        if branches.is_empty() {
            attempt.phase = Phase::Ready;
            return cx.follow(DataEvent::GoOn, id);
        }
        let parent = attempt.clone();
        let mut first = None;
        for (at, &program) in branches.iter().enumerate().rev() {
            first = Some(self.attempts.insert(Attempt {
                key: key.child(purpose::BRANCH + at as u64),
                caller: Caller::Join(id),
                site: Site::NONE,
                phase: Phase::Ready,
                flags: Flags::default(),
                program,
                step: 0,
                sibling: first,
                path: None,
                deadline: DeadlineLink::NONE,
                ..parent.clone()
            }));
        }
        self.attempts[id].phase = Phase::Joining {
            first,
            pending: branches.len() as u16,
        };
        while let Some(branch) = first {
            cx.follow(DataEvent::GoOn, branch);
            first = self.attempts[branch].sibling;
        }
    }

    /// A strand comes to an early end because a call failed.
    #[inline(never)]
    pub(super) fn strand_fails(&mut self, cx: &mut Context<'_>, id: Id<Attempt>, cause: Cause) {
        if self.attempts[id].flags.has(Flags::AFFLICTED) && self.fails_later(id, cause) {
            return;
        }
        self.strand_over(cx, id, Answer::Failure(cause));
    }

    /// A strand has come to its end: it leaves its server, gives back what it holds there, and is answered.
    #[inline(always)]
    fn strand_over(&mut self, cx: &mut Context<'_>, id: Id<Attempt>, answer: Answer) {
        let attempt = &mut self.attempts[id];
        match attempt.caller {
            Caller::Join(parent) => return self.branch_over(cx, id, parent, answer),
            Caller::StartUp => return self.started_up(cx, id),
            Caller::Client(..) | Caller::Strand(_) | Caller::Check(_) => {}
        }
        let task = attempt.task.expect("a strand runs on a task");
        let server = self.servers.get_mut(task).expect("a strand dies with its server");
        server.present -= 1;
        let held = attempt.flags.has(Flags::HOLDS_SOMETHING);
        attempt.flags.clear(Flags::HOLDS_SOMETHING);
        let mut answer = answer;
        if attempt.flags.has(Flags::AFFLICTED) {
            answer = answer_of_the_ill(&self.afflictions, attempt, answer);
        }
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
            counts.errors += u64::from(answer != Answer::Success);
        }
        if attempt.flags.has(Flags::CALLER_GONE) {
            self.attempts.remove(id);
        } else {
            let between = Between::AndTask(attempt.served);
            send_back(cx, &self.network, &self.balancers, (attempt, id), between, answer);
        }
        if held {
            hand_on(server, &mut self.attempts, cx);
        }
    }

    /// A branch has come to its end; the last one lets the `parallel` step end.
    #[inline(never)]
    fn branch_over(&mut self, cx: &mut Context<'_>, id: Id<Attempt>, parent: Id<Attempt>, answer: Answer) {
        leave_loop(&mut self.servers, &mut self.attempts, cx, id);
        let sibling = self.attempts.remove(id).and_then(|branch| branch.sibling);
        let Some(strand) = self.attempts.get_mut(parent) else {
            return;
        };
        if answer != Answer::Success {
            if !strand.flags.has(Flags::BRANCH_FAILED) {
                self.branch_failures.put(parent, answer.cause());
            }
            strand.flags.set(Flags::BRANCH_FAILED);
        }
        let Phase::Joining { first, pending } = &mut strand.phase else {
            unreachable!("a parallel step waits for its branches")
        };
        *pending -= 1;
        if *pending == 0 {
            if strand.flags.has(Flags::BRANCH_FAILED) {
                let cause = self.branch_failures.take(parent);
                self.strand_fails(cx, parent, cause.expect("a failed branch has left its cause"));
            } else {
                strand.phase = Phase::Ready;
                cx.follow(DataEvent::GoOn, parent);
            }
            return;
        }
        // The others stay one chain, for a cancellation to follow.
        if *first == Some(id) {
            *first = sibling;
            return;
        }
        let mut next = *first;
        while let Some(before) = next.and_then(|branch| self.attempts.get_mut(branch)) {
            if before.sibling == Some(id) {
                before.sibling = sibling;
                return;
            }
            next = before.sibling;
        }
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
