//! When faults come and go, and whom they befall.

use super::{Factor, Share, Time};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// In order and in trouble by turns, in order first; a plain time is the mean of an exponential distribution.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AtRandom {
    /// From the end of one failure to the beginning of the next.
    pub time_between_failures: Time,
    /// How long each lasts, if `lasting` does not say it. What happens at once has none.
    pub time_to_repair: Option<Time>,
}

/// In trouble and in order by turns, in trouble first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Flapping {
    /// How long it lasts each time.
    pub down: Time,
    /// How long all is well in between.
    pub up: Time,
}

/// Running tasks: those to which all of this applies, or some of them, chosen at random.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Selection {
    pub service: Option<String>,
    /// An availability zone.
    pub zone: Option<String>,
    /// Of the service: 1 runs at the start, each deployment adds one.
    #[schemars(range(min = 1))]
    pub revision: Option<u32>,
    /// One of the cluster's, FARGATE or FARGATE_SPOT.
    pub capacity_provider: Option<String>,
    /// So many of them; all without `count` and `share`.
    #[schemars(range(min = 1))]
    pub count: Option<u32>,
    /// This share of them, rounded up.
    pub share: Option<Share>,
}

/// Tasks that run are ill: slow, wrong, or still. Those that start meanwhile are not.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GrayFailure {
    pub on: Selection,
    /// CPU work and waits take so many times as long.
    pub slow: Option<Factor>,
    /// Requests that end with status 500.
    pub error_ratio: Option<Share>,
    /// Connections are taken, and nothing goes on.
    #[serde(default)]
    pub hangs: bool,
    /// What a task's health checks see of it.
    #[serde(default)]
    pub health_checks: ChecksOfTheIll,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ChecksOfTheIll {
    /// What requests see: they are slow, wrong or not answered.
    #[default]
    Suffer,
    /// They pass at once: the task lies.
    Pass,
}

/// Requests that do harm to the tasks of a service that serve them. Whether one is poison belongs to the client's request:
/// all its attempts are, and the calls that are made for its sake.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PoisonRequests {
    /// Whose tasks cannot stand them.
    pub service: String,
    /// Of the service, the only one that cannot: 1 runs at the start, each deployment adds one.
    #[schemars(range(min = 1))]
    pub revision: Option<u32>,
    /// Whose requests they are; of all if absent.
    pub traffic: Option<String>,
    /// The kind of requests that they are, one of a traffic's `requests`; of all if absent.
    pub request: Option<String>,
    /// Of those requests; all if absent.
    #[serde(default = "super::link::all")]
    pub share: Share,
    #[serde(default)]
    pub effect: PoisonEffect,
    /// Of a container that crashes.
    #[serde(default = "uncaught")]
    pub exit_code: u8,
}

/// What runtimes make of an error that nobody catches.
fn uncaught() -> u8 {
    1
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PoisonEffect {
    /// The serving container exits when such a request's turn comes.
    #[default]
    Crash,
    /// Such a request is never answered, and keeps the worker or event loop that it has.
    Hang,
}

/// All of these dependencies are in the same trouble at the same time. What they have in hand when it begins goes on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DependencyOutage {
    #[schemars(length(min = 1))]
    pub dependencies: Vec<String>,
    /// Of the requests that reach them, those that are not served; all if absent.
    #[serde(default = "super::link::all")]
    pub share: Share,
    #[serde(default)]
    pub unserved: Unserved,
    /// Service takes so many times as long; as long as ever if absent.
    pub slow: Option<Factor>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Unserved {
    /// They are refused at once.
    #[default]
    Refused,
    /// They are not answered: who asks waits until its patience ends.
    Unanswered,
}
