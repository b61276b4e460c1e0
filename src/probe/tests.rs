//! Records, figures and verdicts of runs of a few requests, their numbers found by hand.

use super::*;
use crate::blueprint::*;
use crate::sim::observation::*;
use crate::units::{Instant, Ratio, Span};

/// 240 s of measured time after 10 s of warm-up, two classes, one service in two zones with two revisions.
fn blueprint(objectives: Vec<Objective>) -> Blueprint {
    let mut service = fixture::scaled_service("web", (1, 4), vec![]);
    service.revisions = vec![fixture::revision(), fixture::revision()];
    let class = |name: &str| RequestClass {
        name: name.into(),
        traffic: TrafficIx(0),
        priority: Default::default(),
        http: HttpRequest::get("/"),
    };
    Blueprint {
        warm_up: Span::from_secs(10),
        duration: Span::from_secs(240),
        zones: vec!["a".into(), "b".into()],
        services: vec![service],
        classes: vec![class("read"), class("write")],
        objectives,
        ..fixture::empty()
    }
}

/// Milliseconds on the user's clock.
fn at(millis: i64) -> Instant {
    Instant::from_nanos(((10_000 + millis) * 1_000_000) as u64)
}

fn request(class: u16, arrived: i64, millis: u64, outcome: Outcome) -> RequestFinished {
    let served_by = ServedBy {
        service: ServiceIx(0),
        revision: RevisionIx(0),
        zone: ZoneIx(0),
    };
    RequestFinished {
        class: ClassIx(class),
        outcome,
        arrived: at(arrived),
        latency: Span::from_millis(millis),
        attempts: 1,
        completeness: Completeness::Whole,
        served_by: (outcome == Outcome::Served).then_some(served_by),
        failure: None,
    }
}

fn record(blueprint: &Blueprint, replication: u32, requests: &[RequestFinished]) -> RunRecord {
    let mut recorder = Recorder::new(blueprint, replication);
    requests.iter().for_each(|request| recorder.request_finished(request));
    recorder.into_record()
}

fn objective(measure: Measure, scope: Scope) -> Objective {
    Objective {
        name: "it".into(),
        class: Some(ClassIx(0)),
        measure,
        scope,
    }
}

#[test]
fn only_requests_that_arrive_in_measured_time_count() {
    let blueprint = blueprint(vec![]);
    let record = record(
        &blueprint,
        0,
        &[
            request(0, -1, 5, Outcome::Served),
            request(0, 0, 5, Outcome::Served),
            // Ends long after the horizon, but arrived before it.
            request(0, 239_999, 60_000, Outcome::Served),
            request(0, 240_000, 5, Outcome::Served),
            request(1, 100, 900, Outcome::TimedOut),
        ],
    );
    assert_eq!(
        (
            record.classes[0].outcomes.offered(),
            record.classes[0].outcomes.served()
        ),
        (2, 2)
    );
    assert_eq!(record.classes[0].latency_sum, 60_005_000_000);
    assert_eq!(
        (
            record.classes[1].outcomes.offered(),
            record.classes[1].outcomes.failed()
        ),
        (1, 1)
    );
    let windows = record.timeline.class(ClassIx(0));
    assert_eq!((windows.len(), windows[0].served(), windows[239].served()), (240, 1, 1));
    record.check_offered(&[2, 1]);
}

#[test]
#[should_panic(expected = "do not add up")]
fn a_request_that_never_ended_is_a_bug() {
    let blueprint = blueprint(vec![]);
    record(&blueprint, 0, &[request(0, 0, 5, Outcome::Served)]).check_offered(&[2, 0]);
}

#[test]
fn cells_tell_who_answered_and_their_sums_are_the_marginals() {
    let blueprint = blueprint(vec![]);
    let mut requests = vec![request(0, 0, 10, Outcome::Served), request(0, 1, 30, Outcome::Served)];
    requests[1].served_by = Some(ServedBy {
        service: ServiceIx(0),
        revision: RevisionIx(1),
        zone: ZoneIx(1),
    });
    requests.push(request(0, 2, 900, Outcome::TimedOut));
    let record = record(&blueprint, 0, &requests);
    let cells: Vec<_> = record
        .cells
        .iter()
        .map(|cell| (cell.served_by, cell.served, cell.failed))
        .collect();
    assert_eq!(
        cells,
        [
            (None, 0, 1),
            (requests[0].served_by, 1, 0),
            (requests[1].served_by, 1, 0)
        ]
    );
    assert_eq!(record.latencies(Some(ClassIx(0))).sum_nanos(), 40_000_000);
    assert_eq!(record.latencies(Some(ClassIx(1))).len(), 0);
}

