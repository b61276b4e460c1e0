//! Servers: take requests in, run their programs on workers, loops and CPU, and let them go.
//!
//! A thread pool's worker is held from a program's first step to its last; an event loop only through `cpu` steps; an
//! unbounded server never makes anyone wait.

use super::call::send_back;
use super::network::Between;
use super::program::What;
use super::skew::Verdict;
use super::{DataPlane, purpose};
use crate::blueprint::{OnDisconnect, Runtime, SkewAnswer};
use crate::cluster::Task;
use crate::cluster::attempt::{Answer, Attempt, Caller, Flags, Phase, Site};
use crate::cluster::deadline::DeadlineLink;
use crate::cluster::queue::Queue;
use crate::cluster::server::{Admission, Door, Server, Servers};
use crate::engine::arena::{Arena, Id};
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
        let Some(server) = self.servers.get_mut(task) else {
            self.answer(cx, id, Answer::Refused);
            return false;
        };
        if server.door == Door::Silent {
            self.unanswered(cx, id);
            return false;
        }
        let revision = &self.operations.revisions[server.revision as usize];
        if attempt.flags.has(Flags::CALLER_GONE) && revision.on_disconnect == OnDisconnect::Cancel {
            self.attempts.remove(id);
            return false;
        }
        match attempt.caller {
            // A check runs its own program and is nobody's operation.
            Caller::Check(_) => {}
            caller => {
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
        match server.admission() {
            Admission::Refused => {
                self.answer_unserved(cx, id, Answer::Refused);
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

    /// Answered at the door, without worker or queue.
    fn answer_unserved(&mut self, cx: &mut Context<'_>, id: Id<Attempt>, answer: Answer) {
        let attempt = &self.attempts[id];
        if !matches!(attempt.caller, Caller::Check(_)) {
            let counts = &mut self.counts[self.operations.row(attempt.served).revision as usize];
            counts.requests += 1;
            counts.errors += u64::from(answer != Answer::NotFound);
        }
        self.answer(cx, id, answer);
    }

    /// Without a route, or not understood: answered at the door, or never.
    #[cold]
    fn turned_away(&mut self, cx: &mut Context<'_>, id: Id<Attempt>, verdict: Verdict) {
        match verdict {
            Verdict::Fails(SkewAnswer::ServerError) => self.answer_unserved(cx, id, Answer::Failure),
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

    /// Goes on with a strand's program; gives the call that is to be sent, if it makes one. Who was reset meanwhile,
    /// because its task died, goes on no more.
    #[inline]
    pub(super) fn go_on(&mut self, cx: &mut Context<'_>, id: Id<Attempt>) -> Option<Id<Attempt>> {
        let mut attempt = self.attempts.get_mut(id)?;
        if !matches!(attempt.phase, Phase::Waiting | Phase::Ready | Phase::OnCpu) {
            return None;
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

    /// A strand comes to an early end because a call failed.
    #[inline(never)]
    pub(super) fn strand_fails(&mut self, cx: &mut Context<'_>, id: Id<Attempt>) {
        self.strand_over(cx, id, Answer::Failure);
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
        if !matches!(attempt.caller, Caller::Check(_)) {
            let row = self.operations.row(attempt.served);
            if row.error_ratio > 0.0
                && answer == Answer::Success
                && attempt.key.child(purpose::ERROR).happens(row.error_ratio)
            {
                answer = Answer::Failure;
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
            strand.flags.set(Flags::BRANCH_FAILED);
        }
        let Phase::Joining { first, pending } = &mut strand.phase else {
            unreachable!("a parallel step waits for its branches")
        };
        *pending -= 1;
        if *pending == 0 {
            if strand.flags.has(Flags::BRANCH_FAILED) {
                self.strand_fails(cx, parent);
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

    /// A cancelled request leaves its server, and gives back the worker or loop that it holds.
    fn leave_server(&mut self, cx: &mut Context<'_>, id: Id<Attempt>) {
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

    /// Stops a strand that nobody waits for, and what it waits for itself.
    pub(super) fn cancel(&mut self, cx: &mut Context<'_>, id: Id<Attempt>) {
        let attempt = &self.attempts[id];
        let caller = attempt.caller;
        let task = attempt.task.expect("a strand runs on a task");
        match attempt.phase {
            Phase::Queued(_) => {
                if let Some(server) = self.servers.get_mut(task) {
                    server.queue.remove(&mut self.attempts, id);
                }
            }
            Phase::OnCpu => {
                if let Some(server) = self.servers.get_mut(task) {
                    server.cpu.withdraw(cx.now(), id);
                    self.cpus_changed.push(task.index());
                }
            }
            Phase::Calling(call) => self.abandon(cx, id, call),
            Phase::Joining { first, .. } => {
                let mut next = first;
                while let Some(branch) = next {
                    next = self.attempts[branch].sibling;
                    self.cancel(cx, branch);
                }
            }
            Phase::Ready | Phase::Paused | Phase::Sent | Phase::Waiting | Phase::Answered(_) | Phase::Lost => {}
        }
        if let Caller::Join(_) = caller {
            leave_loop(&mut self.servers, &mut self.attempts, cx, id);
        } else {
            self.leave_server(cx, id);
        }
        self.attempts.remove(id);
    }

    /// A strand that ends early leaves the call it waits for without a caller.
    fn abandon(&mut self, cx: &mut Context<'_>, strand: Id<Attempt>, call: Id<Attempt>) {
        if self
            .attempts
            .get(call)
            .is_some_and(|call| call.caller == Caller::Strand(strand))
        {
            self.disconnect(cx, call);
        }
    }

    /// Kills a process, if it lives: everything in hand is lost, its connections are reset.
    pub(super) fn kill(&mut self, cx: &mut Context<'_>, task: Id<Task>) {
        self.stop_counting_cpu(cx.now(), task);
        let Some(server) = self.servers.stop(task) else {
            return;
        };
        if server.door == Door::Silent {
            return;
        }
        cx.calendar.drop_timer(server.cpu_timer);
        for id in self.lose_work(cx, task, server.revision) {
            self.answer(cx, id, Answer::Refused);
        }
    }

    /// The process's host is dead: as [`DataPlane::kill`], but no connection is reset. Whoever waits for an answer waits
    /// until its patience ends, and so does whoever still asks.
    pub(super) fn silence(&mut self, cx: &mut Context<'_>, task: Id<Task>) {
        self.stop_counting_cpu(cx.now(), task);
        let Some(server) = self.servers.get_mut(task).filter(|server| server.door != Door::Silent) else {
            return;
        };
        server.door = Door::Silent;
        server.cpu.clear(cx.now());
        server.queue = Queue::default();
        server.busy = 0;
        server.present = 0;
        server.cpu_turns_at = Instant::NEVER;
        cx.calendar.drop_timer(server.cpu_timer);
        let revision = server.revision;
        for id in self.lose_work(cx, task, revision) {
            let attempt = &mut self.attempts[id];
            if attempt.flags.has(Flags::CALLER_GONE) || matches!(attempt.caller, Caller::Check(_)) {
                self.attempts.remove(id);
            } else {
                attempt.phase = Phase::Lost;
            }
        }
    }

    /// What a process that is gone had in hand, of which somebody outside it may still want an answer: its calls have
    /// lost their caller, its branches are freed.
    fn lose_work(&mut self, cx: &mut Context<'_>, task: Id<Task>, revision: u32) -> Vec<Id<Attempt>> {
        let mut lost: Vec<Id<Attempt>> = self
            .attempts
            .iter()
            .filter(|(_, attempt)| attempt.task == Some(task) && attempt.phase.is_in_hand())
            .map(|(id, _)| id)
            .collect();
        for &id in &lost {
            let attempt = &mut self.attempts[id];
            attempt.flags.clear(Flags::HOLDS_SOMETHING);
            if let Phase::Calling(call) = attempt.phase {
                self.abandon(cx, id, call);
            }
        }
        lost.retain(|&id| match self.attempts[id].caller {
            Caller::Join(_) | Caller::StartUp => {
                self.attempts.remove(id);
                false
            }
            Caller::Check(_) => true,
            Caller::Client(..) | Caller::Strand(_) => {
                let counts = &mut self.counts[revision as usize];
                counts.requests += 1;
                counts.errors += 1;
                true
            }
        });
        lost
    }

    /// Nobody is there to take the attempt or to refuse it.
    fn unanswered(&mut self, cx: &mut Context<'_>, id: Id<Attempt>) {
        let attempt = &self.attempts[id];
        if attempt.flags.has(Flags::CALLER_GONE) || matches!(attempt.caller, Caller::Check(_)) {
            self.attempts.remove(id);
        } else {
            self.nobody_answers(cx, id);
        }
    }
}

/// Gives the event loop back, if the strand holds one.
#[inline]
fn leave_loop(servers: &mut Servers, attempts: &mut Arena<Attempt>, cx: &mut Context<'_>, id: Id<Attempt>) {
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
fn hand_on(server: &mut Server, attempts: &mut Arena<Attempt>, cx: &mut Context<'_>) {
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
