//! Client-side balancing: how whoever sends straight to tasks picks one.

use super::{Duration, Form, Share};
use crate::units::Ratio;
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
    /// With `least_outstanding_requests` and `power_of_two_choices`: what the sender knows of its tasks' load is looked up
    /// anew when it is so old; for each request if absent.
    pub load_refresh: Option<super::Duration>,
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

/// A calling task avoids a task that fails: each one by its own count.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct OutlierDetection {
    /// So many failures (HTTP 5xx, refused or broken connections, timeouts) within `interval`.
    #[schemars(range(min = 1, max = 1_000))]
    pub max_server_errors: u32,
    pub interval: Duration,
    /// How long the task is avoided at first; the n-th time in a row n times as long.
    pub base_ejection_duration: Duration,
    /// No longer than this.
    pub max_ejection_duration: Duration,
    /// Of the tasks that the caller knows, how many it avoids at once at most; one may always be.
    pub max_ejection_percent: Share,
}

impl Default for OutlierDetection {
    fn default() -> Self {
        OutlierDetection {
            max_server_errors: 5,
            interval: Duration::secs(30),
            base_ejection_duration: Duration::secs(30),
            max_ejection_duration: Duration::secs(300),
            max_ejection_percent: Share(Ratio::ONE),
        }
    }
}

/// A service of Cloud Map in which the tasks are registered, for calls `via: dns`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ServiceRegistry {
    /// How long a caller goes on using an answer.
    pub ttl: Duration,
    #[serde(default)]
    pub routing_policy: RoutingPolicy,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum RoutingPolicy {
    /// An answer holds up to eight tasks, drawn at random.
    #[default]
    Multivalue,
    /// An answer holds one task, drawn at random.
    Weighted,
}

/// A proxy beside each task that calls the service straight: it takes the service's tasks in turn, avoids those whose
/// connections fail (5 within 30 s, for 30 s to 5 minutes), and tries two others when a connection fails.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ServiceConnectConfiguration {
    pub enabled: bool,
    /// The port that the service offers; at most one.
    #[serde(default)]
    #[schemars(length(max = 1))]
    pub services: Vec<ServiceConnectService>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ServiceConnectService {
    pub timeout: ServiceConnectTimeout,
}

/// Of HTTP; 0 is off.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ServiceConnectTimeout {
    /// From the request until its answer, retries included; then the proxy answers 504.
    pub per_request_timeout: Duration,
    /// If it is shorter than the other it ends requests too.
    pub idle_timeout: Duration,
}

impl Default for ServiceConnectTimeout {
    fn default() -> Self {
        ServiceConnectTimeout {
            per_request_timeout: Duration::secs(15),
            idle_timeout: Duration::secs(300),
        }
    }
}
