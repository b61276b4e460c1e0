//! What is read off at the end of each window of the timeline.

use super::{QueueSample, Reason, Sender};
use crate::blueprint::GroupIx;
use crate::units::Instant;

#[derive(Clone, Debug)]
pub struct Sample {
    pub at: Instant,
    /// For each service, since the last sample.
    pub services: Vec<ServiceSample>,
    /// For each dependency.
    pub dependencies: Vec<DependencySample>,
    /// For each queue.
    pub queues: Vec<QueueSample>,
    /// For each call of the blueprint and then each traffic source, since the last sample.
    pub senders: Vec<SenderSample>,
    /// Attempts that failed since the last sample: whose, why, how many.
    pub failures: Vec<(Sender, Reason, u64)>,
    /// Of instances that have CPU credits.
    pub credits: Vec<CreditSample>,
    /// Of each cache, since measuring began.
    pub caches: Vec<CacheLooks>,
}

/// A burstable instance's CPU credits (vCPU-minutes) at the end of a window, or when it ended.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CreditSample {
    pub at: Instant,
    pub instance: u32,
    pub group: GroupIx,
    pub balance: f64,
    pub surplus: f64,
    /// Since its last sample.
    pub used: f64,
    /// Since its last sample: surplus beyond what may be paid back.
    pub charged: f64,
    /// Since its last sample, by how much more its owner would have to pay for if it ended now; less, if negative.
    pub owed: f64,
    /// vCPUs that it gives.
    pub ceiling: f64,
}

/// How often somebody looked into a cache.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CacheLooks {
    pub looks: u64,
    /// Of these, found something.
    pub hits: u64,
}

/// Attempts that somebody has sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SenderSample {
    pub attempts: u64,
    /// Of these, after one of the same request had failed.
    pub retried: u64,
    /// Of these, beside one of the same request that still ran.
    pub hedged: u64,
    /// Of these, answered well before the other.
    pub hedges_won: u64,
    /// Retries and hedges that a budget did not allow.
    pub denied: u64,
    /// Calls that failed for good and whose fallback ran.
    pub fallbacks: u64,
}

impl SenderSample {
    pub fn add(&mut self, other: &SenderSample) {
        self.attempts += other.attempts;
        self.retried += other.retried;
        self.hedged += other.hedged;
        self.hedges_won += other.hedges_won;
        self.denied += other.denied;
        self.fallbacks += other.fallbacks;
    }
}

#[derive(Clone, Copy, Debug, Default)]
pub struct ServiceSample {
    /// ns of one vCPU since the last sample.
    pub cpu_used: u64,
    pub cpu_reserved: u64,
    /// At this instant, over the service's tasks.
    pub queued: u64,
    pub in_service: u64,
    pub work: Work,
}

/// What a service's tasks were asked for, and what of their work was for nothing, health checks aside.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Work {
    /// Attempts that reached a task, refused ones included.
    pub attempts: u64,
    /// Attempts that were worked on to their end although nobody above them waited any more.
    pub wasted: u64,
    /// CPU time of these, in ns of one vCPU.
    pub wasted_cpu: u64,
    /// Attempts that were dropped on the way because their caller had gone (`on_disconnect: cancel`).
    pub dropped: u64,
}

impl Work {
    pub fn add(&mut self, other: &Work) {
        self.attempts += other.attempts;
        self.wasted += other.wasted;
        self.wasted_cpu += other.wasted_cpu;
        self.dropped += other.dropped;
    }
}

#[derive(Clone, Copy, Debug, Default)]
pub struct DependencySample {
    pub queued: u64,
    pub in_service: u64,
}