#[test]
fn levels_are_means_over_time_however_often_they_change() {
    let blueprint = blueprint(vec![]);
    let mut recorder = Recorder::new(&blueprint, 0);
    let levels = |at, desired, running| {
        Observation::ServiceLevels(ServiceLevels {
            at,
            service: ServiceIx(0),
            desired,
            pending: desired - running,
            running,
            healthy: running,
            stopping: 0,
        })
    };
    recorder.observed(levels(Instant::ZERO, 2, 2));
    // In the second window, which lasts from 1 s to 2 s: 4 desired from a quarter on, running from three quarters on.
    recorder.observed(levels(at(1_250), 4, 2));
    recorder.observed(levels(at(1_750), 4, 4));
    let record = recorder.into_record();
    let windows = record.timeline.service(ServiceIx(0));
    let mean = |window: usize, of: fn(&timeline::ServiceWindow) -> u64| windows[window].mean(of);
    assert_eq!(mean(0, |cell| cell.desired), Some(2.0));
    // 2 · 0.25 + 4 · 0.75, 2 · 0.75 + 4 · 0.25, and 2 pending for half the time.
    assert_eq!(mean(1, |cell| cell.desired), Some(3.5));
    assert_eq!(mean(1, |cell| cell.running), Some(2.5));
    assert_eq!(mean(1, |cell| cell.pending), Some(1.0));
    assert_eq!(mean(239, |cell| cell.running), Some(4.0));
}

#[test]
fn a_run_that_a_limit_ended_is_measured_until_then() {
    let blueprint = blueprint(vec![]);
    let mut recorder = Recorder::new(&blueprint, 0);
    let levels = ServiceLevels {
        at: Instant::ZERO,
        service: ServiceIx(0),
        desired: 1,
        pending: 0,
        running: 1,
        healthy: 1,
        stopping: 0,
    };
    recorder.observed(Observation::ServiceLevels(levels));
    recorder.observed(Observation::ServiceLevels(ServiceLevels {
        at: at(60_000),
        ..levels
    }));
    recorder.observed(Observation::LimitReached("a queue grows without bound".into()));
    let record = recorder.into_record();
    assert_eq!(record.ended_early.as_deref(), Some("a queue grows without bound"));
    assert_eq!(record.measured, Span::from_secs(60));
    assert_eq!(
        record.timeline.service(ServiceIx(0))[59].mean(|cell| cell.running),
        Some(1.0)
    );
    assert_eq!(
        record.timeline.service(ServiceIx(0))[60].mean(|cell| cell.running),
        None
    );
}

#[test]
fn where_a_limit_ends_a_run_is_when_its_requests_were_given_up() {
    let late = Scope::During(Span::from_secs(100), Span::from_secs(200));
    let availability = Measure::Availability {
        at_least: Ratio::new(0.5).expect("a share"),
    };
    let blueprint = blueprint(vec![objective(availability, late)]);
    let mut recorder = Recorder::new(&blueprint, 0);
    recorder.request_finished(&request(0, 10_000, 5, Outcome::Served));
    recorder.request_finished(&request(0, 30_000, 15_000, Outcome::Unfinished));
    recorder.observed(Observation::LimitReached("a queue grows without bound".into()));
    let records = [recorder.into_record()];
    assert_eq!(records[0].measured, Span::from_secs(45));
    let pool = Pool::new(&blueprint, &records);
    assert_eq!(pool.measured(), Span::from_secs(45));
    assert!((pool.measured_hours() - 45.0 / 3600.0).abs() < 1e-12);
    assert_eq!(pool.windows_seen(), 45, "what was not simulated is no row of zeros");
    let judgement = &pool.judge()[0];
    assert_eq!((judgement.verdict, judgement.runs_met), (Verdict::Undecided, 0));
    assert_eq!((judgement.worst.from_s, judgement.worst.to_s), (100.0, 200.0));
}

