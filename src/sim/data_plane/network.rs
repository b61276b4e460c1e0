//! The network: carries an attempt from place to place, or loses it.
//!
//! A constant latency is a lane of the calendar, a varying one a draw. A network without trouble costs one branch; zones
//! that are unreachable and latency that a fault has added are looked at only while there are any.

mod links;

use super::faults::Which;
use super::program::Operations;
use super::wires::step_of;
use super::{Leg, purpose};
use crate::blueprint::{self, Blueprint, DependencyIx, LatencyScope, Link, LinkTrouble, ServiceIx, ZoneIx};
use crate::cluster::attempt::{Attempt, Served, Site};
use crate::engine::arena::Id;
use crate::engine::calendar::{Calendar, LaneId};
use crate::engine::dist::{Dist, Law, Tables};
use crate::engine::random::Key;
use crate::sim::context::Context;
use crate::sim::event::{DataEvent, Event};
use crate::units::{Instant, Span};
use links::{Links, Passage};

/// A span that passes before an event.
#[derive(Clone, Debug)]
pub(super) enum Delay {
    None,
    Always(LaneId, Span),
    Drawn(Law),
}

impl Delay {
    pub fn compile(dist: &Dist, calendar: &mut Calendar<Event>, tables: &mut Tables) -> Delay {
        let law = Law::compile(dist, tables);
        match law.is_constant() {
            Some(Span::ZERO) => Delay::None,
            Some(span) => Delay::Always(calendar.lane(span), span),
            None => Delay::Drawn(law),
        }
    }

    /// Schedules a step of an attempt (or of whoever it is about) after the delay. Only a delay that is drawn asks for the key.
    #[inline(always)]
    pub fn schedule<T>(&self, cx: &mut Context<'_>, key: impl FnOnce() -> Key, what: DataEvent, id: Id<T>) {
        match self {
            Delay::None => cx.follow(what, id),
            Delay::Always(lane, _) => cx.calendar.schedule_in_lane(*lane, Event::data(what, id)),
            Delay::Drawn(law) => cx.calendar.schedule_in(law.sample(key()), Event::data(what, id)),
        }
    }

    /// The longest it can be.
    fn longest(&self) -> Span {
        match self {
            Delay::None => Span::ZERO,
            Delay::Always(_, span) => *span,
            Delay::Drawn(law) => law.longest(),
        }
    }

    pub fn span(&self, key: Key) -> Span {
        match self {
            Delay::None => Span::ZERO,
            Delay::Always(_, span) => *span,
            Delay::Drawn(law) => law.sample(key),
        }
    }
}

pub(super) struct Network {
    same_zone: Delay,
    cross_zone: Delay,
    client: Delay,
    to_balancer: Option<Delay>,
    /// By [`Served`].
    service_of: Vec<ServiceIx>,
    /// When the zone became unreachable.
    down_since: Vec<Option<Instant>>,
    /// Outages of each zone that are in force.
    outages: Vec<u32>,
    added: Vec<Added>,
    links: Links,
    /// Between pairs of zones that take another time than others, by row and column; `None`: there are none.
    zone_delays: Option<Box<ZoneDelays>>,
    /// Whether any of the three is in force.
    troubled: bool,
    /// What is sent goes over wires that take time.
    wired: bool,
    /// Troubled or wired.
    unusual: bool,
    /// How often they have changed.
    changes: u32,
    pub connect_timeout: LaneId,
    pub connect_span: Span,
}

/// By zone and zone; `None`: as between any two.
struct ZoneDelays(Vec<Vec<Option<Delay>>>);

impl ZoneDelays {
    fn new(blueprint: &Blueprint, calendar: &mut Calendar<Event>, tables: &mut Tables) -> Option<Box<ZoneDelays>> {
        let written = &blueprint.network.zone_delays;
        if written.is_empty() {
            return None;
        }
        let mut between = |a: usize, b: usize| {
            let joins = |delay: &&blueprint::ZoneDelay| delay.joins(ZoneIx::from_usize(a), ZoneIx::from_usize(b));
            let delay = written.iter().find(joins)?;
            Some(Delay::compile(&delay.delay, calendar, tables))
        };
        let zones = 0..blueprint.zones.len();
        let row = |a: usize| zones.clone().map(|b| between(a, b)).collect();
        Some(Box::new(ZoneDelays(zones.clone().map(row).collect())))
    }

