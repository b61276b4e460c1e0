//! Standalone tasks: RunTask starts them once, and nobody keeps, replaces or drains them.
//!
//! A family's tasks are kept like a service's, but no pass ever looks at them. RunTask places each task or fails for it, and
//! does not try again [BC:ecs RunTask.failures]; a schedule does not either. On Fargate its calls, each of ten tasks at most,
//! have a rate of their own, and whoever is throttled calls again when it lets him [DG:throttling].

use super::ControlPlane;
use super::launching::Unplaceable;
use super::telling::row;
use crate::blueprint::{Blueprint, ControlService, Provider, RevisionIx, SchedulingStrategy, ServiceIx};
use crate::cluster::service::News;
use crate::policy::placement::Obstacle;
use crate::sim::context::Context;
use crate::sim::event::{ControlEvent, Event};
use crate::sim::observation::{EventKind, Observation};
use crate::units::Instant;

/// Tasks of one RunTask call [GR:ecs].
const TASKS_PER_CALL: u32 = 10;

/// Whether these are standalone tasks rather than a service's.
pub(super) fn is_standalone(blueprint: &Blueprint, at: ServiceIx) -> bool {
    blueprint.services[at.at()].scheduling.strategy == SchedulingStrategy::Standalone
}

impl ControlPlane {
    /// RunTask, as often as `count` tasks need it.
    pub fn run_task(&mut self, cx: &mut Context<'_>, at: ServiceIx, count: u32) {
        let now = cx.now();
        if self.is_away(ControlService::Ecs) {
            let again = now + cx.blueprint.model.scheduler.run_task_retry;
            return self.call_again(cx, at, count, again);
        }
        let mut left = count;
        while left > 0 {
            let on_fargate = cx.blueprint.services[at.at()]
                .capacity
                .iter()
                .any(|share| !matches!(share.provider, Provider::Group(_)));
            if on_fargate {
                if self.run_task_calls.available(now) == 0 {
                    let next = self.run_task_calls.next(now);
                    return self.call_again(cx, at, left, next);
                }
                self.run_task_calls.take_one(now);
            }
            let tasks = left.min(TASKS_PER_CALL);
            for started in 0..tasks {
                let provider = self.choose_provider(cx, at, RevisionIx(0));
                if let Err(next) = self.permit(at, provider, now) {
                    return self.call_again(cx, at, left - started, next);
                }
                self.run_one(cx, at, provider);
            }
            left -= tasks;
        }
    }

    /// The call was throttled.
    fn call_again(&mut self, cx: &mut Context<'_>, at: ServiceIx, left: u32, when: Instant) {
        let extra = left << 16 | u32::from(at.0);
        cx.calendar
            .schedule_at(when, Event::control_extra(ControlEvent::RunTask, extra));
    }

    fn run_one(&mut self, cx: &mut Context<'_>, at: ServiceIx, provider: Provider) {
        let key = self.key_of_next_task(at);
        match self.find_place(cx, at, RevisionIx(0), provider, key) {
            Ok(place) => {
                self.commence(cx, at, RevisionIx(0), place, "RunTask");
                // The task's own rows say it.
                self.services[at.at()].news = News::default();
            }
            Err(why) => {
                let reason = match &why {
                    Unplaceable::NoInstance {
                        closest: Some((_, obstacle)),
                        ..
                    } => failure(*obstacle),
                    Unplaceable::NoInstance { closest: None, .. } => "no container instances",
                    Unplaceable::NoCapacity => "RESOURCE:FARGATE",
                };
                let mut event = row(
                    cx.now(),
                    EventKind::RunTask,
                    "",
                    "failed",
                    format!("{reason} ({})", why.told()),
                );
                event.service = Some(at);
                cx.observations.push(Observation::Happened(event));
            }
        }
    }
}

/// The reason of RunTask's failure, in ECS's words.
const fn failure(obstacle: Obstacle) -> &'static str {
    match obstacle {
        Obstacle::Agent => "AGENT",
        Obstacle::Cpu => "RESOURCE:CPU",
        Obstacle::Memory => "RESOURCE:MEMORY",
        Obstacle::Ports => "RESOURCE:PORTS",
        Obstacle::Enis => "RESOURCE:ENI",
        Obstacle::Constraint => "ATTRIBUTE",
    }
}
