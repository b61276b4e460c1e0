//! DAEMON services: which instances count, and the task that each gets.
//!
//! The desired count of a daemon service is the number of ACTIVE instances that meet its constraints, an instance that
//! nothing is heard of included. An instance gets its daemons in the moment in which it is registered, before replica
//! services hear of the room; a daemon that is lost with its instance is not replaced elsewhere [BC:ecs
//! CreateServiceRequest.schedulingStrategy].

use super::ControlPlane;
use super::launching::{Launched, Limit};
use super::laws::purpose;
use super::stepping::Done;
use super::stopping::Manner;
use crate::blueprint::{Blueprint, ControlService, Provider, RevisionIx, SchedulingStrategy, ServiceIx};
use crate::cluster::Instance;
use crate::cluster::service::Steadiness;
use crate::cluster::task::{Stop, StopCode, Task};
use crate::engine::arena::Id;
use crate::policy::daemon::{self, Age, Daemon, Fitness, Host};
use crate::policy::placement::has_attributes;
use crate::policy::rollout::{self, Starts};
use crate::sim::context::Context;

/// Whether it is a DAEMON service.
pub(super) fn is_daemon(blueprint: &Blueprint, at: ServiceIx) -> bool {
    blueprint.services[at.at()].scheduling.strategy == SchedulingStrategy::Daemon
}

impl ControlPlane {
    pub(super) fn daemon_pass(&mut self, cx: &mut Context<'_>, at: ServiceIx) {
        self.count_hosts(cx, at);
        let instances = self.hosts(cx.blueprint, at);
        let hosts: Vec<Host> = instances.iter().map(|id| self.host(cx, at, *id)).collect();
        let minimum = cx.blueprint.services[at.at()].deployment.minimum_healthy_percent;
        let step = daemon::decide(&hosts, minimum, self.starts(cx, at));
        let found = self.found(at);
        let mut done = Done::default();
        let start: Vec<Id<Instance>> = step.start.iter().map(|host| instances[*host]).collect();
        done.add(self.start_on(cx, at, &start, step.why.told()));
        let waits = start.is_empty() && hosts.contains(&Host::Empty);
        if done.limit != Limit::Capacity && !waits {
            self.services[at.at()].unplaced = None;
        }
        let daemon_on = |control: &Self, host: &usize| control.daemon_on(at, instances[*host]);
        for (hosts, reason) in [
            (&step.stop_old, "Scaling activity initiated by deployment"),
            (&step.stop_unhealthy, "Task failed health checks"),
        ] {
            let tasks: Vec<Id<Task>> = hosts.iter().filter_map(|host| daemon_on(self, host)).collect();
            for id in tasks {
                done.stopped += 1;
                self.stop_daemon(cx, id, reason);
            }
        }
        if !step.stop_unhealthy.is_empty() {
            self.replaced_for_health(cx, at, step.stop_unhealthy.len() as u32);
        }
        // What an instance has lost it is given again, in the revision that is started.
        self.services[at.at()].owed.clear();
        self.after_step(cx, at, &done);
        let told = rollout::Step {
            lower: step.lower,
            upper: hosts.len() as u32,
            why: step.why,
            ..rollout::Step::default()
        };
        self.note_step(cx, at, found, &told, &done);
    }

    /// Brings the desired count up to date with the instances that there are.
    pub(super) fn count_hosts(&mut self, cx: &mut Context<'_>, at: ServiceIx) {
        let count = self.hosts(cx.blueprint, at).len() as u32;
        if self.services[at.at()].desired != count {
            self.services[at.at()].desired = count;
            self.services[at.at()].steadiness = Steadiness::Changing;
            self.levels_changed(cx, at);
        }
    }

    /// The instances of which each has a task of the service, by group and launch.
    pub(super) fn hosts(&self, blueprint: &Blueprint, at: ServiceIx) -> Vec<Id<Instance>> {
        let service = &blueprint.services[at.at()];
        let groups = service.capacity.iter().filter_map(|share| match share.provider {
            Provider::Group(group) => Some(group),
            Provider::Fargate | Provider::FargateSpot => None,
        });
        let mut hosts = Vec::new();
        for group in groups {
            let instance_type = blueprint.auto_scaling_groups[group.at()].instance_type.name;
            let counts = |id: &&Id<Instance>| {
                let instance = &self.instances[**id];
                let constraints = &service.placement_constraints;
                instance.is_active() && has_attributes(constraints, instance.zone, instance_type)
            };
            hosts.extend(self.groups[group.at()].instances.iter().filter(counts).copied());
        }
        hosts
    }

