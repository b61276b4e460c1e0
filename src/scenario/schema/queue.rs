//! Queues of messages, who puts messages into them, and who consumes them.

use super::{CallBreaker, Duration, Retry, Share};
use crate::units::Ratio;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// An SQS standard queue: messages are delivered at least once, in about the order of their arrival.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Queue {
    /// A new message cannot be received before; up to 15 minutes.
    pub delay: Duration,
    /// A received message that is not deleted can be received again after this; up to 12 hours.
    pub visibility_timeout: Duration,
    /// A message that is older is gone; 60 s to 14 days.
    pub message_retention_period: Duration,
    /// How long a receive waits for a message, up to 20 s. 0 is short polling: it comes back empty at once.
    pub receive_message_wait_time: Duration,
    /// Where messages go that cannot be handled; they come back for ever if absent.
    pub redrive_policy: Option<RedrivePolicy>,
    /// Share of messages that are not taken and whose sender is told so.
    pub error_ratio: Share,
}

impl Default for Queue {
    fn default() -> Self {
        Queue {
            delay: Duration::ZERO,
            visibility_timeout: Duration::secs(30),
            message_retention_period: Duration::secs(4 * 86_400),
            receive_message_wait_time: Duration::ZERO,
            redrive_policy: None,
            error_ratio: Share(Ratio::ZERO),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RedrivePolicy {
    /// One of `queues`. Its own retention counts from when the message was first sent.
    pub dead_letter_queue: String,
    /// A message that has been received so often is moved instead of being received once more.
    #[schemars(range(min = 1, max = 1000))]
    pub max_receive_count: u32,
}

/// A message to a queue: the step is over when it has been taken.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Publish {
    pub queue: String,
    /// Of one attempt; none if absent. The message may have been taken all the same.
    pub timeout: Option<Duration>,
    /// No retry if absent.
    pub retry: Option<Retry>,
    /// None if absent.
    pub circuit_breaker: Option<CallBreaker>,
}

/// What a service's tasks receive, and how they handle it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Consumer {
    pub queue: String,
    /// What a message makes the service do; its first operation if absent.
    pub operation: Option<String>,
    /// Most messages of one receive (MaxNumberOfMessages).
    #[serde(default = "one")]
    #[schemars(range(min = 1, max = 10))]
    pub batch_size: u32,
    /// Loops of each task that receive a batch, handle one message after the other, and receive again. They are threads of
    /// their own and take no worker of the `runtime`.
    #[serde(default = "one")]
    #[schemars(range(min = 1, max = 10_000))]
    pub pollers: u32,
    /// With short polling: the pause after a receive that found nothing.
    #[serde(default = "second")]
    pub poll_interval: Duration,
    /// Whether each message of a batch is deleted as soon as it has been handled. Otherwise the batch is deleted when all of it
    /// has been handled, and the first failure ends it: all of its messages come back.
    #[serde(default = "super::yes")]
    pub report_batch_item_failures: bool,
}

fn one() -> u32 {
    1
}

fn second() -> Duration {
    Duration::secs(1)
}

/// How long SQS takes to answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SqsModel {
    /// From sending until the message is in the queue and the sender knows.
    pub send_message: super::Time,
    /// From asking until the queue is looked into, the way of the answer included.
    pub receive_message: super::Time,
    /// From asking until the message is gone and the consumer knows.
    pub delete_message: super::Time,
}

impl Default for SqsModel {
    fn default() -> Self {
        let usual = || super::Form::Short(Duration(crate::units::Span::from_millis(10)));
        SqsModel {
            send_message: usual(),
            receive_message: usual(),
            delete_message: usual(),
        }
    }
}
