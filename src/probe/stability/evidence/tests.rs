//! Which loop is named for what was counted: forty windows of 100 requests, the trigger after the first ten.

use super::*;
use crate::blueprint::{Cache, CacheContent, CacheScope, CallIx, fixture};
use crate::sim::observation::{Reason, Sample, Sender, SenderSample};
use crate::units::{Instant, Ratio, Span};

const WINDOWS: usize = 40;
const FROM: usize = 10;

/// What is counted in each window: attempts for its 100 requests, of these retries, what failed, and of 100 looks into the cache the
/// hits.
#[derive(Clone, Copy, Default)]
struct Counted {
    attempts: u64,
    retried: u64,
    failed: Option<(Reason, u64)>,
    hits: u64,
}

const WELL: Counted = Counted {
    attempts: 200,
    retried: 0,
    failed: None,
    hits: 90,
};

/// The loops named where every window after the trigger is like this.
fn named(after: Counted) -> Vec<Loop> {
    let mut blueprint = fixture::empty();
    blueprint.duration = Span::from_secs(WINDOWS as u64);
    blueprint.caches.push(Cache {
        name: "look".into(),
        scope: CacheScope::Shared,
        content: CacheContent::Ratio {
            hits: Ratio::ONE,
            warms_up: 0,
        },
        coalesces: false,
        latency: None,
        bytes: None,
    });
    let mut timeline = Timeline::new(&blueprint);
    let width = timeline.windows().width();
    let count = timeline.windows().count();
    let from = count * FROM / WINDOWS;
    let mut looked = CacheLooks::default();
    let mut windows = Vec::new();
    for window in 0..count {
        let counted = if window < from { WELL } else { after };
        looked.looks += 100;
        looked.hits += counted.hits;
        let sent = SenderSample {
            attempts: counted.attempts,
            retried: counted.retried,
            ..SenderSample::default()
        };
        let failures = counted
            .failed
            .map(|(reason, count)| (Sender::Call(CallIx(0)), reason, count));
        timeline.sample(&Sample {
            at: Instant::ZERO + width.scaled((window + 1) as f64),
            services: vec![],
            dependencies: vec![],
            senders: vec![sent],
            failures: failures.into_iter().collect(),
            credits: vec![],
            caches: vec![looked],
            queues: vec![],
        });
        windows.push(Seen {
            offered: 100,
            sent,
            ..Seen::default()
        });
    }
    let found = evidence(&blueprint, &timeline, &windows, (from, count - HOLD));
    found.into_iter().map(|(kind, _)| kind).collect()
}

#[test]
fn retries_are_named_where_more_attempts_are_made_because_others_failed() {
    let doubled = Counted {
        attempts: 400,
        retried: 100,
        ..WELL
    };
    assert_eq!(named(doubled), [Loop::Retries]);
}

#[test]
fn a_cache_that_finds_less_is_named_and_the_calls_it_lets_through_are_no_retries() {
    let cold = Counted {
        attempts: 290,
        hits: 10,
        ..WELL
    };
    assert_eq!(named(cold), [Loop::ColdCache]);
    assert_eq!(named(Counted { hits: 80, ..WELL }), [Loop::Unknown], "hardly colder");
}

#[test]
fn callers_without_connections_and_those_who_are_turned_away_are_told_apart() {
    let failing = |reason| Counted {
        failed: Some((reason, 60)),
        ..WELL
    };
    for reason in [
        Reason::ConnectionPoolTimeout,
        Reason::ConnectionPoolFull,
        Reason::TooManyConnections,
    ] {
        assert_eq!(named(failing(reason)), [Loop::NoConnections]);
    }
    for reason in [
        Reason::WaitedTooLong,
        Reason::CpuBusy,
        Reason::ConcurrencyLimit,
        Reason::DependencyFull,
    ] {
        assert_eq!(named(failing(reason)), [Loop::TurnedAway]);
    }
    assert_eq!(named(failing(Reason::OwnError)), [Loop::Unknown]);
}
