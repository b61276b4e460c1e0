//! Which of a balancer's zones DNS gives to clients: thresholds of health, and zonal shifts.
//!
//! A zone leaves DNS when all its nodes see fewer healthy targets of some group than its `dns_failover` asks for, or
//! while it is shifted away from; if no zone would be left, health takes none away [ALB23:target-group-health]. A group
//! without any registered target takes none away either (MODEL): an alternate group waits empty most of the time.

use super::ControlPlane;
use super::telling::row;
use crate::blueprint::{CrossZone, LoadBalancerIx, TargetGroupIx, ZonalShift, ZoneIx};
use crate::policy::routable::Scope;
use crate::sim::context::Context;
use crate::sim::observation::{EventKind, Observation};
use crate::sim::signal::Order;

/// What a balancer's DNS record leaves out.
#[derive(Clone, Debug, Default)]
pub(super) struct Dns {
    /// Clients are moved away from here.
    shifted: Option<ZoneIx>,
    /// What the data plane was last told.
    out: Vec<ZoneIx>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ShiftStep {
    Begins,
    Ends,
}

impl ControlPlane {
    /// The targets that a node in a zone takes into account.
    pub(super) fn scope(&self, cx: &Context<'_>, at: TargetGroupIx, zone: ZoneIx) -> Scope {
        let shifted = self.target_groups[at.at()]
            .load_balancer
            .and_then(|balancer| self.dns[balancer.at()].shifted);
        match cx.blueprint.target_groups[at.at()].attributes.cross_zone {
            // With cross-zone balancing a shift stops traffic to the zone's targets, not only to its nodes.
            CrossZone::On => Scope::AllBut(shifted),
            CrossZone::Off => Scope::Only(zone),
        }
    }

    /// A zonal shift begins or is over: DNS follows at once, and the nodes are told whom they may still send to.
    pub fn shift_zone(&mut self, cx: &mut Context<'_>, shift: &ZonalShift, step: ShiftStep) {
        for &balancer in &shift.load_balancers {
            self.dns[balancer.at()].shifted = match step {
                ShiftStep::Begins => Some(shift.away_from),
                ShiftStep::Ends => None,
            };
            for at in self.groups_of(balancer) {
                self.publish(cx, at);
            }
            self.publish_zones(cx, balancer);
        }
    }

    fn groups_of(&self, balancer: LoadBalancerIx) -> Vec<TargetGroupIx> {
        let groups = self.target_groups.iter();
        let mine = groups.filter(|group| group.load_balancer == Some(balancer));
        mine.map(|group| group.group).collect()
    }

    /// The group that takes a zone out of DNS, if one does.
    fn fails_over(&self, groups: &[TargetGroupIx], zone: ZoneIx) -> Option<TargetGroupIx> {
        let fails = |at: &&TargetGroupIx| {
            let group = &self.target_groups[at.at()];
            group
                .nodes
                .iter()
                .filter(|node| node.zone == zone)
                .all(|node| node.fails_over)
        };
        groups.iter().find(fails).copied()
    }

    /// Tells clients' DNS which zones are left, if that has changed.
    pub(super) fn publish_zones(&mut self, cx: &mut Context<'_>, balancer: LoadBalancerIx) {
        let written = &cx.blueprint.load_balancers[balancer.at()];
        let groups = self.groups_of(balancer);
        let shifted = self.dns[balancer.at()].shifted;
        let left = |zone: &ZoneIx| Some(*zone) != shifted;
        let healthy = |zone: &ZoneIx| self.fails_over(&groups, *zone).is_none();
        let mut given: Vec<ZoneIx> = written.zones.iter().copied().filter(left).filter(healthy).collect();
        if given.is_empty() {
            given = written.zones.iter().copied().filter(left).collect();
        }
        if given.is_empty() {
            given.clone_from(&written.zones);
        }
        let out: Vec<ZoneIx> = written
            .zones
            .iter()
            .copied()
            .filter(|zone| !given.contains(zone))
            .collect();
        let before = std::mem::replace(&mut self.dns[balancer.at()].out, out.clone());
        if before == out {
            return;
        }
        for &zone in &written.zones {
            let reason = match (before.contains(&zone), out.contains(&zone)) {
                (false, true) if shifted == Some(zone) => "zonal shift".to_owned(),
                (false, true) => match self.fails_over(&groups, zone) {
                    Some(at) => format!(
                        "{} has too few healthy targets",
                        cx.blueprint.target_groups[at.at()].name
                    ),
                    None => continue,
                },
                (true, false) => "back".to_owned(),
                _ => continue,
            };
            let (from, to) = if out.contains(&zone) {
                ("in DNS", "not in DNS")
            } else {
                ("not in DNS", "in DNS")
            };
            let reason = format!("{}: {reason}", written.name);
            let mut event = row(cx.now(), EventKind::LoadBalancer, from, to, reason);
            event.zone = Some(zone);
            cx.observations.push(Observation::Happened(event));
        }
        cx.orders.push(Order::PublishZones {
            load_balancer: balancer,
            out,
        });
    }
}
