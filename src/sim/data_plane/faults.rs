//! What befalls the data plane: zones that nobody reaches, latency, slow and failing dependencies.

use super::DataPlane;
use crate::blueprint::{DependencyIx, FaultKind, Happening, ZoneIx};
use crate::engine::dist::{Dist, Law, Tables};
use crate::sim::context::Context;

/// Which fault of the blueprint's events this is, and what tells its luck from that of others.
#[derive(Clone, Copy, Debug)]
pub(super) struct Which {
    pub position: u32,
    /// Of its identity: a fault more or less among the events does not change it.
    pub salt: u64,
}

impl Which {
    fn of(cx: &Context<'_>, position: u32) -> Self {
        let identity = match cx.blueprint.events.get(position as usize).map(|event| &event.what) {
            Some(Happening::Fault(fault)) => fault.identity.as_str(),
            _ => "",
        };
        Which {
            position,
            salt: cx.key.entity("fault of requests", identity).bits(),
        }
    }
}

impl DataPlane {
    /// A fault of the blueprint's events begins; those that concern only tasks and instances are the control plane's.
    pub fn fault_begins(&mut self, cx: &mut Context<'_>, position: u32, kind: &FaultKind) {
        let which = Which::of(cx, position);
        match kind {
            FaultKind::ZoneOutage { zone } => {
                self.network.outage_begins(*zone, cx.now());
                self.fail_over_from(cx, *zone);
            }
            FaultKind::AddedLatency { between, delay } => {
                self.network.add_latency(which, *between, law(delay));
            }
            FaultKind::Link { link, trouble } => self.network.link_fails(which, *link, trouble),
            FaultKind::DependencySlow { dependency, factor } => self.dependencies[dependency.at()].slowdown *= factor,
            FaultKind::DependencyFailover { dependency } => self.fail_over(cx, *dependency),
            FaultKind::DependencyOutage { dependencies, outage } => {
                for at in dependencies {
                    self.dependencies[at.at()].outage_begins(position, *outage);
                }
            }
            FaultKind::Poison(poison) => self.poison_begins(which, poison),
            FaultKind::CacheFlush(flush) => self.flush_caches(cx, which, flush),
            FaultKind::TrafficSpike { .. }
            | FaultKind::TaskCrash { .. }
            | FaultKind::RandomTaskCrash { .. }
            | FaultKind::InstanceLoss { .. }
            | FaultKind::AgentDisconnect { .. }
            | FaultKind::LogsStall
            | FaultKind::Backend { .. }
            | FaultKind::ControlPlaneOutage { .. }
            | FaultKind::CapacityShortage { .. }
            | FaultKind::ApiThrottling { .. }
            | FaultKind::SpotReclaim { .. }
            | FaultKind::MemoryLeak { .. }
            | FaultKind::GrayFailure { .. }
            | FaultKind::SlowInstance { .. } => {}
        }
        self.stir_all_if_network_changed(cx);
        self.follow_up(cx);
    }

    pub fn fault_ends(&mut self, cx: &mut Context<'_>, position: u32, kind: &FaultKind) {
        match kind {
            FaultKind::ZoneOutage { zone } => self.network.outage_ends(*zone),
            FaultKind::AddedLatency { .. } => self.network.remove_latency(position),
            FaultKind::Link { .. } => self.network.link_recovers(position),
            FaultKind::DependencySlow { dependency, factor } => self.dependencies[dependency.at()].slowdown /= factor,
            FaultKind::DependencyOutage { dependencies, outage } => {
                for at in dependencies {
                    self.dependencies[at.at()].outage_ends(position, *outage);
                }
            }
            FaultKind::Poison(_) => self.poison_ends(position),
            FaultKind::DependencyFailover { .. }
            | FaultKind::CacheFlush(_)
            | FaultKind::TrafficSpike { .. }
            | FaultKind::TaskCrash { .. }
            | FaultKind::RandomTaskCrash { .. }
            | FaultKind::InstanceLoss { .. }
            | FaultKind::AgentDisconnect { .. }
            | FaultKind::LogsStall
            | FaultKind::Backend { .. }
            | FaultKind::ControlPlaneOutage { .. }
            | FaultKind::CapacityShortage { .. }
            | FaultKind::ApiThrottling { .. }
            | FaultKind::SpotReclaim { .. }
            | FaultKind::MemoryLeak { .. }
            | FaultKind::GrayFailure { .. }
            | FaultKind::SlowInstance { .. } => {}
        }
        self.stir_all_if_network_changed(cx);
    }

    /// Dependencies that stand in a lost zone and have a standby elsewhere begin to fail over.
    fn fail_over_from(&mut self, cx: &mut Context<'_>, zone: ZoneIx) {
        for at in 0..self.dependencies.len() {
            if self.dependencies[at].zone == Some(zone) && self.dependencies[at].has_standby() {
                self.fail_over(cx, DependencyIx::from_usize(at));
            }
        }
    }
}

fn law(dist: &Dist) -> Law {
    Law::compile(dist, &mut Tables::new())
}
