//! Launching tasks: launch rates, the choice of a capacity provider and a place, and the task's creation.
//!
//! A launch stops at the first task that may not or cannot be started, and says which of the two. Deliberately not here:
//! how many are wanted (`scheduler`), and the choice itself (`policy::placement`).

use super::laws::purpose;
use super::{ControlPlane, next};
use crate::blueprint::{Blueprint, Provider, RevisionIx, ServiceIx, ZoneIx};
use crate::cluster::capacity::Needs;
use crate::cluster::rate::TokenBucket;
use crate::cluster::service::Unplaced;
use crate::cluster::task::{NewTask, Task, TaskState};
use crate::cluster::{Instance, service};
use crate::engine::arena::Id;
use crate::engine::random::Key;
use crate::policy::placement::{self, Agent, InstanceView, Obstacle, Refusal, Standing, ZoneView};
use crate::sim::context::Context;
use crate::units::Instant;

/// What has come of the wish for some tasks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Launched {
    pub tasks: u32,
    pub limit: Limit,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Limit {
    /// All were started.
    Unlimited,
    /// A launch rate; there will be a token then.
    Rate(Instant),
    /// No instance could take the next one.
    Capacity,
}

/// Why a task found no place.
#[derive(Clone, Debug)]
pub(super) enum Unplaceable {
    NoInstance {
        refusal: Refusal,
        /// The ordinal of the instance that came closest, and what it lacked.
        closest: Option<(u32, Obstacle)>,
    },
    /// Of Fargate, in any zone.
    NoCapacity,
}

impl Unplaceable {
    /// For the service's event.
    pub fn told(&self) -> String {
        match self {
            Unplaceable::NoInstance { refusal, .. } => refusal.told(),
            Unplaceable::NoCapacity => NO_CAPACITY.to_owned(),
        }
    }
}

/// In ECS's words.
pub(super) const NO_CAPACITY: &str =
    "Capacity is unavailable at this time. Please try again later or in a different availability zone";

/// Where a task goes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    pub provider: Provider,
    pub instance: Option<Id<Instance>>,
    pub zone: ZoneIx,
}

impl ControlPlane {
    pub(super) fn launch(
        &mut self,
        cx: &mut Context<'_>,
        at: ServiceIx,
        revision: RevisionIx,
        count: u32,
        reason: &str,
    ) -> Launched {
        let now = cx.now();
        for tasks in 0..count {
            let provider = self.choose_provider(cx, at, revision);
            if let Err(next) = self.permit(at, provider, now) {
                return Launched {
                    tasks,
                    limit: Limit::Rate(next),
                };
            }
            let key = self.key_of_next_task(at);
            let Some(place) = self.place(cx, at, revision, provider, key) else {
                return Launched {
                    tasks,
                    limit: Limit::Capacity,
                };
            };
            self.commence(cx, at, revision, place, reason);
        }
        Launched {
            tasks: count,
            limit: Limit::Unlimited,
        }
    }

    /// Asks the rates at which tasks may be launched; takes Fargate's token. If one says no: when to ask again.
    pub(super) fn permit(&mut self, at: ServiceIx, provider: Provider, now: Instant) -> Result<(), Instant> {
        let service = &self.services[at.at()].launches;
        if service.available(now) == 0 {
            return Err(service.next(now));
        }
        let bucket = match provider {
            Provider::Fargate => Some(&mut self.fargate),
            Provider::FargateSpot => Some(&mut self.fargate_spot),
            Provider::Group(_) => None,
        };
        let throttles = self.shortages.launches.iter_mut().map(|(_, bucket)| bucket);
        let mut buckets: Vec<&mut TokenBucket> = throttles.chain(bucket).collect();
        if let Some(empty) = buckets.iter().find(|bucket| bucket.available(now) == 0) {
            return Err(empty.next(now));
        }
        for bucket in &mut buckets {
            bucket.take_one(now);
        }
        Ok(())
    }

    /// Creates a task, which takes a token of its service's rate, and sends it on its way.
    pub(super) fn commence(
        &mut self,
        cx: &mut Context<'_>,
        at: ServiceIx,
        revision: RevisionIx,
        place: Place,
        reason: &str,
    ) -> Id<Task> {
        self.services[at.at()].launches.take_one(cx.now());
        let id = self.create(cx, at, revision, place);
        self.tell_task(cx, id, "", reason);
        let ordinal = self.tasks[id].ordinal;
        self.services[at.at()].news.started.push(ordinal);
        self.levels_changed(cx, at);
        let time = self.provisioning_time(cx, id);
        self.step_in(cx, id, time);
        id
    }

