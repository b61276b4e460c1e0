//! Hedges, deadlines that go with the request, bulkheads, limits and fallbacks: to the millisecond.

use super::stage::*;
use crate::blueprint::*;
use crate::sim::observation::{Outcome, Reason, SenderSample};
use crate::units::{Ratio, Span};

fn millis(millis: u64) -> Span {
    Span::from_millis(millis)
}

fn share(value: f64) -> Ratio {
    Ratio::new(value).expect("a share")
}

fn hedge(after: u64, max: u32) -> Option<Hedge> {
    Some(Hedge {
        after: HedgeAfter::Span(millis(after)),
        max,
        budget: None,
    })
}

/// What the only traffic has sent.
fn sent(stage: &mut Stage) -> SenderSample {
    *stage.sample().senders.last().expect("traffic sends")
}

/// Two tasks in turn, one of them busy until 100 ms: a request that takes 10 ms and meets it waits for 100.
fn one_of_two_is_busy() -> Blueprint {
    let mut blueprint = requests_at(&[1], vec![Step::Wait(constant(0.01))], workers(1));
    more_traffic(&mut blueprint, &[0], None);
    blueprint.programs.push(Program {
        steps: vec![Step::Wait(constant(0.1))],
    });
    blueprint.services[0].operations.push("long".into());
    blueprint.services[0].revisions[0].operations.push(Operation {
        program: ProgramIx(2),
        error_ratio: Ratio::ZERO,
        cpu_factor: 1.0,
    });
    blueprint.services[0].revisions[0].routes = vec![
        Route {
            method: None,
            path: PathPattern("/long".into()),
            operation: OperationIx(1),
        },
        Route {
            method: None,
            path: PathPattern("/".into()),
            operation: OperationIx(0),
        },
    ];
    blueprint.classes[1].http = HttpRequest::get("/long");
    blueprint
}

#[test]
fn the_first_good_answer_counts_and_the_other_attempt_loses_its_caller() {
    // Both sources take their own turns. The request at 1 ms meets the busy task, its hedge at 21 ms the idle one, which answers
    // at 31 ms: 30 ms in place of 109.
    let mut blueprint = one_of_two_is_busy();
    blueprint.traffic[0].guards.hedge = hedge(20, 1);
    let mut stage = Stage::with_tasks(&blueprint, 2);
    stage.run();
    assert_eq!(
        stage.seen(),
        [(1.0, Outcome::Served, 30.0), (0.0, Outcome::Served, 100.0)]
    );
    let attempts: Vec<u32> = stage.finished.iter().map(|request| request.attempts).collect();
    assert_eq!(attempts, [2, 1]);
    let sample = stage.sample();
    let sent = sample.senders[sample.senders.len() - 2];
    assert_eq!(
        (sent.attempts, sent.hedged, sent.hedges_won, sent.retried),
        (2, 1, 1, 0)
    );
    // The attempt that nobody waits for is worked off all the same: `on_disconnect` is `continue`.
    assert_eq!(stage.plane.revision_counts(ServiceIx(0))[0].requests, 3);
}

#[test]
fn a_hedge_that_loses_changes_nothing() {
    // Work takes 30 ms on either task, the hedge after 20 ms would be answered at 50 ms.
    let mut blueprint = requests_at(&[0], vec![Step::Wait(constant(0.03))], workers(10));
    blueprint.traffic[0].guards.hedge = hedge(20, 3);
    let mut stage = Stage::with_tasks(&blueprint, 2);
    stage.run();
    assert_eq!(stage.seen(), [(0.0, Outcome::Served, 30.0)]);
    let sent = sent(&mut stage);
    assert_eq!((sent.attempts, sent.hedged, sent.hedges_won), (2, 1, 0));
}

#[test]
fn hedges_follow_each_other_up_to_their_number_and_end_with_the_timeout() {
    // Nobody is quick: work takes 500 ms, the timeout is 100, hedges go out at 20, 40 and 60 ms, and all of them end with
    // the first attempt's patience. Then the second attempt does the same.
    let mut blueprint = requests_at(&[0], vec![Step::Wait(constant(0.5))], workers(10));
    blueprint.traffic[0].timeout = Some(millis(100));
    blueprint.traffic[0].retry = fixed(2, Span::ZERO);
    blueprint.traffic[0].guards.hedge = hedge(20, 3);
    let mut stage = Stage::new(&blueprint);
    stage.run();
    assert_eq!(stage.seen(), [(0.0, Outcome::TimedOut, 200.0)]);
    let sent = sent(&mut stage);
    assert_eq!((sent.attempts, sent.hedged, sent.retried), (8, 6, 1));
}

#[test]
fn a_failure_is_passed_over_while_a_hedge_is_out() {
    // The task answers after 30 ms and dies at 25 ms: the first attempt is refused then. The hedge of 20 ms went to the other
    // task: answered at 50 ms, without a retry.
    let mut blueprint = requests_at(&[0], vec![Step::Wait(constant(0.03))], workers(10));
    blueprint.traffic[0].guards.hedge = hedge(20, 1);
    let mut stage = Stage::with_tasks(&blueprint, 2);
    stage.run_until(ms(25));
    stage.kill(stage.tasks[0][0]);
    stage.run();
    assert_eq!(stage.seen(), [(0.0, Outcome::Served, 50.0)]);
}

