//! Small systems whose answers queueing theory knows. The exact ones, with intervals, are in `tests/theory.rs`.

use super::stage::*;
use crate::blueprint::*;
use crate::engine::dist::Dist;
use crate::sim::observation::{Outcome, RequestFinished};
use crate::units::Span;

/// One task of so many vCPUs serves everything.
fn seen(blueprint: &Blueprint, vcpus: f64) -> Vec<RequestFinished> {
    let mut stage = Stage::with_tasks(blueprint, 0);
    let task = stage.start(0, 0, vcpus);
    stage.publish(0, vec![task]);
    stage.run_until(crate::units::Instant::NEVER);
    assert_eq!(stage.plane.in_flight(), 0, "every record has been freed");
    std::mem::take(&mut stage.finished)
}

fn mean(served: &[RequestFinished]) -> f64 {
    served.iter().map(|request| request.latency.seconds()).sum::<f64>() / served.len() as f64
}

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
    assert_near(mean(&seen(&blueprint, 1.0)), 5.0, 0.04);
}

#[test]
fn lifo_leaves_the_mean_and_spreads_the_waits_as_takacs_says() {
    // E[W²] of LIFO is that of FIFO over 1 − ρ: at ρ = 0.5 8 instead of 4 s², so latency (wait + 1 s, independent) has
    // E[T²] = 8 + 2·1·1 + 2 = 12 s², and the mean stays 2 s.
    let mut blueprint = blueprint(
        vec![Step::Wait(exponential(1.0))],
        Runtime::ThreadPool {
            workers: 1,
            backlog: u32::MAX,
        },
        0.5,
        1_000_000,
    );
    let rules = ServerRules {
        queue: QueueRules {
            discipline: Discipline::Lifo,
            ..QueueRules::default()
        },
        ..ServerRules::default()
    };
    blueprint.services[0].revisions[0].server_rules = Some(Box::new(rules));
    let seen = seen(&blueprint, 1.0);
    assert_near(mean(&seen), 2.0, 0.02);
    let squares: f64 = seen.iter().map(|request| request.latency.seconds().powi(2)).sum();
    // T² has a fourth moment of some 10⁴ s⁴, so half a million requests give it an error of about 1.5 %; FIFO's is 8 s².
    assert_near(squares / seen.len() as f64, 12.0, 0.06);
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
        assert_near(mean(&seen(&blueprint, 4.0)), 1.745541, 0.04);
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
    let seen = seen(&blueprint, 1.0);
    let refused = seen
        .iter()
        .filter(|request| request.outcome == Outcome::Refused)
        .count();
    let share = refused as f64 / seen.len() as f64;
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
    let seen = seen(&blueprint, 1.0);
    assert!(!seen.is_empty());
    assert!(seen.iter().all(|request| request.outcome == Outcome::TimedOut));
}
