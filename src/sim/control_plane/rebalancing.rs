//! AZ rebalancing: a service in a steady state moves tasks from its fullest zone to its emptiest [DG:service-rebalancing].
//!
//! One task at a time (MODEL): it is started in the emptiest zone, and once it is healthy the surplus goes from the fullest,
//! as in every scale-in. A zone counts that could take a task: on Fargate one in which no launch has lately failed, on EC2
//! one with an ACTIVE instance whose agent is heard; instances are not launched for it.

use super::ControlPlane;
use super::launching::Place;
use super::laws::purpose;
use crate::blueprint::{Provider, ServiceIx, ZoneIx, ZoneRebalancing};
use crate::cluster::capacity::Needs;
use crate::cluster::service::{Halt, Rebalancing};
use crate::cluster::task::Task;
use crate::policy::placement::{self, InstanceView, Standing};
use crate::policy::rebalancing::next_zone;
use crate::policy::rollout::{Step, upper_bound};
use crate::sim::context::Context;
use crate::units::Instant;

impl ControlPlane {
    /// Begins to move a task, if the service is steady and its zones are not balanced.
    pub(super) fn rebalance(&mut self, cx: &mut Context<'_>, at: ServiceIx) {
        if !self.may_rebalance(cx, at) {
            return;
        }
        let zones = self.zones_of(cx, at);
        let Some(zone) = next_zone(&zones) else {
            if self.services[at.at()].rebalancing == Rebalancing::Unbalanced {
                self.services[at.at()].rebalancing = Rebalancing::Balanced;
                self.tell_service(cx, at, &format!("is AZ balanced with {}.", told(cx, &zones)));
            }
            return;
        };
        let revision = self.services[at.at()].primary;
        let provider = self.choose_provider(cx, at, revision);
        let Some(place) = self.place_in(cx, at, provider, zone) else {
            self.services[at.at()].rebalancing = Rebalancing::WaitsForRoom;
            self.waiting.insert(at);
            return;
        };
        if let Err(next) = self.permit(at, provider, cx.now()) {
            return self.pass_at(cx, at, next);
        }
        if self.services[at.at()].rebalancing != Rebalancing::Unbalanced {
            let message = format!(
                "is not AZ balanced with {}. AZ Rebalancing in progress.",
                told(cx, &zones)
            );
            self.tell_service(cx, at, &message);
        }
        let id = self.commence(cx, at, revision, place, "AZ rebalancing");
        self.services[at.at()].rebalancing = Rebalancing::Moves(id);
        self.tell_news(cx, at);
    }

    fn may_rebalance(&self, cx: &Context<'_>, at: ServiceIx) -> bool {
        let (blueprint, service) = (&cx.blueprint.services[at.at()], &self.services[at.at()]);
        let maximum = upper_bound(service.desired, blueprint.deployment.maximum_percent);
        blueprint.scheduling.zone_rebalancing == ZoneRebalancing::Enabled
            && !matches!(service.rebalancing, Rebalancing::Moves(_))
            && service.is_settled()
            && service.halt == Halt::Going
            && service.throttle.not_before <= cx.now()
            && maximum > service.desired
    }

    /// The zones that could take a task of the service, with those they have.
    fn zones_of(&self, cx: &Context<'_>, at: ServiceIx) -> Vec<(ZoneIx, u32)> {
        let shares = &cx.blueprint.services[at.at()].capacity;
        let takes_tasks = |zone: ZoneIx| {
            shares.iter().any(|share| match share.provider {
                Provider::Fargate | Provider::FargateSpot => {
                    self.standing(zone, cx.now()) == Standing::Good && !self.is_short(share.provider, zone)
                }
                Provider::Group(group) => {
                    let mut hosts = self.groups[group.at()].instances.iter().map(|id| &self.instances[*id]);
                    hosts.any(|host| host.zone == zone && host.takes_tasks())
                }
            })
        };
        let zones = (0..self.zones.len())
            .map(ZoneIx::from_usize)
            .filter(|zone| takes_tasks(*zone));
        let mut counts: Vec<(ZoneIx, u32)> = zones.map(|zone| (zone, 0)).collect();
        for task in self.services[at.at()].tasks.iter().map(|id| &self.tasks[*id]) {
            if let Some((_, count)) = counts.iter_mut().find(|(zone, _)| *zone == task.zone) {
                *count += u32::from(task.state().is_live());
            }
        }
        counts
    }

