//! Where a task goes: first which capacity provider, then which instance or zone.
//!
//! On instances, as ECS does it [BC:ecs CreateServiceRequest]: filter by what fits, then by constraints, then apply the
//! strategies in order; what is still equal is decided by a draw. On Fargate, a best-effort spread over zones. A refusal
//! counts instances by the first requirement that each fails.

use crate::blueprint::{CapacityShare, PlacementConstraint, PlacementStrategy, ZoneIx};
use crate::cluster::capacity::{Needs, Resources};
use crate::engine::random::Key;
use std::fmt::Write;

/// Which share of a capacity provider strategy the next task comes from, given the tasks of the same revision that each
/// has: the base first, then whoever is furthest below its weight; the first of equals [BC:ecs CapacityProviderStrategyItem].
pub fn provider(shares: &[CapacityShare], tasks: &[u32]) -> usize {
    if let Some(at) = (0..shares.len()).find(|&at| tasks[at] < shares[at].base) {
        return at;
    }
    let beyond_base = |at: usize| u64::from(tasks[at] - shares[at].base);
    let weighted = (0..shares.len()).filter(|&at| shares[at].weight > 0);
    // Least (n + 1) / weight, compared without division.
    let least = weighted.reduce(|best, at| {
        let left = (beyond_base(at) + 1) * u64::from(shares[best].weight);
        let right = (beyond_base(best) + 1) * u64::from(shares[at].weight);
        if left < right { at } else { best }
    });
    // Only bases, all filled: the first goes on.
    least.unwrap_or(0)
}

/// An instance as placement sees it.
#[derive(Clone, Copy, Debug)]
pub struct InstanceView<'a> {
    pub free: &'a Resources,
    pub zone: ZoneIx,
    pub instance_type: &'static str,
    pub agent: Agent,
    /// Of the service that is placed.
    pub tasks_of_service: u32,
    /// Of the service, in the instance's zone.
    pub tasks_in_zone: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Agent {
    Connected,
    Disconnected,
}

/// Why no instance would do: how many there are, and how many fail each requirement first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Refusal {
    pub instances: u32,
    pub agent_disconnected: u32,
    pub cpu: u32,
    pub memory: u32,
    pub ports: u32,
    pub enis: u32,
    pub constraints: u32,
    /// Position of the instance that fails the fewest requirements, the first of equals, and the first that it fails.
    pub closest: Option<(usize, Obstacle)>,
}

impl Refusal {
    /// The counts, for the service's event.
    pub fn told(&self) -> String {
        let mut text = format!("{} instances", self.instances);
        let counts = [
            (self.agent_disconnected, "agent disconnected"),
            (self.cpu, "insufficient CPU units"),
            (self.memory, "insufficient memory"),
            (self.ports, "host port in use"),
            (self.enis, "no network interface left"),
            (self.constraints, "constraint not satisfied"),
        ];
        for (at, (count, why)) in counts.iter().filter(|(count, _)| *count > 0).enumerate() {
            let joint = if at == 0 { ": " } else { ", " };
            write!(text, "{joint}{count} {why}").expect("writing to a string succeeds");
        }
        text
    }
}