#[test]
fn a_call_is_hedged_by_its_caller_and_goes_with_it() {
    // The first service calls the second, which takes 100 ms; hedge after 20 ms. The client gives up at 50 ms, the caller is
    // cut short, and both attempts of its call lose their caller: the second service, which cancels too, has nothing left.
    let mut blueprint = requests_at(&[0], vec![Step::Call(CallIx(0))], workers(10));
    second(&mut blueprint, 0.1);
    for service in &mut blueprint.services {
        service.revisions[0].on_disconnect = OnDisconnect::Cancel;
    }
    blueprint.calls[0].guards.hedge = hedge(20, 1);
    blueprint.traffic[0].timeout = Some(millis(50));
    let mut stage = Stage::new(&blueprint);
    stage.run_until(ms(49));
    assert_eq!(stage.plane.in_flight(), 3);
    stage.run_until(ms(50));
    assert_eq!(stage.plane.in_flight(), 0);
    // With patience enough the first attempt answers at 100 ms, and its hedge is cancelled.
    blueprint.traffic[0].timeout = None;
    let mut stage = Stage::new(&blueprint);
    stage.run();
    assert_eq!(stage.seen(), [(0.0, Outcome::Served, 100.0)]);
}

/// Percentiles of hedged requests to servers of independent lognormal times with mean 10 ms and this cv, hedged after `after`
/// ms; and hedges for each request.
fn hedged_lognormal(cv: f64, after: HedgeAfter) -> (f64, f64, f64) {
    let law = crate::engine::dist::Dist::lognormal_mean_cv(0.01, cv).expect("a valid law");
    let mut blueprint = blueprint(vec![Step::Wait(law)], Runtime::Unbounded, 1000.0, 200);
    blueprint.traffic[0].guards.hedge = Some(Hedge {
        after,
        max: 1,
        budget: None,
    });
    let mut stage = Stage::new(&blueprint);
    stage.run();
    let mut latencies: Vec<f64> = stage.finished.iter().map(|request| request.latency.millis()).collect();
    latencies.sort_by(f64::total_cmp);
    let at = |share: f64| latencies[(latencies.len() as f64 * share) as usize];
    let sent = sent(&mut stage);
    (at(0.99), at(0.999), sent.hedged as f64 / latencies.len() as f64)
}

#[test]
fn hedging_after_the_95th_percentile_cuts_the_tail_as_the_formula_says() {
    // P(latency > t) = S(t) S(t - d) for independent attempts, of which the second begins at d. 200,000 requests: the share of
    // hedges has a standard deviation of 0.0005 (four of them); p99 of 2,000 requests beyond it one of about 0.8 %, p99.9
    // of 200 one of about 2.5 %; four of each.
    for (cv, delay, p99, p999) in [
        (1.0, 27.811_287, 36.399_6, 48.631_1),
        (2.0, 36.038_473, 45.025_9, 67.563_9),
    ] {
        let (at_99, at_999, hedged) = hedged_lognormal(cv, HedgeAfter::Span(Span::from_secs_f64(delay / 1e3)));
        assert!((hedged - 0.05).abs() < 0.002, "{hedged}");
        assert!((at_99 / p99 - 1.0).abs() < 0.032, "{at_99}");
        assert!((at_999 / p999 - 1.0).abs() < 0.1, "{at_999}");
    }
    // Learnt from what has been seen, the delay is the same percentile to about a part in fifty.
    let (at_99, _, hedged) = hedged_lognormal(1.0, HedgeAfter::Percentile(share(0.95)));
    assert!((hedged - 0.05).abs() < 0.004, "{hedged}");
    assert!((at_99 / 36.4 - 1.0).abs() < 0.05, "{at_99}");
}

#[test]
fn work_whose_deadline_is_over_is_not_begun() {
    // One worker, 40 ms each, patience of 50 ms that the service is told: the request at 0 is served; that at 1 ms begins at 40
    // and is given up at 51 ms, before its only step is over; that at 2 ms would begin at 80 ms and does not. That at 90 ms
    // finds the worker free. A service that works on begins it at 120 ms and is too late.
    let mut blueprint = requests_at(&[0, 1, 2, 90], vec![Step::Wait(constant(0.04))], workers(1));
    blueprint.traffic[0].timeout = Some(millis(50));
    blueprint.traffic[0].guards.deadline = DeadlineMode::Propagate;
    let mut stage = Stage::new(&blueprint);
    stage.run();
    let last = *stage.seen().last().expect("four requests");
    assert_eq!(last, (90.0, Outcome::Served, 40.0));
    blueprint.services[0].revisions[0].on_deadline = OnDeadline::Continue;
    let mut stage = Stage::new(&blueprint);
    stage.run();
    let last = *stage.seen().last().expect("four requests");
    assert_eq!(last, (90.0, Outcome::TimedOut, 50.0));
}

