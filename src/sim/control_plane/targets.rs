//! Targets: registration, deregistration with its delay, and what is published to the balancer's nodes and to service
//! discovery.
//!
//! A node is told only when what it may send requests to has changed. A draining target is taken from all nodes at once
//! and stays in its group for the whole delay, even if its task is gone before [ALB:edit-target-group-attributes].

use super::foregone::CheckEvent;
use super::laws::purpose;
use super::telling::row;
use super::{ControlPlane, next};
use crate::blueprint::{ControlService, ServiceIx, TargetGroupIx};
use crate::cluster::service::News;
use crate::cluster::target_group::{Opinion, Target, TargetState, View};
use crate::cluster::task::{HealthStatus, Task, TaskState};
use crate::engine::arena::Id;
use crate::policy::routable::routable;
use crate::sim::context::Context;
use crate::sim::event::{ControlEvent, Event};
use crate::sim::observation::{EventKind, Observation};
use crate::sim::signal::{Order, PublishedTarget};

/// Target group and node of a check, in an event's `extra`.
pub(super) fn place_of_check(group: TargetGroupIx, node: usize) -> u32 {
    u32::from(group.0) << 16 | node as u32
}

impl ControlPlane {
    /// The groups in which a task is a target: those of production, or of the other side while its revision is a green
    /// one that has not been shifted to.
    pub(super) fn groups_for(&self, cx: &Context<'_>, id: Id<Task>) -> Vec<TargetGroupIx> {
        let task = &self.tasks[id];
        let blueprint = &cx.blueprint.services[task.service.at()];
        let service = &self.services[task.service.at()];
        let is_green = blueprint.deployment.strategy.shifts_traffic() && task.revision != service.production;
        let side = if is_green { service.side.other() } else { service.side };
        blueprint
            .load_balancers
            .iter()
            .map(|load_balancer| side.group(load_balancer))
            .collect()
    }

    /// Makes the task a target of its groups, which all nodes hold to be as `opinion` says, and sends its first checks on
    /// their way: each node's after a share of the interval (MODEL `model.alb.first_health_check`).
    pub(super) fn register(&mut self, cx: &mut Context<'_>, id: Id<Task>, opinion: Opinion) {
        for at in self.groups_for(cx, id) {
            let task = &mut self.tasks[id];
            task.registered.push(at);
            News::count(&mut self.services[task.service.at()].news.registered, at);
            let (ordinal, key, service, revision, zone) =
                (task.ordinal, task.key, task.service, task.revision, task.zone);
            let number = next(&mut self.ordinals.target);
            let group = &mut self.target_groups[at.at()];
            let position = group.targets.len();
            let checked = !group.nodes.is_empty();
            let state = if opinion == Opinion::Healthy || !checked {
                TargetState::Healthy
            } else {
                TargetState::Initial
            };
            let views = vec![View::new(opinion); group.nodes.len()];
            group.targets.push(Target {
                task: id,
                ordinal,
                key,
                service,
                revision,
                zone,
                number,
                state,
                views,
            });
            let interval = cx.blueprint.target_groups[at.at()].health_check.interval;
            let (low, high) = cx.blueprint.model.alb.first_health_check;
            for node in 0..self.target_groups[at.at()].nodes.len() {
                let luck = key
                    .child(purpose::FIRST_CHECK)
                    .child(u64::from(at.0))
                    .child(node as u64)
                    .uniform();
                let first = cx.now() + interval.scaled(low + (high - low) * luck);
                self.schedule_check(cx, (CheckEvent::IsDue, first), (at, position, node));
            }
            self.tell_target(cx, at, id, "", state.name(), "Elb.RegistrationInProgress");
        }
    }

    /// Takes the task out of all its groups: no new requests from now on.
    pub(super) fn deregister(&mut self, cx: &mut Context<'_>, id: Id<Task>) {
        let service = self.tasks[id].service;
        let mut drains = 0;
        for at in self.tasks[id].registered.clone() {
            let group = &mut self.target_groups[at.at()];
            let position = group.position(id).expect("a registered task has its target");
            let target = &mut group.targets[position];
            if !target.is_registered() {
                continue;
            }
            let from = target.state.name();
            target.state = TargetState::Draining;
            drains = 1;
            News::count(&mut self.services[service.at()].news.deregistered, at);
            self.tell_target(
                cx,
                at,
                id,
                from,
                TargetState::Draining.name(),
                "Target.DeregistrationInProgress",
            );
            self.publish(cx, at);
            let delay = cx.blueprint.target_groups[at.at()].deregistration_delay;
            cx.calendar
                .schedule_in(delay, Event::control(ControlEvent::TargetUnused, id, u32::from(at.0)));
        }
        self.services[service.at()].news.draining += drains;
    }

