//! A made-up shop and runs of it, for the tests of tables and charts.
//!
//! Nothing is simulated: the observations of two hours are invented (traffic that rises and falls, a zone outage at
//! 50 min, a bad version of `checkout` at 80 min) and handed to a [`Recorder`] as a run would.

use crate::blueprint::*;
use crate::engine::dist::{Dist, Law, Tables};
use crate::engine::random::Key;
use crate::probe::record::CostLine;
use crate::probe::{Recorder, RunRecord};
use crate::sim::observation::*;
use crate::units::{CpuUnits, Instant, MiB, MicroUsd, Ratio, Span};

const CATALOG: ServiceIx = ServiceIx(0);
const CHECKOUT: ServiceIx = ServiceIx(1);
const BUY: ClassIx = ClassIx(2);

/// Seconds on the user's clock as an instant of the shop, whose warm-up takes ten minutes.
pub fn at(seconds: f64) -> Instant {
    Instant::from_nanos(((600.0 + seconds) * 1e9).round() as u64)
}

fn class(name: &str) -> RequestClass {
    let path = format!("/{name}");
    RequestClass {
        name: name.into(),
        traffic: TrafficIx(0),
        priority: Default::default(),
        http: HttpRequest::get(path),
    }
}

fn share(share: f64) -> Ratio {
    Ratio::new(share).expect("a share")
}

/// Two services on Fargate in three zones, three request classes, an outage, a deployment and three objectives.
pub fn shop() -> Blueprint {
    let policy = fixture::target_tracking(ScalingMetric::Cpu, 60.0);
    let mut catalog = fixture::scaled_service("catalog", (6, 30), vec![policy]);
    catalog.revisions = vec![fixture::revision()];
    let mut checkout = fixture::scaled_service("checkout", (4, 20), vec![]);
    checkout.revisions = vec![fixture::revision(), fixture::revision()];
    let outage = Fault {
        label: "zone_outage us-east-1b".into(),
        identity: "zone_outage 0".into(),
        kind: FaultKind::ZoneOutage { zone: ZoneIx(1) },
        lasting: Some(Span::from_secs(900)),
        course: Course::default(),
    };
    let objective = |name: &str, class: u16, measure, scope| Objective {
        name: name.into(),
        class: Some(ClassIx(class)),
        measure,
        scope,
    };
    Blueprint {
        name: "online-shop".into(),
        warm_up: Span::from_secs(600),
        duration: Span::from_secs(7200),
        zones: ["us-east-1a", "us-east-1b", "us-east-1c"].map(String::from).to_vec(),
        task_definitions: vec![TaskDefinition {
            name: "checkout".into(),
            cpu: CpuUnits(512),
            cpu_limit: CpuLimit::Quota,
            memory: MiB(1024),
            network_mode: NetworkMode::Awsvpc,
            architecture: Architecture::X86_64,
            extra_storage_gib: 0,
            containers: vec![],
        }],
        services: vec![catalog, checkout],
        traffic: vec![visitors()],
        classes: vec![class("browse"), class("search"), class("buy")],
        events: vec![
            TimedEvent {
                at: at(3000.0),
                what: Happening::Fault(outage.into()),
            },
            TimedEvent {
                at: at(4800.0),
                what: Happening::Deploy(vec![(CHECKOUT, RevisionIx(1))]),
            },
        ],
        objectives: vec![
            objective(
                "browse is quick",
                0,
                Measure::Latency {
                    quantile: 0.99,
                    at_most: Span::from_millis(400),
                },
                Scope::Whole,
            ),
            objective(
                "browse survives the zone",
                0,
                Measure::Availability { at_least: share(0.99) },
                Scope::During(Span::from_secs(3000), Span::from_secs(3900)),
            ),
            objective(
                "buying works",
                2,
                Measure::Availability { at_least: share(0.95) },
                Scope::Every(Span::from_secs(300)),
            ),
        ],
        model_keys: vec![
            ModelKey {
                key: "alb.nodes_per_zone".into(),
                is_default: false,
            },
            ModelKey {
                key: "fargate.provisioning".into(),
                is_default: true,
            },
        ],
        ..fixture::empty()
    }
}

fn visitors() -> Traffic {
    Traffic {
        name: "visitors".into(),
        to: Destination::Service {
            service: CATALOG,
            balancing: Balancing::RoundRobin,
        },
        source: Source::Recorded(Recorded {
            arrivals: [].into(),
            repeat_every: None,
        }),
        clients: None,
        journeys: vec![],
        classes: [0, 1, 2].map(|class| (ClassIx(class), 1.0)).to_vec(),
        timeout: None,
        retry: Retry {
            max_attempts: 1,
            backoff: Backoff {
                base: Span::ZERO,
                factor: 1.0,
                cap: Span::ZERO,
                jitter: Jitter::None,
            },
        },
        guards: Guards::default(),
        direct: Direct::default(),
    }
}

/// Requests a second: up from 20 to 60 in 45 minutes, there until 90, down to 25.
fn rate(seconds: f64) -> f64 {
    match seconds {
        s if s < 2700.0 => 8.0 + 16.0 * s / 2700.0,
        s if s < 5400.0 => 24.0,
        s => 24.0 - 14.0 * (s - 5400.0) / 1800.0,
    }
}