#[test]
fn a_call_lasts_no_longer_than_what_is_left_of_its_callers_deadline() {
    // 30 ms of its own, then a call with a timeout of 100 ms to a service that takes 500. The client waits 50 ms. Told of it,
    // the call is given up at 50 ms and the worker is free for the request at 60 ms; else it is held until 130 ms.
    let steps = vec![Step::Wait(constant(0.03)), Step::Call(CallIx(0))];
    let mut blueprint = requests_at(&[0, 60], steps, workers(1));
    second(&mut blueprint, 0.5);
    blueprint.calls[0].timeout = Some(millis(100));
    blueprint.traffic[0].timeout = Some(millis(50));
    blueprint.traffic[0].guards.deadline = DeadlineMode::Propagate;
    let queued = |blueprint: &Blueprint| {
        let mut stage = Stage::new(blueprint);
        stage.run_until(ms(61));
        stage.sample().services[0].queued
    };
    assert_eq!(queued(&blueprint), 1);
    blueprint.calls[0].guards.deadline = DeadlineMode::Propagate;
    assert_eq!(queued(&blueprint), 0);
}

/// A second service that takes so long, which is called by the first call.
fn second(blueprint: &mut Blueprint, seconds: f64) {
    let program = blueprint.programs.len() as u16 + 1;
    blueprint.programs.push(Program {
        steps: vec![Step::Wait(constant(seconds))],
    });
    blueprint.services.push(service("second", program, Runtime::Unbounded));
    blueprint.calls.push(call(Callee::Service {
        service: ServiceIx(1),
        operation: OperationIx(0),
        balancing: Balancing::RoundRobin,
    }));
}

#[test]
fn a_bulkhead_bounds_what_a_caller_has_under_way() {
    // Two at once, one may wait, for at most 20 ms. Each takes 30 ms. At 0: two go, the third waits until 20 ms in vain, the
    // fourth fails at once. At 29 ms one waits for a millisecond.
    let mut blueprint = requests_at(&[0, 0, 0, 0, 29], vec![Step::Wait(constant(0.03))], workers(10));
    blueprint.traffic[0].guards.bulkhead = Some(Bulkhead {
        max_concurrent: ConcurrencyLimit::Fixed(2),
        max_waiting: 1,
        timeout: Some(millis(20)),
        scope: SharedBy::All,
    });
    let mut stage = Stage::new(&blueprint);
    stage.run();
    assert_eq!(
        stage.seen(),
        [
            (0.0, Outcome::Refused, 0.0),
            (0.0, Outcome::Refused, 20.0),
            (0.0, Outcome::Served, 30.0),
            (0.0, Outcome::Served, 30.0),
            (29.0, Outcome::Served, 31.0),
        ]
    );
    let reasons: Vec<_> = stage.finished[..2]
        .iter()
        .map(|request| request.failure.map(|failure| failure.reason))
        .collect();
    assert_eq!(reasons, [Some(Reason::BulkheadFull), Some(Reason::BulkheadTimeout)]);
}

#[test]
fn a_rate_limit_lets_a_burst_and_then_its_rate_through() {
    // Two at once, then one every 10 ms: at 0 two of three; at 9 ms none; at 10 ms one of two; at 60 ms two of three.
    let mut blueprint = requests_at(&[0, 0, 0, 9, 10, 10, 60, 60, 60], vec![], workers(10));
    blueprint.traffic[0].guards.rate_limit = Some(CallRateLimit {
        per_second: 100.0,
        burst: 2,
        scope: SharedBy::All,
    });
    let mut stage = Stage::new(&blueprint);
    stage.run();
    let served: Vec<f64> = stage
        .seen()
        .iter()
        .filter(|request| request.1 == Outcome::Served)
        .map(|request| request.0)
        .collect();
    assert_eq!(served, [0.0, 0.0, 10.0, 60.0, 60.0]);
}

#[test]
fn a_fallback_runs_in_place_of_failing() {
    // 10 ms, a call that times out after 20 ms and is tried twice, a fallback of 5 ms, then 1 ms: 56 ms, served. When the call is
    // answered after 15 ms, the fallback is passed over: 26 ms.
    let steps = vec![
        Step::Wait(constant(0.01)),
        Step::Call(CallIx(0)),
        Step::Fallback(ProgramIx(2)),
        Step::Wait(constant(0.001)),
    ];
    let mut blueprint = requests_at(&[0], steps, workers(1));
    blueprint.programs.push(Program {
        steps: vec![Step::Wait(constant(0.005))],
    });
    second(&mut blueprint, 0.5);
    blueprint.calls[0].timeout = Some(millis(20));
    blueprint.calls[0].retry = fixed(2, Span::ZERO);
    blueprint.calls[0].guards.fallback = Fallback::Steps;
    let mut stage = Stage::new(&blueprint);
    stage.run();
    assert_eq!(stage.seen(), [(0.0, Outcome::Served, 56.0)]);
    assert_eq!(stage.sample().senders[0].fallbacks, 1);
    blueprint.programs[3].steps = vec![Step::Wait(constant(0.015))];
    let mut stage = Stage::new(&blueprint);
    stage.run();
    assert_eq!(stage.seen(), [(0.0, Outcome::Served, 26.0)]);
}
