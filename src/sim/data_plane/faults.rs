//! What befalls the data plane: zones that nobody reaches, latency, slow and failing dependencies.

use super::DataPlane;
use crate::blueprint::{DependencyIx, FaultKind, ZoneIx};
use crate::engine::dist::{Dist, Law, Tables};
use crate::sim::context::Context;

impl DataPlane {
    /// A fault of the blueprint's events begins; those that concern only tasks and instances are the control plane's.
    pub fn fault_begins(&mut self, cx: &mut Context<'_>, position: u32, kind: &FaultKind) {
        match kind {
            FaultKind::ZoneOutage { zone } => {
                self.network.outage_begins(*zone, cx.now());
                self.fail_over_from(cx, *zone);
            }
            FaultKind::AddedLatency { between, delay } => {
                self.network.add_latency(position, *between, law(delay));
            }
            FaultKind::Link { link, trouble } => self.network.link_fails(position, *link, trouble),
            FaultKind::DependencySlow { dependency, factor } => self.dependencies[dependency.at()].slowdown *= factor,
            FaultKind::DependencyFailover { dependency } => self.fail_over(cx, *dependency),
            FaultKind::DependencyOutage { dependencies, outage } => {
                for at in dependencies {
                    self.dependencies[at.at()].outage_begins(position, *outage);
                }
            }
            FaultKind::Poison(poison) => self.poison_begins(cx, position, poison),
            FaultKind::CacheFlush(flush) => self.flush_caches(cx, position, flush),
            FaultKind::TrafficSpike { .. }
            | FaultKind::TaskCrash { .. }
            | FaultKind::RandomTaskCrash { .. }
            | FaultKind::InstanceLoss { .. }
            | FaultKind::AgentDisconnect { .. }
            | FaultKind::LogsStall
            | FaultKind::Backend { .. }
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