/// Some runs of the shop.
pub fn runs(blueprint: &Blueprint, count: u32) -> Vec<RunRecord> {
    (0..count).map(|replication| run(blueprint, replication)).collect()
}

/// Two variants, in the second of which a quarter of the target's errors at buying were served after all, deployments
/// took half as long again, and the rest is the same.
pub fn variants(count: u32) -> Vec<crate::experiment::Outcome> {
    let blueprint = shop();
    let records = runs(&blueprint, count);
    let mut better = records.clone();
    for record in &mut better {
        let outcomes = &mut record.classes[2].outcomes.0;
        let saved = outcomes[Outcome::ServerError as usize] / 4;
        outcomes[Outcome::ServerError as usize] -= saved;
        outcomes[Outcome::Served as usize] += saved;
        for story in &mut record.deployments {
            let it = &mut story.deployment;
            it.ended = it.ended.map(|ended| ended + ended.since(it.started).scaled(0.5));
        }
    }
    let outcome = |name: &str, records| crate::experiment::Outcome {
        name: name.into(),
        blueprint: blueprint.clone(),
        records,
        planned: count,
    };
    vec![outcome("rolling", records), outcome("blue-green", better)]
}

fn run(blueprint: &Blueprint, replication: u32) -> RunRecord {
    let key = Key::root(1, 42, replication);
    let mut recorder = Recorder::new(blueprint, replication);
    requests(&mut recorder, key.child(1));
    fleet(blueprint, &mut recorder, key.child(2));
    deployment(&mut recorder, key.child(3));
    let mut record = recorder.into_record();
    let vary = 1.0 + 0.02 * key.child(4).uniform();
    let line = |item, subject: &str, quantity: f64, unit, usd: f64| CostLine {
        item,
        subject: subject.into(),
        quantity: quantity * vary,
        unit,
        amount: MicroUsd::from_usd(usd * vary),
    };
    record.cost = vec![
        line("fargate_vcpu", "catalog", 18.4, "vCPU-h", 0.7448),
        line("fargate_memory", "catalog", 36.8, "GB-h", 0.1636),
        line("fargate_vcpu", "checkout", 8.1, "vCPU-h", 0.3279),
        line("fargate_memory", "checkout", 16.2, "GB-h", 0.0720),
        line("alb_hour", "public", 2.0, "h", 0.045),
        line("alb_lcu", "public", 3.1, "LCU-h", 0.0248),
    ];
    record
}

fn requests(recorder: &mut Recorder, key: Key) {
    let law = Law::compile(&Dist::lognormal_mean_cv(0.045, 1.1).expect("valid"), &mut Tables::new());
    let gap = Law::compile(&Dist::exponential(1.0).expect("valid"), &mut Tables::new());
    let mut now = 0.0;
    for number in 0.. {
        let key = key.child(number);
        now += gap.draw(key.child(0)) / rate(now);
        if now >= 7200.0 {
            return;
        }
        let class = match key.child(1).uniform() {
            u if u < 0.7 => ClassIx(0),
            u if u < 0.9 => ClassIx(1),
            _ => BUY,
        };
        let load = if (2800.0..3400.0).contains(&now) {
            3.0
        } else {
            rate(now) / 20.0
        };
        let slow = if class == ClassIx(1) { 2.5 } else { 1.0 };
        let revision = RevisionIx(u16::from(class == BUY && (4860.0..5050.0).contains(&now)));
        let zone = ZoneIx(key.child(2).below(3) as u16);
        let u = key.child(3).uniform();
        let outcome = match now {
            s if (3000.0..3060.0).contains(&s) && zone == ZoneIx(1) && u < 0.6 => Outcome::GatewayTimeout,
            s if (3060.0..3900.0).contains(&s) && u < 0.006 => Outcome::BadGateway,
            _ if revision == RevisionIx(1) && u < 0.25 => Outcome::ServerError,
            _ if u < 0.0004 => Outcome::TimedOut,
            _ => Outcome::Served,
        };
        let answered = !matches!(outcome, Outcome::TimedOut | Outcome::GatewayTimeout);
        let service = if class == BUY { CHECKOUT } else { CATALOG };
        recorder.request_finished(&RequestFinished {
            class,
            outcome,
            arrived: at(now),
            latency: law.sample(key.child(4)).scaled(slow * load),
            attempts: 1 + u32::from(u < 0.01),
            completeness: Completeness::Whole,
            served_by: answered.then_some(ServedBy {
                service,
                revision,
                zone,
            }),
            failure: reason(outcome).map(|reason| Failure {
                reason,
                from: Sender::Traffic(TrafficIx(0)),
                place: FailurePlace::Service {
                    service,
                    operation: None,
                },
            }),
        });
    }
}

