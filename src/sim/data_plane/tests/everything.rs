//! Everything at once, with a misfortune every half second: the books balance whatever happens.
//!
//! A shop of three services with balancers, direct calls, branches, retries of all kinds, an event loop, cancelled work
//! and a small database; processes die and come back in the same slot, zones go and return, targets are cut off, health
//! is asked. What is asserted holds for every run: each request has one outcome, every record is freed, every slot and
//! worker is given back, and the same seed gives the same run.

use super::misfortunes::misfortune;
use super::stage::*;
use crate::blueprint::*;
use crate::engine::dist::Dist;
use crate::sim::observation::{Completeness, Outcome, Reason, RequestFinished};
use crate::sim::signal::Order;
use crate::units::{Ratio, Span};

fn lognormal(mean: f64) -> Dist {
    Dist::lognormal_mean_cv(mean, 1.0).expect("a valid law")
}

/// A breaker, a budget, a small bulkhead, a deadline that is handed on, and hedges after so many milliseconds.
fn guards(after: u64, max: u32) -> Guards {
    let scope = SharedBy::Caller;
    Guards {
        budget: Some(RetryBudget {
            rule: BudgetRule::Tokens(TokenRule {
                capacity: 10.0,
                per_request: 0.1,
                per_success: 0.1,
                per_second: 0.5,
                cost: 1.0,
            }),
            scope,
        }),
        breaker: Some(BreakerRule {
            trip: Trip::Rate {
                failures: Ratio::new(0.5).expect("a share"),
                window: Span::from_secs(2),
                minimum: 10,
            },
            open_for: Span::from_millis(500),
            half_open: 2,
            scope,
        }),
        hedge: Some(Hedge {
            after: HedgeAfter::Span(Span::from_millis(after)),
            max,
            budget: None,
        }),
        deadline: DeadlineMode::Propagate,
        bulkhead: Some(Bulkhead {
            max_concurrent: ConcurrencyLimit::Fixed(6),
            max_waiting: 3,
            timeout: Some(Span::from_millis(30)),
            scope,
        }),
        ..Guards::default()
    }
}

fn retry(jitter: Jitter) -> Retry {
    Retry {
        max_attempts: 3,
        backoff: Backoff {
            base: Span::from_millis(20),
            factor: 2.0,
            cap: Span::from_millis(200),
            jitter,
        },
    }
}

