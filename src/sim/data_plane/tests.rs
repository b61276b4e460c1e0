//! The data plane alone, its orders given by hand: theory and small timelines.

use super::DataPlane;
use crate::blueprint::*;
use crate::engine::arena::{Arena, Id};
use crate::engine::dist::Dist;
use crate::sim::context::Context;
use crate::sim::event::What;
use crate::sim::observation::{Outcome, RequestFinished};
use crate::sim::signal::{Order, PublishedTarget, ServerSpec};
use crate::units::{CpuUnits, Instant, MiB, Ratio, Span};

/// A service of equal tasks that does `steps`, called straight by one Poisson (or other) traffic.
pub(crate) fn blueprint(steps: Vec<Step>, runtime: Runtime, rate: f64, seconds: u64) -> Blueprint {
    let zero = || Dist::constant(0.0).expect("zero is a constant");
    Blueprint {
        name: "test".into(),
        question: None,
        seed: 7,
        warm_up: Span::ZERO,
        duration: Span::from_secs(seconds),
        start: Start::SteadyState,
        kind: Kind::Steady,
        starts_at: None,
        region: "us-east-1".into(),
        zones: vec!["us-east-1a".into(), "us-east-1b".into()],
        network: Network {
            same_zone: zero(),
            cross_zone: zero(),
            client: zero(),
            to_balancer: None,
        },
        auto_scaling_groups: vec![],
        images: vec![],
        task_definitions: vec![],
        services: vec![service("web", 1, runtime)],
        programs: vec![Program { steps }, Program { steps: vec![] }],
        calls: vec![],
        dependencies: vec![],
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
            classes: vec![(ClassIx(0), 1.0)],
            timeout: None,
            retry: Retry {
                max_attempts: 1,
                backoff: no_backoff(),
            },
        }],
        classes: vec![RequestClass {
            name: "users".into(),
            traffic: TrafficIx(0),
            method: Method::Get,
            host: String::new(),
            path: "/".into(),
        }],
        alarms: vec![],
        events: vec![],
        objectives: vec![],
        expectations: vec![],
        replications: 1,
        prices: Discounts {
            fargate: Ratio::ZERO,
            ec2: Ratio::ZERO,
            alb: Ratio::ZERO,
        },
        model: Model::default(),
        limits: Limits {
            in_flight: 1_000_000,
            run_out: Span::from_secs(3600),
        },
    }
}

fn no_backoff() -> Backoff {
    Backoff {
        base: Span::ZERO,
        factor: 1.0,
        cap: Span::ZERO,
        jitter: Jitter::None,
    }
}

fn service(name: &str, program: u16, runtime: Runtime) -> Service {
    Service {
        name: name.into(),
        desired_count: 1,
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
            bake_time: Span::ZERO,
        },
        load_balancers: vec![],
        auto_scaling: None,
        operations: vec!["get".into()],
        revisions: vec![Revision {
            task_definition: TaskDefinitionIx(0),
            serving_container: 0,
            runtime,
            cpu_model: CpuModel::Fluid,
            start_up: Dist::constant(0.0).expect("zero is a constant"),
            routes: vec![],
            operations: vec![Operation {
                program: ProgramIx(program - 1),
                error_ratio: Ratio::ZERO,
                cpu_factor: 1.0,
            }],
            on_disconnect: OnDisconnect::Continue,
            defects: Defects {
                fails_to_start: Ratio::ZERO,
                exits_after: None,
                fails_health_checks: Ratio::ZERO,
            },
        }],
    }
}

pub(crate) fn exponential(mean: f64) -> Dist {
    Dist::exponential(mean).expect("a valid mean")
}

pub(crate) fn constant(seconds: f64) -> Dist {
    Dist::constant(seconds).expect("a valid constant")
}

/// Latencies of what was served (s) and the count of each other outcome.
pub(crate) struct Seen {
    pub latencies: Vec<f64>,
    pub others: Vec<(Outcome, u64)>,
}

impl Seen {
    pub fn mean(&self) -> f64 {
        self.latencies.iter().sum::<f64>() / self.latencies.len() as f64
    }
}

