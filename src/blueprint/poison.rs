//! Requests that do harm to whoever serves them.

use super::{Blueprint, ClassIx, RevisionIx, ServiceIx, TrafficIx};
use crate::units::Ratio;

#[derive(Clone, Debug)]
pub struct Poison {
    /// Whom it harms: tasks of this service …
    pub service: ServiceIx,
    /// … that run this; `None`: any.
    pub revision: Option<RevisionIx>,
    /// Whose requests may be poison; `None`: everybody's.
    pub traffic: Option<TrafficIx>,
    /// Of these classes; all where it is empty.
    pub classes: Vec<ClassIx>,
    /// Of those requests.
    pub share: Ratio,
    pub effect: PoisonEffect,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PoisonEffect {
    /// The serving container exits.
    Crash { exit_code: u8 },
    /// The request is never answered and keeps the worker or loop that it has.
    Hang,
}

impl Poison {
    /// Whether it harms tasks of this revision.
    pub fn endangers(&self, service: ServiceIx, revision: usize) -> bool {
        self.service == service && self.revision.is_none_or(|only| only.at() == revision)
    }

    /// Whether requests of the class may be poison, or messages.
    pub fn is_in(&self, class: Option<ClassIx>, blueprint: &Blueprint) -> bool {
        let Some(class) = class else {
            return self.traffic.is_none() && self.classes.is_empty();
        };
        let of_traffic = |traffic| blueprint.classes[class.at()].traffic == traffic;
        self.traffic.is_none_or(of_traffic) && (self.classes.is_empty() || self.classes.contains(&class))
    }
}