fn shop(seconds: u64, seed: u64) -> Blueprint {
    let front = vec![
        Step::Cpu(lognormal(0.004)),
        Step::Parallel(Parallel::all(vec![ProgramIx(2), ProgramIx(3), ProgramIx(4)])),
        Step::Cpu(lognormal(0.001)),
        Step::Call(CallIx(2)),
    ];
    let pool = Runtime::ThreadPool {
        workers: 16,
        backlog: 20,
    };
    let mut blueprint = blueprint(front, pool, 120.0, seconds);
    blueprint.seed = seed;
    blueprint.network.same_zone = constant(0.0003);
    blueprint.network.cross_zone = lognormal(0.0008);
    blueprint.network.client = lognormal(0.02);
    blueprint.network.to_balancer = Some(constant(0.0011));
    let programs = [
        vec![Step::Call(CallIx(0))],
        vec![Step::Wait(lognormal(0.002)), Step::Call(CallIx(1))],
        vec![
            Step::Cpu(lognormal(0.001)),
            Step::Wait(constant(0.003)),
            Step::Parallel(Parallel::all(vec![])),
        ],
        vec![
            Step::Cpu(lognormal(0.003)),
            Step::Wait(lognormal(0.01)),
            Step::Cpu(lognormal(0.001)),
            Step::Parallel(Parallel::all(vec![ProgramIx(4), ProgramIx(2)])),
        ],
        vec![Step::Wait(lognormal(0.01)), Step::Cpu(constant(0.002))],
    ];
    blueprint.programs.extend(programs.map(|steps| Program { steps }));
    let event_loop = Runtime::EventLoop { loops: 1, backlog: 30 };
    let small = Runtime::ThreadPool { workers: 6, backlog: 5 };
    blueprint.services.push(service("loop", 6, event_loop));
    blueprint.services.push(service("small", 7, small));
    for at in [0, 1] {
        let revision = &mut blueprint.services[at].revisions[0];
        revision.on_disconnect = OnDisconnect::Cancel;
        revision.cpu_model = CpuModel::CfsQuota;
    }
    let operation = &mut blueprint.services[2].revisions[0].operations[0];
    operation.error_ratio = Ratio::new(0.02).expect("a valid share");
    operation.cpu_factor = 1.5;
    balanced(&mut blueprint, 0, Algorithm::LeastOutstandingRequests, 2);
    balanced(&mut blueprint, 2, Algorithm::RoundRobin, 2);
    blueprint.load_balancers[0].idle_timeout = Span::from_millis(250);
    blueprint.target_groups[0].attributes.stickiness = Some(Stickiness {
        cookie: Cookie::Application,
        duration: Span::from_millis(700),
    });
    blueprint.target_groups[1].algorithm = Algorithm::WeightedRandom;
    blueprint.target_groups[1].attributes.anomaly_mitigation = Mitigation::On;
    for (service, millis) in [(0, 120), (2, 60)] {
        blueprint.services[service].revisions[0].keep_alive = Some(Span::from_millis(millis));
    }
    blueprint.traffic[0].clients = Some(40);
    blueprint.load_balancers[0].attributes.client_keep_alive = Span::from_secs(2);
    blueprint.model.alb.scaling = Some(AlbScaling {
        factor: 2.0,
        window: Span::from_secs(60),
        floor: 150.0,
    });
    blueprint.load_balancers[1].idle_timeout = Span::from_millis(90);
    blueprint.dependencies.push(Dependency {
        name: "db".into(),
        zone: Some(ZoneIx(0)),
        standby: Some(ZoneIx(1)),
        failover: Span::from_secs(3),
        slots: 6,
        backlog: 10,
        service_time: lognormal(0.005),
        extras: None,
    });
    let mut to_database = call(Callee::Dependency(DependencyIx(0)));
    to_database.timeout = Some(Span::from_millis(60));
    to_database.retry = retry(Jitter::Decorrelated);
    let mut direct = call(Callee::Service {
        service: ServiceIx(1),
        operation: OperationIx(0),
        balancing: Balancing::LeastOutstandingRequests,
    });
    direct.timeout = Some(Span::from_millis(80));
    direct.retry = retry(Jitter::Full);
    let mut through_balancer = call(Callee::LoadBalancer {
        load_balancer: LoadBalancerIx(1),
        listener: 0,
        http: HttpRequest::get("/"),
    });
    through_balancer.retry = retry(Jitter::Equal);
    to_database.guards = guards(20, 2);
    direct.guards = guards(15, 1);
    through_balancer.guards = guards(30, 1);
    through_balancer.guards.bulkhead = None;
    blueprint.calls.extend([to_database, direct, through_balancer]);
    blueprint.traffic[0].timeout = Some(Span::from_millis(350));
    blueprint.traffic[0].retry = retry(Jitter::None);
    more_traffic(&mut blueprint, &[], Some(Span::from_millis(350)));
    blueprint.traffic[1].source = Source::Closed {
        users: 8,
        think_time: exponential(0.3),
    };
    blueprint.traffic[1].to = Destination::Service {
        service: ServiceIx(1),
        balancing: Balancing::Random,
    };
    blueprint.traffic[0].guards.deadline = DeadlineMode::Propagate;
    blueprint.traffic[1].guards = guards(40, 3);
    blueprint.traffic[0].to = Destination::LoadBalancer {
        load_balancer: LoadBalancerIx(0),
        listener: 0,
    };
    blueprint
}

const SECONDS: u64 = 30;

fn run(seed: u64) -> Vec<RequestFinished> {
    run_of(&shop(SECONDS, seed))
}

