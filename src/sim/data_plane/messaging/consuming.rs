//! Consumers: loops of a task that receive messages, let the task's server handle one after the other, and delete what
//! has been handled.
//!
//! A message is handled by an operation of the service, on the task's CPU and loops as a request is. The poller itself is
//! the thread: it takes no worker of a thread pool, has no place in a backlog, and nobody turns it away. What fails, and
//! what dies with its task, is simply not deleted; its visibility timeout brings it back.

use super::super::DataPlane;
use super::super::strand::hand_on;
use super::purpose;
use crate::blueprint::{BatchFailure, QueueIx};
use crate::cluster::Task;
use crate::cluster::attempt::{Answer, Attempt, Caller, Flags, Phase};
use crate::cluster::cause::Reason;
use crate::cluster::message::Place;
use crate::cluster::poller::{Batch, Doing, Poller};
use crate::cluster::server::Door;
use crate::engine::arena::Id;
use crate::sim::context::Context;
use crate::sim::event::{DataEvent, Event};

impl DataPlane {
    /// A task's process listens: its consumers begin to receive.
    pub(in super::super) fn begin_receiving(&mut self, cx: &mut Context<'_>, task: Id<Task>) {
        if self.messaging.is_none() {
            return;
        }
        let Some(service) = self.servers.get(task).map(|server| server.service) else {
            return;
        };
        let blueprint = cx.blueprint;
        let process = cx.key.entity("pollers", "").child(task.index() as u64);
        let process = process.child(cx.now().nanos());
        for (number, &consumer) in blueprint.services[service.at()].consumes.iter().enumerate() {
            for poller in 0..consumer.pollers {
                let key = process.child(number as u64).child(u64::from(poller));
                let id = self.messaging().pollers.insert(Poller {
                    task,
                    consumer,
                    key,
                    receives: 0,
                    doing: Doing::Asking,
                    batch: Batch::default(),
                });
                self.ask_for_messages(cx, id);
            }
        }
    }

    /// SIGTERM: nothing new is received, what is in hand goes on.
    pub(in super::super) fn stop_receiving(&mut self, task: Id<Task>) {
        self.drop_pollers(task, |poller| matches!(poller.doing, Doing::Waiting { .. }));
    }

    /// The process is gone, and its loops with it. What they have received stays in flight until its time is over.
    pub(in super::super) fn pollers_die(&mut self, task: Id<Task>) {
        self.drop_pollers(task, |_| true);
    }

    fn drop_pollers(&mut self, task: Id<Task>, which: fn(&Poller) -> bool) {
        let Some(messaging) = &mut self.messaging else { return };
        let of_task = messaging.pollers.iter();
        let of_task = of_task.filter(|(_, poller)| poller.task == task && which(poller));
        let gone: Vec<Id<Poller>> = of_task.map(|(id, _)| id).collect();
        for id in gone {
            messaging.pollers.remove(id);
        }
        let pollers = &messaging.pollers;
        for queue in &mut messaging.queues {
            queue.waiting.retain(|id| pollers.contains(*id));
        }
    }

    fn ask_for_messages(&mut self, cx: &mut Context<'_>, id: Id<Poller>) {
        let messaging = self.messaging();
        let poller = &mut messaging.pollers[id];
        poller.doing = Doing::Asking;
        poller.receives += 1;
        let key = poller.key.child(poller.receives);
        messaging.receive.schedule(cx, || key, DataEvent::ReceiveMessage, id);
    }

    /// A receive has come to its queue.
    pub(in super::super) fn receive_message(&mut self, cx: &mut Context<'_>, id: Id<Poller>) {
        let Some(task) = self.messaging().pollers.get(id).map(|poller| poller.task) else {
            return;
        };
        if !self.receives(task) {
            self.messaging().pollers.remove(id);
            return;
        }
        if self.messaging().take(cx, id) {
            return self.handle_next(cx, id);
        }
        let messaging = self.messaging();
        let poller = &mut messaging.pollers[id];
        let at = poller.queue();
        if !cx.blueprint.queues[at.at()].receive_message_wait_time.is_zero() {
            poller.doing = Doing::Waiting { since: cx.now() };
            messaging.queues[at.at()].waiting.push_back(id);
            return;
        }
        poller.receives += 1;
        let asking = messaging.receive.span(poller.key.child(poller.receives));
        let pause = poller.consumer.poll_interval + asking;
        messaging.queues[at.at()].count.empty_receives += u64::from(cx.is_measured());
        cx.calendar
            .schedule_in(pause, Event::data(DataEvent::ReceiveMessage, id));
    }

    /// Whether the task's process still asks for messages.
    fn receives(&self, task: Id<Task>) -> bool {
        let server = self.servers.get(task);
        server.is_some_and(|server| matches!(server.door, Door::Open | Door::Troubled))
    }

    /// Those who wait at a queue get what can be received.
    pub(super) fn feed(&mut self, cx: &mut Context<'_>, at: QueueIx) {
        loop {
            let messaging = self.messaging();
            let queue = &mut messaging.queues[at.at()];
            if queue.lists.len(Place::Visible) == 0 {
                return;
            }
            let Some(id) = queue.waiting.pop_front() else {
                return;
            };
            let Doing::Waiting { since } = messaging.pollers[id].doing else {
                unreachable!("who waits at a queue does nothing else")
            };
            if !messaging.take(cx, id) {
                // All that was visible has become dead letters, or too many are in flight.
                messaging.queues[at.at()].waiting.push_front(id);
                return;
            }
            let wait = cx.blueprint.queues[at.at()].receive_message_wait_time;
            let in_vain = cx.now().since(since).nanos() / wait.nanos();
            if cx.is_measured() {
                messaging.queues[at.at()].count.empty_receives += in_vain;
            }
            self.handle_next(cx, id);
        }
    }

