//! What every step of the simulation may use: the calendar, the blueprint, the luck, and the outgoing mail.
//!
//! The planes get `&mut Context` beside their own state. Observations, orders and signals are appended here and taken
//! away by the run loop after each event, so that no plane calls another or a probe.

use super::event::{DataEvent, Event};
use super::observation::{Observation, RequestFinished};
use super::signal::{Order, Signal};
use crate::blueprint::Blueprint;
use crate::engine::arena::{Id, RawId};
use crate::engine::calendar::Calendar;
use crate::engine::random::Key;
use crate::units::Instant;

pub struct Context<'a> {
    pub blueprint: &'a Blueprint,
    pub calendar: Calendar<Event>,
    /// The replication's key; entities take theirs from it by kind and name at build.
    pub key: Key,
    /// Steps of requests that follow the present one at the same instant, in this order, before any other event.
    pub at_once: Vec<(DataEvent, RawId)>,
    pub observations: Vec<Observation>,
    pub finished: Vec<RequestFinished>,
    pub orders: Vec<Order>,
    pub signals: Vec<Signal>,
}

/// Changes with every change to how draws are keyed: results of different contracts are not comparable draw by draw.
pub const GENERATOR_CONTRACT: u32 = 1;

impl<'a> Context<'a> {
    pub fn new(blueprint: &'a Blueprint, replication: u32) -> Self {
        Context {
            blueprint,
            calendar: Calendar::new(),
            key: Key::root(GENERATOR_CONTRACT, blueprint.seed, replication),
            at_once: Vec::new(),
            observations: Vec::new(),
            finished: Vec::new(),
            orders: Vec::new(),
            signals: Vec::new(),
        }
    }
    /// Whether the run loop has anything to carry, ended requests apart.
    #[inline]
    pub fn has_mail(&self) -> bool {
        !(self.orders.is_empty() && self.signals.is_empty() && self.observations.is_empty())
    }
    /// A step that follows the present one without delay.
    #[inline]
    pub fn follow<T>(&mut self, what: DataEvent, id: Id<T>) {
        self.at_once.push((what, id.raw()));
    }
    #[inline]
    pub fn now(&self) -> Instant {
        self.calendar.now()
    }
    /// Whether what happens now is between the end of the warm-up and the horizon.
    pub fn is_measured(&self) -> bool {
        (self.blueprint.measured_from()..=self.blueprint.horizon()).contains(&self.now())
    }
}
