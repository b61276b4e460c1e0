//! Client-side balancing: how whoever sends straight to tasks picks one.

use super::Form;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// An algorithm, or an algorithm with more to it.
pub type Balance = Form<Balancing, ClientBalancing>;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Balancing {
    #[default]
    RoundRobin,
    LeastOutstandingRequests,
    Random,
    /// Of two tasks drawn at random the one with fewer of the sender's requests under way.
    PowerOfTwoChoices,
    /// At random, in proportion to the tasks' CPU.
    WeightedRandom,
}

/// How a sender without balancer picks a task, and among which.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ClientBalancing {
    #[serde(default)]
    pub algorithm: Balancing,
    /// Of calls: whether all tasks of the calling service share positions and counts, or each has its own; `shared` if
    /// absent, `per_task` with `zones` or `subset`.
    pub view: Option<ViewScope>,
    /// Of calls: which zones a calling task sends to.
    #[serde(default)]
    pub zones: ZonePreference,
    /// Of calls: each calling task sends to so many tasks only, spread evenly over callers (deterministic subsetting).
    #[schemars(range(min = 1))]
    pub subset: Option<u32>,
    /// Of traffic with `clients` or `users`: each client sends to so many tasks only, its shard, drawn for each client.
    #[schemars(range(min = 1))]
    pub shuffle_shard: Option<u32>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ViewScope {
    Shared,
    PerTask,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ZonePreference {
    #[default]
    Any,
    /// The caller's own as long as a task is there.
    SameZone,
    /// The caller's own as far as its share of the tasks bears its share of the callers; what is too much goes to zones
    /// that have room.
    Proportional,
}
