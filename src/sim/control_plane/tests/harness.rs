//! A blueprint of constants, and a stage on which the control plane acts with a stand-in for the data plane.

mod reading;

pub use crate::blueprint::fixture::image;
use crate::blueprint::*;
use crate::cluster::Task;
use crate::cluster::target_group::Outlook;
use crate::engine::arena::Id;
use crate::engine::dist::Dist;
use crate::sim::context::Context;
use crate::sim::control_plane::ControlPlane;
use crate::sim::event::What;
use crate::sim::observation::Observation;
use crate::sim::signal::{Order, Signal};
use crate::units::{CpuUnits, Instant, MiB, Ratio, Span};
use std::collections::BTreeMap;

pub fn constant(seconds: f64) -> Dist {
    Dist::constant(seconds).expect("a valid constant")
}

pub fn at(seconds: f64) -> Instant {
    Instant::ZERO + Span::from_secs_f64(seconds)
}

/// One service `web` of `desired` Fargate tasks behind a balancer with one node; two zones.
pub fn fleet(desired: u32) -> Blueprint {
    let network = Network {
        same_zone: constant(0.0),
        cross_zone: constant(0.0),
        client: constant(0.0),
        to_balancer: None,
        zone_delays: vec![],
        loss: Ratio::ZERO,
    };
    let mut blueprint = Blueprint {
        name: "test".into(),
        question: None,
        seed: 7,
        warm_up: Span::ZERO,
        duration: Span::from_secs(86_400),
        start: Start::SteadyState,
        kind: Kind::Terminating,
        truncation: Truncation::Mser5,
        transient: Transient::default(),
        starts_at: None,
        region: "us-east-1".into(),
        zones: vec!["us-east-1a".into(), "us-east-1b".into()],
        network,
        wires: Wires::default(),
        auto_scaling_groups: vec![],
        images: vec![],
        layers: vec![],
        task_definitions: vec![TaskDefinition {
            name: "web".into(),
            cpu: CpuUnits(1024),
            cpu_limit: CpuLimit::Quota,
            memory: MiB(2048),
            network_mode: NetworkMode::Awsvpc,
            architecture: Architecture::X86_64,
            extra_storage_gib: 0,
            containers: vec![container("app")],
        }],
        services: vec![service(desired)],
        programs: vec![Program { steps: vec![] }],
        calls: vec![],
        caches: vec![],
        dependencies: vec![],
        queues: vec![],
        load_balancers: vec![LoadBalancer {
            name: "public".into(),
            zones: vec![ZoneIx(0)],
            internet_facing: true,
            listeners: vec![Listener {
                name: "http".into(),
                port: 80,
                rules: vec![],
                default_action: Action::Forward(vec![WeightedGroup {
                    target_group: TargetGroupIx(0),
                    weight: 1,
                }]),
                group_stickiness: None,
            }],
            idle_timeout: Span::from_secs(60),
            attributes: LoadBalancerAttributes::default(),
        }],
        target_groups: vec![target_group("web")],
        traffic: vec![],
        classes: vec![],
        alarms: vec![],
        events: vec![],
        objectives: vec![],
        expectations: vec![],
        replications: 1,
        precision: None,
        stress: Stress::default(),
        size: None,
        prices: Discounts {
            fargate: Ratio::ZERO,
            ec2: Ratio::ZERO,
            alb: Ratio::ZERO,
        },
        model: model(),
        model_keys: vec![],
        limits: Limits {
            in_flight: 1_000_000,
            run_out: Span::from_secs(60),
        },
        traces: Traces { sampled: 0, kept: 0 },
    };
    image(&mut blueprint, "web", &[("web", 400)]);
    blueprint
}

pub fn container(name: &str) -> Container {
    Container {
        name: name.into(),
        essential: true,
        image: ImageIx(0),
        host_ports: vec![],
        depends_on: vec![],
        health_check: None,
        start_timeout: None,
        stop_timeout: Span::from_secs(30),
        shut_down: constant(2.0),
        exits: None,
        secrets: Secrets::default(),
        logs: None,
        restart_policy: None,
        cpu: CpuUnits(0),
        cpu_use: CpuUnits(0),
        memory_limit: None,
        memory_use: None,
    }
}