/// The position of the instance that takes the task.
pub fn instance(
    instances: &[InstanceView<'_>],
    needs: &Needs,
    constraints: &[PlacementConstraint],
    strategies: &[PlacementStrategy],
    key: Key,
) -> Result<usize, Refusal> {
    let mut refusal = Refusal {
        instances: instances.len() as u32,
        ..Refusal::default()
    };
    let mut fitting: Vec<usize> = Vec::new();
    let mut fewest = usize::MAX;
    for (at, view) in instances.iter().enumerate() {
        let fails = obstacles(view, needs, constraints);
        let Some(first) = fails.into_iter().flatten().next() else {
            fitting.push(at);
            continue;
        };
        match first {
            Obstacle::Agent => refusal.agent_disconnected += 1,
            Obstacle::Cpu => refusal.cpu += 1,
            Obstacle::Memory => refusal.memory += 1,
            Obstacle::Ports => refusal.ports += 1,
            Obstacle::Enis => refusal.enis += 1,
            Obstacle::Constraint => refusal.constraints += 1,
        }
        let count = fails.into_iter().flatten().count();
        if count < fewest {
            fewest = count;
            refusal.closest = Some((at, first));
        }
    }
    for strategy in strategies {
        let rank = |at: &usize| {
            let view = &instances[*at];
            match strategy {
                PlacementStrategy::SpreadZone => u64::from(view.tasks_in_zone),
                PlacementStrategy::SpreadInstance => u64::from(view.tasks_of_service),
                PlacementStrategy::BinpackCpu => u64::from(view.free.cpu.0),
                PlacementStrategy::BinpackMemory => view.free.memory.0,
                PlacementStrategy::Random => 0,
            }
        };
        let least = fitting.iter().map(rank).min();
        fitting.retain(|at| Some(rank(at)) == least);
    }
    match fitting.len() {
        0 => Err(refusal),
        equals => Ok(fitting[key.below(equals as u32) as usize]),
    }
}

/// A requirement that an instance does not meet, in the order in which they are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Obstacle {
    Agent,
    Cpu,
    Memory,
    Ports,
    Enis,
    Constraint,
}

impl Obstacle {
    /// After "The closest matching (container-instance …)", in ECS's words.
    pub const fn told(self) -> &'static str {
        match self {
            Obstacle::Agent => "encountered error \"AGENT\"",
            Obstacle::Cpu => "has insufficient CPU units available",
            Obstacle::Memory => "has insufficient memory available",
            Obstacle::Ports => "is already using a port required by your task",
            Obstacle::Enis => "encountered error \"RESOURCE:ENI\"",
            Obstacle::Constraint => "is missing an attribute required by your task",
        }
    }
}

/// All requirements that an instance does not meet.
fn obstacles(view: &InstanceView<'_>, needs: &Needs, constraints: &[PlacementConstraint]) -> [Option<Obstacle>; 6] {
    let distinct = constraints.contains(&PlacementConstraint::DistinctInstance);
    let satisfied =
        (!distinct || view.tasks_of_service == 0) && has_attributes(constraints, view.zone, view.instance_type);
    let port_is_taken = |port: &u16| view.free.ports_taken.contains(port);
    [
        (view.agent == Agent::Disconnected).then_some(Obstacle::Agent),
        (view.free.cpu < needs.cpu).then_some(Obstacle::Cpu),
        (view.free.memory < needs.memory).then_some(Obstacle::Memory),
        needs.ports.iter().any(port_is_taken).then_some(Obstacle::Ports),
        (view.free.enis < needs.enis).then_some(Obstacle::Enis),
        (!satisfied).then_some(Obstacle::Constraint),
    ]
}

/// Whether an instance there, of that type, has every attribute that the constraints ask for.
pub fn has_attributes(constraints: &[PlacementConstraint], zone: ZoneIx, instance_type: &str) -> bool {
    constraints.iter().all(|constraint| match constraint {
        PlacementConstraint::DistinctInstance => true,
        PlacementConstraint::Zones(zones) => zones >> zone.0 & 1 == 1,
        PlacementConstraint::InstanceType(name) => *name == instance_type,
    })
}

/// A zone as Fargate's spread (and an Auto Scaling group's) sees it.
#[derive(Clone, Copy, Debug)]
pub struct ZoneView {
    pub zone: ZoneIx,
    /// Tasks of the service, or instances of the group.
    pub has: u32,
    pub standing: Standing,
}

/// Whether launches in the zone have lately failed (MODEL `model.scheduler.failed_zone_avoided`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    Good,
    Avoided,
}

/// The zone with the fewest, the first named of equals; avoided ones only if there is no other. `None`: there is no zone.
pub fn zone(zones: &[ZoneView]) -> Option<ZoneIx> {
    let best = zones.iter().min_by_key(|view| (view.standing, view.has));
    best.map(|view| view.zone)
}

#[cfg(test)]
mod tests;
