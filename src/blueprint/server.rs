//! What a server does beside serving whoever comes in order: how it queues, whom it turns away, what requests cost it
//! in memory, and how fresh its code is.

use crate::engine::dist::Dist;
use crate::units::{MiB, Ratio, Span};

/// Rules of a revision's server; all absent for one that serves in order and refuses only what its backlog cannot hold.
#[derive(Clone, Debug, Default)]
pub struct ServerRules {
    pub queue: QueueRules,
    pub concurrency: Option<ConcurrencyLimit>,
    pub rate: Option<RateLimit>,
    pub shedding: Option<Shedding>,
    /// CPU time that it takes to turn a request away.
    pub refusal_cpu: Span,
    /// How long a refusal asks its caller to wait.
    pub retry_after: Option<Span>,
    pub memory: Option<RequestMemory>,
    pub collection: Option<Collection>,
    pub warm_up: Option<WarmUp>,
    pub brown_out: Option<BrownOut>,
}

#[derive(Clone, Debug, Default)]
pub struct QueueRules {
    pub discipline: Discipline,
    /// How long a request waits for its first worker or loop before it is turned away.
    pub timeout: Option<Dist>,
    pub controlled_delay: Option<ControlledDelay>,
}

/// Who is served next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Discipline {
    /// Who came first.
    #[default]
    Fifo,
    /// Who came last.
    Lifo,
    /// Who came last while more than so many wait, else who came first [Maurer, "Fail at Scale", ACM Queue 13(8), 2015].
    AdaptiveLifo { from: u32 },
    /// The most urgent, in order of arrival among equals; nobody is interrupted.
    Priority,
    /// One of each class of requests in turn.
    Fair,
}

/// CoDel as servers have it [Maurer 2015]: whoever joins a queue that has stood for longer than the interval may wait for
/// the target only, anybody else for the interval.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ControlledDelay {
    pub target: Span,
    pub interval: Span,
}

/// How many requests a server has in hand at once, those that wait included; or how many attempts a caller has under way.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ConcurrencyLimit {
    Fixed(u32),
    Gradient(Adaptive),
    Vegas(Adaptive),
    Aimd(Aimd),
}

impl ConcurrencyLimit {
    /// What it begins with.
    pub fn initial(self) -> u32 {
        match self {
            ConcurrencyLimit::Fixed(limit) => limit,
            ConcurrencyLimit::Gradient(bounds) | ConcurrencyLimit::Vegas(bounds) => bounds.initial,
            ConcurrencyLimit::Aimd(rule) => rule.bounds.initial,
        }
    }
}

/// A limit that grows by one with each good answer and shrinks by a share with each that is lost or late.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Aimd {
    pub bounds: Adaptive,
    /// Latency above which an answer is late.
    pub late: Span,
    /// What is left of the limit.
    pub backoff: Ratio,
}

/// A limit that follows the latency that the server sees [Netflix concurrency-limits].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Adaptive {
    pub initial: u32,
    pub min: u32,
    pub max: u32,
}

/// A bucket of tokens for each task.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RateLimit {
    /// Tokens a second.
    pub rate: f64,
    pub burst: u32,
}

/// Turning requests away by how busy the task's CPU is.
#[derive(Clone, Debug, PartialEq)]
pub struct Shedding {
    /// Time constant of the average over which use is measured.
    pub window: Span,
    pub rules: Vec<SheddingRule>,
}

/// Requests of this priority and less urgent ones are refused with a probability that grows from 0 at `from` to 1 at `to`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SheddingRule {
    pub priority: u8,
    /// Of the task's CPU.
    pub from: Ratio,
    pub to: Ratio,
}

/// What requests take of the task's memory.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RequestMemory {
    /// MiB, while the request is in hand.
    pub held: f64,
    /// MiB that a request leaves behind for good.
    pub leaked: f64,
}

/// Stop-the-world garbage collection: when what is free of the heap has been allocated, everything stands.
#[derive(Clone, Debug)]
pub struct Collection {
    pub heap: MiB,
    /// MiB that each request allocates, and keeps alive while it is in hand.
    pub allocation: f64,
    /// What is always alive.
    pub live: MiB,
    /// Length of a pause without what is alive.
    pub pause: Dist,
    /// MiB of what is alive that a collection goes through in a second; `None`: no time.
    pub scan: Option<f64>,
}

/// Code that is slow until it has been compiled: CPU steps take `factor` times as long at first and fall to 1 in a straight line.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct WarmUp {
    pub factor: f64,
    pub over: WarmUpOver,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WarmUpOver {
    /// Requests that the process has begun.
    Requests(u32),
    /// Since it listens.
    Time(Span),
}

/// When a server leaves optional steps out [C. Klein and others, "Brownout: building more robust cloud applications", ICSE
/// 2014].
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum BrownOut {
    /// A share of them, which follows the response times that the server sees.
    ResponseTime(DimmerRule),
    /// A share that grows from 0 to 1 with the use of the task's CPU, averaged with this time constant.
    Cpu { from: Ratio, to: Ratio, window: Span },
    /// A share that grows from 0 to 1 with the requests that wait at the server.
    Queue { from: u32, to: u32 },
}

/// How a dimmer follows response times.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DimmerRule {
    pub target: Span,
    /// Of the response times of a period, the percentile that is held at the target.
    pub percentile: Ratio,
    pub period: Span,
    /// Of the closed loop, 0 to 1: the share of the error that a period leaves.
    pub pole: f64,
}

/// How urgent a request is: 0 first, 7 last [RFC 9218, urgency].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Priority(pub u8);

impl Priority {
    pub const LEVELS: usize = 8;
    pub const MOST_URGENT: Priority = Priority(0);
    pub const LEAST_URGENT: Priority = Priority(7);
}

impl Default for Priority {
    /// RFC 9218's urgency where none is given.
    fn default() -> Self {
        Priority(3)
    }
}