    /// A place for a task of the primary revision in one zone.
    fn place_in(&self, cx: &Context<'_>, at: ServiceIx, provider: Provider, zone: ZoneIx) -> Option<Place> {
        let Provider::Group(group) = provider else {
            return Some(Place {
                provider,
                instance: None,
                zone,
            });
        };
        let blueprint = &cx.blueprint.services[at.at()];
        let revision = &blueprint.revisions[self.services[at.at()].primary.at()];
        let needs = Needs::of(&cx.blueprint.task_definitions[revision.task_definition.at()]);
        let hosts = self.groups[group.at()].instances.iter().copied();
        let hosts: Vec<_> = hosts
            .filter(|id| self.instances[*id].zone == zone && self.instances[*id].is_active())
            .collect();
        let views: Vec<InstanceView<'_>> = hosts
            .iter()
            .map(|id| self.instance_view(cx.blueprint, *id, self.live_tasks_on(at, *id), 0))
            .collect();
        let luck = self.key_of_next_task(at).child(purpose::PLACEMENT);
        let (constraints, strategies) = (&blueprint.placement_constraints, &blueprint.placement_strategy);
        let chosen = placement::instance(&views, &needs, constraints, strategies, luck).ok()?;
        Some(Place {
            provider,
            instance: Some(hosts[chosen]),
            zone,
        })
    }

    /// Keeps the surplus until the task that is moved counts as healthy, or is no more.
    pub(super) fn hold_surplus(&mut self, cx: &Context<'_>, at: ServiceIx, step: &mut Step) {
        let service = &self.services[at.at()];
        let Rebalancing::Moves(id) = service.rebalancing else {
            return;
        };
        let grace = cx.blueprint.services[at.at()].health_check_grace_period;
        let comes = |task: &Task| {
            let failed = task.unhealthy && task.out_of_grace(grace, cx.now());
            task.state().is_live() && task.revision == service.primary && !task.healthy && !failed
        };
        if service.deployment.is_none() && self.tasks.get(id).is_some_and(comes) {
            step.stop_surplus = step.stop_surplus.saturating_sub(1);
        } else {
            self.services[at.at()].rebalancing = Rebalancing::Unbalanced;
        }
    }

    /// When a service that is not balanced has a zone more to go to.
    pub(super) fn zones_good_again(&self, cx: &Context<'_>, at: ServiceIx) -> Instant {
        if cx.blueprint.services[at.at()].scheduling.zone_rebalancing == ZoneRebalancing::Disabled {
            return Instant::NEVER;
        }
        let avoided = self.zones.iter().map(|zone| zone.avoided_until);
        avoided
            .filter(|until| *until > cx.now())
            .min()
            .unwrap_or(Instant::NEVER)
    }

    /// An instance takes tasks from now on: services that are not balanced with its zone look again.
    pub(super) fn zone_gained(&mut self, cx: &mut Context<'_>) {
        for at in (0..self.services.len()).map(ServiceIx::from_usize) {
            if self.is_unbalanced(cx, at) {
                self.request_pass(cx, at);
            }
        }
    }

    /// Whether a task would be moved now.
    pub(super) fn is_unbalanced(&self, cx: &Context<'_>, at: ServiceIx) -> bool {
        self.may_rebalance(cx, at) && next_zone(&self.zones_of(cx, at)).is_some()
    }
}

/// `3 tasks in us-east-1a, 1 tasks in us-east-1b`.
fn told(cx: &Context<'_>, zones: &[(ZoneIx, u32)]) -> String {
    let zone = |(zone, tasks): &(ZoneIx, u32)| format!("{tasks} tasks in {}", cx.blueprint.zones[zone.at()]);
    zones.iter().map(zone).collect::<Vec<_>>().join(", ")
}