    pub(super) fn key_of_next_task(&self, at: ServiceIx) -> Key {
        let service = &self.services[at.at()];
        service.key.child(purpose::MEMBER).child(service.created)
    }

    pub(super) fn choose_provider(&self, cx: &Context<'_>, at: ServiceIx, revision: RevisionIx) -> Provider {
        let shares = &cx.blueprint.services[at.at()].capacity;
        let live = self.services[at.at()].tasks.iter().map(|id| &self.tasks[*id]);
        let live: Vec<&Task> = live
            .filter(|task| task.state().is_live() && task.revision == revision)
            .collect();
        let has = |provider| live.iter().filter(|task| task.provider == provider).count() as u32;
        let tasks: Vec<u32> = shares.iter().map(|share| has(share.provider)).collect();
        shares[placement::provider(shares, &tasks)].provider
    }

    /// Finds a place for a task, or notes and tells that there is none.
    pub(super) fn place(
        &mut self,
        cx: &mut Context<'_>,
        at: ServiceIx,
        revision: RevisionIx,
        provider: Provider,
        key: Key,
    ) -> Option<Place> {
        match self.find_place(cx, at, revision, provider, key) {
            Ok(place) => Some(place),
            Err(why) => {
                self.refused(cx, at, provider, &why);
                None
            }
        }
    }

    /// Finds a place for a task; if there is none, why.
    pub(super) fn find_place(
        &self,
        cx: &Context<'_>,
        at: ServiceIx,
        revision: RevisionIx,
        provider: Provider,
        key: Key,
    ) -> Result<Place, Unplaceable> {
        let Provider::Group(group) = provider else {
            let zone = self.fargate_zone(cx, at, provider).ok_or(Unplaceable::NoCapacity)?;
            return Ok(Place {
                provider,
                instance: None,
                zone,
            });
        };
        let blueprint = &cx.blueprint.services[at.at()];
        let definition = &cx.blueprint.task_definitions[blueprint.revisions[revision.at()].task_definition.at()];
        let mut in_zone = vec![0; self.zones.len()];
        // By slot: looked up for every instance, of which most have none.
        let mut on_instance = vec![0; self.instances.slots()];
        let tasks = self.services[at.at()].tasks.iter().map(|id| &self.tasks[*id]);
        for task in tasks.filter(|task| task.state().is_live()) {
            in_zone[task.zone.at()] += 1;
            if let Some(instance) = task.instance {
                on_instance[instance.index() as usize] += 1;
            }
        }
        let mut ids = Vec::new();
        let mut views = Vec::new();
        for id in &self.groups[group.at()].instances {
            if self.instances[*id].is_active() {
                ids.push(*id);
                let in_zone = in_zone[self.instances[*id].zone.at()];
                let on_instance = on_instance[id.index() as usize];
                views.push(self.instance_view(cx.blueprint, *id, on_instance, in_zone));
            }
        }
        let (constraints, strategies) = (&blueprint.placement_constraints, &blueprint.placement_strategy);
        let luck = key.child(purpose::PLACEMENT);
        match placement::instance(&views, &Needs::of(definition), constraints, strategies, luck) {
            Ok(chosen) => Ok(Place {
                provider,
                instance: Some(ids[chosen]),
                zone: views[chosen].zone,
            }),
            Err(refusal) => {
                let closest = refusal
                    .closest
                    .map(|(position, why)| (self.instances[ids[position]].ordinal, why));
                Err(Unplaceable::NoInstance { refusal, closest })
            }
        }
    }

    /// The place on one instance, if there is room; a refusal is noted and told.
    pub(super) fn place_on(
        &mut self,
        cx: &mut Context<'_>,
        at: ServiceIx,
        revision: RevisionIx,
        instance: Id<Instance>,
    ) -> Option<Place> {
        let definition = cx.blueprint.services[at.at()].revisions[revision.at()].task_definition;
        let needs = Needs::of(&cx.blueprint.task_definitions[definition.at()]);
        let view = self.instance_view(cx.blueprint, instance, self.live_tasks_on(at, instance), 0);
        let host = &self.instances[instance];
        let (provider, zone, ordinal) = (Provider::Group(host.group), host.zone, host.ordinal);
        match placement::instance(&[view], &needs, &[], &[], self.key_of_next_task(at)) {
            Ok(_) => Some(Place {
                provider,
                instance: Some(instance),
                zone,
            }),
            Err(refusal) => {
                let closest = refusal.closest.map(|(_, why)| (ordinal, why));
                self.refused(cx, at, provider, &Unplaceable::NoInstance { refusal, closest });
                None
            }
        }
    }

