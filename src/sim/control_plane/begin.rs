//! How a run begins: a fleet that stands, or nothing but its description; and how it ends.
//!
//! In a steady start every instance is in service and holds its images, and every desired task is placed by the real
//! placement, RUNNING and healthy since instant 0; what finds no place is left to the scheduler. An empty start is the
//! services' creation: groups launch, and each service begins a deployment of its first revision.

use super::daemons::is_daemon;
use super::launching::Place;
use super::laws::purpose;
use super::news::STEADY_STATE_SAID_EVERY;
use super::standalone::is_standalone;
use super::{ControlPlane, Reporting};
use crate::blueprint::{
    Blueprint, GroupIx, Provider, RevisionIx, SchedulingStrategy, ServiceIx, Start, TargetGroupIx, TrafficShare,
};
use crate::cluster::deployment::Throttle;
use crate::cluster::rate::TokenBucket;
use crate::cluster::service::{Counts, Halt, News, Rebalancing, Side, Steadiness};
use crate::cluster::target_group::{Node, Opinion};
use crate::cluster::task::{Container, ContainerState, HealthStatus, Task, TaskState};
use crate::cluster::{AutoScalingGroup, Service, TargetGroup};
use crate::engine::arena::Id;
use crate::engine::random::Key;
use crate::policy::placement;
use crate::sim::context::Context;
use crate::sim::observation::Observation;
use crate::sim::signal::{Order, balancer_of};
use crate::units::Instant;

pub(super) fn groups(blueprint: &Blueprint, key: Key) -> Vec<AutoScalingGroup> {
    let groups = blueprint.auto_scaling_groups.iter().enumerate();
    let group = |(at, group): (usize, &crate::blueprint::AutoScalingGroup)| AutoScalingGroup {
        group: GroupIx::from_usize(at),
        key: key.entity("control plane: auto scaling group", &group.name),
        desired: group.desired_capacity,
        instances: Vec::new(),
        launches: 0,
    };
    groups.map(group).collect()
}

pub(super) fn services(blueprint: &Blueprint, key: Key) -> Vec<Service> {
    let service = |(at, service): (usize, &crate::blueprint::Service)| Service {
        service: ServiceIx::from_usize(at),
        key: key.entity("control plane: service", &service.name),
        desired: service.desired_count,
        tasks: Vec::new(),
        created: 0,
        counts: Counts::default(),
        pass_due: Instant::NEVER,
        passes: 0,
        primary: RevisionIx(0),
        production: RevisionIx(0),
        side: Side::Primary,
        shifted: TrafficShare::NOTHING,
        kept_alive: None,
        test_side: Side::Primary,
        completed: None,
        deployment: None,
        halt: Halt::Going,
        owed: Vec::new(),
        throttle: Throttle::OPEN,
        launches: match service.scheduling.strategy {
            // A service's quota; RunTask has another.
            SchedulingStrategy::Standalone => TokenBucket::new(u32::MAX, 1e9),
            _ => TokenBucket::per_minute(blueprint.model.task.launches_per_minute),
        },
        unplaced: None,
        crashes: None,
        crash_epoch: 0,
        steadiness: Steadiness::Changing,
        news: News::default(),
        rebalancing: Rebalancing::Balanced,
        protected_said: 0,
    };
    blueprint.services.iter().enumerate().map(service).collect()
}

pub(super) fn target_groups(blueprint: &Blueprint) -> Vec<TargetGroup> {
    let groups = (0..blueprint.target_groups.len()).map(TargetGroupIx::from_usize);
    let group = |at: TargetGroupIx| {
        let load_balancer = balancer_of(blueprint, at);
        let zones = load_balancer.map_or(&[][..], |balancer| &blueprint.load_balancers[balancer.at()].zones);
        let per_zone = blueprint.model.alb.nodes_per_zone as usize;
        let nodes = zones.iter().flat_map(|zone| {
            vec![
                Node {
                    zone: *zone,
                    published: Vec::new(),
                    fails_over: false,
                };
                per_zone
            ]
        });
        TargetGroup {
            group: at,
            load_balancer,
            nodes: nodes.collect(),
            targets: Vec::new(),
        }
    };
    groups.map(group).collect()
}

impl ControlPlane {
    /// Sets the world up at instant 0.
    pub fn begin(&mut self, cx: &mut Context<'_>) {
        self.monitoring.begin(cx);
        match cx.blueprint.start {
            Start::SteadyState => self.stand(cx),
            Start::Empty => self.launch_everything(cx),
        }
    }

    fn stand(&mut self, cx: &mut Context<'_>) {
        for at in (0..self.groups.len()).map(GroupIx::from_usize) {
            for _ in 0..self.groups[at.at()].desired {
                let zone = self.zone_of_next_instance(cx, at).expect("nothing is short yet");
                let id = self.new_instance(cx, at, zone);
                self.put_in_service(cx, id);
                self.hold_images(cx, at, id);
                self.await_cleanup(cx, id);
            }
        }
        let services = (0..self.services.len()).map(ServiceIx::from_usize);
        let kept = services.filter(|at| !is_standalone(cx.blueprint, *at));
        let (daemons, replicas): (Vec<ServiceIx>, Vec<ServiceIx>) = kept.partition(|at| is_daemon(cx.blueprint, *at));
        for at in daemons.into_iter().chain(replicas) {
            self.services[at.at()].completed = Some(RevisionIx(0));
            if is_daemon(cx.blueprint, at) {
                self.stand_daemons(cx, at);
            } else {
                self.stand_replicas(cx, at);
            }
            let service = &mut self.services[at.at()];
            if service.tasks.len() as u32 == service.desired {
                service.steadiness = Steadiness::Steady { said: cx.now() };
            }
            // What stands has been said long ago.
            service.news = News::default();
            if let Steadiness::Steady { said } = service.steadiness {
                self.pass_at(cx, at, said + STEADY_STATE_SAID_EVERY);
            }
            self.levels_changed(cx, at);
            self.publish_discovery(cx, at);
            if self.is_unbalanced(cx, at) {
                self.request_pass(cx, at);
            }
        }
        for at in (0..self.target_groups.len()).map(TargetGroupIx::from_usize) {
            self.publish(cx, at);
        }
    }

