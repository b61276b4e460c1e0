//! Capacity that is not to be had, and interfaces that take fewer calls.
//!
//! What runs goes on. A launch on Fargate in a zone without capacity goes to another zone of the cluster, and is told to
//! the service where there is none; a group launches in another of its zones, or waits for the end of the shortage.

use super::ControlPlane;
use super::telling::row;
use crate::blueprint::{GroupIx, Provider, ZoneIx};
use crate::cluster::rate::TokenBucket;
use crate::sim::context::Context;
use crate::sim::event::{ControlEvent, Event};
use crate::sim::observation::{EventKind, Observation};

/// Those in force, each with the position of its fault in the blueprint's events.
#[derive(Clone, Debug, Default)]
pub(super) struct Shortages {
    of_capacity: Vec<Shortage>,
    /// Launches of tasks that are permitted, besides the quotas.
    pub launches: Vec<(u32, TokenBucket)>,
}

#[derive(Clone, Debug)]
struct Shortage {
    fault: u32,
    provider: Provider,
    /// `None`: in all of them.
    zone: Option<ZoneIx>,
}

impl ControlPlane {
    /// Whether the provider launches nothing in the zone.
    pub(super) fn is_short(&self, provider: Provider, zone: ZoneIx) -> bool {
        let mut shortages = self.shortages.of_capacity.iter();
        shortages.any(|each| each.provider == provider && each.zone.is_none_or(|only| only == zone))
    }

    /// Until [`ControlPlane::capacity_shortage_ends`] the provider launches nothing in the zone, or in any.
    pub fn capacity_shortage_begins(&mut self, fault: u32, provider: Provider, zone: Option<ZoneIx>) {
        self.shortages.of_capacity.push(Shortage { fault, provider, zone });
    }

    pub fn capacity_shortage_ends(&mut self, cx: &mut Context<'_>, fault: u32) {
        self.shortages.of_capacity.retain(|each| each.fault != fault);
        for at in (0..self.groups.len()).map(GroupIx::from_usize) {
            cx.calendar
                .schedule_at(cx.now(), Event::control_extra(ControlEvent::GroupPass, u32::from(at.0)));
        }
    }

    /// Until [`ControlPlane::throttling_ends`] so many tasks may be launched a second; a second's worth at once.
    pub fn throttling_begins(&mut self, fault: u32, rate: f64) {
        let bucket = TokenBucket::new(rate.ceil().max(1.0) as u32, rate);
        self.shortages.launches.push((fault, bucket));
    }

    pub fn throttling_ends(&mut self, fault: u32) {
        self.shortages.launches.retain(|(each, _)| *each != fault);
    }

    /// A group finds capacity in none of its zones; in the words of EC2 Auto Scaling.
    pub(super) fn tell_insufficient_capacity(&self, cx: &mut Context<'_>, at: GroupIx) {
        let group = &cx.blueprint.auto_scaling_groups[at.at()];
        let instance_type = group.instance_type.name;
        let reason = format!(
            "{}: We currently do not have sufficient {instance_type} capacity in the Availability Zones you requested. \
             Launching EC2 instance failed.",
            group.name
        );
        cx.observations.push(Observation::Happened(row(
            cx.now(),
            EventKind::AutoScalingGroup,
            "",
            "",
            reason,
        )));
    }
}
