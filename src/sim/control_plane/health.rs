//! Health: the nodes' checks of their targets, what ECS makes of them, and which tasks count as healthy.
//!
//! A node sends a check every interval from the start of the last one, whether or not that was answered; a check without
//! an answer within the timeout has failed. A task counts towards a deployment's lower bound by the table of
//! [BC:ecs minimumHealthyPercent]: with a balancer when all its target groups hold it healthy, with container checks when
//! all essential ones pass, with both when both do, with neither 40 s after RUNNING.

use super::ControlPlane;
use super::foregone::CheckEvent;
use super::laws::purpose;
use crate::blueprint::{Blueprint, TargetGroupIx};
use crate::cluster::target_group::{CheckResult, Opinion, Outlook, TargetState};
use crate::cluster::task::{HealthStatus, Task, TaskState};
use crate::engine::arena::Id;
use crate::sim::context::Context;
use crate::sim::signal::Order;

/// An answer to a health check.
#[derive(Clone, Copy, Debug)]
pub(super) struct Answer {
    pub group: TargetGroupIx,
    pub node: usize,
    pub task: Id<Task>,
    pub check: u32,
    pub status: u16,
    pub outlook: Outlook,
}

impl ControlPlane {
    /// A node's next check of a target is due.
    pub(super) fn check_target(&mut self, cx: &mut Context<'_>, id: Id<Task>, at: TargetGroupIx, node: usize) {
        let (settings, now) = (&cx.blueprint.target_groups[at.at()].health_check, cx.now());
        // Once deregistered or gone, a target is checked no more.
        let Some(position) = self.target_groups[at.at()].registered(id) else {
            return;
        };
        let view = &mut self.target_groups[at.at()].targets[position].views[node];
        if view.outlook != Outlook::Open {
            // It would pass, and change nothing.
            return;
        }
        // Timeouts are shorter than intervals; where they are not, the next check ends the wait for this one.
        let overtaken = view.waiting.is_some();
        view.check += 1;
        view.sent = now;
        view.waiting = Some(now + settings.timeout);
        let check = view.check;
        cx.orders.push(Order::CheckTarget {
            target_group: at,
            node: node as u16,
            task: id,
            check,
        });
        let place = (at, position, node);
        self.schedule_check(cx, (CheckEvent::TimesOut, now + settings.timeout), place);
        self.schedule_check(cx, (CheckEvent::IsDue, now + settings.interval), place);
        if overtaken {
            self.count_check(cx, place, CheckResult::Failed, "Target.Timeout");
        }
    }

    pub(super) fn check_timed_out(&mut self, cx: &mut Context<'_>, id: Id<Task>, at: TargetGroupIx, node: usize) {
        let Some(position) = self.target_groups[at.at()].registered(id) else {
            return;
        };
        let view = &mut self.target_groups[at.at()].targets[position].views[node];
        if view.waiting == Some(cx.now()) {
            view.waiting = None;
            self.count_check(cx, (at, position, node), CheckResult::Failed, "Target.Timeout");
        }
    }

    pub(super) fn check_answered(&mut self, cx: &mut Context<'_>, answer: Answer) {
        let Answer {
            group: at,
            node,
            task: id,
            check,
            status,
            outlook,
        } = answer;
        let Some(position) = self.target_groups[at.at()].registered(id) else {
            return;
        };
        let view = &mut self.target_groups[at.at()].targets[position].views[node];
        if view.check != check || view.waiting.is_none() {
            // The answer to a check that has been given up.
            return;
        }
        view.waiting = None;
        let matches = |(low, high): &(u16, u16)| (*low..=*high).contains(&status);
        let matched = cx.blueprint.target_groups[at.at()]
            .health_check
            .matcher
            .iter()
            .any(matches);
        let (result, reason) = if status == 0 {
            (CheckResult::Failed, "Target.FailedHealthChecks")
        } else if !matched || self.check_is_defective(cx, id, at, node, check) {
            (CheckResult::Failed, "Target.ResponseCodeMismatch")
        } else {
            (CheckResult::Passed, "")
        };
        let place = (at, position, node);
        self.count_check(cx, place, result, reason);
        if result == CheckResult::Passed {
            self.rely_on(cx, place, outlook);
        }
    }

    /// Whether the revision fails this check although its server answers.
    fn check_is_defective(&self, cx: &Context<'_>, id: Id<Task>, at: TargetGroupIx, node: usize, check: u32) -> bool {
        let Some(task) = self.tasks.get(id) else { return false };
        let share = cx.blueprint.services[task.service.at()].revisions[task.revision.at()]
            .defects
            .fails_health_checks;
        let key = task.key.child(purpose::TARGET_CHECK).child(u64::from(at.0));
        share.get() > 0.0 && key.child(node as u64).child(u64::from(check)).happens(share.get())
    }

