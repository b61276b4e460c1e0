//! Queues of messages: what is put into them, what is hidden and shown again, what dies or grows too old.
//!
//! Consumers are in `consuming`, senders in `sending`. A queue knows nothing of tasks but who waits for a message. One
//! timer for each queue stands at the next instant at which a message of it moves by itself; a consumer that waits in a
//! long poll costs no event.
//!
//! Not here: the lists ([`crate::cluster::message`]), and the order in which SQS's servers really give messages out,
//! which is about that of their arrival.

mod consuming;
mod sending;

use super::DataPlane;
use super::network::Delay;
use super::purpose;
use crate::blueprint::{Blueprint, QueueIx};
use crate::cluster::message::{Message, MessageLists, Place};
use crate::cluster::poller::{Batch, Poller, Received};
use crate::engine::arena::{Arena, Id};
use crate::engine::calendar::{Calendar, TimerId};
use crate::engine::dist::Tables;
use crate::sim::context::Context;
use crate::sim::event::{DataEvent, Event};
use crate::sim::observation::{Observation, QueueCount, QueueSample};
use crate::sim::signal::QueueMeter;
use crate::units::Instant;
use std::collections::VecDeque;

/// Messages of a standard queue that may be in flight at once [SQS: quotas].
const IN_FLIGHT_MAX: u64 = 120_000;

/// ApproximateAgeOfOldestMessage passes over what has been received more often [SQS: CloudWatch metrics].
const RECEIVES_OF_THE_POISONOUS: u32 = 3;

pub(super) struct Messaging {
    messages: Arena<Message>,
    queues: Vec<QueueState>,
    pollers: Arena<Poller>,
    send: Delay,
    receive: Delay,
    delete: Delay,
}

struct QueueState {
    lists: MessageLists,
    timer: TimerId,
    /// When the timer goes off.
    armed: Instant,
    /// Long polls without a message, the longest first.
    waiting: VecDeque<Id<Poller>>,
    count: QueueCount,
    meter: QueueMeter,
}

impl Messaging {
    /// `None`: there are no queues.
    pub fn new(blueprint: &Blueprint, calendar: &mut Calendar<Event>, tables: &mut Tables) -> Option<Box<Messaging>> {
        if blueprint.queues.is_empty() {
            return None;
        }
        let queue = |at: usize, calendar: &mut Calendar<Event>| QueueState {
            lists: MessageLists::default(),
            timer: calendar.timer(Event::data_extra(DataEvent::MessagesDue, at as u32)),
            armed: Instant::NEVER,
            waiting: VecDeque::new(),
            count: QueueCount::none(QueueIx::from_usize(at)),
            meter: QueueMeter::default(),
        };
        let queues = (0..blueprint.queues.len()).map(|at| queue(at, calendar)).collect();
        let model = &blueprint.model.sqs;
        Some(Box::new(Messaging {
            messages: Arena::new(),
            queues,
            pollers: Arena::new(),
            send: Delay::compile(&model.send_message, calendar, tables),
            receive: Delay::compile(&model.receive_message, calendar, tables),
            delete: Delay::compile(&model.delete_message, calendar, tables),
        }))
    }

    /// A message comes into a queue. Whoever waits for one is to be fed.
    fn put(&mut self, cx: &mut Context<'_>, at: QueueIx, message: Message, due: Instant) {
        let queue = &mut self.queues[at.at()];
        queue.lists.put(&mut self.messages, message, cx.now(), due);
        queue.meter.sent += 1;
        if cx.is_measured() {
            queue.count.sent += 1;
            queue.peaks();
        }
        self.arm(cx, at);
    }

