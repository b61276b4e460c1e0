//! Calls: requests to other services and dependencies, with the patience and the retries of whoever sends them.

use super::{
    Balance, Budget, Bulkhead, CallBreaker, CallRateLimit, Deadline, Duration, Hedge, Named, OutlierDetection, RetryOn,
    Step,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A request to another service or a dependency.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Call {
    /// A service (its first operation), `service/operation`, or a dependency.
    pub to: String,
    /// `service_connect` (or nothing) goes straight to a task; `dns` as well, but by answers of DNS that the calling task
    /// keeps until their time to live is over; `balancer` or `balancer/listener` goes through a balancer.
    pub via: Option<String>,
    /// Through a balancer: the request's method; from the operation's first route if absent.
    pub method: Option<Method>,
    /// Through a balancer: the request's path; from the operation's first route if absent.
    pub path: Option<String>,
    /// Through a balancer: the request's host.
    pub host: Option<String>,
    /// Through a balancer: the request's headers by name.
    #[serde(default)]
    pub headers: Named<String>,
    /// Without a balancer: how a task is picked; round robin if absent.
    pub balancing: Option<Balance>,
    /// Without a balancer: each calling task avoids tasks that fail; nobody is avoided if absent.
    pub outlier_detection: Option<OutlierDetection>,
    /// Bytes of the request and its answer; none to speak of if absent.
    pub payload: Option<super::Payload>,
    /// The connections of each calling task, to a service; open beforehand and for ever if absent. A dependency has a
    /// `connection_pool`.
    pub connections: Option<super::Connections>,
    /// Of one attempt, with queueing and network; none if absent.
    pub timeout: Option<Duration>,
    /// No retry if absent.
    pub retry: Option<Retry>,
    /// None if absent.
    pub circuit_breaker: Option<CallBreaker>,
    /// Another attempt beside one that is slow; none if absent.
    pub hedge: Option<Hedge>,
    /// Whether whoever is called learns when patience ends.
    #[serde(default)]
    pub deadline: Deadline,
    /// Bounds the attempts that a caller has under way; no bound if absent.
    pub bulkhead: Option<Bulkhead>,
    /// Bounds the attempts that a caller sends; no bound if absent.
    pub rate_limit: Option<CallRateLimit>,
    /// Steps that run if the call has failed for good, in place of failing; what is served so counts as served.
    pub fallback: Option<Vec<Step>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum Method {
    Get,
    Head,
    Post,
    Put,
    Patch,
    Delete,
    Options,
}

/// Attempts after one that failed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Retry {
    /// With the first: 1 is no retry.
    pub max_attempts: u32,
    /// No pause if absent.
    pub backoff: Option<Backoff>,
    /// What is tried again; timeouts, refused connections and 5xx if absent.
    pub on: Option<Vec<RetryOn>>,
    /// Whether a refusal's `retry_after` is listened to: the pause before the next attempt then begins when that time is over, so its
    /// jitter keeps those apart who were refused together.
    #[serde(default)]
    pub honour_retry_after: bool,
    /// When a retry is allowed at all: a share of the requests of the last 10 s, or more; always if absent.
    pub budget: Option<Budget>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Backoff {
    /// The same pause before each retry.
    Fixed(Duration),
    /// A pause that grows from retry to retry.
    Exponential(ExponentialBackoff),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExponentialBackoff {
    /// Before the first retry.
    pub base: Duration,
    #[serde(default = "two")]
    #[schemars(range(min = 1))]
    pub factor: f64,
    /// No pause is longer.
    #[serde(default = "cap")]
    pub cap: Duration,
    #[serde(default)]
    pub jitter: Jitter,
}

fn two() -> f64 {
    2.0
}

fn cap() -> Duration {
    Duration::secs(20)
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Jitter {
    #[default]
    None,
    Full,
    Equal,
    Decorrelated,
}
