//! What may be wrong with the network between two ends.

use super::{Duration, Share, Time};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Nothing passes between the two.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Partition {
    /// Two of: zones, services, dependencies and `clients`. With one, it is cut off from everything.
    #[schemars(length(min = 1, max = 2))]
    pub between: Vec<String>,
    #[serde(default)]
    pub direction: Direction,
    /// Of the attempts; all if absent.
    #[serde(default = "all")]
    pub share: Share,
}

/// Messages are lost, and sent again by TCP after a while.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PacketLoss {
    /// Of each message.
    pub probability: Share,
    /// Two of: zones, services, dependencies and `clients`. With one, all that goes to it or comes from it; everything
    /// if absent.
    #[serde(default)]
    #[schemars(length(max = 2))]
    pub between: Vec<String>,
    #[serde(default)]
    pub direction: Direction,
    /// Of the attempts; all if absent.
    #[serde(default = "all")]
    pub share: Share,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    #[default]
    Both,
    /// Only what goes from the first to the second.
    Forward,
    /// Only what goes from the second to the first.
    Backward,
}

/// Between two zones it takes another time than between others.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ZoneDelay {
    #[schemars(length(min = 2, max = 2))]
    pub between: Vec<String>,
    /// One way, either way.
    pub delay: Time,
}

/// How TCP sends again what was lost.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct NetworkModel {
    /// Before a lost message is sent the second time; doubled each time from then on.
    pub retransmission_timeout: Duration,
    /// No pause between two times is longer.
    pub longest_retransmission_timeout: Duration,
    /// What is lost more often is given up.
    #[schemars(range(max = 100))]
    pub retransmissions: u32,
    /// Of a Fargate task's network interface, for each of its vCPUs, either way. AWS publishes none; the default is what an
    /// m6i instance has for each of its own. Tasks on an instance share its baseline.
    pub fargate_bandwidth: super::Throughput,
}

impl Default for NetworkModel {
    fn default() -> Self {
        NetworkModel {
            retransmission_timeout: Duration(crate::units::Span::from_millis(200)),
            longest_retransmission_timeout: Duration::secs(120),
            retransmissions: 15,
            fargate_bandwidth: super::Throughput(46.5),
        }
    }
}

pub(super) fn all() -> Share {
    Share(crate::units::Ratio::ONE)
}
