//! A stage for the data plane alone: its orders are given by hand, and its requests come when the test says.
//!
//! Networks are without delay and laws constant unless a test says otherwise, so that every timeline can be computed on
//! paper.

mod balanced;

use crate::blueprint::*;
use crate::cluster::Task;
use crate::cluster::target_group::Outlook;
use crate::engine::arena::{Arena, Id};
use crate::engine::dist::Dist;
use crate::sim::context::Context;
use crate::sim::data_plane::DataPlane;
use crate::sim::event::What;
use crate::sim::observation::{Observation, Outcome, RequestFinished, Sample};
use crate::sim::signal::{CpuLeft, Interface, MemoryLeft, Order, PublishedTarget, ServerSpec, Signal, balancer_of};
use crate::sim::trace::Trace;
use crate::units::{CpuUnits, Instant, Ratio, Span};
pub use balanced::{balanced, through_balancer};

/// A service of equal tasks that does `steps`, called straight by one Poisson (or other) traffic.
pub fn blueprint(steps: Vec<Step>, runtime: Runtime, rate: f64, seconds: u64) -> Blueprint {
    let zero = || Dist::constant(0.0).expect("zero is a constant");
    Blueprint {
        name: "test".into(),
        question: None,
        seed: 7,
        warm_up: Span::ZERO,
        duration: Span::from_secs(seconds),
        start: Start::SteadyState,
        kind: Kind::Steady,
        truncation: Truncation::Mser5,
        transient: Transient::default(),
        starts_at: None,
        region: "us-east-1".into(),
        zones: vec!["us-east-1a".into(), "us-east-1b".into()],
        network: Network {
            same_zone: zero(),
            cross_zone: zero(),
            client: zero(),
            to_balancer: None,
            zone_delays: vec![],
            loss: Ratio::ZERO,
        },
        wires: Wires::default(),
        auto_scaling_groups: vec![],
        images: vec![],
        layers: vec![],
        task_definitions: vec![],
        services: vec![service("web", 1, runtime)],
        programs: vec![Program { steps }, Program { steps: vec![] }],
        calls: vec![],
        caches: vec![],
        dependencies: vec![],
        queues: vec![],
        load_balancers: vec![],
        target_groups: vec![],
        traffic: vec![Traffic {
            name: "users".into(),
            to: Destination::Service {
                service: ServiceIx(0),
                balancing: Balancing::RoundRobin,
            },
            source: Source::Open {
                profile: RateProfile {
                    segments: vec![RateSegment {
                        start: Instant::ZERO,
                        end: Instant::NEVER,
                        from: rate,
                        to: rate,
                    }],
                },
                arrivals: Arrivals::Poisson,
            },
            clients: None,
            journeys: vec![],
            classes: vec![(ClassIx(0), 1.0)],
            timeout: None,
            retry: Retry {
                max_attempts: 1,
                backoff: no_backoff(),
            },
            guards: Guards::default(),
            direct: Direct::default(),
        }],
        classes: vec![RequestClass {
            name: "users".into(),
            traffic: TrafficIx(0),
            priority: Default::default(),
            http: HttpRequest::get("/"),
        }],
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
        model: Model::default(),
        model_keys: vec![],
        limits: Limits {
            in_flight: 1_000_000,
            run_out: Span::from_secs(3600),
        },
        traces: Traces { sampled: 0, kept: 0 },
    }
}

pub fn no_backoff() -> Backoff {
    Backoff {
        base: Span::ZERO,
        factor: 1.0,
        cap: Span::ZERO,
        jitter: Jitter::None,
    }
}