#[test]
fn deployments_know_what_was_answered_while_they_lasted() {
    let blueprint = blueprint(vec![]);
    let mut recorder = Recorder::new(&blueprint, 0);
    let started = DeploymentRecord {
        deployment: 3,
        service: ServiceIx(0),
        strategy: "ROLLING",
        from: RevisionIx(0),
        to: RevisionIx(1),
        started: at(1_000),
        ended: None,
        outcome: "IN_PROGRESS",
        reason: String::new(),
        detected: None,
        desired: 4,
        lowest_healthy: 4,
        deepest_dip: 0,
        below_desired_task_s: 0.0,
        peak_extra_tasks: 0,
        extra_vcpu_s: 0.0,
        extra_gib_s: 0.0,
    };
    let counts = |old: u64, new: u64, errors: u64| Observation::RevisionCounts {
        deployment: 3,
        counts: vec![
            RevisionCount {
                requests: old,
                errors: 0,
            },
            RevisionCount { requests: new, errors },
        ],
    };
    recorder.observed(Observation::DeploymentStarted(started.clone()));
    recorder.observed(counts(1000, 0, 0));
    recorder.observed(Observation::DeploymentEnded(DeploymentRecord {
        ended: Some(at(61_000)),
        outcome: "COMPLETED",
        ..started
    }));
    recorder.observed(counts(1300, 450, 9));
    // The new revision stays: what it does after the deployment is the deployment's doing too.
    recorder.observed(counts(1310, 900, 20));
    let record = recorder.into_record();
    let [story] = &record.deployments[..] else {
        panic!("one deployment: {:?}", record.deployments)
    };
    assert_eq!(story.deployment.outcome, "COMPLETED");
    let expected = [
        RevisionCount {
            requests: 300,
            errors: 0,
        },
        RevisionCount {
            requests: 900,
            errors: 20,
        },
    ];
    assert_eq!(story.answered, expected);
}

#[test]
fn figures_are_ratios_of_totals_and_a_single_run_has_no_interval() {
    let blueprint = blueprint(vec![]);
    let one = record(
        &blueprint,
        0,
        &[request(0, 0, 10, Outcome::Served), request(0, 1, 20, Outcome::Served)],
    );
    let two = record(
        &blueprint,
        1,
        &[request(0, 0, 60, Outcome::Served), request(0, 1, 9, Outcome::TimedOut)],
    );
    let runs = [one, two];
    let requests = Pool::new(&blueprint, &runs).requests(None);
    // 3 of 4 served; (10 + 20 + 60) / 3 ms; 3 served in 2 · 240 s.
    assert_eq!(requests.availability().expect("offered").value, 0.75);
    assert_eq!(requests.mean_ms().expect("served").value, 30.0);
    assert_eq!(requests.throughput().expect("time passed").value, 3.0 / 480.0);
    assert!(requests.mean_ms().expect("served").interval().is_some());
    assert_eq!(
        requests.latencies().quantile_ms(0.5).expect("served").precision,
        Precision::TooFewRuns
    );
    let alone = Pool::new(&blueprint, &runs[..1]).requests(None);
    assert_eq!(alone.mean_ms().expect("served").precision, Precision::TooFewRuns);
    assert!(
        Pool::new(&blueprint, &runs)
            .requests(Some(ClassIx(1)))
            .availability()
            .is_none()
    );
}