pub fn target_group(name: &str) -> TargetGroup {
    TargetGroup {
        name: name.into(),
        algorithm: Algorithm::RoundRobin,
        deregistration_delay: Span::from_secs(30),
        slow_start: Span::ZERO,
        attributes: TargetGroupAttributes::default(),
        health_check: HealthCheck {
            path: "/".into(),
            interval: Span::from_secs(10),
            timeout: Span::from_secs(5),
            healthy_threshold: 5,
            unhealthy_threshold: 2,
            matcher: vec![(200, 200)],
            runs: ProgramIx(0),
        },
    }
}

/// Two revisions of the same task definition.
pub fn service(desired: u32) -> Service {
    Service {
        name: "web".into(),
        desired_count: desired,
        scheduling: Scheduling::default(),
        capacity: vec![CapacityShare {
            provider: Provider::Fargate,
            base: 0,
            weight: 1,
        }],
        placement_constraints: vec![],
        placement_strategy: vec![PlacementStrategy::SpreadZone],
        health_check_grace_period: Span::ZERO,
        deployment: DeploymentConfiguration {
            strategy: DeploymentStrategy::Rolling,
            minimum_healthy_percent: 100,
            maximum_percent: 200,
            circuit_breaker: None,
            alarms: None,
            early_success: None,
            bake_time: Span::ZERO,
            hooks: vec![],
            code_deploy: None,
        },
        load_balancers: vec![ServiceLoadBalancer {
            target_group: TargetGroupIx(0),
            alternate: None,
        }],
        auto_scaling: None,
        operations: vec!["get".into()],
        consumes: vec![],
        revisions: vec![revision(), revision(), revision()],
    }
}

fn revision() -> Revision {
    Revision {
        task_definition: TaskDefinitionIx(0),
        serving_container: 0,
        runtime: Runtime::Unbounded,
        cpu_model: CpuModel::Fluid,
        start_up: constant(2.0),
        start_up_cpu: None,
        routes: vec![],
        operations: vec![Operation {
            program: ProgramIx(0),
            error_ratio: Ratio::ZERO,
            cpu_factor: 1.0,
        }],
        server_rules: None,
        on_disconnect: OnDisconnect::Continue,
        on_deadline: OnDeadline::Abandon,
        keep_alive: None,
        defects: Defects {
            fails_to_start: Ratio::ZERO,
            exits_after: None,
            fails_health_checks: Ratio::ZERO,
        },
        skew: Skew::default(),
    }
}

fn model() -> Model {
    let mut model = Model::default();
    model.alb.first_health_check = (0.5, 0.5);
    model.fargate.provisioning = constant(10.0);
    model.fargate.pending = constant(5.0);
    model.fargate.deprovisioning = constant(10.0);
    model.ec2.eni_attach = constant(4.0);
    model.ec2.pending = constant(1.0);
    model.ec2.deprovisioning = constant(10.0);
    model.task.container_start = constant(1.0);
    model.task.target_registration = constant(3.0);
    model.task.loss_detection = constant(90.0);
    model
}

/// Without a balancer: RUNNING after 21 s, healthy 40 s later; stopped in 12 s.
pub fn without_balancer(mut blueprint: Blueprint) -> Blueprint {
    blueprint.services[0].load_balancers.clear();
    blueprint
}

/// On `count` instances of a group over both zones; a task takes half of one. From its creation a task takes 4 s for its
/// interface, 1 s PENDING, no pull where the image is held (5 s else), 1 s to start, 3 s of registration.
pub fn on_ec2(mut blueprint: Blueprint, count: u32) -> Blueprint {
    let instance_type = crate::aws::instance_types::find("m6i.large").expect("the table has it");
    blueprint.auto_scaling_groups = vec![AutoScalingGroup {
        name: "group".into(),
        instance_type,
        zones: vec![ZoneIx(0), ZoneIx(1)],
        min_size: 0,
        desired_capacity: count,
        max_size: 10,
        awsvpc_tasks: 10,
        launch_time: constant(50.0),
        pull_bandwidth: 100.0,
        agent: Agent::default(),
        credits: None,
        market: Market::OnDemand,
    }];
    blueprint.services[0].capacity = vec![CapacityShare {
        provider: Provider::Group(GroupIx(0)),
        base: 0,
        weight: 1,
    }];
    blueprint
}

/// As a DAEMON service, with AWS's bounds for one.
pub fn as_daemon(service: &mut Service) {
    service.scheduling.strategy = SchedulingStrategy::Daemon;
    service.deployment.minimum_healthy_percent = 0;
    service.deployment.maximum_percent = 100;
}

