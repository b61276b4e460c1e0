//! Agents that lose their connection to the control plane.
//!
//! Containers go on, requests are served, and nothing is placed on the instance; what happens to its tasks is not seen
//! and what is told to them does not arrive until the agent is back. The instance is not lost: EC2 still hears it. An
//! agent tries again at growing pauses [AGENT:ecs-agent/acs/session/session.go], so it is back some time after it could.

use super::ControlPlane;
use super::laws::purpose;
use crate::aws::agent;
use crate::blueprint::GroupIx;
use crate::cluster::Instance;
use crate::cluster::instance::Power;
use crate::cluster::task::Silence;
use crate::engine::arena::Id;
use crate::engine::random::Key;
use crate::sim::context::Context;
use crate::sim::event::{ControlEvent, Event};
use crate::units::{Instant, Span};

/// Agents that one fault has cut off.
#[derive(Clone, Debug)]
pub(super) struct Disconnect {
    /// Position in the blueprint's events.
    fault: u32,
    since: Instant,
    instances: Vec<Id<Instance>>,
}

impl ControlPlane {
    /// The agents of `count` instances of the group, chosen at random, are not heard until some time after
    /// [`ControlPlane::agents_may_reconnect`]. `fault`: its position in the blueprint's events.
    pub fn agents_disconnect(&mut self, cx: &mut Context<'_>, fault: u32, group: GroupIx, count: u32, key: Key) {
        let instances = self.pick_instances(group, count, key);
        for id in &instances {
            self.instances[*id].disconnects += 1;
            if self.instances[*id].silence.is_none() {
                self.set_silence(*id, cx.now(), Instant::NEVER);
                self.tell_connection(cx, *id, "agent disconnected");
            }
        }
        let since = cx.now();
        self.disconnects.push(Disconnect {
            fault,
            since,
            instances,
        });
    }

    /// Nothing is heard of the instance and its tasks; it is lost at `lost_at`.
    pub(super) fn set_silence(&mut self, id: Id<Instance>, since: Instant, lost_at: Instant) {
        let silence = Some(Silence { since, lost_at });
        self.instances[id].silence = silence;
        for task in self.instances[id].tasks.clone() {
            self.tasks[task].silence = silence;
        }
    }

    /// The next attempt of each agent that the fault has cut off succeeds.
    pub fn agents_may_reconnect(&mut self, cx: &mut Context<'_>, fault: u32) {
        let Some(at) = self.disconnects.iter().position(|each| each.fault == fault) else {
            return;
        };
        let disconnect = self.disconnects.remove(at);
        let lasted = cx.now().since(disconnect.since);
        for id in disconnect.instances {
            if let Some(instance) = self.instances.get(id) {
                let key = instance.key.child(purpose::RECONNECT).child(disconnect.since.nanos());
                let after = until_next_attempt(lasted, key);
                cx.calendar
                    .schedule_in(after, Event::control(ControlEvent::AgentReconnects, id, 0));
            }
        }
    }

    pub(super) fn agent_reconnects(&mut self, cx: &mut Context<'_>, id: Id<Instance>) {
        let Some(instance) = self.instances.get_mut(id) else {
            return;
        };
        instance.disconnects -= 1;
        let reachable = self.zones[instance.zone.at()].is_reachable();
        if instance.disconnects == 0 && reachable && instance.power == Power::On {
            self.hear_instance(cx, id);
            for task in self.instances[id].tasks.clone() {
                if self.tasks[task].silence.take().is_some() {
                    self.resume(cx, task);
                }
            }
        }
    }

    /// The instance is heard again, if it was not; its tasks are not told.
    pub(super) fn hear_instance(&mut self, cx: &mut Context<'_>, id: Id<Instance>) {
        if self.instances[id].silence.take().is_some() {
            self.tell_connection(cx, id, "agent connected");
            let group = self.instances[id].group;
            self.capacity_freed(cx, group);
        }
    }

    fn tell_connection(&self, cx: &mut Context<'_>, id: Id<Instance>, what: &str) {
        let state = self.instances[id].state().name();
        self.tell_of_instance(cx, id, state, state, what);
    }
}

/// From the end of an interruption that has lasted so long until the agent's next attempt to connect.
fn until_next_attempt(lasted: Span, key: Key) -> Span {
    let (mut at, mut attempt) = (Span::ZERO, 0);
    loop {
        attempt += 1;
        at += agent::reconnect(attempt, key.child(u64::from(attempt)).uniform());
        if at >= lasted {
            return Span::from_nanos(at.nanos() - lasted.nanos());
        }
    }
}
