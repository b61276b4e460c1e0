//! What came of the messages of a queue in measured time, told at the end of a run.

use crate::blueprint::QueueIx;
use crate::stats::LatencyHistogram;
use crate::units::Span;

#[derive(Clone, Debug)]
pub struct QueueCount {
    pub queue: QueueIx,
    /// Messages put into it, dead letters of other queues included.
    pub sent: u64,
    /// Messages received, each as often as it was.
    pub received: u64,
    /// Of these, not for the first time.
    pub redelivered: u64,
    /// Of these, whose handling failed; what dies with its task is not seen to fail.
    pub failed: u64,
    pub deleted: u64,
    /// Handled well by somebody whose receipt was no longer the newest, so that nothing was deleted.
    pub duplicates: u64,
    /// Moved to the dead-letter queue.
    pub dead_lettered: u64,
    /// Older than the retention period.
    pub expired: u64,
    /// Receives that found nothing.
    pub empty_receives: u64,
    /// When measuring began, and when it ended: wherever they were in the queue.
    pub at_begin: u64,
    pub at_end: u64,
    /// Most messages that could be received at once.
    pub peak_visible: u64,
    pub peak_in_flight: u64,
    /// Oldest that a message was when it left, or at the end.
    pub oldest: Span,
    /// From sending to the first receive.
    pub waited: LatencyHistogram,
    /// From sending until it was deleted.
    pub took: LatencyHistogram,
}

impl QueueCount {
    pub fn none(queue: QueueIx) -> Self {
        QueueCount {
            queue,
            sent: 0,
            received: 0,
            redelivered: 0,
            failed: 0,
            deleted: 0,
            duplicates: 0,
            dead_lettered: 0,
            expired: 0,
            empty_receives: 0,
            at_begin: 0,
            at_end: 0,
            peak_visible: 0,
            peak_in_flight: 0,
            oldest: Span::ZERO,
            waited: LatencyHistogram::fine(),
            took: LatencyHistogram::fine(),
        }
    }
}

/// What is in a queue at an instant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct QueueSample {
    pub visible: u64,
    pub in_flight: u64,
}
