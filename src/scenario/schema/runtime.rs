//! How the serving process takes requests, and what it makes of those that nobody waits for.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How the serving process takes requests.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Runtime {
    /// A worker is held from a request's first step to its last.
    ThreadPool(ThreadPool),
    /// Only `cpu` steps hold a loop; waits and calls leave it.
    EventLoop(EventLoop),
    /// Every request proceeds at once.
    Unbounded,
}

impl Default for Runtime {
    fn default() -> Self {
        Runtime::ThreadPool(ThreadPool::default())
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ThreadPool {
    #[schemars(range(min = 1))]
    pub workers: u32,
    /// Requests that may wait for a worker; without bound (up to `limits.in_flight`) if absent.
    pub backlog: Option<u32>,
}

impl Default for ThreadPool {
    fn default() -> Self {
        // What Tomcat and most of its kin start with.
        ThreadPool {
            workers: 200,
            backlog: None,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct EventLoop {
    #[schemars(range(min = 1))]
    pub loops: u32,
    /// Requests that may wait for their first turn; without bound (up to `limits.in_flight`) if absent.
    pub backlog: Option<u32>,
}

impl Default for EventLoop {
    fn default() -> Self {
        EventLoop {
            loops: 1,
            backlog: None,
        }
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CpuModel {
    /// Full speed until the quota of a 100 ms period is spent, then a stall.
    #[default]
    CfsQuota,
    /// The smooth share of theory: processor sharing of the task's vCPUs, at most one for each request.
    Fluid,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OnDisconnect {
    /// The work goes on to its end and is wasted.
    #[default]
    Continue,
    /// The work stops at once.
    Cancel,
}
