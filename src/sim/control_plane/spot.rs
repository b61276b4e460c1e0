//! Spot takes its capacity back, with a warning of two minutes.
//!
//! A task on Fargate Spot gets SIGTERM at once and SIGKILL after its `stopTimeout`, of which the warning leaves at most 120 s;
//! its targets drain meanwhile. The scheduler replaces it on Spot, never on demand [DG:fargate-capacity-providers]. An
//! instance is terminated when the two minutes are over, whatever runs on it; only an agent that was told to sets it to
//! DRAINING before [AGENT:README.md, ECS_ENABLE_SPOT_INSTANCE_DRAINING].

use super::ControlPlane;
use super::faults::pick;
use super::stopping::Manner;
use crate::blueprint::{AtSpotWarning, GroupIx, Provider, Selection};
use crate::cluster::Instance;
use crate::cluster::instance::{ContainerInstanceStatus, InstanceState, Power};
use crate::cluster::task::{Stop, StopCode};
use crate::engine::arena::Id;
use crate::engine::random::Key;
use crate::sim::context::Context;
use crate::sim::event::{ControlEvent, Event};
use crate::units::Span;

/// From the notice to the end [EC2:spot-instance-termination-notices].
const WARNING: Span = Span::from_secs(120);

impl ControlPlane {
    /// The RUNNING tasks of a selection are interrupted; of a group, instances.
    pub fn reclaim_spot(&mut self, cx: &mut Context<'_>, on: &Selection, key: Key) {
        if let Some(Provider::Group(at)) = on.provider {
            return self.reclaim_instances(cx, at, on, key);
        }
        for id in self.select(on, key) {
            let stop = Stop {
                code: StopCode::SpotInterruption,
                reason: "Your Spot Task was interrupted.".to_owned(),
            };
            self.stop_task(cx, id, stop, Manner::AtOnce);
        }
    }

    fn reclaim_instances(&mut self, cx: &mut Context<'_>, at: GroupIx, on: &Selection, key: Key) {
        let standing = self.groups[at.at()].instances.iter().copied().filter(|id| {
            let host = &self.instances[*id];
            let is_there = host.state() == InstanceState::InService && host.power == Power::On;
            is_there && on.zone.is_none_or(|zone| host.zone == zone)
        });
        let standing: Vec<Id<Instance>> = standing.collect();
        let count = on.amount.of(standing.len());
        let taken = pick(standing, count, |id| {
            key.child(u64::from(self.instances[id].ordinal)).bits()
        });
        let drains = cx.blueprint.auto_scaling_groups[at.at()].agent.at_spot_warning == AtSpotWarning::Drains;
        for id in taken {
            let state = InstanceState::InService.name();
            self.tell_of_instance(cx, id, state, state, "Spot interruption notice");
            if drains && self.instances[id].status == ContainerInstanceStatus::Active {
                self.instances[id].status = ContainerInstanceStatus::Draining;
                self.drain(cx, id);
            }
            cx.calendar
                .schedule_in(WARNING, Event::control(ControlEvent::SpotTerminates, id, 0));
        }
        self.hosts_changed(cx);
    }

    /// The two minutes are over.
    pub(super) fn spot_terminates(&mut self, cx: &mut Context<'_>, id: Id<Instance>) {
        let Some(instance) = self.instances.get(id).filter(|host| host.power == Power::On) else {
            // It is gone already, or dead and about to be found so.
            return;
        };
        let ordinal = instance.ordinal;
        for task in instance.tasks.clone() {
            let stop = Stop {
                code: StopCode::TerminationNotice,
                reason: format!("Host EC2 (instance {ordinal}) terminated"),
            };
            self.lose_task(cx, task, stop);
        }
        self.terminate(cx, id, "taken back by Spot");
    }
}
