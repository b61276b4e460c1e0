//! Caches: what is looked up, what they have room for, and what is done on a hit and on a miss.

use super::{Duration, Memory, Share, Step, Time};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A look into a cache: either `of` a cache with a name, or one that each task of the service has for itself.
///
/// A miss whose steps succeed fills it; a miss that fails does not.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CacheStep {
    /// One of `caches`. Without it, the keys below describe a cache of each task.
    pub of: Option<String>,
    /// Share of looks that find something, in a cache that is warm. Either this or `keys`.
    pub hit_ratio: Option<Share>,
    /// With `hit_ratio`: an empty cache comes to it by so many fills, in proportion; at once if absent.
    pub warms_up: Option<u32>,
    /// What is looked up; the key belongs to the request.
    pub keys: Option<Keys>,
    /// With `keys`: entries; the least recently used one makes room. Without bound if absent.
    pub capacity: Option<u32>,
    /// With `keys`: of all entries, in place of `capacity`; needs `entry_bytes`.
    pub memory: Option<Memory>,
    /// Of an entry, with all that it takes to keep it.
    #[schemars(range(min = 1))]
    pub entry_bytes: Option<u32>,
    /// With `keys`: an entry is good for so long after it was filled; for ever if absent.
    pub ttl: Option<Duration>,
    /// With `keys`: those who miss the same key while it is being fetched wait for the first of them, and fail with it.
    pub coalesce: Option<bool>,
    /// What is done with what was found.
    #[serde(default)]
    pub hit: Vec<Step>,
    /// What is done where nothing was found.
    #[serde(default)]
    pub miss: Vec<Step>,
}

/// A cache with a name, which steps look into by `cache: { of: … }`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Cache {
    #[serde(default)]
    pub scope: CacheScope,
    /// That a look takes, whatever it finds.
    pub latency: Option<Time>,
    /// Share of looks that find something, in a cache that is warm. Either this or `keys`.
    pub hit_ratio: Option<Share>,
    /// With `hit_ratio`: an empty cache comes to it by so many fills, in proportion; at once if absent.
    pub warms_up: Option<u32>,
    /// What is looked up; the key belongs to the request.
    pub keys: Option<Keys>,
    /// With `keys`: entries; the least recently used one makes room. Without bound if absent.
    pub capacity: Option<u32>,
    /// With `keys`: of all entries, in place of `capacity`; needs `entry_bytes`.
    pub memory: Option<Memory>,
    /// Of an entry, with all that it takes to keep it.
    #[schemars(range(min = 1))]
    pub entry_bytes: Option<u32>,
    /// With `keys`: an entry is good for so long after it was filled; for ever if absent.
    pub ttl: Option<Duration>,
    /// With `keys`: those who miss the same key while it is being fetched wait for the first of them, and fail with it.
    pub coalesce: Option<bool>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CacheScope {
    /// One for all who look into it; it outlives their tasks.
    #[default]
    Shared,
    /// Each task has its own, which is empty when its process starts.
    Task,
}

/// Which keys are asked for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Keys {
    /// So many, each equally likely.
    Uniform(#[schemars(range(min = 1, max = 10_000_000))] u32),
    /// The k-th most popular one is asked for in proportion to 1/k^exponent.
    Zipf(Zipf),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Zipf {
    #[schemars(range(min = 1, max = 10_000_000))]
    pub count: u32,
    #[serde(default = "one")]
    #[schemars(range(min = 0, max = 10))]
    pub exponent: f64,
}

fn one() -> f64 {
    1.0
}

/// Caches lose their entries.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CacheFlush {
    /// One of `caches`. Either this or `service`.
    pub cache: Option<String>,
    /// All caches that tasks of this service have for themselves.
    pub service: Option<String>,
    /// Of entries; all if absent.
    pub share: Option<Share>,
}
