//! What few servers have: the state of their rules, kept off the record that every request touches.

use crate::cluster::queue::Standing;
use crate::cluster::rate::TokenBucket;
use crate::units::{Instant, Span};

/// State of a server's [`crate::blueprint::ServerRules`].
#[derive(Clone, Debug, Default)]
pub struct ServerExtras {
    pub standing: Standing,
    pub limit: Option<Limit>,
    pub bucket: Option<TokenBucket>,
    pub load: Option<LoadAverage>,
    /// Present, but only to be told no: they do not count against a limit.
    pub turning_away: u32,
}

/// An adaptive limit of concurrency and what it has learnt. Latencies are in seconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limit {
    pub limit: f64,
    pub samples: u32,
    /// The latency that counts as unloaded: a long average (gradient) or the least seen lately (Vegas).
    pub unloaded: f64,
}

impl Limit {
    pub fn new(initial: u32) -> Limit {
        Limit {
            limit: f64::from(initial),
            samples: 0,
            unloaded: 0.0,
        }
    }

    /// Requests that may be in hand.
    pub fn requests(&self) -> u32 {
        self.limit as u32
    }
}

/// How busy a CPU has been lately: an exponentially weighted average, brought up to date by steps.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LoadAverage {
    /// Share of what is reserved.
    pub share: f64,
    step: Span,
    /// Weight of a step's reading.
    weight: f64,
    at: Instant,
    used: u64,
}

impl LoadAverage {
    /// Steps in a window.
    const STEPS: f64 = 10.0;

    pub fn new(window: Span, now: Instant, used: u64) -> LoadAverage {
        LoadAverage {
            share: 0.0,
            step: window.scaled(1.0 / Self::STEPS),
            // 1 - exp(-1/10), so that a window weighs 1 - 1/e.
            weight: 0.095_162_581_964_040_43,
            at: now,
            used,
        }
    }

    /// Whether a step has passed, so that a reading is due.
    pub fn is_due(&self, now: Instant) -> bool {
        now.since(self.at) >= self.step
    }

    /// Takes what has been used until now, of `reserved` vCPUs (both in ns of one vCPU since the last reading).
    pub fn read(&mut self, now: Instant, used: u64, vcpus: f64) {
        let passed = now.since(self.at);
        let share = (used - self.used) as f64 / (passed.nanos() as f64 * vcpus);
        // A server that was idle for several steps forgets for all of them.
        let steps = (passed.nanos() / self.step.nanos().max(1)).clamp(1, 100);
        for _ in 0..steps {
            self.share += self.weight * (share - self.share);
        }
        self.at = now;
        self.used = used;
    }
}