/// The shop whose database does everything that one can, and takes fewer connections than all tasks would like.
fn shop_with_busy_database(seed: u64) -> Blueprint {
    let mut blueprint = shop(SECONDS, seed);
    let operation = |endpoint, locks| DependencyOperation {
        name: "operation".into(),
        service_time: lognormal(0.005),
        error_ratio: Ratio::new(0.02).expect("a share"),
        endpoint,
        locks,
    };
    let locks = Some(RowLocks { rows: 5, zipf: 1.0 });
    blueprint.dependencies[0].extras = Some(Box::new(DependencyExtras {
        operations: vec![operation(Endpoint::Writer, locks), operation(Endpoint::Reader, None)],
        slowdown: Some(Slowdown {
            contention: 0.05,
            coherency: 0.01,
        }),
        cold_cache: Some(ColdCache {
            factor: 2.0,
            warms_over: Span::from_secs(1),
        }),
        replicas: Some(ReadReplicas {
            zones: vec![None, Some(ZoneIx(1))],
        }),
        connection_pool: Some(ConnectionPool {
            size: 3,
            min_idle: 1,
            acquire_timeout: Span::from_millis(8),
            max_waiting: 2,
            connect_time: lognormal(0.004),
            idle_timeout: Span::from_millis(150),
        }),
        max_connections: Some(14),
    }));
    let mut read = call(Callee::DependencyOperation(DependencyIx(0), DependencyOperationIx(1)));
    read.timeout = Some(Span::from_millis(30));
    blueprint.calls.push(read);
    blueprint.programs[3].steps.push(Step::Call(CallIx(3)));
    blueprint.programs[4].steps.push(Step::Call(CallIx(0)));
    blueprint
}

/// The shop whose loop publishes what the small service handles, more slowly than it is hidden now and then.
fn shop_with_queue(seed: u64) -> Blueprint {
    let mut blueprint = shop(SECONDS, seed);
    blueprint.model.sqs = SqsModel {
        send_message: lognormal(0.01),
        receive_message: lognormal(0.005),
        delete_message: lognormal(0.005),
    };
    let queue = |name: &str, redrive_policy| MessageQueue {
        name: name.into(),
        delay: Span::from_millis(20),
        visibility_timeout: Span::from_millis(25),
        message_retention_period: Span::from_secs(3600),
        receive_message_wait_time: Span::from_secs(1),
        redrive_policy,
        error_ratio: Ratio::new(0.05).expect("a share"),
    };
    let redrive = RedrivePolicy {
        dead_letter_queue: QueueIx(1),
        max_receive_count: 2,
    };
    blueprint.queues = vec![queue("orders", Some(redrive)), queue("letters", None)];
    let mut publish = call(Callee::Queue(QueueIx(0)));
    publish.timeout = Some(Span::from_millis(25));
    publish.retry = retry(Jitter::Full);
    publish.guards = guards(15, 1);
    blueprint.calls.push(publish);
    blueprint.programs[5].steps.push(Step::Call(CallIx(3)));
    blueprint.services[2].consumes = vec![Consumer {
        queue: QueueIx(0),
        operation: OperationIx(0),
        batch_size: 3,
        pollers: 3,
        poll_interval: Span::from_secs(1),
        batch_failure: BatchFailure::Item,
    }];
    blueprint
}

fn run_of(blueprint: &Blueprint) -> Vec<RequestFinished> {
    let mut stage = Stage::with_tasks(blueprint, 6);
    for tick in 1..=2 * SECONDS {
        stage.run_until(ms(500 * tick));
        misfortune(&mut stage, tick);
    }
    stage.plane.measuring_ends(&stage.cx);
    for task in stage.tasks.concat() {
        stage.order(Order::SetSpeed { task, speed: 1.0 });
        stage.order(Order::Afflict { task, ills: Ills::NONE });
    }
    // Nothing new comes; the last patience is long over after a minute.
    stage.run_until(ms((SECONDS + 60) * 1000));
    assert_eq!(stage.plane.open_requests(), 0, "each request has ended");
    assert_eq!(stage.plane.in_flight(), 0, "each record has been freed");
    let sample = stage.sample();
    for service in sample.services {
        assert_eq!((service.in_service, service.queued), (0, 0), "a server is left busy");
    }
    for dependency in sample.dependencies {
        assert_eq!(
            (dependency.in_service, dependency.queued),
            (0, 0),
            "a slot is left taken"
        );
    }
    stage.plane.check_connections();
    if let [orders, letters] = stage.plane.queue_counts()[..] {
        assert_eq!(orders.sent, orders.deleted + orders.dead_lettered + orders.at_end);
        assert_eq!(letters.sent, orders.dead_lettered);
        // A minute is enough for every message to be handled or to die.
        assert_eq!(stage.plane.messages_in(0), 0);
        let fates = [orders.sent, orders.redelivered, orders.duplicates, orders.dead_lettered];
        assert!(fates.iter().all(|&count| count > 0), "{fates:?}");
    }
    std::mem::take(&mut stage.finished)
}

