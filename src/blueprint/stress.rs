//! How the load is raised to learn what a system bears.

use super::{ClassIx, TrafficIx};
use crate::units::{Ratio, Span};

/// Loads are multiples: at load 1 every traffic comes at the rate that it has when all together are highest.
#[derive(Clone, Debug, PartialEq)]
pub struct Stress {
    pub raised: Raised,
    /// `None`: one step of so many to the highest.
    pub from: Option<f64>,
    /// `None`: where the response collapses, which is found by doubling.
    pub to: Option<f64>,
    /// Evenly spaced, before the brackets are narrowed.
    pub levels: u32,
    /// Brackets are narrowed to this share of the load.
    pub resolution: Ratio,
    /// What has to be served where there are no objectives.
    pub served: Ratio,
    /// Before each level is measured.
    pub warm_up: Span,
    /// How long each level is measured.
    pub hold: Span,
    /// How long each step of the ramp takes.
    pub ramp_hold: Span,
    /// What is to be recovered from; `None`: nothing is tried.
    pub shock: Option<Shock>,
}

/// Whose load is multiplied; the others stay at load 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Raised {
    All,
    Traffic(TrafficIx),
    /// It comes from clients of its own then.
    Class(ClassIx),
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Shock {
    pub kind: ShockKind,
    /// At least so much time is left to recover in.
    pub recovery: Span,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ShockKind {
    /// So many times the load, for a while.
    Spike { factor: f64, lasting: Span },
    /// The scenario's own events.
    Events,
}

impl Default for Stress {
    fn default() -> Self {
        let share = |share| Ratio::new(share).expect("it is a share");
        Stress {
            raised: Raised::All,
            from: None,
            to: None,
            levels: 10,
            resolution: share(0.05),
            served: share(0.99),
            warm_up: Span::from_secs(15),
            hold: Span::from_secs(60),
            ramp_hold: Span::from_secs(60),
            shock: None,
        }
    }
}
