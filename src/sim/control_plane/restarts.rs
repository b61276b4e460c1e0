//! Restart policies of containers [BC:ecs ContainerRestartPolicy].
//!
//! A container that exits by itself is started again in its place, and its task stays what it is, if the policy does not
//! ignore its exit code and it has run for the policy's period; that makes one restart a period at most. Otherwise the
//! exit means what it means without a policy.

use super::ControlPlane;
use super::agent::ContainerStep;
use super::laws::purpose;
use crate::cluster::task::{Container, ContainerState, Task};
use crate::engine::arena::Id;
use crate::engine::random::Key;
use crate::sim::context::Context;

impl ControlPlane {
    /// Whether a container that has just exited is started again; if so, it is on its way.
    pub(super) fn restart(&mut self, cx: &mut Context<'_>, id: Id<Task>, at: usize, code: u8) -> bool {
        let now = cx.now();
        let spec = &self.definition(cx, id).containers[at];
        let Some(policy) = &spec.restart_policy else {
            return false;
        };
        let task = &self.tasks[id];
        let ran_since = task.containers[at].since;
        let too_early = now < ran_since + policy.attempt_period;
        if task.stop.is_some() || too_early || policy.ignored_exit_codes.contains(&code) {
            return false;
        }
        let restarts = task.containers[at].restarts + 1;
        self.tasks[id].containers[at] = Container {
            state: ContainerState::Starting,
            since: now,
            restarts,
            ..Container::new()
        };
        let key = self.container_key(id, at, purpose::CONTAINER_START);
        let start = self.laws.container_start.sample(key.child(at as u64));
        self.container_in(cx, id, at, ContainerStep::Started, start);
        if spec.health_check.is_some() {
            self.reconsider(cx, id);
        }
        true
    }

    /// The key of a draw for the present run of a container; its first run's is the task's own.
    pub(super) fn container_key(&self, id: Id<Task>, at: usize, purpose: u64) -> Key {
        let task = &self.tasks[id];
        let key = task.key.child(purpose);
        match task.containers[at].restarts {
            0 => key,
            restarts => key.child(purpose::RESTART).child(u64::from(restarts)),
        }
    }
}
