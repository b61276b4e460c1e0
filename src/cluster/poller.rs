//! Pollers: loops of a task that receive messages, handle one after the other, and delete what has been handled.

use super::Task;
use super::attempt::Attempt;
use super::message::Message;
use crate::blueprint::{Consumer, QueueIx};
use crate::engine::arena::Id;
use crate::engine::random::Key;
use crate::units::Instant;

/// The most messages of one receive [SQS: ReceiveMessage].
pub const BATCH_MAX: usize = 10;

#[derive(Clone, Debug)]
pub struct Poller {
    pub task: Id<Task>,
    pub consumer: Consumer,
    /// Of what is drawn for its receives.
    pub key: Key,
    /// Receives so far.
    pub receives: u64,
    pub doing: Doing,
    pub batch: Batch,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doing {
    /// A receive is under way, or the pause before one.
    Asking,
    /// A long poll waits at the queue for a message.
    Waiting {
        since: Instant,
    },
    /// This strand handles the batch's present message.
    Handling(Id<Attempt>),
    Deleting,
}

impl Poller {
    pub fn queue(&self) -> QueueIx {
        self.consumer.queue
    }
}

/// A message in a consumer's hands.
#[derive(Clone, Copy, Debug)]
pub struct Received {
    pub message: Id<Message>,
    /// The number of the receipt: only the newest one deletes the message.
    pub receipt: u32,
    pub key: Key,
}

/// What one receive has brought.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    messages: [Option<Received>; BATCH_MAX],
    len: u8,
    /// Position of the present one.
    at: u8,
}

impl Batch {
    /// # Panics
    /// If ten are in it already.
    pub fn push(&mut self, received: Received) {
        self.messages[usize::from(self.len)] = Some(received);
        self.len += 1;
    }

    pub fn len(&self) -> usize {
        usize::from(self.len)
    }

    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The message whose turn it is; `None`: all have had theirs.
    pub fn present(&self) -> Option<Received> {
        self.messages.get(usize::from(self.at)).copied().flatten()
    }

    /// The present one has had its turn.
    pub fn step(&mut self) {
        self.at += 1;
    }

    pub fn iter(&self) -> impl Iterator<Item = Received> {
        self.messages.into_iter().flatten()
    }
}