    /// The service's task on an instance that is not being stopped.
    pub(super) fn daemon_on(&self, at: ServiceIx, instance: Id<Instance>) -> Option<Id<Task>> {
        let mut tasks = self.instances[instance].tasks.iter().copied();
        tasks.find(|id| self.tasks[*id].service == at && self.tasks[*id].state().is_live())
    }

    fn host(&self, cx: &Context<'_>, at: ServiceIx, instance: Id<Instance>) -> Host {
        let service = &self.services[at.at()];
        if let Some(id) = self.daemon_on(at, instance) {
            let task = &self.tasks[id];
            let grace = cx.blueprint.services[at.at()].health_check_grace_period;
            return Host::Taken(Daemon {
                age: if task.revision == service.primary {
                    Age::New
                } else {
                    Age::Old
                },
                fitness: if task.unhealthy && task.out_of_grace(grace, cx.now()) {
                    Fitness::Unhealthy
                } else if task.healthy {
                    Fitness::Healthy
                } else {
                    Fitness::NotYet
                },
                luck: task.key.child(purpose::STOP_CHOICE).child(service.passes).bits(),
            });
        }
        let lingers = |id: &Id<Task>| self.tasks[*id].service == at;
        let host = &self.instances[instance];
        if host.tasks.iter().any(lingers) || !host.takes_tasks() {
            Host::Blocked
        } else {
            Host::Empty
        }
    }

    /// Starts a task on each of the instances, as far as rates and room allow.
    fn start_on(&mut self, cx: &mut Context<'_>, at: ServiceIx, instances: &[Id<Instance>], reason: &str) -> Launched {
        let revision = self.services[at.at()].primary;
        let now = cx.now();
        let mut launched = Launched {
            tasks: 0,
            limit: Limit::Unlimited,
        };
        for instance in instances {
            if self.services[at.at()].launches.available(now) == 0 {
                launched.limit = Limit::Rate(self.services[at.at()].launches.next(now));
                break;
            }
            // An instance that is full keeps no other from its daemon.
            let Some(place) = self.place_on(cx, at, revision, *instance) else {
                launched.limit = Limit::Capacity;
                continue;
            };
            self.commence(cx, at, revision, place, reason);
            launched.tasks += 1;
        }
        launched
    }

    fn stop_daemon(&mut self, cx: &mut Context<'_>, id: Id<Task>, reason: &str) {
        let task = &self.tasks[id];
        let (service, ordinal) = (task.service, task.ordinal);
        let manner = if task.unhealthy {
            Manner::AtOnce
        } else {
            Manner::DeregisterFirst
        };
        let stop = Stop {
            code: StopCode::ServiceSchedulerInitiated,
            reason: reason.to_string(),
        };
        self.services[service.at()].news.stopped.push(ordinal);
        self.stop_task(cx, id, stop, manner);
    }

    /// The instance has joined the cluster: it gets its daemons before anything else.
    pub(super) fn start_daemons_on(&mut self, cx: &mut Context<'_>, instance: Id<Instance>) {
        for at in (0..self.services.len()).map(ServiceIx::from_usize) {
            if !is_daemon(cx.blueprint, at) || !self.hosts(cx.blueprint, at).contains(&instance) {
                continue;
            }
            self.count_hosts(cx, at);
            let heard = !self.is_away(ControlService::Ecs);
            if heard && self.starts(cx, at) != Starts::Forbidden && self.starts(cx, at) != Starts::Throttled {
                self.start_on(cx, at, &[instance], "a new instance");
            }
            self.request_pass(cx, at);
        }
    }

    /// Instances have come or gone.
    pub(super) fn hosts_changed(&mut self, cx: &mut Context<'_>) {
        for at in (0..self.services.len()).map(ServiceIx::from_usize) {
            if is_daemon(cx.blueprint, at) {
                self.count_hosts(cx, at);
                self.request_pass(cx, at);
            }
        }
    }

    /// At the beginning: a task on each instance that has room for it.
    pub(super) fn stand_daemons(&mut self, cx: &mut Context<'_>, at: ServiceIx) {
        let hosts = self.hosts(cx.blueprint, at);
        self.services[at.at()].desired = hosts.len() as u32;
        for instance in hosts {
            match self.place_on(cx, at, RevisionIx(0), instance) {
                Some(place) => self.stand_task_at(cx, at, place),
                None => self.request_pass(cx, at),
            }
        }
    }
}
