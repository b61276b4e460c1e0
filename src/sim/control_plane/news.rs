//! Service events: what the scheduler says of a service, in ECS's own sentences.
//!
//! What is done in passing (tasks started and stopped, targets registered) is gathered and said by the next pass, as ECS
//! counts it; tasks are named ten to a sentence. A steady state is said again only when it was lost, or after six hours.
//! Names stand where ECS has ARNs, and numbers of the run where it has ids.

use super::ControlPlane;
use super::launching::{NO_CAPACITY, Unplaceable};
use super::telling::row;
use crate::blueprint::{ServiceIx, TargetGroupIx};
use crate::cluster::service::Steadiness;
use crate::cluster::task::Task;
use crate::engine::arena::Id;
use crate::sim::context::Context;
use crate::sim::observation::{EventKind, Observation};
use crate::units::Span;
use std::fmt::Write;

/// Tasks in one sentence: as many as ECS starts with one call [GR:ecs].
const TASKS_NAMED: usize = 10;

/// How long a steady state goes without being said again [DG:service-event-messages-list].
pub(super) const STEADY_STATE_SAID_EVERY: Span = Span::from_secs(6 * 3600);

impl ControlPlane {
    /// A message of the service scheduler, in ECS's words: `(service web) has reached a steady state.`
    pub(super) fn tell_service(&self, cx: &mut Context<'_>, service: ServiceIx, message: &str) {
        let name = &cx.blueprint.services[service.at()].name;
        let reason = format!("(service {name}) {message}");
        let mut event = row(cx.now(), EventKind::Service, "", "", reason);
        event.service = Some(service);
        event.deployment = self.services[service.at()]
            .deployment
            .as_ref()
            .map(|deployment| deployment.ordinal);
        cx.observations.push(Observation::Happened(event));
    }

    /// Says what has been done since it was last said.
    pub(super) fn tell_news(&mut self, cx: &mut Context<'_>, at: ServiceIx) {
        let news = std::mem::take(&mut self.services[at.at()].news);
        for (group, count) in news.registered {
            let name = &cx.blueprint.target_groups[group.at()].name;
            self.tell_service(cx, at, &format!("registered {count} targets in (target-group {name})"));
        }
        for tasks in news.started.chunks(TASKS_NAMED) {
            self.tell_service(cx, at, &format!("has started {} tasks: {}.", tasks.len(), named(tasks)));
        }
        if news.draining > 0 {
            let count = news.draining;
            self.tell_service(cx, at, &format!("has begun draining connections on {count} tasks."));
        }
        for (group, count) in news.deregistered {
            let name = &cx.blueprint.target_groups[group.at()].name;
            self.tell_service(
                cx,
                at,
                &format!("deregistered {count} targets in (target-group {name})"),
            );
        }
        for tasks in news.stopped.chunks(TASKS_NAMED) {
            let count = tasks.len();
            self.tell_service(cx, at, &format!("has stopped {count} running tasks: {}.", named(tasks)));
        }
    }

    /// `counts`: how many instances fail which requirement; ECS does not say that.
    pub(super) fn tell_unplaced(&self, cx: &mut Context<'_>, at: ServiceIx, why: &Unplaceable) {
        let why = match why {
            Unplaceable::NoInstance {
                refusal,
                closest: Some((instance, obstacle)),
            } => {
                let (lacks, counts) = (obstacle.told(), refusal.told());
                format!("The closest matching (container-instance {instance}) {lacks}. ({counts})")
            }
            Unplaceable::NoInstance { closest: None, .. } => {
                "Reason: No Container Instances were found in your cluster.".to_string()
            }
            Unplaceable::NoCapacity => {
                return self.tell_service(cx, at, &format!("was unable to place a task. Reason: {NO_CAPACITY}."));
            }
        };
        let message = "was unable to place a task because no container instance met all of its requirements.";
        self.tell_service(cx, at, &format!("{message} {why}"));
    }

    /// A target's checks have failed it. `code`: the balancer's reason code.
    pub(super) fn tell_unhealthy(&self, cx: &mut Context<'_>, group: TargetGroupIx, id: Id<Task>, code: &str) {
        let task = &self.tasks[id];
        let (ordinal, service) = (task.ordinal, task.service);
        let name = &cx.blueprint.target_groups[group.at()].name;
        let why = match code {
            "Target.Timeout" => "Request timed out",
            _ => "Health checks failed",
        };
        let message = format!("(task {ordinal}) is unhealthy in (target-group {name}) due to (reason {why})");
        self.tell_service(cx, service, &message);
    }

    /// The deployment in progress has failed.
    pub(super) fn tell_failure(&self, cx: &mut Context<'_>, at: ServiceIx, why: &str) {
        let deployment = self.services[at.at()].deployment.as_ref();
        let ordinal = deployment.expect("a deployment that fails is in progress").ordinal;
        self.tell_service(cx, at, &format!("(deployment {ordinal}) deployment failed: {why}"));
    }

    /// Says when everything is as desired: once, and again after six hours of it.
    pub(super) fn settle(&mut self, cx: &mut Context<'_>, at: ServiceIx) {
        let service = &mut self.services[at.at()];
        if !service.is_settled() {
            service.steadiness = Steadiness::Changing;
            return;
        }
        let silent = match service.steadiness {
            Steadiness::Changing => false,
            Steadiness::Steady { said } => cx.now() < said + STEADY_STATE_SAID_EVERY,
        };
        if !silent {
            service.steadiness = Steadiness::Steady { said: cx.now() };
            self.tell_service(cx, at, "has reached a steady state.");
        }
    }
}

/// `(task 3) (task 4)`.
fn named(tasks: &[u32]) -> String {
    let mut text = String::new();
    for (at, task) in tasks.iter().enumerate() {
        let joint = if at == 0 { "" } else { " " };
        write!(text, "{joint}(task {task})").expect("writing to a string succeeds");
    }
    text
}
