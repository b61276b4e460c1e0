//! What containers beside the server take of the task's CPU.
//!
//! A container that uses CPU steadily has what it uses, up to the part that its `cpu` gives it among the containers that
//! run [BC:ecs ContainerDefinition.cpu]; the server has the rest. The data plane learns only how much that is, when a
//! container starts or ends. A task without a quota takes from the whole instance, as far as others leave it something.

use super::ControlPlane;
use crate::blueprint::{CpuLimit, LEAST_CPU_SHARES};
use crate::cluster::task::Task;
use crate::engine::arena::Id;
use crate::sim::context::Context;
use crate::sim::signal::{CpuLeft, Order};
use crate::units::CpuUnits;

impl ControlPlane {
    /// The task's CPU, parted between its server and what runs beside it.
    pub(super) fn cpu_left(&self, cx: &Context<'_>, id: Id<Task>) -> CpuLeft {
        let definition = self.definition(cx, id);
        let serving = self.revision(cx, id).serving_container;
        let running = || {
            let both = definition.containers.iter().zip(&self.tasks[id].containers).enumerate();
            both.filter(move |(at, (_, container))| container.is_running() || *at == serving)
        };
        let shares: u32 = running().map(|(_, (spec, _))| spec.cpu.0.max(LEAST_CPU_SHARES)).sum();
        let uses = running().filter(|(_, (spec, _))| spec.cpu_use.0 > 0);
        let shares_beside: u32 = uses.map(|(_, (spec, _))| spec.cpu.0.max(LEAST_CPU_SHARES)).sum();
        let parts = [
            definition.containers[serving].cpu.0.max(LEAST_CPU_SHARES),
            shares_beside.max(LEAST_CPU_SHARES),
        ];
        if let (CpuLimit::Shares, Some(host)) = (definition.cpu_limit, self.tasks[id].instance) {
            let group = &cx.blueprint.auto_scaling_groups[self.instances[host].group.at()];
            let used = running().map(|(_, (spec, _))| spec.cpu_use.0);
            return CpuLeft {
                server: group.instance_type.cpu,
                beside: CpuUnits(used.fold(0, u32::saturating_add).min(group.instance_type.cpu.0)),
                shares: parts,
            };
        }
        let taken = running().map(|(at, (spec, _))| {
            let own = u64::from(definition.cpu.0) * u64::from(spec.cpu.0.max(LEAST_CPU_SHARES)) / u64::from(shares);
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
            server: CpuUnits((definition.cpu.0 - beside).max(LEAST_CPU_SHARES)),
            beside: CpuUnits(beside),
            shares: parts,
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