    /// Hands a poller what can be received; gives whether that is anything.
    fn take(&mut self, cx: &mut Context<'_>, id: Id<Poller>) -> bool {
        let consumer = self.pollers[id].consumer;
        let at = consumer.queue;
        let written = &cx.blueprint.queues[at.at()];
        let hidden_until = cx.now() + written.visibility_timeout;
        let mut batch = Batch::default();
        while batch.len() < usize::from(consumer.batch_size) {
            let queue = &mut self.queues[at.at()];
            if queue.lists.len(Place::InFlight) >= IN_FLIGHT_MAX {
                break;
            }
            let Some(message) = queue.lists.next_visible(&self.messages) else {
                break;
            };
            let before = self.messages[message].receives;
            if let Some(redrive) = written.redrive_policy
                && before >= redrive.max_receive_count
            {
                self.bury(cx, at, message, redrive.dead_letter_queue);
                continue;
            }
            let receipt = queue.lists.receive(&mut self.messages, message, hidden_until);
            let Message { key, sent, .. } = self.messages[message];
            queue.meter.received += 1;
            if cx.is_measured() {
                queue.count.received += 1;
                queue.count.redelivered += u64::from(before > 0);
                if before == 0 {
                    queue.count.waited.record(cx.now().since(sent));
                }
                queue.peaks();
            }
            batch.push(Received { message, receipt, key });
        }
        let found = !batch.is_empty();
        self.pollers[id].batch = batch;
        self.arm(cx, at);
        found
    }

    /// Moves a message to the dead letters, where it keeps its age.
    fn bury(&mut self, cx: &mut Context<'_>, from: QueueIx, message: Id<Message>, to: QueueIx) {
        let queue = &mut self.queues[from.at()];
        let message = queue.lists.remove(&mut self.messages, message);
        if cx.is_measured() {
            queue.count.dead_lettered += 1;
        }
        self.put(cx, to, message.dead_letter(cx.now()), cx.now());
        // Its own consumers, if it has any, are fed by its timer.
        self.arm_at(cx, to, cx.now());
    }

    /// A consumer has handled a message and deletes it, which counts if nobody has received it since.
    fn delete(&mut self, cx: &mut Context<'_>, at: QueueIx, received: Received) {
        let queue = &mut self.queues[at.at()];
        let newest = self.messages.get(received.message).map(|message| message.receives);
        if newest != Some(received.receipt) {
            queue.count.duplicates += u64::from(cx.is_measured());
            return;
        }
        let message = queue.lists.remove(&mut self.messages, received.message);
        queue.meter.deleted += 1;
        if cx.is_measured() {
            let age = cx.now().since(message.sent);
            queue.count.deleted += 1;
            queue.count.took.record(age);
            queue.count.oldest = queue.count.oldest.max(age);
        }
    }

    /// Messages become visible or expire by themselves.
    fn move_due(&mut self, cx: &mut Context<'_>, at: QueueIx) {
        let queue = &mut self.queues[at.at()];
        let retention = cx.blueprint.queues[at.at()].message_retention_period;
        let now = cx.now();
        queue.armed = Instant::NEVER;
        while let Some(message) = queue.lists.expired(&self.messages, now, retention) {
            queue.lists.remove(&mut self.messages, message);
            if cx.is_measured() {
                queue.count.expired += 1;
                queue.count.oldest = queue.count.oldest.max(retention);
            }
        }
        queue.lists.show_due(&mut self.messages, now);
        if cx.is_measured() {
            queue.peaks();
        }
        self.arm(cx, at);
    }

    fn arm(&mut self, cx: &mut Context<'_>, at: QueueIx) {
        let retention = cx.blueprint.queues[at.at()].message_retention_period;
        let next = self.queues[at.at()].lists.next_due(&self.messages, retention);
        self.arm_at(cx, at, next);
    }

    /// The timer may go off too early, and is armed again then.
    fn arm_at(&mut self, cx: &mut Context<'_>, at: QueueIx, next: Instant) {
        let queue = &mut self.queues[at.at()];
        if next < queue.armed {
            queue.armed = next;
            cx.calendar.arm(queue.timer, next);
        }
    }

    fn total(&self, at: usize) -> u64 {
        self.queues[at].lists.total()
    }
}