    fn stand_replicas(&mut self, cx: &mut Context<'_>, at: ServiceIx) {
        for _ in 0..self.services[at.at()].desired {
            if !self.stand_task(cx, at) {
                self.request_pass(cx, at);
                break;
            }
        }
    }

    /// The images of every first revision that may run in the group.
    fn hold_images(&mut self, cx: &Context<'_>, group: GroupIx, id: Id<crate::cluster::Instance>) {
        let may_run = |service: &&crate::blueprint::Service| {
            service
                .capacity
                .iter()
                .any(|share| share.provider == Provider::Group(group))
        };
        for service in cx.blueprint.services.iter().filter(may_run) {
            let definition = service.revisions[0].task_definition;
            for container in &cx.blueprint.task_definitions[definition.at()].containers {
                let image = &cx.blueprint.images[container.image.at()];
                self.instances[id].images.hold(container.image, image, cx.now());
            }
        }
    }

    /// Puts one task of revision 0 where placement says. Answers whether there was a place.
    fn stand_task(&mut self, cx: &mut Context<'_>, at: ServiceIx) -> bool {
        let blueprint = &cx.blueprint.services[at.at()];
        let shares = &blueprint.capacity;
        let has = |provider| {
            let tasks = self.services[at.at()].tasks.iter();
            tasks.filter(|id| self.tasks[**id].provider == provider).count() as u32
        };
        let tasks: Vec<u32> = shares.iter().map(|share| has(share.provider)).collect();
        let provider = shares[placement::provider(shares, &tasks)].provider;
        let service = &self.services[at.at()];
        let key = service.key.child(purpose::MEMBER).child(service.created);
        let Some(place) = self.place(cx, at, RevisionIx(0), provider, key) else {
            return false;
        };
        self.stand_task_at(cx, at, place);
        true
    }

    pub(super) fn stand_task_at(&mut self, cx: &mut Context<'_>, at: ServiceIx, place: Place) {
        let now = cx.now();
        let id = self.create(cx, at, RevisionIx(0), place);
        let definition = self.definition(cx, id);
        let serving = self.revision(cx, id).serving_container;
        let task = &mut self.tasks[id];
        task.stand(now);
        self.take_images(cx, id);
        let task = &mut self.tasks[id];
        for (container, spec) in task.containers.iter_mut().zip(&definition.containers) {
            *container = Container {
                ready: true,
                since: now,
                ..Container::new()
            };
            container.state = match &spec.exits {
                Some(exit) => ContainerState::Exited { code: exit.code },
                None => ContainerState::Running,
            };
            container.health = if spec.health_check.is_some() {
                HealthStatus::Healthy
            } else {
                HealthStatus::Unknown
            };
        }
        task.healthy = true;
        task.healthy_since = Some(now);
        let counts = &mut self.services[at.at()].counts;
        counts.remove(TaskState::Provisioning);
        counts.add(TaskState::Running);
        counts.healthy += 1;
        self.tell_task(
            cx,
            id,
            TaskState::Provisioning.name(),
            "stands since before the beginning",
        );
        if self.tasks[id].containers[serving].is_running() {
            self.start_server(cx, id);
            cx.orders.push(Order::Listen(id));
        }
        self.register(cx, id, Opinion::Healthy);
        self.keep_checking_containers(cx, id);
        self.await_out_of_memory(cx, id);
        self.begin_running(cx, id, now);
    }

    fn launch_everything(&mut self, cx: &mut Context<'_>) {
        for at in (0..self.groups.len()).map(GroupIx::from_usize) {
            self.group_pass(cx, at);
        }
        for at in (0..self.services.len()).map(ServiceIx::from_usize) {
            if is_standalone(cx.blueprint, at) {
                continue;
            }
            if is_daemon(cx.blueprint, at) {
                self.services[at.at()].desired = 0;
            }
            self.begin_deployment(cx, at, RevisionIx(0), RevisionIx(0));
            self.levels_changed(cx, at);
            self.pass_at(cx, at, cx.now());
        }
    }

    /// At the horizon: the rows of what still lives. What happens afterwards, while requests run out, is not told.
    pub fn finish(&mut self, cx: &mut Context<'_>) {
        self.reporting = Reporting::Over;
        let tasks: Vec<Id<Task>> = self.tasks.ids().collect();
        for id in tasks {
            let record = self.task_record(cx, id, None);
            cx.observations.push(Observation::TaskEnded(record));
        }
        let instances: Vec<_> = self.instances.ids().collect();
        for id in instances {
            cx.observations
                .push(Observation::InstanceEnded(self.instance_record(id, None, "")));
        }
        for at in (0..self.services.len()).map(ServiceIx::from_usize) {
            if self.services[at.at()].deployment.is_some() {
                let mut record = self.deployment_record(cx.blueprint, at, Some(cx.now()), "IN_PROGRESS", "");
                record.ended = None;
                cx.observations.push(Observation::DeploymentEnded(record));
            }
        }
    }
}