    fn count_check(
        &mut self,
        cx: &mut Context<'_>,
        (at, position, node): (TargetGroupIx, usize, usize),
        result: CheckResult,
        reason: &str,
    ) {
        let now = cx.now();
        let settings = &cx.blueprint.target_groups[at.at()];
        let checks = &settings.health_check;
        let group = &mut self.target_groups[at.at()];
        let id = group.targets[position].task;
        let view = &mut group.targets[position].views[node];
        if !view.count(result, checks.healthy_threshold, checks.unhealthy_threshold) {
            return;
        }
        if view.opinion == Opinion::Healthy && !settings.slow_start.is_zero() {
            // Slow start is entered only beside a healthy target outside it [ALB:edit-target-group-attributes].
            let others = group
                .targets
                .iter()
                .filter(|target| target.task != id && target.is_registered());
            let mut settled = others.map(|target| &target.views[node]);
            let ramps =
                settled.any(|view| view.opinion == Opinion::Healthy && !view.is_ramping(settings.slow_start, now));
            group.targets[position].views[node].ramping_since = ramps.then_some(now);
        }
        self.publish(cx, at);
        self.refresh_target(cx, id, at, reason);
    }

    /// Works out again what ECS sees of a target.
    pub(super) fn refresh_target(&mut self, cx: &mut Context<'_>, id: Id<Task>, at: TargetGroupIx, reason: &str) {
        let group = &self.target_groups[at.at()];
        let position = group.position(id).expect("only a registered target is refreshed");
        let target = &group.targets[position];
        let before = target.state;
        let state = group.state_of(target, |zone| self.zones[zone.at()].is_reachable());
        if state == before {
            return;
        }
        self.target_groups[at.at()].targets[position].state = state;
        let reason = if state == TargetState::Healthy {
            "healthy"
        } else {
            reason
        };
        self.tell_target(cx, at, id, before.name(), state.name(), reason);
        if state == TargetState::Unhealthy {
            self.tell_unhealthy(cx, at, id, reason);
        }
        self.reconsider(cx, id);
    }

    /// Works out again whether a task counts as healthy or has been failed by a check.
    pub(super) fn reconsider(&mut self, cx: &mut Context<'_>, id: Id<Task>) {
        let Some(task) = self.tasks.get(id) else { return };
        if task.state() != TaskState::Running {
            return;
        }
        let container = self.container_health(cx.blueprint, task);
        let targets = || {
            let groups = task.registered.iter().map(|at| &self.target_groups[at.at()]);
            groups.map(|group| group.find(id).expect("a registered task has its target").state)
        };
        let unhealthy =
            container == Some(HealthStatus::Unhealthy) || targets().any(|state| state == TargetState::Unhealthy);
        let service = &cx.blueprint.services[task.service.at()];
        let passes = !unhealthy
            && container.is_none_or(|health| health == HealthStatus::Healthy)
            && targets().all(|state| state == TargetState::Healthy);
        let healthy = if service.load_balancers.is_empty() && container.is_none() {
            task.healthy
        } else {
            passes
        };
        self.tasks[id].unhealthy = unhealthy;
        self.set_healthy(cx, id, healthy);
    }

    /// Counts a RUNNING task as healthy, or no longer.
    pub(super) fn set_healthy(&mut self, cx: &mut Context<'_>, id: Id<Task>, healthy: bool) {
        let task = &mut self.tasks[id];
        let at = task.service;
        if task.healthy != healthy {
            task.healthy = healthy;
            let counts = &mut self.services[at.at()].counts;
            if healthy {
                task.healthy_since.get_or_insert(cx.calendar.now());
                counts.healthy += 1;
                self.became_healthy(cx, id);
            } else {
                counts.healthy -= 1;
            }
            self.levels_changed(cx, at);
        }
        self.publish_discovery(cx, at);
        self.request_pass(cx, at);
    }

    /// Health by the checks of the essential containers; `None` if none has one [BC:ecs HealthStatus].
    pub(super) fn container_health(&self, blueprint: &Blueprint, task: &Task) -> Option<HealthStatus> {
        let revision = &blueprint.services[task.service.at()].revisions[task.revision.at()];
        let definition = &blueprint.task_definitions[revision.task_definition.at()];
        let with_checks = definition.containers.iter().zip(&task.containers);
        let mut checked = with_checks
            .filter(|(spec, _)| spec.essential && spec.health_check.is_some())
            .map(|(_, state)| state.health);
        let first = checked.next()?;
        Some(checked.fold(first, |sum, health| match (sum, health) {
            (HealthStatus::Unhealthy, _) | (_, HealthStatus::Unhealthy) => HealthStatus::Unhealthy,
            (HealthStatus::Unknown, _) | (_, HealthStatus::Unknown) => HealthStatus::Unknown,
            _ => HealthStatus::Healthy,
        }))
    }
}