#[test]
fn every_request_has_one_outcome_and_leaves_nothing_behind() {
    for seed in 1..=3 {
        let finished = run(seed);
        // 120 a second for 30 s, and some from the closed users.
        assert!(finished.len() > 3000, "{}", finished.len());
        // The mixture really is one: it would not notice a part that never happens.
        for outcome in [
            Outcome::Served,
            Outcome::ServerError,
            Outcome::TimedOut,
            Outcome::Refused,
            Outcome::BadGateway,
            Outcome::ServiceUnavailable,
            Outcome::GatewayTimeout,
        ] {
            let count = finished.iter().filter(|request| request.outcome == outcome).count();
            assert!(count > 5, "{count} {outcome:?}");
        }
        assert!(finished.iter().any(|request| request.attempts == 3));
    }
}

#[test]
fn a_database_with_everything_leaves_nothing_behind_either() {
    let finished: Vec<_> = (1..=3)
        .flat_map(|seed| run_of(&shop_with_busy_database(seed)))
        .collect();
    for reason in [Reason::TooManyConnections, Reason::FailingOver] {
        let why = |request: &&RequestFinished| request.failure.is_some_and(|failure| failure.reason == reason);
        let count = finished.iter().filter(why).count();
        assert!(count > 0, "nothing fails with {reason:?}");
    }
}

/// The shop, whose event loop can do without its last step and refuses what is too much, and whose callers listen and learn.
fn shop_that_gives_way(seed: u64) -> Blueprint {
    let mut blueprint = shop(30, seed);
    blueprint.services[1].revisions[0].server_rules = Some(Box::new(ServerRules {
        brown_out: Some(BrownOut::ResponseTime(DimmerRule {
            target: Span::from_millis(20),
            percentile: Ratio::new(0.95).expect("a share"),
            period: Span::from_millis(500),
            pole: 0.5,
        })),
        rate: Some(RateLimit { rate: 15.0, burst: 5 }),
        retry_after: Some(Span::from_millis(40)),
        ..ServerRules::default()
    }));
    blueprint.programs[5].steps[3] = Step::Optional(ProgramIx(2));
    for guards in [&mut blueprint.calls[1].guards, &mut blueprint.traffic[1].guards] {
        guards.retry_after = RetryAfter::Honoured;
        let bulkhead = guards.bulkhead.as_mut().expect("it has one");
        bulkhead.max_concurrent = ConcurrencyLimit::Aimd(Aimd {
            bounds: Adaptive {
                initial: 6,
                min: 1,
                max: 20,
            },
            late: Span::from_millis(30),
            backoff: Ratio::new(0.8).expect("a share"),
        });
    }
    blueprint
}

#[test]
fn a_shop_that_gives_way_leaves_nothing_behind_either() {
    let finished: Vec<_> = (1..=3).flat_map(|seed| run_of(&shop_that_gives_way(seed))).collect();
    let degraded = finished
        .iter()
        .filter(|request| request.completeness == Completeness::Degraded);
    assert!(degraded.count() > 100, "hardly an answer lacks something");
    let refused = |request: &&RequestFinished| {
        request
            .failure
            .is_some_and(|failure| failure.reason == Reason::RateLimited)
    };
    assert!(
        finished.iter().filter(refused).count() > 0,
        "nobody is refused for good"
    );
}

#[test]
fn a_queue_loses_no_message_whatever_befalls_its_senders_and_consumers() {
    for seed in 1..=3 {
        run_of(&shop_with_queue(seed));
    }
}

#[test]
fn the_same_seed_gives_the_same_run() {
    let key = |request: &RequestFinished| {
        (
            request.arrived,
            request.latency,
            request.outcome,
            request.attempts,
            request.class,
            request.served_by,
        )
    };
    let (one, other) = (run(4), run(4));
    assert!(one.iter().map(key).eq(other.iter().map(key)));
}