/// What might have led to an outcome.
fn reason(outcome: Outcome) -> Option<Reason> {
    match outcome {
        Outcome::GatewayTimeout => Some(Reason::Unreachable),
        Outcome::BadGateway => Some(Reason::TaskDied),
        Outcome::ServerError => Some(Reason::OwnError),
        Outcome::TimedOut => Some(Reason::TimedOut(Stage::Queue)),
        _ => None,
    }
}

/// Levels and samples of both services in every window.
fn fleet(blueprint: &Blueprint, recorder: &mut Recorder, key: Key) {
    let width = blueprint.timeline_window().seconds();
    let levels = |time: f64, service, desired, pending, running, healthy, stopping| {
        Observation::ServiceLevels(ServiceLevels {
            at: at(time),
            service,
            desired,
            pending,
            running,
            healthy,
            stopping,
        })
    };
    recorder.observed(levels(-600.0, CHECKOUT, 4, 0, 4, 4, 0));
    let mut before = 0;
    for window in 0..(7200.0 / width) as u32 {
        let from = f64::from(window) * width;
        let wanted = (rate(from - 150.0).max(8.0) * 0.6).ceil() as u32;
        let pending = wanted.saturating_sub(before);
        let lost = if (3000.0..3120.0).contains(&from) {
            wanted / 3
        } else {
            0
        };
        let running = wanted - pending - lost;
        recorder.observed(levels(
            from,
            CATALOG,
            wanted,
            pending + lost,
            running,
            running,
            before.saturating_sub(wanted),
        ));
        before = wanted;
        let noise = 4.0 * key.child(u64::from(window)).uniform();
        let percent = 100.0 * rate(from) / (f64::from(running) * 0.6 * 1.9) + noise;
        let reserved = width * 1e9 * f64::from(running);
        let sample = |percent: f64, reserved: f64| ServiceSample {
            cpu_used: (reserved * percent / 100.0) as u64,
            cpu_reserved: reserved as u64,
            queued: u64::from(running) / 4,
            in_service: u64::from(running),
            work: Work::default(),
        };
        let checkout = sample(30.0 + noise, 4e9 * width);
        recorder.observed(Observation::Sampled(Box::new(Sample {
            at: at(from + width),
            services: vec![sample(percent.min(100.0), reserved), checkout],
            dependencies: vec![],
            queues: vec![],
            credits: vec![],
            senders: vec![],
            failures: vec![],
            caches: vec![],
        })));
    }
}

fn deployment(recorder: &mut Recorder, key: Key) {
    let late = 20.0 * key.uniform();
    let start = DeploymentRecord {
        deployment: 0,
        service: CHECKOUT,
        strategy: "ROLLING",
        from: RevisionIx(0),
        to: RevisionIx(1),
        started: at(4800.0),
        ended: None,
        outcome: "IN_PROGRESS",
        reason: String::new(),
        detected: None,
        desired: 4,
        lowest_healthy: 4,
        deepest_dip: 0,
        below_desired_task_s: 0.0,
        peak_extra_tasks: 4,
        extra_vcpu_s: 0.0,
        extra_gib_s: 0.0,
    };
    let counts = |old: u64, new: u64, errors: u64| Observation::RevisionCounts {
        deployment: 0,
        counts: vec![
            RevisionCount {
                requests: old,
                errors: 3,
            },
            RevisionCount { requests: new, errors },
        ],
    };
    recorder.observed(Observation::DeploymentStarted(start.clone()));
    recorder.observed(counts(10_000, 0, 0));
    let steps = [
        (0.0, 4, 0, 0, 0, "start 4", "healthy 4, upper 8"),
        (48.0, 4, 4, 0, 0, "wait", "new tasks are not healthy yet"),
        (70.0 + late, 4, 4, 4, 0, "stop 4", "healthy 8, lower 4"),
        (75.0 + late, 0, 4, 4, 4, "wait", "old tasks drain"),
        (190.0 + late, 0, 4, 4, 0, "roll back", "alarm checkout-5xx"),
        (191.0 + late, 0, 4, 4, 0, "start 4", "healthy 4, upper 8"),
        (250.0 + late, 4, 4, 4, 0, "stop 4", "healthy 8, lower 4"),
        (255.0 + late, 4, 0, 0, 4, "wait", "new tasks drain"),
        (300.0 + late, 4, 0, 0, 0, "complete", "rolled back"),
    ];
    for (after, old_running, new_running, new_healthy, draining, decision, reason) in steps {
        recorder.observed(Observation::DeploymentStepped(DeploymentStep {
            at: at(4800.0 + after),
            deployment: 0,
            service: CHECKOUT,
            desired: 4,
            old_running,
            new_running,
            new_healthy,
            draining,
            lower: 4,
            upper: 8,
            decision: decision.into(),
            reason: reason.into(),
        }));
    }
    recorder.observed(Observation::DeploymentEnded(DeploymentRecord {
        ended: Some(at(5100.0 + late)),
        outcome: "ROLLED_BACK",
        reason: "Alarm checkout-5xx was in ALARM during the bake time.".into(),
        detected: Some(at(4990.0 + late)),
        extra_vcpu_s: 500.0,
        extra_gib_s: 1000.0,
        ..start
    }));
    recorder.observed(counts(10_120, 480, 117));
}
