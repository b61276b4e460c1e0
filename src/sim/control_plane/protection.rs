//! Scale-in protection: what tasks ask UpdateTaskProtection for, and what the scheduler says when it is kept from stopping.
//!
//! A task that has work protects itself when it reaches RUNNING, until the work is done or the protection expires. Scale-in,
//! deployments and draining leave it alone; failed checks and exits do not [DG:task-scale-in-protection].

use super::ControlPlane;
use super::laws::purpose;
use crate::blueprint::ServiceIx;
use crate::cluster::task::Task;
use crate::engine::arena::Id;
use crate::sim::context::Context;

impl ControlPlane {
    /// The task is RUNNING and protects its work, if it has any.
    pub(super) fn protect(&mut self, cx: &mut Context<'_>, id: Id<Task>) {
        let (at, key) = (self.tasks[id].service, self.tasks[id].key);
        let Some(protection) = &cx.blueprint.services[at.at()].scheduling.protection else {
            return;
        };
        let law = self.laws.protected_work[at.at()].as_ref();
        let law = law.expect("a service that is protected has its law");
        if key.child(purpose::PROTECTION).happens(protection.share.get()) {
            let work = law.sample(key.child(purpose::PROTECTED_WORK));
            self.tasks[id].protected_until = cx.now() + work.min(protection.expires_in);
        }
    }

    /// Says that tasks could not be stopped, when their number is new.
    pub(super) fn tell_protected(&mut self, cx: &mut Context<'_>, at: ServiceIx, count: u32) {
        let service = &mut self.services[at.at()];
        if count > 0 && service.protected_said != count {
            let message = format!("was unable to scale in due to (reason {count} tasks under protection)");
            self.tell_service(cx, at, &message);
        }
        self.services[at.at()].protected_said = count;
    }
}