/// What the stand-in for the data plane makes of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Health {
    /// 200 if it listens, a refused connection if not.
    Fine,
    Status(u16),
    Silent,
}

/// The control plane on its calendar. Everything is checked after every event.
pub struct Stage<'a> {
    pub cx: Context<'a>,
    pub control: ControlPlane,
    /// How the tasks of a revision, or a task, answer checks from now on.
    pub of_revision: BTreeMap<RevisionIx, Health>,
    pub of_task: BTreeMap<u32, Health>,
    /// What a check that passes says of the next ones.
    pub outlook: Outlook,
    servers: BTreeMap<Id<Task>, bool>,
    pub orders: Vec<(f64, Order)>,
    pub seen: Vec<Observation>,
}

impl<'a> Stage<'a> {
    pub fn new(blueprint: &'a Blueprint) -> Self {
        let cx = Context::new(blueprint, 0);
        let control = ControlPlane::new(blueprint, cx.key);
        let mut stage = Stage {
            cx,
            control,
            of_revision: BTreeMap::new(),
            of_task: BTreeMap::new(),
            outlook: Outlook::Open,
            servers: BTreeMap::new(),
            orders: Vec::new(),
            seen: Vec::new(),
        };
        stage.control.begin(&mut stage.cx);
        stage.deliver();
        stage
    }

    pub fn run_until(&mut self, seconds: f64) {
        while let Some(event) = self.cx.calendar.pop_until(at(seconds)) {
            let What::Control(what) = event.what else {
                unreachable!("the control plane is alone")
            };
            self.control.handle(&mut self.cx, what, event.id, event.extra);
            self.deliver();
        }
    }

    /// Does something now.
    pub fn act(&mut self, what: impl FnOnce(&mut ControlPlane, &mut Context<'a>)) {
        what(&mut self.control, &mut self.cx);
        self.deliver();
    }

    pub fn deploy(&mut self, revision: u16) {
        self.act(|control, cx| control.deploy(cx, &[(ServiceIx(0), RevisionIx(revision))]));
    }

    fn deliver(&mut self) {
        while !self.cx.orders.is_empty() || !self.cx.signals.is_empty() {
            for order in std::mem::take(&mut self.cx.orders) {
                self.execute(&order);
                self.orders.push((self.cx.now().seconds(), order));
            }
            for signal in std::mem::take(&mut self.cx.signals) {
                self.control.receive(&mut self.cx, signal);
            }
        }
        self.seen.append(&mut self.cx.observations);
        self.control.check(self.cx.blueprint);
    }

    fn execute(&mut self, order: &Order) {
        match order {
            Order::StartServer(spec) => assert_eq!(self.servers.insert(spec.task, false), None, "a server starts once"),
            Order::Listen(task) => {
                *self
                    .servers
                    .get_mut(task)
                    .expect("only a server that has started listens") = true
            }
            Order::CloseServer(task) => {
                *self.servers.get_mut(task).expect("only a server that exists is closed") = false;
            }
            Order::SilenceServer(task) => {
                self.servers.remove(task);
            }
            Order::KillServer(task) => {
                assert!(self.servers.remove(task).is_some(), "a server is killed once");
            }
            Order::CheckTarget {
                target_group,
                node,
                task,
                check,
            } => {
                let (group, node, check) = (*target_group, *node, *check);
                let status = match self.health(*task) {
                    Health::Silent => return,
                    Health::Status(status) => status,
                    Health::Fine if self.servers.get(task) == Some(&true) => 200,
                    Health::Fine => 0,
                };
                self.cx.signals.push(Signal::CheckAnswered {
                    target_group: group,
                    node,
                    task: *task,
                    check,
                    status,
                    outlook: if status == 200 { self.outlook } else { Outlook::Open },
                });
            }
            _ => {}
        }
    }

    fn health(&self, task: Id<Task>) -> Health {
        let Some(record) = self.control.tasks.get(task) else {
            return Health::Silent;
        };
        let own = self.of_task.get(&record.ordinal);
        own.or_else(|| self.of_revision.get(&record.revision))
            .copied()
            .unwrap_or(Health::Fine)
    }
}

/// For comparing with literals.
pub fn owned(rows: &[(f64, &str)]) -> Vec<(f64, String)> {
    rows.iter()
        .map(|(second, text)| (*second, (*text).to_string()))
        .collect()
}