impl QueueState {
    fn peaks(&mut self) {
        let visible = self.lists.len(Place::Visible);
        let in_flight = self.lists.len(Place::InFlight);
        self.count.peak_visible = self.count.peak_visible.max(visible);
        self.count.peak_in_flight = self.count.peak_in_flight.max(in_flight);
    }
}

impl DataPlane {
    /// A queue's timer has gone off.
    pub(super) fn messages_due(&mut self, cx: &mut Context<'_>, at: usize) {
        let at = QueueIx::from_usize(at);
        self.messaging().move_due(cx, at);
        self.feed(cx, at);
    }

    /// Not to be asked where there are no queues.
    fn messaging(&mut self) -> &mut Messaging {
        self.messaging.as_mut().expect("only queues and their users ask")
    }

    /// What is seen of the queues from now on counts.
    pub fn measuring_queues_begins(&mut self) {
        let Some(messaging) = &mut self.messaging else { return };
        for at in 0..messaging.queues.len() {
            let there = messaging.total(at);
            let queue = &mut messaging.queues[at];
            queue.count = QueueCount::none(QueueIx::from_usize(at));
            queue.count.at_begin = there;
            queue.peaks();
        }
    }

    /// What is still in the queues at the horizon, or where the run ends before it.
    pub fn measuring_ends(&mut self, cx: &Context<'_>) {
        let Some(messaging) = &mut self.messaging else { return };
        let now = cx.now();
        for at in 0..messaging.queues.len() {
            let there = messaging.total(at);
            let queue = &mut messaging.queues[at];
            queue.count.at_end = there;
            let oldest = queue.lists.oldest_arrival(&messaging.messages, u32::MAX);
            let age = oldest.map_or(queue.count.oldest, |since| now.since(since));
            queue.count.oldest = queue.count.oldest.max(age);
        }
    }

    /// Tells what came of the messages.
    pub(super) fn tell_of_queues(&mut self, cx: &mut Context<'_>) {
        if let Some(messaging) = &self.messaging {
            let counts = messaging.queues.iter().map(|queue| queue.count.clone());
            cx.observations.push(Observation::QueuesCounted(counts.collect()));
        }
    }

    /// The minute's counters, which begin again at zero, and what is there now.
    pub(super) fn meter_queues(&mut self, now: Instant) -> Vec<QueueMeter> {
        let Some(messaging) = &mut self.messaging else {
            return Vec::new();
        };
        let messages = &messaging.messages;
        let meter = |queue: &mut QueueState| {
            let oldest = queue.lists.oldest_arrival(messages, RECEIVES_OF_THE_POISONOUS);
            QueueMeter {
                visible: queue.lists.len(Place::Visible),
                not_visible: queue.lists.len(Place::InFlight),
                delayed: queue.lists.len(Place::Delayed),
                oldest: oldest.map(|since| now.since(since)).unwrap_or_default(),
                ..std::mem::take(&mut queue.meter)
            }
        };
        messaging.queues.iter_mut().map(meter).collect()
    }

    /// What is in the queues at this instant.
    pub(super) fn sample_queues(&self) -> Vec<QueueSample> {
        let queues = self.messaging.iter().flat_map(|messaging| &messaging.queues);
        let sample = |queue: &QueueState| QueueSample {
            visible: queue.lists.len(Place::Visible),
            in_flight: queue.lists.len(Place::InFlight),
        };
        queues.map(sample).collect()
    }

    #[cfg(test)]
    pub fn queue_counts(&self) -> Vec<&QueueCount> {
        let queues = self.messaging.iter().flat_map(|messaging| &messaging.queues);
        queues.map(|queue| &queue.count).collect()
    }

    /// Messages in all queues, and in one.
    #[cfg(test)]
    pub fn messages_in(&self, at: usize) -> u64 {
        self.messaging.as_ref().map_or(0, |messaging| messaging.total(at))
    }
}
