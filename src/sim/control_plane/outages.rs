//! Control planes that are away: nobody decides, launches, scales or publishes, and the data plane goes on.
//!
//! While ECS is away its agents' news are not heard and its scheduler makes no pass: tasks keep the states that they had,
//! containers live and die unseen, what is told to a task waits. While EC2 is away groups launch and replace nothing.
//! Without CloudWatch no minute is published; without Application Auto Scaling no policy is asked; without Cloud Map
//! nobody learns of changed addresses. Balancers check their targets' health by themselves and are never away. What
//! tasks call while they start (registry, secrets, roles, log streams) is in `backends`.

use super::ControlPlane;
use crate::blueprint::{ControlService, GroupIx, ServiceIx};
use crate::cluster::task::{Silence, Task};
use crate::cluster::{Instance, task};
use crate::engine::arena::Id;
use crate::sim::context::Context;
use crate::sim::event::{ControlEvent, Event};

/// Who is away.
#[derive(Clone, Debug, Default)]
pub(super) struct Outages {
    /// Faults that keep each away, by [`ControlService`].
    away: [u32; ControlService::ALL.len()],
    /// Hosts whose silence has lasted long enough while nobody was there to declare them lost.
    lost_tasks: Vec<Id<Task>>,
    lost_instances: Vec<Id<Instance>>,
}

impl ControlPlane {
    pub(super) fn is_away(&self, service: ControlService) -> bool {
        self.outages.away[service as usize] > 0
    }

    /// Whether ECS hears nothing of the task: its host is silent, or ECS is away.
    pub(super) fn is_unheard(&self, id: Id<Task>) -> bool {
        self.tasks[id].silence.is_some() || self.is_away(ControlService::Ecs)
    }

    /// These are away until [`ControlPlane::control_services_return`].
    pub fn control_services_go(&mut self, of: &[ControlService]) {
        for service in of {
            self.outages.away[*service as usize] += 1;
        }
    }

    /// One of the faults that keep these away is over.
    pub fn control_services_return(&mut self, cx: &mut Context<'_>, of: &[ControlService]) {
        for service in of {
            self.outages.away[*service as usize] -= 1;
        }
        for service in of.iter().copied() {
            if self.is_away(service) {
                continue;
            }
            match service {
                ControlService::Ecs => self.ecs_returns(cx),
                ControlService::Ec2 => self.ec2_returns(cx),
                ControlService::CloudMap => {
                    for at in (0..self.services.len()).map(ServiceIx::from_usize) {
                        self.publish_discovery(cx, at);
                    }
                }
                // The next minute does it.
                ControlService::CloudWatch | ControlService::ApplicationAutoScaling => {}
            }
        }
    }

    /// Everything is heard, and looked at, again.
    fn ecs_returns(&mut self, cx: &mut Context<'_>) {
        for id in std::mem::take(&mut self.outages.lost_tasks) {
            if self.tasks.get(id).is_some_and(|task| task.silence.is_some()) {
                self.tasks[id].silence = lost_now(cx, self.tasks[id].silence);
                self.task_lost(cx, id);
            }
        }
        self.declare_instances(cx);
        let heard: Vec<Id<Task>> = self
            .tasks
            .ids()
            .filter(|id| self.tasks[*id].silence.is_none())
            .collect();
        for id in heard {
            // One may have gone with another.
            if self.tasks.contains(id) && !self.is_on_dead_host(id) {
                self.resume(cx, id);
            }
        }
        for at in (0..self.services.len()).map(ServiceIx::from_usize) {
            self.request_pass(cx, at);
        }
    }

    fn ec2_returns(&mut self, cx: &mut Context<'_>) {
        self.declare_instances(cx);
        for at in (0..self.groups.len()).map(GroupIx::from_usize) {
            cx.calendar
                .schedule_at(cx.now(), Event::control_extra(ControlEvent::GroupPass, u32::from(at.0)));
        }
    }

    fn declare_instances(&mut self, cx: &mut Context<'_>) {
        for id in std::mem::take(&mut self.outages.lost_instances) {
            if self.instances.get(id).is_some_and(|host| host.silence.is_some()) {
                self.instances[id].silence = lost_now(cx, self.instances[id].silence);
                self.instance_lost(cx, id);
            }
        }
    }

    /// Whether nobody is there to declare the task lost; then it is, when somebody is.
    pub(super) fn loss_waits(&mut self, id: Id<Task>) -> bool {
        let waits = self.is_away(ControlService::Ecs);
        if waits {
            self.outages.lost_tasks.push(id);
        }
        waits
    }

    /// The same for an instance: EC2 terminates it, and ECS writes its tasks off.
    pub(super) fn loss_of_instance_waits(&mut self, id: Id<Instance>) -> bool {
        let waits = self.is_away(ControlService::Ecs) || self.is_away(ControlService::Ec2);
        if waits {
            self.outages.lost_instances.push(id);
        }
        waits
    }
}

/// The same silence, with its end now.
fn lost_now(cx: &Context<'_>, silence: Option<task::Silence>) -> Option<Silence> {
    silence.map(|silence| Silence {
        lost_at: cx.now(),
        ..silence
    })
}