    /// Live tasks of a service on an instance.
    pub(super) fn live_tasks_on(&self, at: ServiceIx, id: Id<Instance>) -> u32 {
        let tasks = self.instances[id].tasks.iter().map(|id| &self.tasks[*id]);
        tasks
            .filter(|task| task.service == at && task.state().is_live())
            .count() as u32
    }

    pub(super) fn instance_view(
        &self,
        blueprint: &Blueprint,
        id: Id<Instance>,
        tasks_of_service: u32,
        tasks_in_zone: u32,
    ) -> InstanceView<'_> {
        let instance = &self.instances[id];
        InstanceView {
            free: &instance.free,
            zone: instance.zone,
            instance_type: blueprint.auto_scaling_groups[instance.group.at()].instance_type.name,
            agent: if instance.takes_tasks() {
                Agent::Connected
            } else {
                Agent::Disconnected
            },
            tasks_of_service,
            tasks_in_zone,
        }
    }

    /// `None`: Fargate has no capacity in any zone.
    fn fargate_zone(&self, cx: &Context<'_>, at: ServiceIx, provider: Provider) -> Option<ZoneIx> {
        let tasks = self.services[at.at()].tasks.iter().map(|id| &self.tasks[*id]);
        let live: Vec<&Task> = tasks
            .filter(|task| task.state().is_live() && task.provider == provider)
            .collect();
        let zones = (0..self.zones.len()).map(ZoneIx::from_usize);
        let views = zones.filter(|zone| !self.is_short(provider, *zone)).map(|zone| {
            let has = live.iter().filter(|task| task.zone == zone).count() as u32;
            ZoneView {
                zone,
                has,
                standing: self.standing(zone, cx.now()),
            }
        });
        placement::zone(&views.collect::<Vec<_>>())
    }

    pub(super) fn standing(&self, zone: ZoneIx, now: Instant) -> Standing {
        if now < self.zones[zone.at()].avoided_until {
            Standing::Avoided
        } else {
            Standing::Good
        }
    }

    /// Notes that a task found no place, and says so when the reason is new or a retry has failed as well.
    fn refused(&mut self, cx: &mut Context<'_>, at: ServiceIx, provider: Provider, why: &Unplaceable) {
        let (now, reason) = (cx.now(), why.told());
        let retry = cx.blueprint.model.scheduler.placement_retry;
        let before = self.services[at.at()].unplaced.take();
        let is_old = |unplaced: &Unplaced| unplaced.reason == reason && now < unplaced.said + retry;
        let said = match before {
            Some(unplaced) if is_old(&unplaced) => unplaced.said,
            _ => {
                self.tell_unplaced(cx, at, why);
                now
            }
        };
        self.waiting.insert(at);
        self.services[at.at()].unplaced = Some(service::Unplaced {
            provider,
            retry_at: now + retry,
            reason,
            said,
        });
    }

    /// Creates a task in PROVISIONING; what it takes is taken from now on.
    pub(super) fn create(
        &mut self,
        cx: &mut Context<'_>,
        at: ServiceIx,
        revision: RevisionIx,
        place: Place,
    ) -> Id<Task> {
        let definition_at = cx.blueprint.services[at.at()].revisions[revision.at()].task_definition;
        let definition = &cx.blueprint.task_definitions[definition_at.at()];
        let new = NewTask {
            ordinal: next(&mut self.ordinals.task),
            key: self.key_of_next_task(at),
            service: at,
            revision,
            provider: place.provider,
            instance: place.instance,
            zone: place.zone,
            containers: definition.containers.len(),
        };
        let id = self.tasks.insert(Task::new(new, cx.now()));
        if let Some(instance) = place.instance {
            let host = &mut self.instances[instance];
            host.free.take(&Needs::of(definition));
            host.tasks.push(id);
        }
        let service = &mut self.services[at.at()];
        service.created += 1;
        service.tasks.push(id);
        service.counts.add(TaskState::Provisioning);
        id
    }
}