/// Runs the data plane with `tasks` servers of `vcpus` for each service, all listening from the start.
pub(crate) fn drive(blueprint: &Blueprint, tasks: u32, vcpus: f64, mut watch: impl FnMut(&RequestFinished)) -> u64 {
    let mut cx = Context::new(blueprint, 0);
    let mut plane = DataPlane::new(&mut cx);
    let mut ids: Arena<crate::cluster::Task> = Arena::new();
    let mut stand_in: Arena<()> = Arena::new();
    let _ = &mut ids;
    for (at, service) in blueprint.services.iter().enumerate() {
        let service_ix = ServiceIx::from_usize(at);
        let tasks: Vec<_> = (0..tasks)
            .map(|n| {
                let task = Id::from_raw(stand_in.insert(()).raw());
                plane.execute(
                    &mut cx,
                    Order::StartServer(ServerSpec {
                        task,
                        service: service_ix,
                        revision: RevisionIx(0),
                        zone: ZoneIx((n % blueprint.zones.len() as u32) as u16),
                        cpu: CpuUnits((vcpus * 1024.0) as u32),
                        host_vcpus: 8,
                        speed: 1.0,
                    }),
                );
                plane.execute(&mut cx, Order::Listen(task));
                task
            })
            .collect();
        plane.execute(
            &mut cx,
            Order::PublishDiscovery {
                service: service_ix,
                tasks: tasks.clone(),
            },
        );
        for binding in &service.load_balancers {
            let targets: Vec<_> = tasks
                .iter()
                .map(|&task| PublishedTarget {
                    task,
                    ramping_since: None,
                })
                .collect();
            for node in 0..blueprint.zones.len() as u16 {
                plane.execute(
                    &mut cx,
                    Order::PublishTargets {
                        target_group: binding.target_group,
                        node,
                        targets: targets.clone(),
                    },
                );
            }
        }
    }
    plane.begin(&mut cx);
    let mut events = 0;
    while let Some(event) = cx.calendar.pop() {
        events += 1;
        let What::Data(what) = event.what else {
            unreachable!("only the data plane is here")
        };
        plane.handle(&mut cx, what, event.id, event.extra);
        for request in cx.finished.drain(..) {
            watch(&request);
        }
    }
    plane.finish(&mut cx);
    for request in cx.finished.drain(..) {
        watch(&request);
    }
    assert_eq!(plane.in_flight(), 0, "every record has been freed");
    events
}

pub(crate) fn seen(blueprint: &Blueprint, tasks: u32, vcpus: f64) -> Seen {
    let mut seen = Seen {
        latencies: vec![],
        others: vec![],
    };
    drive(blueprint, tasks, vcpus, |request| match request.outcome {
        Outcome::Served => seen.latencies.push(request.latency.seconds()),
        other => match seen.others.iter_mut().find(|(outcome, _)| *outcome == other) {
            Some((_, count)) => *count += 1,
            None => seen.others.push((other, 1)),
        },
    });
    seen
}

const _: MiB = MiB(0);

/// A wide sanity band; the exact theory tests run over replications in `tests/theory.rs`.
fn assert_near(value: f64, wanted: f64, relative: f64) {
    assert!((value / wanted - 1.0).abs() < relative, "{value} is not near {wanted}");
}

#[test]
fn an_mm1_queue_has_its_mean_sojourn() {
    let blueprint = blueprint(
        vec![Step::Wait(exponential(1.0))],
        Runtime::ThreadPool {
            workers: 1,
            backlog: u32::MAX,
        },
        0.8,
        2_000_000,
    );
    // Mean 5; the relaxation time is 1/(1-√ρ)² ≈ 90 s, so 2,000,000 s are some 20,000 independent looks of
    // standard deviation about 5: half a per cent of error, asserted at eight times that.
    assert_near(seen(&blueprint, 1, 1.0).mean(), 5.0, 0.04);
}

#[test]
fn processor_sharing_of_c_cores_is_insensitive_to_the_service_law() {
    // M/G/4-PS with at most one core a job has M/M/4's mean, 1.745541 at ρ = 0.8, whatever the law.
    for law in [
        exponential(1.0),
        constant(1.0),
        Dist::lognormal_mean_cv(1.0, 2.0).expect("a valid law"),
    ] {
        let blueprint = blueprint(vec![Step::Cpu(law)], Runtime::Unbounded, 3.2, 300_000);
        assert_near(seen(&blueprint, 1, 4.0).mean(), 1.745541, 0.04);
    }
}

#[test]
fn a_full_backlog_refuses() {
    // M/M/1/2: loss probability at ρ = 2 is 4/7.
    let blueprint = blueprint(
        vec![Step::Wait(exponential(1.0))],
        Runtime::ThreadPool { workers: 1, backlog: 1 },
        2.0,
        200_000,
    );
    let seen = seen(&blueprint, 1, 1.0);
    let refused = seen
        .others
        .iter()
        .find(|(outcome, _)| *outcome == Outcome::Refused)
        .map_or(0, |(_, count)| *count);
    let share = refused as f64 / (refused + seen.latencies.len() as u64) as f64;
    assert_near(share, 4.0 / 7.0, 0.02);
}

#[test]
fn a_client_that_gives_up_leaves_its_work_behind() {
    // Work takes 3 s, patience 2 s: everyone times out, and the second of two simultaneous requests waits behind the
    // first although nobody wants it any more.
    let mut blueprint = blueprint(
        vec![Step::Wait(constant(3.0))],
        Runtime::ThreadPool {
            workers: 1,
            backlog: u32::MAX,
        },
        0.5,
        1000,
    );
    blueprint.traffic[0].timeout = Some(Span::from_secs(2));
    let seen = seen(&blueprint, 1, 1.0);
    assert!(seen.latencies.is_empty());
    assert_eq!(seen.others.len(), 1);
    assert_eq!(seen.others[0].0, Outcome::TimedOut);
}

