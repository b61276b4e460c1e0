//! Brown-out: when a service does without its optional steps.

use super::{Duration, Share};
use crate::units::Ratio;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// When the steps that are `optional` are left out, by what each task sees of itself: one of `target_response_time`, `cpu` and
/// `queue`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BrownOut {
    /// A dimmer holds a percentile of the response times at this: once a period it changes the share of requests that get
    /// their optional steps. Response times are those at the task, queue and calls included.
    pub target_response_time: Option<Duration>,
    /// With `target_response_time`: the percentile that is held; 95% if absent.
    pub percentile: Option<Share>,
    /// With `target_response_time`: how often the dimmer is set; 1s if absent.
    pub period: Option<Duration>,
    /// With `target_response_time`: the share of an error that a period leaves, as far as the dimmer knows what it does; nearer
    /// to 1 is slower and calmer. 0.9 if absent.
    #[schemars(range(min = 0, max = 0.999))]
    pub pole: Option<f64>,
    /// A share of them that grows with the use of the task's CPU.
    pub cpu: Option<CpuRange>,
    /// A share of them that grows with the requests that wait at the task.
    pub queue: Option<QueueRange>,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CpuRange {
    /// Use from which on some are left out.
    pub from: Share,
    /// Use at which all are; between the two, in proportion.
    #[serde(default = "whole")]
    pub to: Share,
    /// Time constant of the average over which the use of the CPU is measured.
    #[serde(default = "one_second")]
    pub window: Duration,
}

fn whole() -> Share {
    Share(Ratio::ONE)
}

fn one_second() -> Duration {
    Duration::secs(1)
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct QueueRange {
    /// Requests that wait from which on some are left out.
    pub from: u32,
    /// Requests that wait at which all are; between the two, in proportion.
    pub to: u32,
}