    fn of(&self, from: ZoneIx, to: ZoneIx) -> Option<&Delay> {
        self.0[from.at()][to.at()].as_ref()
    }
}

/// Latency that a fault has added.
struct Added {
    fault: Which,
    scope: LatencyScope,
    law: Law,
}

/// One crossing.
#[derive(Clone, Copy, Debug)]
pub(super) struct Hop {
    pub leg: Leg,
    /// Whose attempt it is; [`Site::NONE`] if a balancer's node sends it.
    pub sender: Site,
    /// Of the attempt.
    pub key: Key,
    /// `None`: a client, who stands nowhere.
    pub from: Option<ZoneIx>,
    pub to: Option<ZoneIx>,
    pub between: Between,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Between {
    CallerAndNode,
    /// A caller or node and the task that serves this.
    AndTask(Served),
    /// A task and a dependency.
    AndDependency(DependencyIx),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Crossing {
    UnderWay,
    /// Nothing will come of it.
    Lost,
}

impl Network {
    pub fn new(
        blueprint: &Blueprint,
        operations: &Operations,
        calendar: &mut Calendar<Event>,
        tables: &mut Tables,
    ) -> Self {
        let network = &blueprint.network;
        let connect_span = blueprint.model.alb.connect_timeout;
        let links = Links::new(blueprint);
        Network {
            same_zone: Delay::compile(&network.same_zone, calendar, tables),
            cross_zone: Delay::compile(&network.cross_zone, calendar, tables),
            client: Delay::compile(&network.client, calendar, tables),
            to_balancer: network
                .to_balancer
                .as_ref()
                .map(|dist| Delay::compile(dist, calendar, tables)),
            service_of: operations.service_of_rows(),
            down_since: vec![None; blueprint.zones.len()],
            outages: vec![0; blueprint.zones.len()],
            added: Vec::new(),
            troubled: links.troubled(),
            wired: blueprint.wires.matter(),
            unusual: links.troubled() || blueprint.wires.matter(),
            links,
            zone_delays: ZoneDelays::new(blueprint, calendar, tables),
            changes: 0,
            connect_timeout: calendar.lane(connect_span),
            connect_span,
        }
    }

    /// Since when the zone has been unreachable, if it is.
    #[inline]
    pub fn down_since(&self, zone: ZoneIx) -> Option<Instant> {
        self.down_since[zone.at()]
    }

    #[inline]
    pub fn troubled(&self) -> bool {
        self.troubled
    }

    /// How often the zones that are unreachable, or the latency that is added, have changed: all that a fault can do here.
    pub fn changes(&self) -> u32 {
        self.changes
    }

    /// The longest way from a node to a task while all is well; `None`: nothing bounds it.
    pub fn longest_hop_to_a_task(&self) -> Option<Span> {
        if self.links.always_troubled() {
            return None;
        }
        let mut longest = self.same_zone.longest().max(self.cross_zone.longest());
        if let Some(delays) = &self.zone_delays {
            let spans = delays.0.iter().flatten().flatten().map(Delay::longest);
            longest = spans.fold(longest, Span::max);
        }
        (longest < Span::FOREVER).then_some(longest)
    }

    /// How long a crossing takes that no fault is in the way of.
    pub fn span_while_well(&self, hop: Hop) -> Span {
        self.delay(hop).span(leg_key(hop))
    }

    /// Whether what passes between a node and a service's task in these zones is lost or held up.
    pub fn is_troubled_between(&self, node: ZoneIx, task: ZoneIx, service: ServiceIx) -> bool {
        let is_down = |zone: ZoneIx| self.down_since[zone.at()].is_some();
        let is_held_up = |added: &Added| match added.scope {
            LatencyScope::Everywhere => true,
            LatencyScope::Zone(zone) => zone == node || zone == task,
            LatencyScope::Service(held_up) => held_up == service,
            LatencyScope::Dependency(_) => false,
        };
        let concerned = || self.added.iter().any(is_held_up) || self.links.concern(node, task, service);
        self.troubled && (is_down(node) || is_down(task) || concerned())
    }

    pub fn outage_begins(&mut self, zone: ZoneIx, now: Instant) {
        self.outages[zone.at()] += 1;
        self.down_since[zone.at()].get_or_insert(now);
        self.settle();
    }

    /// The zone is reached again when the last of its outages has ended.
    pub fn outage_ends(&mut self, zone: ZoneIx) {
        self.outages[zone.at()] = self.outages[zone.at()].saturating_sub(1);
        if self.outages[zone.at()] == 0 {
            self.down_since[zone.at()] = None;
        }
        self.settle();
    }

    pub fn add_latency(&mut self, fault: Which, scope: LatencyScope, law: Law) {
        self.added.push(Added { fault, scope, law });
        self.settle();
    }

    pub fn remove_latency(&mut self, fault: u32) {
        self.added.retain(|added| added.fault.position != fault);
        self.settle();
    }

    pub fn link_fails(&mut self, fault: Which, link: Link, trouble: &LinkTrouble) {
        self.links.begins(fault, link, trouble);
        self.settle();
    }

    pub fn link_recovers(&mut self, fault: u32) {
        self.links.ends(fault);
        self.settle();
    }

    fn settle(&mut self) {
        self.changes += 1;
        self.troubled = self.links.troubled() || !self.added.is_empty() || self.down_since.iter().any(Option::is_some);
        self.unusual = self.troubled || self.wired;
    }

    #[inline(always)]
    fn delay(&self, hop: Hop) -> &Delay {
        let (Some(from), Some(to)) = (hop.from, hop.to) else {
            return match hop.between {
                Between::AndDependency(_) => &self.same_zone,
                _ => &self.client,
            };
        };
        match &self.to_balancer {
            Some(delay) if hop.between == Between::CallerAndNode => delay,
            _ if from == to => &self.same_zone,
            _ => match &self.zone_delays {
                None => &self.cross_zone,
                Some(delays) => delays.of(from, to).unwrap_or(&self.cross_zone),
            },
        }
    }

    /// How long a crossing takes as long as nothing is amiss.
    pub fn span(&self, hop: Hop) -> Span {
        self.delay(hop).span(hop.key.child(purpose::LEG + hop.leg as u64))
    }

    /// Carries an attempt over one leg; `event` happens at the other end, at once if there is no delay.
    #[inline(always)]
    pub fn carry(&self, cx: &mut Context<'_>, id: Id<Attempt>, hop: Hop, event: DataEvent) -> Crossing {
        if self.unusual {
            return self.carry_unusually(cx, id, hop, event);
        }
        self.delay(hop).schedule(cx, || leg_key(hop), event, id);
        Crossing::UnderWay
    }

    #[inline(never)]
    fn carry_unusually(&self, cx: &mut Context<'_>, id: Id<Attempt>, hop: Hop, event: DataEvent) -> Crossing {
        if self.wired {
            cx.follow(step_of(hop.leg), id);
            return Crossing::UnderWay;
        }
        self.carry_now(cx, id, hop, event)
    }

    /// The same past the wires.
    pub fn carry_now(&self, cx: &mut Context<'_>, id: Id<Attempt>, hop: Hop, event: DataEvent) -> Crossing {
        let Some(span) = self.crossing(hop) else {
            return Crossing::Lost;
        };
        if span.is_zero() {
            cx.follow(event, id);
        } else {
            cx.calendar.schedule_in(span, Event::data(event, id));
        }
        Crossing::UnderWay
    }

    /// How long a crossing takes, with all that is in its way; `None`: nothing comes of it.
    pub fn crossing(&self, hop: Hop) -> Option<Span> {
        let key = leg_key(hop);
        let down = |zone: Option<ZoneIx>| zone.is_some_and(|zone| self.down_since[zone.at()].is_some());
        if down(hop.from) || down(hop.to) {
            return None;
        }
        let mut span = self.delay(hop).span(key);
        for added in &self.added {
            let covered = match added.scope {
                LatencyScope::Everywhere => true,
                LatencyScope::Zone(zone) => hop.from == Some(zone) || hop.to == Some(zone),
                LatencyScope::Service(service) => match hop.between {
                    Between::AndTask(served) => self.service_of[served.at()] == service,
                    _ => false,
                },
                LatencyScope::Dependency(dependency) => hop.between == Between::AndDependency(dependency),
            };
            if covered {
                span += added.law.sample(key.child(added.fault.salt));
            }
        }
        if self.links.troubled() {
            let callee = match hop.between {
                Between::AndTask(served) => Some(self.service_of[served.at()]),
                _ => None,
            };
            match self.links.pass(hop, callee) {
                Passage::Late(late) => span += late,
                Passage::Lost => return None,
            }
        }
        Some(span)
    }
}

/// Of a crossing's draws.
#[inline(always)]
fn leg_key(hop: Hop) -> Key {
    hop.key.child(purpose::LEG + hop.leg as u64)
}