    /// The deregistration delay is over: what still runs through the group is cut off, and a task that waited for it may
    /// be told to stop.
    pub(super) fn target_unused(&mut self, cx: &mut Context<'_>, id: Id<Task>, at: TargetGroupIx) {
        let Some(position) = self.target_groups[at.at()].position(id) else {
            return;
        };
        self.tell_target(
            cx,
            at,
            id,
            TargetState::Draining.name(),
            "unused",
            "Target.NotRegistered",
        );
        self.target_groups[at.at()].targets.remove(position);
        let Some(task) = self.tasks.get_mut(id) else { return };
        task.registered.retain(|group| *group != at);
        cx.orders.push(Order::CutOff {
            target_group: at,
            task: id,
        });
        if task.state() == TaskState::Deactivating && task.registered.is_empty() {
            self.step_in(cx, id, crate::units::Span::ZERO);
        }
    }

    /// Tells every node whose routable targets have changed.
    pub(super) fn publish(&mut self, cx: &mut Context<'_>, at: TargetGroupIx) {
        let now = cx.now();
        let written = &cx.blueprint.target_groups[at.at()];
        let slow_start = written.slow_start;
        let mut zones_may_change = false;
        for number in 0..self.target_groups[at.at()].nodes.len() {
            let scope = self.scope(cx, at, self.target_groups[at.at()].nodes[number].zone);
            let group = &mut self.target_groups[at.at()];
            let routes = routable(&group.targets, number, scope, &written.attributes);
            let node = &mut group.nodes[number];
            zones_may_change |= node.fails_over != routes.fails_over;
            node.fails_over = routes.fails_over;
            let mut targets = routes.targets;
            for target in &mut targets {
                // A ramp that is over is no difference.
                target.ramping_since = target.ramping_since.filter(|since| now < *since + slow_start);
            }
            let same = |(a, b): (&crate::cluster::target_group::Routable, _)| a == b;
            if targets.len() == node.published.len() && targets.iter().zip(&node.published).all(same) {
                continue;
            }
            let publish = |target: &crate::cluster::target_group::Routable| PublishedTarget {
                task: target.task,
                ramping_since: target.ramping_since,
            };
            cx.orders.push(Order::PublishTargets {
                target_group: at,
                node: u16::try_from(number).expect("a balancer has fewer than 65,536 nodes"),
                targets: targets.iter().map(publish).collect(),
            });
            node.published = targets;
        }
        if let Some(balancer) = self.target_groups[at.at()].load_balancer
            && zones_may_change
        {
            self.publish_zones(cx, balancer);
        }
    }

    /// Tells service discovery which tasks there are, if that has changed: RUNNING ones of production whose containers'
    /// checks, if there are any, pass. Without a check a task is found before it listens [DG:service-discovery].
    pub(super) fn publish_discovery(&mut self, cx: &mut Context<'_>, at: ServiceIx) {
        if self.is_away(ControlService::CloudMap) {
            return;
        }
        let blueprint = &cx.blueprint.services[at.at()];
        let service = &self.services[at.at()];
        let all = !blueprint.deployment.strategy.shifts_traffic();
        let found = service.tasks.iter().copied().filter(|id| {
            let task = &self.tasks[*id];
            task.state() == TaskState::Running
                && (all || task.revision == service.production)
                && self.container_health(cx.blueprint, task) != Some(HealthStatus::Unhealthy)
                && self.container_health(cx.blueprint, task) != Some(HealthStatus::Unknown)
        });
        let found: Vec<Id<Task>> = found.collect();
        if found != self.discovered[at.at()] {
            self.discovered[at.at()].clone_from(&found);
            cx.orders.push(Order::PublishDiscovery {
                service: at,
                tasks: found,
            });
        }
    }

    /// A target's row; the task itself may be gone.
    pub(super) fn tell_target(
        &self,
        cx: &mut Context<'_>,
        at: TargetGroupIx,
        id: Id<Task>,
        from: &str,
        to: &str,
        reason: &str,
    ) {
        let name = &cx.blueprint.target_groups[at.at()].name;
        let mut event = row(cx.now(), EventKind::Target, from, to, format!("{name}: {reason}"));
        if self.tasks.contains(id) {
            self.say_whose(&mut event, id);
        } else if let Some(target) = self.target_groups[at.at()].find(id) {
            event.service = Some(target.service);
            event.revision = Some(target.revision);
            event.task = Some(target.ordinal);
            event.zone = Some(target.zone);
        }
        cx.observations.push(Observation::Happened(event));
    }
}
