//! What containers beside the server take of the task's CPU.
//!
//! A container that uses CPU steadily has what it uses, up to the part that its `cpu` gives it among the containers that
//! run [BC:ecs ContainerDefinition.cpu]; the server has the rest. The data plane learns only how much that is, when a
//! container starts or ends.

use super::ControlPlane;
use crate::cluster::task::Task;
use crate::engine::arena::Id;
use crate::sim::context::Context;
use crate::sim::signal::{CpuLeft, Order};
use crate::units::CpuUnits;

/// Shares of a container that asks for none: the kernel's least [BC:ecs ContainerDefinition.cpu].
const LEAST_SHARES: u32 = 2;

impl ControlPlane {
    /// The task's CPU, parted between its server and what runs beside it.
    pub(super) fn cpu_left(&self, cx: &Context<'_>, id: Id<Task>) -> CpuLeft {
        let definition = self.definition(cx, id);
        let serving = self.revision(cx, id).serving_container;
        let running = || {
            let both = definition.containers.iter().zip(&self.tasks[id].containers).enumerate();
            both.filter(move |(at, (_, container))| container.is_running() || *at == serving)
        };
        let shares: u32 = running().map(|(_, (spec, _))| spec.cpu.0.max(LEAST_SHARES)).sum();
        let taken = running().map(|(at, (spec, _))| {
            let own = u64::from(definition.cpu.0) * u64::from(spec.cpu.0.max(LEAST_SHARES)) / u64::from(shares);
            if at == serving {
                u64::from(spec.cpu_use.0)
            } else {
                u64::from(spec.cpu_use.0).min(own)
            }
        });
        let beside = u32::try_from(taken.sum::<u64>())
            .unwrap_or(u32::MAX)
            .min(definition.cpu.0);
        CpuLeft {
            // A process is never without any share.
            server: CpuUnits((definition.cpu.0 - beside).max(LEAST_SHARES)),
            beside: CpuUnits(beside),
        }
    }

    /// A container that uses CPU beside the server has started or ended.
    pub(super) fn part_cpu(&self, cx: &mut Context<'_>, id: Id<Task>, at: usize) {
        let serving = self.revision(cx, id).serving_container;
        let uses = self.definition(cx, id).containers[at].cpu_use.0 > 0;
        if uses && at != serving && self.tasks[id].containers[serving].is_running() {
            let left = self.cpu_left(cx, id);
            cx.orders.push(Order::PartCpu { task: id, left });
        }
    }
}
