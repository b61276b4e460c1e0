//! Queues of messages, as SQS has them, and the services that consume them.

use super::{OperationIx, QueueIx};
use crate::engine::dist::Dist;
use crate::units::{Ratio, Span};

/// An SQS standard queue. Ranges and defaults are those of SetQueueAttributes.
#[derive(Clone, Debug)]
pub struct MessageQueue {
    pub name: String,
    /// A new message cannot be received before.
    pub delay: Span,
    /// How long a received message is hidden.
    pub visibility_timeout: Span,
    /// Messages older than this are gone, wherever they are.
    pub message_retention_period: Span,
    /// How long a receive waits for a message; zero is short polling.
    pub receive_message_wait_time: Span,
    pub redrive_policy: Option<RedrivePolicy>,
    /// Share of sends that are answered with an error, and put nothing into the queue.
    pub error_ratio: Ratio,
}

/// What becomes of messages that cannot be handled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RedrivePolicy {
    pub dead_letter_queue: QueueIx,
    /// A message that has been received so often is moved instead of being received once more.
    pub max_receive_count: u32,
}

/// A service's tasks receive from a queue and handle what they get.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Consumer {
    pub queue: QueueIx,
    /// What handles a message.
    pub operation: OperationIx,
    /// Most messages of one receive, from 1 to 10.
    pub batch_size: u8,
    /// Loops of each task that receive, handle and delete; each handles one message after the other.
    pub pollers: u32,
    /// With short polling: the pause after a receive that found nothing.
    pub poll_interval: Span,
    pub batch_failure: BatchFailure,
}

/// What one message that is not handled means for the others of its batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BatchFailure {
    /// Nothing: each message is deleted as soon as it has been handled.
    Item,
    /// All come back: the batch is deleted when all of it has been handled, or not at all.
    Batch,
}

/// How long SQS takes to answer, of which AWS publishes no figures.
#[derive(Clone, Debug)]
pub struct SqsModel {
    /// From asking until the message is in the queue and the sender knows.
    pub send_message: Dist,
    /// From asking until messages are looked for, the way of the answer included.
    pub receive_message: Dist,
    /// From asking until the message is gone and the consumer knows.
    pub delete_message: Dist,
}

impl Default for SqsModel {
    fn default() -> Self {
        let usual = || Dist::constant(0.01).expect("a time");
        SqsModel {
            send_message: usual(),
            receive_message: usual(),
            delete_message: usual(),
        }
    }
}
