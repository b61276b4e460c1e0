//! What a server does beside serving whoever comes in order: how it queues and whom it turns away.

use super::{Duration, Form, Memory, Rate, Share, Throughput, Time};
use crate::units::{Ratio, Span};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How requests wait for a worker or a loop.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct QueueRules {
    /// Who is served next.
    pub discipline: Discipline,
    /// How long a request waits for its first worker or loop before it is answered 503; for ever if absent.
    pub timeout: Option<Time>,
    /// CoDel; off if absent.
    pub codel: Option<Codel>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Discipline {
    /// Who came first.
    #[default]
    Fifo,
    /// Who came last.
    Lifo,
    /// Who came last while a queue stands, else who came first.
    AdaptiveLifo(AdaptiveLifo),
    /// The most urgent by `priority` of the request, in order of arrival among equals. Nobody is interrupted. Where the
    /// backlog is full, the last of the least urgent makes room for something more urgent.
    Priority,
    /// One of each kind of request in turn.
    Fair,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AdaptiveLifo {
    /// The queue stands when more than so many wait.
    pub from: u32,
}

/// Whoever joins a queue that has stood for longer than the interval may wait for the target only, anybody else for the
/// interval; then it is answered 503.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Codel {
    pub target: Duration,
    pub interval: Duration,
}

impl Default for Codel {
    /// As published (Maurer, "Fail at Scale", ACM Queue, 2015).
    fn default() -> Self {
        Codel {
            target: Duration(Span::from_millis(5)),
            interval: Duration(Span::from_millis(100)),
        }
    }
}

/// A limit that a server, or a caller for its callee, finds by itself.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AdaptiveConcurrency {
    /// Follows the ratio of a long average of the latency to the present one (Netflix's Gradient2).
    Gradient(Bounds),
    /// Follows the queue that the present latency shows against the least one seen (after TCP Vegas).
    Vegas(Bounds),
    /// Grows by one with each answer while at least half of it is used, and shrinks by a share with each that is late (Netflix's
    /// AIMD). For callers a timeout, a refusal or a 503 counts as late; for servers nothing does but time.
    Aimd(Aimd),
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Aimd {
    #[schemars(range(min = 1))]
    pub initial: u32,
    #[schemars(range(min = 1))]
    pub min: u32,
    #[schemars(range(min = 1))]
    pub max: u32,
    /// An answer that took longer is late.
    pub timeout: Duration,
    /// What a late answer leaves of the limit.
    pub backoff_ratio: Share,
}

impl Default for Aimd {
    /// What Netflix's library starts with.
    fn default() -> Self {
        Aimd {
            initial: 20,
            min: 20,
            max: 200,
            timeout: Duration::secs(5),
            backoff_ratio: Share(Ratio::new(0.9).expect("a share")),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Bounds {
    #[schemars(range(min = 1))]
    pub initial: u32,
    #[schemars(range(min = 1))]
    pub min: u32,
    #[schemars(range(min = 1))]
    pub max: u32,
}

impl Default for Bounds {
    /// What Netflix's library starts with.
    fn default() -> Self {
        Bounds {
            initial: 20,
            min: 20,
            max: 200,
        }
    }
}

/// Requests in hand at once, or how the server finds that number.
pub type ConcurrencyLimit = Form<u32, AdaptiveConcurrency>;

/// A bucket of tokens in each task: who finds none is answered 503.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RateLimit {
    /// Tokens that come each second.
    pub rate: Rate,
    /// Tokens that the bucket holds; those of one second if absent.
    #[schemars(range(min = 1))]
    pub burst: Option<u32>,
}

/// Requests are answered 503 when the task's CPU is too busy.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LoadShedding {
    /// Time constant of the average over which the use of the CPU is measured.
    #[serde(default = "one_second")]
    pub window: Duration,
    /// Which requests are shed from which use on; of several that fit, the one that sheds most decides.
    #[schemars(length(min = 1))]
    pub rules: Vec<SheddingRule>,
}

fn one_second() -> Duration {
    Duration::secs(1)
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SheddingRule {
    /// Use of the task's CPU from which on requests are refused.
    pub from: Share,
    /// Use at which all are; between the two, in proportion.
    #[serde(default = "whole")]
    pub to: Share,
    /// Requests of this priority and less urgent ones; all if absent.
    #[serde(default)]
    #[schemars(range(max = 7))]
    pub priority: u8,
}

fn whole() -> Share {
    Share(Ratio::ONE)
}

/// Code that is slow until it has been compiled or its caches are warm: CPU steps take `factor` times as long at first and
/// come down to once in a straight line, over one of `requests` and `time`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WarmUp {
    #[schemars(range(min = 1))]
    pub factor: f64,
    /// Requests that the process has answered.
    #[schemars(range(min = 1))]
    pub requests: Option<u32>,
    /// Since the process listens.
    pub time: Option<Duration>,
}

/// Memory that requests leave behind for good.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RequestLeak {
    pub memory: Memory,
    /// So many requests leave it behind together.
    #[serde(default = "one_request")]
    #[schemars(range(min = 1))]
    pub requests: u32,
}

fn one_request() -> u32 {
    1
}

/// Stop-the-world garbage collection. When requests have allocated what is free of the heap, no CPU step goes on until the
/// collection is over. Requests in hand keep alive what they have allocated, so a queue makes collections longer and more
/// frequent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GarbageCollection {
    pub heap: Memory,
    pub allocation_per_request: Memory,
    /// What is always alive.
    #[serde(default = "no_memory")]
    pub live: Memory,
    /// Length of a collection that finds nothing alive.
    pub pause: Time,
    /// What a collection goes through of what is alive; it takes no time if absent.
    pub scan: Option<Throughput>,
}

fn no_memory() -> Memory {
    Memory(crate::units::MiB(0))
}
