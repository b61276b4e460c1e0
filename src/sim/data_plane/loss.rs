//! Work that ends before its time: cancelled because nobody waits for it, or lost with its process.

use super::DataPlane;
use super::strand::leave_loop;
use crate::cluster::Task;
use crate::cluster::attempt::{Answer, Attempt, Caller, Flags, Phase};
use crate::cluster::cause::Reason;
use crate::cluster::queue::Queue;
use crate::cluster::server::Door;
use crate::engine::arena::Id;
use crate::sim::context::Context;
use crate::sim::event::DataEvent;
use crate::units::Instant;

impl DataPlane {
    /// Stops a strand that nobody waits for, and what it waits for itself.
    pub(super) fn cancel(&mut self, cx: &mut Context<'_>, id: Id<Attempt>) {
        let attempt = &self.attempts[id];
        if attempt.flags.has(Flags::AFFLICTED) && self.is_stuck(id) {
            return;
        }
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
        self.misses_end(cx, id, None);
        self.count_dropped(id);
        if let Caller::Join(_) | Caller::Nobody = caller {
            leave_loop(&mut self.servers, &mut self.attempts, cx, id);
        } else {
            self.leave_server(cx, id);
        }
        self.trace_goes(cx, id);
        self.attempts.remove(id);
    }

    /// A strand that ends early leaves the call it waits for without a caller.
    pub(super) fn abandon(&mut self, cx: &mut Context<'_>, strand: Id<Attempt>, call: Id<Attempt>) {
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
        self.leaves_host(cx.now(), task);
        self.drop_connections(task);
        self.pollers_die(task);
        self.close_connections(task);
        for id in self.lose_work(cx, task, server.revision) {
            self.answer(cx, id, Answer::Refused(Reason::TaskDied.here()));
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
        self.leaves_host(cx.now(), task);
        self.drop_connections(task);
        self.pollers_die(task);
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
            self.rulebook.forget(attempt, id);
            if let Phase::Calling(call) = attempt.phase {
                self.abandon(cx, id, call);
            }
            self.misses_end(cx, id, None);
        }
        lost.retain(|&id| match self.attempts[id].caller {
            Caller::Join(_) | Caller::Nobody | Caller::StartUp => {
                self.attempts.remove(id);
                false
            }
            // Its message comes back by itself.
            Caller::Poller(_) => {
                let counts = &mut self.counts[revision as usize];
                counts.requests += 1;
                counts.errors += 1;
                self.attempts.remove(id);
                false
            }
            // Whoever asked for the connection finds what has become of the task.
            Caller::SetUp(asking) => {
                self.attempts.remove(id);
                cx.follow(DataEvent::AtTask, asking);
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
}
