//! What `wavetank stress` does to a scenario.

use super::{Duration, Factor, Share};
use crate::units::Ratio;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How `wavetank stress` raises the load. Loads are multiples of the traffic: at load 1 each traffic comes at the rate
/// that it has when all together are highest, without the scenario's events.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Stress {
    /// A traffic, or a kind of request with a `rate`, by name: only its load is raised, the others stay at 1. All
    /// together if absent.
    pub load: Option<String>,
    /// The lowest load; one step below the next if absent.
    pub from: Option<f64>,
    /// The highest load; if absent it is doubled until a tenth of the requests fails or nothing more is served.
    pub to: Option<f64>,
    /// Evenly spaced loads, before the answers are narrowed down.
    #[schemars(range(min = 3, max = 100))]
    pub levels: u32,
    /// Answers are narrowed down to this share of the load.
    pub resolution: Share,
    /// Where the scenario has no objectives, capacity is the largest load of which so much is served.
    pub served: Share,
    /// Before each load is measured; if absent a quarter of `hold`, four times the longest client `timeout`, or the
    /// scenario's own, whichever is longest, and ten minutes more where a service scales.
    pub warm_up: Option<Duration>,
    /// How long each load is measured; if absent as long as 20,000 requests take at load 1, within 1 min and the
    /// scenario's `duration`.
    pub hold: Option<Duration>,
    /// How long each load lasts on the ramp up and down; if absent half of `hold`, and at least 80 times the longest
    /// client `timeout`.
    pub ramp_hold: Option<Duration>,
    pub shock: Shock,
}

/// What the system is to recover from.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Shock {
    /// The scenario's own `events` if it has faults, else `spike`, if absent.
    pub by: Option<ShockBy>,
    /// Of a spike: so many times the load; 3 if absent.
    pub factor: Option<Factor>,
    /// Of a spike; if absent 10 s, and at least five times the longest client `timeout`.
    pub lasting: Option<Duration>,
    /// Time to recover in; if absent 30 times as long as a spike, or what the scenario leaves after its events and at
    /// least 5 min.
    pub recovery: Option<Duration>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ShockBy {
    Spike,
    /// What the scenario says under `events`.
    Events,
    /// No shock is tried.
    None,
}

impl Default for Stress {
    fn default() -> Self {
        let share = |share| Share(Ratio::new(share).expect("it is a share"));
        Stress {
            load: None,
            from: None,
            to: None,
            levels: 10,
            resolution: share(0.05),
            served: share(0.99),
            warm_up: None,
            hold: None,
            ramp_hold: None,
            shock: Shock::default(),
        }
    }
}
