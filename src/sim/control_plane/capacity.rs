//! EC2 Auto Scaling groups: they keep their desired capacity over their zones and replace what is lost.
//!
//! A launch takes the group's launch time, at the end of which the instance is registered and takes tasks; in a zone
//! that cannot be reached it fails then, and the zone is avoided for a while. What becomes free is offered at once to
//! services that wait for a place. Deliberately not here: scaling of the group (not modelled yet) and rebalancing between
//! zones after one has come back.

use super::laws::purpose;
use super::telling::row;
use super::{ControlPlane, next};
use crate::blueprint::{ControlService, GroupIx, Provider, ZoneIx};
use crate::cluster::capacity::Resources;
use crate::cluster::instance::{InstanceState, NewInstance};
use crate::cluster::service::Rebalancing;
use crate::cluster::{ImageStore, Instance};
use crate::engine::arena::Id;
use crate::policy::placement::{self, ZoneView};
use crate::sim::context::Context;
use crate::sim::event::{ControlEvent, Event};
use crate::sim::observation::{EventKind, InstanceRecord, Observation};
use crate::sim::signal::{HostStands, Order};
use crate::units::Instant;

impl ControlPlane {
    /// The group launches what it lacks.
    pub(super) fn group_pass(&mut self, cx: &mut Context<'_>, at: GroupIx) {
        let mut launched = 0;
        while (self.groups[at.at()].instances.len() as u32) < self.groups[at.at()].desired
            && !self.is_away(ControlService::Ec2)
        {
            let Some(zone) = self.zone_of_next_instance(cx, at) else {
                self.tell_insufficient_capacity(cx, at);
                break;
            };
            let id = self.new_instance(cx, at, zone);
            let time = self.laws.launch[at.at()].sample(self.instances[id].key.child(purpose::LAUNCH));
            cx.calendar
                .schedule_in(time, Event::control(ControlEvent::InstanceLaunched, id, 0));
            self.tell_instance(cx, id, "", "");
            launched += 1;
        }
        if launched > 0 {
            let desired = self.groups[at.at()].desired;
            let name = &cx.blueprint.auto_scaling_groups[at.at()].name;
            let reason = format!("{name}: launching {launched} instances to keep the desired capacity {desired}");
            cx.observations.push(Observation::Happened(row(
                cx.now(),
                EventKind::AutoScalingGroup,
                "",
                "",
                reason,
            )));
        }
    }

    /// Of the group's zones that have capacity, the one with the fewest of its instances.
    pub(super) fn zone_of_next_instance(&self, cx: &Context<'_>, at: GroupIx) -> Option<ZoneIx> {
        let mut in_zone = vec![0; self.zones.len()];
        for id in &self.groups[at.at()].instances {
            in_zone[self.instances[*id].zone.at()] += 1;
        }
        let zones = cx.blueprint.auto_scaling_groups[at.at()].zones.iter();
        let zones = zones.filter(|zone| !self.is_short(Provider::Group(at), **zone));
        let views = zones.map(|zone| ZoneView {
            zone: *zone,
            has: in_zone[zone.at()],
            standing: self.standing(*zone, cx.now()),
        });
        placement::zone(&views.collect::<Vec<_>>())
    }

    /// An instance in Pending.
    pub(super) fn new_instance(&mut self, cx: &mut Context<'_>, at: GroupIx, zone: ZoneIx) -> Id<Instance> {
        let blueprint = &cx.blueprint.auto_scaling_groups[at.at()];
        let group = &mut self.groups[at.at()];
        let key = group.key.child(purpose::MEMBER).child(group.launches);
        group.launches += 1;
        let free = Resources {
            cpu: blueprint.instance_type.cpu,
            memory: blueprint.memory_for_tasks(),
            enis: blueprint.awsvpc_tasks,
            ports_taken: Vec::new(),
        };
        let ordinal = next(&mut self.ordinals.instance);
        let new = NewInstance {
            ordinal,
            key,
            group: at,
            zone,
            free,
            images: ImageStore::new(
                cx.blueprint.images.len(),
                cx.blueprint.layers.len(),
                blueprint.pull_bandwidth,
                cx.blueprint.model.ec2.pull_rate,
            ),
        };
        let id = self.instances.insert(Instance::new(new, cx.now()));
        self.groups[at.at()].instances.push(id);
        id
    }

