//! What `wavetank size` may choose from, and what the choice has to stand.

use super::{Duration, Event, Form, Money, Named, Share};
use crate::units::Ratio;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Candidates for `wavetank size`: every combination of the values of `over` with one of the `alternatives`. The cheapest
/// that meets the objectives, as written and under each what-if of `through`, is looked for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Sizing {
    /// Path to its values: a list, or evenly spaced ones.
    pub over: Named<Form<Vec<Value>, Steps>>,
    /// Path to named values, for what changes together: strategies, mixes of Fargate and Spot, instance types with their
    /// counts. Several paths must have the same names.
    pub alternatives: Named<Named<Value>>,
    /// `zone_loss`: each zone is lost in turn; or what-ifs by name. The objectives have to be met in each of them and
    /// without them. Costs are those without.
    pub through: Option<Form<StockWhatIf, Named<WhatIf>>>,
    /// Of the whole statement: that the winner meets the objectives, and that nothing cheaper does.
    pub confidence: Share,
    /// A saving that does not matter: a share of the winner's cost, or `{ per_hour: 0.05 USD }`.
    pub indifference: Form<Share, PerHour>,
    /// No candidate is run more often than this in one situation, in the search or in the confirmation; the first look
    /// is taken after `replications`.
    #[schemars(range(min = 2, max = 100_000))]
    pub at_most: u32,
    /// More candidates than this are refused.
    #[schemars(range(min = 1, max = 10_000))]
    pub candidates_at_most: u32,
}

/// From the first value to the last, in steps: `{ from: 2, to: 8, step: 2 }`, `{ from: 512 MiB, to: 2048 MiB, step: 512
/// MiB }`. Like numbers, and in the same unit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Steps {
    pub from: Value,
    /// Taken too, if a step arrives at it.
    pub to: Value,
    /// 1, in the unit of the others, if absent.
    pub step: Option<Value>,
}

/// What-ifs that need no words of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum StockWhatIf {
    /// Each availability zone by itself is lost after a third of the measured time, for a third of it.
    ZoneLoss,
}

/// How a situation differs from the scenario as written.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct WhatIf {
    /// Zones are lost, each in a situation of its own.
    pub zone_loss: Option<ZoneLoss>,
    /// Path to another value, such as a higher rate of traffic.
    pub set: Named<Value>,
    /// What happens besides.
    pub events: Vec<Event>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ZoneLoss {
    /// All of the cluster's if absent.
    pub zones: Option<Vec<String>>,
    /// After a third of the measured time if absent.
    pub at: Option<Duration>,
    /// A third of the measured time if absent.
    pub lasting: Option<Duration>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PerHour {
    pub per_hour: Money,
}

impl Default for Sizing {
    fn default() -> Self {
        let share = |share| Share(Ratio::new(share).expect("it is a share"));
        Sizing {
            over: Named::default(),
            alternatives: Named::default(),
            through: None,
            confidence: share(0.95),
            indifference: Form::Short(share(0.01)),
            at_most: 160,
            candidates_at_most: 200,
        }
    }
}