    /// The poller's next message is handled, or the batch is over.
    fn handle_next(&mut self, cx: &mut Context<'_>, id: Id<Poller>) {
        let messaging = self.messaging.as_mut().expect("a poller has a queue");
        let poller = &mut messaging.pollers[id];
        let Some(received) = poller.batch.present() else {
            return self.batch_over(cx, id);
        };
        let (task, operation) = (poller.task, poller.consumer.operation);
        let server = self.servers.get_mut(task).expect("a poller dies with its server");
        let served = self.operations.of_operation(server.revision, operation);
        let handling = received.key.child(purpose::HANDLING);
        let (strand, attempt) = self.attempts.place(Attempt::BLANK);
        attempt.key = handling.child(u64::from(received.receipt));
        attempt.request_key = received.key;
        attempt.caller = Caller::Poller(id);
        attempt.phase = Phase::Ready;
        attempt.task = Some(task);
        attempt.zone = Some(server.zone);
        attempt.served = served;
        let row = self.operations.row(served);
        attempt.program = row.program.expect("an operation has a program");
        attempt.first_sent = cx.now();
        let (is_troubled, has_rules) = (server.door == Door::Troubled, server.extras.is_some());
        if is_troubled {
            attempt.flags.set(Flags::AFFLICTED);
        }
        server.present += 1;
        self.work[row.revision as usize].attempts += 1;
        poller.doing = Doing::Handling(strand);
        if is_troubled {
            self.taste(cx, strand, task);
        }
        if has_rules {
            self.takes_memory(cx, strand, task);
        }
        cx.follow(DataEvent::GoOn, strand);
    }

    /// A message's strand has come to its end.
    #[cold]
    #[inline(never)]
    pub(in super::super) fn message_handled(
        &mut self,
        cx: &mut Context<'_>,
        (strand, id): (Id<Attempt>, Id<Poller>),
        answer: Answer,
    ) {
        let answer = match self.attempts[strand].flags.has(Flags::UNUSUAL_END) {
            true => self.ends_unusually(cx, strand, answer),
            false => answer,
        };
        let attempt = self.attempts.remove(strand).expect("it has just ended");
        let row = self.operations.row(attempt.served);
        let errs = row.error_ratio > 0.0 && attempt.key.child(purpose::ERROR).happens(row.error_ratio);
        let answer = match answer {
            Answer::Success if errs => Answer::Failure(Reason::OwnError.here()),
            other => other,
        };
        let counts = &mut self.counts[row.revision as usize];
        counts.requests += 1;
        counts.errors += u64::from(answer != Answer::Success && !answer.is_client_error());
        let task = attempt.task.expect("a strand runs on a task");
        let server = self.servers.get_mut(task).expect("a strand dies with its server");
        server.present -= 1;
        if let Some(extras) = &mut server.extras {
            extras.answered = extras.answered.saturating_add(1);
        }
        if attempt.flags.has(Flags::HOLDS_SOMETHING) {
            hand_on(server, &mut self.attempts, cx);
        }
        let messaging = self.messaging.as_mut().expect("a poller has a queue");
        let poller = &mut messaging.pollers[id];
        let at = poller.queue();
        if !answer.is_success() {
            messaging.queues[at.at()].count.failed += u64::from(cx.is_measured());
            match poller.consumer.batch_failure {
                BatchFailure::Item => poller.batch.step(),
                BatchFailure::Batch => return self.batch_over(cx, id),
            }
            return self.handle_next(cx, id);
        }
        if poller.consumer.batch_failure == BatchFailure::Batch {
            poller.batch.step();
            if poller.batch.present().is_some() {
                return self.handle_next(cx, id);
            }
        }
        poller.doing = Doing::Deleting;
        let key = attempt.key.child(purpose::DELETE_MESSAGE);
        messaging.delete.schedule(cx, || key, DataEvent::MessageDeleted, id);
    }

    /// A delete has come to its queue.
    pub(in super::super) fn message_deleted(&mut self, cx: &mut Context<'_>, id: Id<Poller>) {
        let messaging = self.messaging();
        let Some(poller) = messaging.pollers.get_mut(id) else {
            return;
        };
        let at = poller.queue();
        match poller.consumer.batch_failure {
            BatchFailure::Item => {
                let received = poller.batch.present().expect("it has been handled");
                poller.batch.step();
                messaging.delete(cx, at, received);
            }
            BatchFailure::Batch => {
                for received in poller.batch.clone().iter() {
                    messaging.delete(cx, at, received);
                }
            }
        }
        self.handle_next(cx, id);
        // Where as many as may were in flight, there is room for another.
        self.feed(cx, at);
    }

    /// All messages of a receive have had their turn, or are not to have one.
    fn batch_over(&mut self, cx: &mut Context<'_>, id: Id<Poller>) {
        let task = self.messaging().pollers[id].task;
        if self.receives(task) {
            self.ask_for_messages(cx, id);
        } else {
            self.messaging().pollers.remove(id);
        }
    }
}