pub fn service(name: &str, program: u16, runtime: Runtime) -> Service {
    Service {
        name: name.into(),
        desired_count: 1,
        scheduling: Scheduling::default(),
        capacity: vec![],
        placement_constraints: vec![],
        placement_strategy: vec![],
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
        load_balancers: vec![],
        auto_scaling: None,
        operations: vec!["get".into()],
        consumes: vec![],
        revisions: vec![Revision {
            task_definition: TaskDefinitionIx(0),
            serving_container: 0,
            runtime,
            cpu_model: CpuModel::Fluid,
            start_up: Dist::constant(0.0).expect("zero is a constant"),
            start_up_cpu: None,
            routes: vec![],
            operations: vec![Operation {
                program: ProgramIx(program - 1),
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
        }],
    }
}

pub fn exponential(mean: f64) -> Dist {
    Dist::exponential(mean).expect("a valid mean")
}

pub fn constant(seconds: f64) -> Dist {
    Dist::constant(seconds).expect("a valid constant")
}

pub fn ms(millis: u64) -> Instant {
    Instant::ZERO + Span::from_millis(millis)
}

/// A fixed pause between attempts.
pub fn fixed(max_attempts: u32, pause: Span) -> Retry {
    Retry {
        max_attempts,
        backoff: Backoff {
            base: pause,
            factor: 1.0,
            cap: pause,
            jitter: Jitter::None,
        },
    }
}
/// The second service, asked by the first call, straight and in turn.
pub fn calling_second(blueprint: &mut Blueprint, second: Service) {
    blueprint.services.push(second);
    blueprint.calls.push(call(Callee::Service {
        service: ServiceIx(1),
        operation: OperationIx(0),
        balancing: Balancing::RoundRobin,
    }));
}

pub fn call(to: Callee) -> CallSite {
    CallSite {
        name: "call".into(),
        to,
        timeout: None,
        retry: fixed(1, Span::ZERO),
        guards: Guards::default(),
        direct: Direct::default(),
    }
}

pub fn workers(workers: u32) -> Runtime {
    Runtime::ThreadPool {
        workers,
        backlog: u32::MAX,
    }
}

/// Requests of the first traffic at these milliseconds, for a service that does `steps`.
pub fn requests_at(millis: &[u64], steps: Vec<Step>, runtime: Runtime) -> Blueprint {
    let mut blueprint = blueprint(steps, runtime, 1.0, 1000);
    blueprint.traffic[0].source = recorded(millis);
    blueprint
}

pub fn recorded(millis: &[u64]) -> Source {
    let arrival = |&at: &u64| RecordedArrival {
        at: ms(at),
        class: None,
    };
    Source::Recorded(Recorded {
        arrivals: millis.iter().map(arrival).collect(),
        repeat_every: None,
    })
}

/// One more traffic source to the same destination, with a class of its own.
pub fn more_traffic(blueprint: &mut Blueprint, millis: &[u64], timeout: Option<Span>) {
    let class = ClassIx::from_usize(blueprint.classes.len());
    let traffic = TrafficIx::from_usize(blueprint.traffic.len());
    let mut more = blueprint.traffic[0].clone();
    more.name = format!("traffic {}", traffic.0);
    more.source = recorded(millis);
    more.timeout = timeout;
    more.classes = vec![(class, 1.0)];
    blueprint.traffic.push(more);
    let mut copy = blueprint.classes[0].clone();
    copy.traffic = traffic;
    blueprint.classes.push(copy);
}

/// A data plane whose servers are started by hand.
pub struct Stage<'a> {
    pub cx: Context<'a>,
    pub plane: DataPlane,
    ids: Arena<()>,
    /// Of each service, in order of start.
    pub tasks: Vec<Vec<Id<Task>>>,
    pub finished: Vec<RequestFinished>,
    pub checks: Vec<u16>,
    /// When servers had done their work before listening.
    pub started_up: Vec<Instant>,
    pub outlooks: Vec<Outlook>,
    /// How often somebody was told that checks are no longer foregone.
    pub stirred: usize,
    /// Tasks whose requests have taken all memory, and when.
    pub out_of_memory: Vec<(Id<Task>, Instant)>,
    /// Tasks that a request has killed, and when.
    pub crashed: Vec<(Id<Task>, Instant)>,
}

impl<'a> Stage<'a> {
    /// One task of one vCPU for each service, in the first zone, published everywhere; traffic begins.
    pub fn new(blueprint: &'a Blueprint) -> Self {
        Stage::with_tasks(blueprint, 1)
    }

    /// `count` tasks for each service, one zone after the other.
    pub fn with_tasks(blueprint: &'a Blueprint, count: u16) -> Self {
        let mut cx = Context::new(blueprint, 0);
        let mut stage = Stage {
            plane: DataPlane::new(&mut cx),
            cx,
            ids: Arena::new(),
            tasks: vec![vec![]; blueprint.services.len()],
            finished: vec![],
            checks: vec![],
            started_up: vec![],
            outlooks: vec![],
            stirred: 0,
            out_of_memory: vec![],
            crashed: vec![],
        };
        for service in 0..blueprint.services.len() {
            for n in 0..count {
                stage.start(service, n % blueprint.zones.len() as u16, 1.0);
            }
            stage.publish(service, stage.tasks[service].clone());
        }
        stage.plane.begin(&mut stage.cx);
        stage.plane.measuring_begins(&stage.cx);
        stage
    }

    pub fn start(&mut self, service: usize, zone: u16, vcpus: f64) -> Id<Task> {
        self.start_revision(service, 0, zone, vcpus)
    }

    pub fn start_revision(&mut self, service: usize, revision: u16, zone: u16, vcpus: f64) -> Id<Task> {
        let cpu = CpuUnits((vcpus * 1024.0) as u32);
        self.start_with(service, cpu, |spec| {
            spec.revision = RevisionIx(revision);
            spec.zone = ZoneIx(zone);
        })
    }

    /// A task in the first zone with anything else about it.
    pub fn start_with(&mut self, service: usize, cpu: CpuUnits, otherwise: impl FnOnce(&mut ServerSpec)) -> Id<Task> {
        let task = Id::from_raw(self.ids.insert(()).raw());
        let mut spec = ServerSpec {
            task,
            service: ServiceIx::from_usize(service),
            revision: RevisionIx(0),
            zone: ZoneIx(0),
            cpu,
            left: CpuLeft {
                server: cpu,
                beside: CpuUnits(0),
                shares: [2, 2],
            },
            host: None,
            host_vcpus: 8,
            memory: MemoryLeft {
                room: 1024.0,
                shrinks: 0.0,
            },
            speed: 1.0,
            interface: Interface {
                instance: None,
                bandwidth: self.cx.blueprint.wires.fargate_bandwidth * cpu.vcpus(),
            },
        };
        otherwise(&mut spec);
        self.order(Order::StartServer(spec));
        self.order(Order::Listen(task));
        self.tasks[service].push(task);
        task
    }

    /// Kills a task's process and lets its slot be used again.
    pub fn kill(&mut self, task: Id<Task>) {
        self.order(Order::KillServer(task));
        self.ids.remove(Id::from_raw(task.raw()));
    }

    /// Publishes these tasks to all who send to the service.
    pub fn publish(&mut self, service: usize, tasks: Vec<Id<Task>>) {
        let blueprint = self.cx.blueprint;
        for binding in &blueprint.services[service].load_balancers {
            let Some(balancer) = balancer_of(blueprint, binding.target_group) else {
                continue;
            };
            let zones = blueprint.load_balancers[balancer.at()].zones.len() as u16;
            let nodes = zones * blueprint.model.alb.nodes_per_zone as u16;
            for node in 0..nodes {
                let target = |&task: &Id<Task>| PublishedTarget {
                    task,
                    ramping_since: None,
                };
                self.order(Order::PublishTargets {
                    target_group: binding.target_group,
                    node,
                    targets: tasks.iter().map(target).collect(),
                });
            }
        }
        let service = ServiceIx::from_usize(service);
        self.order(Order::PublishDiscovery { service, tasks });
    }

    pub fn order(&mut self, order: Order) {
        self.plane.execute(&mut self.cx, order);
        self.collect();
    }

    pub fn fault(&mut self, kind: &FaultKind) {
        self.plane.fault_begins(&mut self.cx, 0, kind);
        self.collect();
    }

    pub fn lift(&mut self, kind: &FaultKind) {
        self.plane.fault_ends(&mut self.cx, 0, kind);
        self.collect();
    }

    /// Handles everything up to an instant, that included.
    pub fn run_until(&mut self, until: Instant) -> &mut Self {
        while let Some(event) = self.cx.calendar.pop_until(until) {
            let What::Data(what) = event.what else {
                unreachable!("only the data plane is on this stage")
            };
            self.plane.handle(&mut self.cx, what, event.id, event.extra);
            self.collect();
        }
        self
    }

    /// Handles all there is; nothing may be left.
    pub fn run(&mut self) -> &mut Self {
        self.run_until(ms(3_600_000));
        assert_eq!(self.plane.open_requests(), 0, "every request has ended");
        assert_eq!(self.plane.in_flight(), 0, "every record has been freed");
        self
    }

    fn collect(&mut self) {
        self.finished.append(&mut self.cx.finished);
        let now = self.cx.now();
        let signals: Vec<Signal> = self.cx.signals.drain(..).collect();
        for signal in signals {
            match signal {
                Signal::StartedUp(_) => self.started_up.push(now),
                Signal::CheckAnswered { status, outlook, .. } => {
                    self.checks.push(status);
                    self.outlooks.push(outlook);
                }
                Signal::Stirred(_) => self.stirred += 1,
                Signal::Crashed { task, .. } => {
                    self.crashed.push((task, now));
                    self.order(Order::KillServer(task));
                }
                Signal::OutOfMemory(task) => self.out_of_memory.push((task, now)),
                Signal::Metered(_) => {}
            }
        }
    }

    /// Requests that were followed, in order of their end.
    pub fn traces(&self) -> Vec<&Trace> {
        let traces = self.cx.observations.iter().filter_map(|observation| match observation {
            Observation::Traced(trace) => Some(trace.as_ref()),
            _ => None,
        });
        traces.collect()
    }

    pub fn sample(&mut self) -> Sample {
        self.plane.sample(&self.cx)
    }

    /// What came of the requests, in order of their end: when they arrived, what came of them, how long it took (ms).
    pub fn seen(&self) -> Vec<(f64, Outcome, f64)> {
        let row = |request: &RequestFinished| {
            let arrived = request.arrived.since(Instant::ZERO).millis();
            (arrived, request.outcome, request.latency.millis())
        };
        self.finished.iter().map(row).collect()
    }
}
