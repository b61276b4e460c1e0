//! What callers make of refusals and of what they see of their callee: `Retry-After`, and bulkheads that learn.

use super::stage::*;
use crate::blueprint::*;
use crate::sim::observation::Outcome;
use crate::units::{Ratio, Span};

/// Requests of 10 ms to a server that has one in hand at most, and says after what time to try again.
fn refusing(millis: &[u64], retry_after: Span) -> Blueprint {
    let mut blueprint = requests_at(millis, vec![Step::Wait(constant(0.01))], Runtime::Unbounded);
    blueprint.services[0].revisions[0].server_rules = Some(Box::new(ServerRules {
        concurrency: Some(ConcurrencyLimit::Fixed(1)),
        retry_after: Some(retry_after),
        ..ServerRules::default()
    }));
    blueprint.traffic[0].retry = fixed(2, Span::from_millis(2));
    blueprint.traffic[0].guards.retry_after = RetryAfter::Honoured;
    blueprint
}

fn seen(blueprint: &Blueprint) -> Vec<(f64, Outcome, f64)> {
    let mut stage = Stage::new(blueprint);
    stage.run();
    stage.seen()
}

#[test]
fn a_caller_waits_as_long_as_a_refusal_asks_and_then_its_own_pause() {
    let mut blueprint = refusing(&[0, 1], Span::from_millis(100));
    assert_eq!(
        seen(&blueprint),
        [(0.0, Outcome::Served, 10.0), (1.0, Outcome::Served, 112.0)]
    );
    blueprint.traffic[0].guards.retry_after = RetryAfter::Ignored;
    assert_eq!(
        seen(&blueprint),
        [(1.0, Outcome::ServerError, 2.0), (0.0, Outcome::Served, 10.0)]
    );
}

#[test]
fn only_a_refusal_is_listened_to() {
    // What fails says nothing about when to come again.
    let mut blueprint = refusing(&[0], Span::from_millis(100));
    blueprint.programs[0].steps = vec![Step::Fail {
        share: Ratio::ONE,
        status: 500,
    }];
    assert_eq!(seen(&blueprint), [(0.0, Outcome::ServerError, 2.0)]);
}

#[test]
fn jitter_keeps_those_apart_who_were_told_the_same_time() {
    let mut millis = vec![0];
    millis.extend([1; 20]);
    let mut blueprint = refusing(&millis, Span::from_secs(1));
    let served = |blueprint: &Blueprint| {
        let all = seen(blueprint);
        all.iter().filter(|row| row.1 == Outcome::Served).count()
    };
    assert_eq!(served(&blueprint), 2, "all come back together, and one of them gets in");
    // Twenty within two seconds: one is refused if another has begun in the 10 ms before it, which is at most 19 × 10 / 2000. Of
    // twenty 18.1 get in on average, and fewer than 12 as good as never.
    blueprint.traffic[0].retry.backoff = Backoff {
        base: Span::from_secs(2),
        factor: 1.0,
        cap: Span::from_secs(2),
        jitter: Jitter::Full,
    };
    let spread = served(&blueprint);
    assert!(spread > 12, "{spread} served");
    let first = seen(&blueprint).into_iter().skip(1).map(|row| row.0 + row.2);
    assert!(
        first.min_by(f64::total_cmp).is_some_and(|at| at >= 1001.0),
        "nobody comes early"
    );
}

/// Requests of 10 ms to a server that takes everybody, through a bulkhead that learns.
fn learning(millis: &[u64], initial: u32, max_waiting: u32) -> Blueprint {
    let mut blueprint = requests_at(millis, vec![Step::Wait(constant(0.01))], Runtime::Unbounded);
    blueprint.traffic[0].guards.bulkhead = Some(Bulkhead {
        max_concurrent: ConcurrencyLimit::Aimd(Aimd {
            bounds: Adaptive {
                initial,
                min: 1,
                max: 10,
            },
            late: Span::from_secs(5),
            backoff: Ratio::new(0.5).expect("a share"),
        }),
        max_waiting,
        timeout: None,
        scope: SharedBy::Caller,
    });
    blueprint
}

#[test]
fn a_bulkhead_that_learns_grows_with_good_answers() {
    // Two go at 0, one is refused. The first answer makes it three, the second finds less than half of it used.
    let blueprint = learning(&[0, 0, 0, 20, 20, 20, 20], 2, 0);
    assert_eq!(
        seen(&blueprint),
        [
            (0.0, Outcome::Refused, 0.0),
            (0.0, Outcome::Served, 10.0),
            (0.0, Outcome::Served, 10.0),
            (20.0, Outcome::Refused, 0.0),
            (20.0, Outcome::Served, 10.0),
            (20.0, Outcome::Served, 10.0),
            (20.0, Outcome::Served, 10.0),
        ]
    );
}

#[test]
fn a_place_that_an_answer_has_made_is_given_to_who_waits() {
    // One goes. Its answer makes room for two, the first of theirs for three.
    let latencies: Vec<f64> = seen(&learning(&[0; 4], 1, 3)).into_iter().map(|row| row.2).collect();
    assert_eq!(latencies, [10.0, 20.0, 20.0, 30.0]);
}

#[test]
fn a_bulkhead_that_learns_shrinks_with_timeouts() {
    // Four go, and time out: 4 → 2 → 1. Then one goes at a time.
    let mut blueprint = learning(&[0, 0, 0, 0, 20, 20], 4, 0);
    blueprint.programs[0].steps = vec![Step::Wait(constant(0.05))];
    blueprint.traffic[0].timeout = Some(Span::from_millis(10));
    let outcomes: Vec<(f64, Outcome)> = seen(&blueprint).into_iter().map(|row| (row.0, row.1)).collect();
    assert_eq!(
        outcomes,
        [
            (0.0, Outcome::TimedOut),
            (0.0, Outcome::TimedOut),
            (0.0, Outcome::TimedOut),
            (0.0, Outcome::TimedOut),
            (20.0, Outcome::Refused),
            (20.0, Outcome::TimedOut),
        ]
    );
}