    pub(super) fn instance_launched(&mut self, cx: &mut Context<'_>, id: Id<Instance>) {
        let Some(instance) = self.instances.get(id) else { return };
        let (zone, group, now) = (instance.zone, instance.group, cx.now());
        if !self.zones[zone.at()].is_reachable() {
            self.zones[zone.at()].avoided_until = now + cx.blueprint.model.scheduler.failed_zone_avoided;
            let reason = format!("launch failed in {}", cx.blueprint.zones[zone.at()]);
            return self.terminate(cx, id, &reason);
        }
        self.put_in_service(cx, id);
        self.start_daemons_on(cx, id);
        self.capacity_freed(cx, group);
        self.zone_gained(cx);
    }

    /// The instance is registered with the cluster.
    pub(super) fn put_in_service(&mut self, cx: &mut Context<'_>, id: Id<Instance>) {
        let instance = &mut self.instances[id];
        let from = instance.state().name();
        instance.enter(InstanceState::InService);
        instance.registered = Some(cx.now());
        let group = instance.group;
        if cx.blueprint.shares_cpu(group) {
            let ordinal = instance.ordinal;
            cx.orders.push(Order::HostStands(HostStands {
                instance: id,
                group,
                ordinal,
            }));
        }
        self.tell_instance(cx, id, from, "");
    }

    /// The instance is no more; its tasks have been dealt with. The group replaces it.
    pub(super) fn terminate(&mut self, cx: &mut Context<'_>, id: Id<Instance>, reason: &str) {
        let instance = &mut self.instances[id];
        assert!(instance.tasks.is_empty(), "an instance is terminated with tasks on it");
        let (from, group) = (instance.state().name(), instance.group);
        instance.enter(InstanceState::Terminated);
        self.tell_instance(cx, id, from, reason);
        cx.observations.push(Observation::InstanceEnded(self.instance_record(
            id,
            Some(cx.now()),
            reason,
        )));
        self.groups[group.at()].instances.retain(|other| *other != id);
        self.instances.remove(id);
        if cx.blueprint.shares_cpu(group) {
            cx.orders.push(Order::HostGone(id));
        }
        self.hosts_changed(cx);
        cx.calendar.schedule_at(
            cx.now(),
            Event::control_extra(ControlEvent::GroupPass, u32::from(group.0)),
        );
    }

    /// Something of the group's instances is free: services that wait for a place look again.
    pub(super) fn capacity_freed(&mut self, cx: &mut Context<'_>, group: GroupIx) {
        let now = cx.now();
        let waiting = std::mem::take(&mut self.waiting);
        for at in waiting {
            if self.services[at.at()].rebalancing == Rebalancing::WaitsForRoom {
                self.services[at.at()].rebalancing = Rebalancing::Balanced;
                self.request_pass(cx, at);
            }
            if let Some(unplaced) = &mut self.services[at.at()].unplaced {
                // It may wait for another group.
                self.waiting.insert(at);
                if unplaced.provider == Provider::Group(group) {
                    unplaced.retry_at = now;
                    self.request_pass(cx, at);
                }
            }
        }
    }

    pub(super) fn tell_instance(&self, cx: &mut Context<'_>, id: Id<Instance>, from: &str, reason: &str) {
        let instance = &self.instances[id];
        self.tell_of_instance(cx, id, from, instance.state().name(), reason);
    }

    pub(super) fn tell_of_instance(&self, cx: &mut Context<'_>, id: Id<Instance>, from: &str, to: &str, reason: &str) {
        let instance = &self.instances[id];
        let mut event = row(cx.now(), EventKind::Instance, from, to, reason);
        event.instance = Some(instance.ordinal);
        event.zone = Some(instance.zone);
        cx.observations.push(Observation::Happened(event));
    }

    pub(super) fn instance_record(
        &self,
        id: Id<Instance>,
        terminated: Option<Instant>,
        reason: &str,
    ) -> InstanceRecord {
        let instance = &self.instances[id];
        InstanceRecord {
            instance: instance.ordinal,
            group: instance.group,
            zone: instance.zone,
            launched: instance.launched,
            registered: instance.registered,
            terminated,
            reason: reason.to_string(),
        }
    }
}
