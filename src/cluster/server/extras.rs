//! What few servers have: the state of their rules, kept off the record that every request touches.

use super::BrownedOut;
use crate::blueprint::{RequestMemory, WarmUp, WarmUpOver};
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
    /// Requests that have left with an answer.
    pub answered: u32,
    /// Since when it listens.
    pub listening: Option<Instant>,
    pub warm_up: Option<WarmUp>,
    pub brown_out: Option<Box<BrownedOut>>,
    pub heap: Option<Heap>,
    pub memory: Option<Memory>,
}

impl ServerExtras {
    /// Requests that it works for, of `present` ones.
    pub fn in_hand(&self, present: u32) -> u32 {
        present - self.turning_away
    }

    /// How many times as long CPU steps take now as they do in the end.
    #[inline(never)]
    pub fn cpu_factor(&self, now: Instant) -> f64 {
        let Some(WarmUp { factor, over }) = self.warm_up else {
            return 1.0;
        };
        let done = match (over, self.listening) {
            (WarmUpOver::Requests(all), _) => f64::from(self.answered) / f64::from(all.max(1)),
            (WarmUpOver::Time(all), Some(since)) => now.since(since).seconds() / all.max(Span::from_nanos(1)).seconds(),
            (WarmUpOver::Time(_), None) => 0.0,
        };
        1.0 + (factor - 1.0) * (1.0 - done).max(0.0)
    }
}

/// What requests have allocated since the last collection. MiB.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Heap {
    pub allocated: f64,
    pub is_collecting: bool,
}

/// What is left of the task's memory for its requests, and what they have of it. MiB.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Memory {
    pub law: RequestMemory,
    /// At the start of the server.
    pub room: f64,
    /// By which the room shrinks each second, because containers grow by themselves.
    pub shrinks: f64,
}

impl Memory {
    /// Of requests in hand, and of `answered` ones that have left something behind.
    pub fn used(&self, in_hand: u32, answered: u32) -> f64 {
        self.law.held * f64::from(in_hand) + self.law.leaked * f64::from(answered)
    }

    /// What there is for requests, `age` after the start.
    pub fn room(&self, age: Span) -> f64 {
        self.room - self.shrinks * age.seconds()
    }
}

/// An adaptive limit of concurrency and what it has learnt. Latencies are in seconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limit {
    pub limit: f64,
    pub samples: u32,
    /// The latency that counts as unloaded: a long average (gradient) or the least seen lately (Vegas).
    pub unloaded: f64,
    pub window: LimitWindow,
}

/// Answered requests that have not yet become a sample. Latencies are in seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct LimitWindow {
    pub answers: u32,
    /// Sum over them.
    pub latency: f64,
    /// The most that were in hand when one of them left.
    pub in_hand: u32,
    /// Not a sample before.
    pub until: Instant,
}

impl Limit {
    pub fn new(initial: u32) -> Limit {
        Limit {
            limit: f64::from(initial),
            samples: 0,
            unloaded: 0.0,
            window: LimitWindow::default(),
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
