//! What stands outside the cluster: databases and the like.

use super::{Duration, Factor, Named, Share, Time, cluster::no_time};
use crate::units::Ratio;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A database or another thing outside the cluster that serves requests.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Dependency {
    /// Where it runs; without a zone it is in every caller's own.
    pub zone: Option<String>,
    /// Where its standby waits.
    pub standby: Option<String>,
    /// From the loss of the primary until the standby answers.
    #[serde(default = "failover")]
    pub failover: Duration,
    /// Requests served at once; without bound if absent. Of the primary, and of each read replica.
    #[schemars(range(min = 1))]
    pub slots: Option<u32>,
    /// Requests that may wait for a slot; without bound (up to `limits.in_flight`) if absent.
    pub backlog: Option<u32>,
    /// How long a request takes when it is served alone. Needed unless `operations` say it.
    pub service_time: Option<Time>,
    /// Share of requests that are served and answered with an error. Operations have their own.
    #[serde(default = "never")]
    pub error_ratio: Share,
    /// What it does, by name; calls say `to: name/operation`, and a call to the name alone asks for the first.
    #[serde(default)]
    pub operations: Named<DependencyOperation>,
    /// How service slows down as more is in service; not at all if absent.
    pub slowdown: Option<Slowdown>,
    /// After a failover the new primary begins with an empty cache.
    pub cold_cache: Option<ColdCache>,
    /// Copies that serve what is `read_only`; they go on while the primary fails over.
    pub read_replicas: Option<ReadReplicas>,
    /// What each task of each calling service keeps open; without a pool, connections cost nothing and have no bound.
    pub connection_pool: Option<ConnectionPool>,
    /// Connections of all pools together that it takes (the primary, and each read replica); what would be one more is refused.
    #[schemars(range(min = 1))]
    pub max_connections: Option<u32>,
}

/// One of the things that a dependency does.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DependencyOperation {
    /// How long it takes when it is served alone.
    pub service_time: Time,
    /// Share of requests that are served and answered with an error.
    #[serde(default = "never")]
    pub error_ratio: Share,
    /// Whether read replicas serve it, in turn, if there are any.
    #[serde(default)]
    pub read_only: bool,
    /// It locks one row for as long as it is served, and waits for the row in its slot.
    pub locks: Option<RowLocks>,
}

/// Gunther's universal scalability law: with n requests in service, each goes on 1 + contention × (n − 1) +
/// coherency × n × (n − 1) times as slowly as it would alone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Slowdown {
    /// The share of the work that only one can do at a time.
    #[serde(default = "never")]
    pub contention: Share,
    /// What every pair costs that has to agree; above 0, throughput falls again beyond some concurrency.
    #[serde(default = "never")]
    pub coherency: Share,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ColdCache {
    /// How many times as long service takes when the standby takes over.
    pub factor: Factor,
    /// Until it takes as long as ever; the factor falls in a straight line.
    pub warms_over: Duration,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReadReplicas {
    #[schemars(range(min = 1, max = 15))]
    pub count: u32,
    /// Where they stand, in turn; in every caller's own zone if absent. One whose zone cannot be reached is not asked.
    pub zones: Option<Vec<String>>,
}

/// Rows of which each is locked by one request at a time, in order of arrival.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RowLocks {
    #[schemars(range(min = 1, max = 1000000))]
    pub rows: u32,
    /// How unevenly rows are asked for: the k-th k^−zipf as often as the first. 0 is all alike, 1 is usual.
    #[serde(default)]
    #[schemars(range(min = 0, max = 10))]
    pub zipf: f64,
}

/// Connections that a task keeps to the dependency. One is used by one call at a time, from sending to answer; a call that
/// times out closes the one that it used. The defaults are those of HikariCP.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ConnectionPool {
    /// The most of a task.
    #[serde(default = "ten")]
    #[schemars(range(min = 1))]
    pub size: u32,
    /// Idle connections beyond this number are closed when they have been idle for `idle_timeout`; `size` if absent.
    pub min_idle: Option<u32>,
    /// How long a call waits for a connection before it fails.
    #[serde(default = "acquire_timeout")]
    pub acquire_timeout: Duration,
    /// Calls that may wait for a connection; without bound if absent.
    pub max_waiting: Option<u32>,
    /// Setting up a connection, when there is no idle one: network, TLS, log-in.
    #[serde(default = "no_time")]
    pub connect_time: Time,
    #[serde(default = "idle_timeout")]
    pub idle_timeout: Duration,
}

fn failover() -> Duration {
    Duration::secs(60)
}

fn never() -> Share {
    Share(Ratio::ZERO)
}

fn ten() -> u32 {
    10
}

fn acquire_timeout() -> Duration {
    Duration::secs(30)
}

fn idle_timeout() -> Duration {
    Duration::secs(600)
}