#[test]
fn a_latency_objective_is_judged_by_the_share_within_its_bound() {
    let at_most = Span::from_millis(100);
    let blueprint = blueprint(vec![objective(
        Measure::Latency {
            quantile: 0.75,
            at_most,
        },
        Scope::Whole,
    )]);
    // Exactly on the bound is within it: 3 of 4 are, which is what p75 asks.
    let millis = [20, 100, 100, 101];
    let met: Vec<_> = millis.map(|millis| request(0, 0, millis, Outcome::Served)).to_vec();
    let judged = |requests: &[RequestFinished]| {
        let runs = [record(&blueprint, 0, requests)];
        Pool::new(&blueprint, &runs).judge().remove(0)
    };
    let judgement = judged(&met);
    assert_eq!((judgement.verdict, judgement.worst.margin), (Verdict::Met, Some(0.0)));
    let mut missed = met.clone();
    missed.push(request(0, 0, 102, Outcome::Served));
    let judgement = judged(&missed);
    assert_eq!(judgement.verdict, Verdict::NotMet);
    assert!(
        (judgement.worst.margin.expect("served") + 0.15).abs() < 1e-12,
        "3 of 5 instead of 3 of 4"
    );
    let nothing_served = judged(&[request(0, 0, 5, Outcome::TimedOut)]);
    assert_eq!(
        (nothing_served.verdict, nothing_served.worst.value),
        (Verdict::NotMet, None)
    );
}

#[test]
fn an_objective_in_every_window_is_as_good_as_its_worst() {
    let at_least = Ratio::new(0.5).expect("a share");
    let scope = Scope::Every(Span::from_secs(60));
    let blueprint = blueprint(vec![objective(Measure::Availability { at_least }, scope)]);
    let requests = [
        request(0, 0, 5, Outcome::Served),
        // The third window: one of three.
        request(0, 120_000, 5, Outcome::Served),
        request(0, 150_000, 5, Outcome::ServerError),
        request(0, 179_999, 5, Outcome::ServerError),
        // On the border: the fourth, where all is well.
        request(0, 180_000, 5, Outcome::Served),
        // Another class does not count.
        request(1, 0, 5, Outcome::ServerError),
    ];
    let runs = [record(&blueprint, 0, &requests)];
    let judgement = Pool::new(&blueprint, &runs).judge().remove(0);
    assert_eq!(judgement.verdict, Verdict::NotMet);
    assert_eq!(
        (judgement.windows, judgement.windows_met),
        (3, 2),
        "nothing came in the second"
    );
    assert_eq!((judgement.worst.from_s, judgement.worst.to_s), (120.0, 180.0));
    assert_eq!(judgement.worst.value, Some(1.0 / 3.0));
    assert_eq!(judgement.runs_met, 0);
}

#[test]
fn an_interval_that_straddles_the_bound_decides_nothing() {
    let at_least = Ratio::new(0.7).expect("a share");
    let blueprint = blueprint(vec![objective(Measure::Availability { at_least }, Scope::Whole)]);
    // 10 requests a run, of which so many were served: 0.75 in all, with a wide spread between the runs.
    let run = |replication: u32, served: i64| {
        let outcome = |number: i64| {
            if number < served {
                Outcome::Served
            } else {
                Outcome::ServerError
            }
        };
        let requests: Vec<_> = (0..10).map(|number| request(0, number, 5, outcome(number))).collect();
        record(&blueprint, replication, &requests)
    };
    let wide = [run(0, 10), run(1, 5)];
    let judgement = Pool::new(&blueprint, &wide).judge().remove(0);
    assert_eq!(
        (judgement.verdict, judgement.worst.value),
        (Verdict::Undecided, Some(0.75))
    );
    assert_eq!(judgement.runs_met, 1);
    // Runs that agree have no interval: the value decides.
    let equal = [run(0, 8), run(1, 8)];
    let judgement = Pool::new(&blueprint, &equal).judge().remove(0);
    assert_eq!(judgement.verdict, Verdict::Met);
    assert_eq!(judgement.worst.precision(), Some(Precision::AllAgree));
}

#[test]
fn an_objective_about_requests_that_never_came_is_undecided() {
    let at_most = Span::from_millis(100);
    let during = Scope::During(Span::from_secs(60), Span::from_secs(120));
    let blueprint = blueprint(vec![objective(Measure::MeanLatency { at_most }, during)]);
    let runs = [record(&blueprint, 0, &[request(0, 0, 5, Outcome::Served)])];
    let judgement = Pool::new(&blueprint, &runs).judge().remove(0);
    assert_eq!((judgement.verdict, judgement.windows), (Verdict::Undecided, 0));
}