#[test]
#[ignore]
fn speed() {
    let secs: u64 = std::env::var("SECS").ok().and_then(|s| s.parse().ok()).unwrap_or(300);
    let w1 = blueprint(
        vec![Step::Wait(exponential(1.0))],
        Runtime::ThreadPool {
            workers: 1,
            backlog: u32::MAX,
        },
        0.8,
        5_000_000,
    );
    let lognormal = Dist::lognormal_mean_cv(0.02, 1.0).expect("a valid law");
    let pool = Runtime::ThreadPool {
        workers: 4,
        backlog: u32::MAX,
    };
    let hop = constant(0.0005);
    let mut w2 = blueprint(vec![Step::Wait(lognormal.clone())], pool, 16_000.0, secs);
    w2.zones.truncate(1);
    w2.network.same_zone = hop.clone();
    balanced(&mut w2, 0, Algorithm::RoundRobin, 1);
    w2.traffic[0].to = Destination::LoadBalancer {
        load_balancer: LoadBalancerIx(0),
        listener: 0,
    };
    let mut w3 = blueprint(
        vec![Step::Wait(lognormal.clone()), Step::Call(CallIx(0))],
        pool,
        2_800.0,
        secs,
    );
    w3.zones.truncate(1);
    w3.network.same_zone = hop.clone();
    w3.network.client = hop;
    w3.model.alb.least_outstanding_ties = Ties::FirstRegistered;
    w3.traffic[0].timeout = Some(Span::from_secs(1));
    w3.traffic[0].to = Destination::Service {
        service: ServiceIx(0),
        balancing: Balancing::LeastOutstandingRequests,
    };
    for at in 1..5u16 {
        let mut steps = vec![Step::Wait(lognormal.clone())];
        if at < 4 {
            steps.push(Step::Call(CallIx(at)));
        }
        w3.programs.push(Program { steps });
        w3.services.push(service(&format!("s{at}"), 2 + at, pool));
        w3.calls.push(CallSite {
            name: "c".into(),
            to: Callee::Service {
                service: ServiceIx(at),
                operation: OperationIx(0),
                balancing: Balancing::LeastOutstandingRequests,
            },
            timeout: Some(Span::from_secs(1)),
            retry: Retry {
                max_attempts: 1,
                backoff: no_backoff(),
            },
        });
    }
    // The worker is freed before calling on, as in the reference: event loops would not queue waits, so workers are many.
    for service in &mut w3.services {
        service.revisions[0].runtime = Runtime::ThreadPool {
            workers: 40,
            backlog: u32::MAX,
        };
    }
    println!("{} bytes an attempt", size_of::<crate::cluster::Attempt>());
    let only = std::env::var("ONLY").unwrap_or_default();
    for (name, blueprint, tasks) in [("w1", &w1, 1), ("w2", &w2, 100), ("w3", &w3, 20)] {
        if !only.is_empty() && only != name {
            continue;
        }
        let mut count = 0u64;
        let mut sum = 0.0;
        let start = std::time::Instant::now();
        let events = drive(blueprint, tasks, 1.0, |request| {
            count += 1;
            sum += request.latency.seconds();
        });
        let took = start.elapsed().as_secs_f64();
        println!(
            "{name}: {:.3} M requests/s, {:.1} ns/event, {:.2} events a request, mean {:.4}",
            count as f64 / took / 1e6,
            took * 1e9 / events as f64,
            events as f64 / count as f64,
            sum / count as f64
        );
    }
}

/// Puts a balancer with `nodes` nodes before a service.
pub(crate) fn balanced(blueprint: &mut Blueprint, service: usize, algorithm: Algorithm, nodes: u32) {
    let group = TargetGroupIx::from_usize(blueprint.target_groups.len());
    blueprint.model.alb.nodes_per_zone = nodes;
    blueprint.target_groups.push(TargetGroup {
        name: "group".into(),
        algorithm,
        deregistration_delay: Span::from_secs(300),
        slow_start: Span::ZERO,
        health_check: HealthCheck {
            path: "/".into(),
            interval: Span::from_secs(30),
            timeout: Span::from_secs(5),
            healthy_threshold: 5,
            unhealthy_threshold: 2,
            matcher: vec![(200, 200)],
            runs: ProgramIx(1),
        },
    });
    blueprint.load_balancers.push(LoadBalancer {
        name: "alb".into(),
        zones: (0..blueprint.zones.len()).map(ZoneIx::from_usize).collect(),
        internet_facing: true,
        listeners: vec![Listener {
            name: "http".into(),
            port: 80,
            rules: vec![],
            default_action: Action::Forward(vec![WeightedGroup {
                target_group: group,
                weight: 1,
            }]),
        }],
        idle_timeout: Span::from_secs(60),
    });
    blueprint.services[service].load_balancers.push(ServiceLoadBalancer {
        target_group: group,
        alternate: None,
    });
}
