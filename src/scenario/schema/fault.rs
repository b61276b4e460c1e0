//! When faults come and go, and whom they befall.

use super::Time;
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
