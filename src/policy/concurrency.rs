//! How many requests a server lets itself have in hand, or a caller under way to its callee, found from what it sees.
//!
//! The laws are Netflix's (github.com/Netflix/concurrency-limits), with its constants. Vegas and AIMD take every answered request
//! for a sample; the gradient takes the average of a window, so that what it holds for usual is an average over minutes
//! and a lasting overload does not become usual within seconds. A server that uses less than half of its limit learns
//! nothing about it. Failures are no samples.

use crate::blueprint::{Adaptive, Aimd, ConcurrencyLimit};
use crate::cluster::server::{Limit, LimitWindow};
use crate::units::{Instant, Span};

/// Requests that may queue before the gradient gives way [Gradient2Limit.queueSize].
const QUEUE: f64 = 4.0;
/// How much longer than usual latency may be [Gradient2Limit.rttTolerance].
const TOLERANCE: f64 = 1.5;
/// Weight of a new limit against the old one [Gradient2Limit.smoothing].
const SMOOTHING: f64 = 0.2;
/// Samples that the long average spans [Gradient2Limit.longWindow], and how many make it up at first.
const LONG_WINDOW: f64 = 600.0;
const WARM_UP: u32 = 10;
/// Of answers that become one sample [WindowedLimit.minWindowTime, maxWindowTime], and how many it needs at least
/// [WindowedLimit.windowSize].
const WINDOW: Span = Span::from_secs(1);
const WINDOW_ANSWERS: u32 = 10;
/// Vegas forgets the least latency after so many times the limit [VegasLimit.probeMultiplier].
const PROBE_MULTIPLIER: u32 = 30;

/// An answered request: its latency at the server in seconds (> 0), and what was in hand when it left.
#[derive(Clone, Copy, Debug)]
pub struct Sample {
    pub latency: f64,
    pub in_hand: u32,
}

/// How a request has ended that counted against a limit.
#[derive(Clone, Copy, Debug)]
pub enum Ended {
    Answered(Sample),
    /// It was turned away or not answered in time. What failed otherwise says nothing.
    Dropped,
}

/// The limit after a request has ended that counted against it.
pub fn adjusted(law: ConcurrencyLimit, state: Limit, ended: Ended, now: Instant) -> Limit {
    match (law, ended) {
        (ConcurrencyLimit::Fixed(_), _) | (ConcurrencyLimit::Gradient(_), Ended::Dropped) => state,
        (ConcurrencyLimit::Gradient(bounds), Ended::Answered(sample)) => windowed_gradient(state, sample, now, bounds),
        (ConcurrencyLimit::Vegas(bounds), Ended::Answered(sample)) => vegas(state, sample, bounds),
        (ConcurrencyLimit::Vegas(bounds), Ended::Dropped) => {
            let step = f64::from(digits(state.requests()));
            Limit {
                limit: within(state.limit - step, bounds),
                ..state
            }
        }
        (ConcurrencyLimit::Aimd(rule), ended) => aimd(state, ended, rule),
    }
}

/// Additive increase, multiplicative decrease.
fn aimd(state: Limit, ended: Ended, rule: Aimd) -> Limit {
    let limit = match ended {
        Ended::Answered(sample) if sample.latency <= rule.late.seconds() => {
            if f64::from(sample.in_hand) * 2.0 < state.limit {
                return state;
            }
            state.limit + 1.0
        }
        Ended::Answered(_) | Ended::Dropped => (state.limit * rule.backoff.get()).floor(),
    };
    Limit {
        limit: within(limit, rule.bounds),
        ..state
    }
}

/// The gradient over windows: an answer is gathered, and becomes a sample with all those before it when the window is over
/// and has enough of them.
pub fn windowed_gradient(mut state: Limit, answer: Sample, now: Instant, bounds: Adaptive) -> Limit {
    let window = &mut state.window;
    window.answers += 1;
    window.latency += answer.latency;
    window.in_hand = window.in_hand.max(answer.in_hand);
    if now <= window.until || window.answers < WINDOW_ANSWERS {
        return state;
    }
    let sample = Sample {
        latency: window.latency / f64::from(window.answers),
        in_hand: window.in_hand,
    };
    state.window = LimitWindow {
        until: now + WINDOW,
        ..LimitWindow::default()
    };
    gradient(state, sample, bounds)
}

/// Gradient2: the limit shrinks by the ratio in which latency exceeds its long average, and grows by a small queue.
pub fn gradient(state: Limit, sample: Sample, bounds: Adaptive) -> Limit {
    let samples = state.samples.saturating_add(1);
    let mut long = if samples <= WARM_UP {
        state.unloaded + (sample.latency - state.unloaded) / f64::from(samples)
    } else {
        state.unloaded + (sample.latency - state.unloaded) * (2.0 / (LONG_WINDOW + 1.0))
    };
    // After a long overload the average itself is too high: it comes down faster than it went up.
    if long / sample.latency > 2.0 {
        long *= 0.95;
    }
    let limit = if f64::from(sample.in_hand) < state.limit / 2.0 {
        state.limit
    } else {
        let gradient = (TOLERANCE * long / sample.latency).clamp(0.5, 1.0);
        let aimed = state.limit * gradient + QUEUE;
        state.limit * (1.0 - SMOOTHING) + aimed * SMOOTHING
    };
    Limit {
        limit: within(limit, bounds),
        samples,
        unloaded: long,
        ..state
    }
}

/// Vegas: the queue that latency shows against the least one seen is kept between two marks.
pub fn vegas(state: Limit, sample: Sample, bounds: Adaptive) -> Limit {
    let samples = state.samples.saturating_add(1);
    let probes = samples > PROBE_MULTIPLIER.saturating_mul(state.requests().max(1));
    if state.samples == 0 || probes || sample.latency < state.unloaded {
        return Limit {
            samples: if probes { 1 } else { samples },
            unloaded: sample.latency,
            ..state
        };
    }
    let learnt = Limit { samples, ..state };
    if f64::from(sample.in_hand) * 2.0 < state.limit {
        return learnt;
    }
    let queue = (state.limit * (1.0 - state.unloaded / sample.latency)).ceil();
    let step = f64::from(digits(state.requests()));
    let limit = if queue <= step {
        state.limit + 6.0 * step
    } else if queue < 3.0 * step {
        state.limit + step
    } else if queue > 6.0 * step {
        state.limit - step
    } else {
        state.limit
    };
    Limit {
        limit: within(limit, bounds),
        ..learnt
    }
}

fn within(limit: f64, bounds: Adaptive) -> f64 {
    limit.clamp(f64::from(bounds.min), f64::from(bounds.max))
}

/// The whole decimal logarithm, at least 1.
fn digits(limit: u32) -> u32 {
    limit.checked_ilog10().unwrap_or(0).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::Ratio;

    const BOUNDS: Adaptive = Adaptive {
        initial: 20,
        min: 10,
        max: 200,
    };

    fn sample(latency: f64, in_hand: u32) -> Sample {
        Sample { latency, in_hand }
    }

    #[test]
    fn the_gradient_grows_by_a_fifth_of_its_queue_while_latency_is_as_usual() {
        // 0.8 × 20 + 0.2 × (20 × 1 + 4) = 20.8, and no further than the bound.
        let first = gradient(Limit::new(20), sample(0.1, 20), BOUNDS);
        assert!((first.limit - 20.8).abs() < 1e-9, "{first:?}");
        let last = (0..10_000).fold(first, |state, _| gradient(state, sample(0.1, 200), BOUNDS));
        assert_eq!(last.requests(), 200);
    }

    #[test]
    fn the_gradient_shrinks_when_latency_is_half_again_as_long_as_usual_and_more() {
        // Usual 0.1 s, now 0.3 s: the average moves to 0.1 + 0.2 × 2/601, the gradient is 1.5 × 0.10067 / 0.3 = 0.5033.
        let state = Limit {
            samples: 1000,
            unloaded: 0.1,
            ..Limit::new(100)
        };
        let next = gradient(state, sample(0.3, 100), BOUNDS);
        let gradient = 1.5 * (0.1 + 0.2 * 2.0 / 601.0) / 0.3;
        assert!(
            (next.limit - (80.0 + 0.2 * (100.0 * gradient + 4.0))).abs() < 1e-9,
            "{next:?}"
        );
    }

    #[test]
    fn the_answers_of_a_second_are_one_sample_if_there_are_ten() {
        let at = |millis| Instant::ZERO + Span::from_millis(millis);
        let mut state = Limit {
            window: LimitWindow {
                until: at(1000),
                ..LimitWindow::default()
            },
            ..Limit::new(20)
        };
        // One each 100 ms, of 0.1 to 0.3 s: the eleventh is the first after the window's end. Their average is 0.2 s, and
        // as many were in hand as with the one that saw most.
        for n in 0..11 {
            assert_eq!((state.samples, state.limit), (0, 20.0), "answer {n}");
            let answer = sample(0.1 + 0.02 * f64::from(n), if n == 4 { 20 } else { 5 });
            state = windowed_gradient(state, answer, at(100 + 100 * u64::from(n as u32)), BOUNDS);
        }
        assert!((state.unloaded - 0.2).abs() < 1e-9, "{state:?}");
        assert!((state.limit - 20.8).abs() < 1e-9, "{state:?}");
        assert_eq!(state.window.until, at(2100));
        // Nine are not enough however long they take.
        for n in 0..9 {
            state = windowed_gradient(state, sample(0.1, 20), at(5000 + 1000 * n), BOUNDS);
        }
        assert_eq!(state.samples, 1);
        state = windowed_gradient(state, sample(0.1, 20), at(15_000), BOUNDS);
        assert_eq!(state.samples, 2);
    }

    #[test]
    fn a_lasting_overload_leaves_the_gradients_limit_near_the_knee() {
        // A server that answers 1,000 a second, whatever is in hand, takes 20 ms when it is not loaded: its knee is at 20 in
        // hand. Beyond, everything in hand waits for everything: latency is what is in hand over 1,000 a second. Ten windows
        // at less than half of the limit teach what is usual (0.02 s); then always as many come as are let in.
        let knee = 20.0;
        let bounds = Adaptive {
            initial: 34,
            min: 1,
            max: 1000,
        };
        let mut state = Limit::new(34);
        let mut now = Instant::ZERO + Span::from_millis(1);
        let mut answer = |state: &mut Limit, latency: f64, in_hand: u32| {
            now = now + Span::from_millis(1);
            *state = windowed_gradient(*state, sample(latency, in_hand), now, bounds);
        };
        for _ in 0..11_000 {
            answer(&mut state, 0.02, 10);
        }
        assert_eq!(state.requests(), 34);
        // It rests where limit = limit × 1.5 knee/limit + 4, at 34, as long as the usual is what it was. Of what it takes
        // for usual, a window moves 2/601 of the way to the present, which is at most 1.5 times as long plus the four that
        // queue: so the usual grows at most by (0.5 + 4/20) × 2/601 a window, e-fold in more than 7 minutes. In two minutes
        // that is a factor of at most exp(0.7 × 2/601 × 120) = 1.33, and the limit is below 1.5 × 20 × 1.33 + 4 = 44.
        for _ in 0..120_000 {
            let in_hand = state.limit.max(knee);
            answer(&mut state, in_hand / 1000.0, in_hand as u32);
        }
        assert!((34.0..44.0).contains(&state.limit), "{state:?}");
        // With a sample at every answer the same two minutes would make the overload usual altogether.
        let mut each = Limit {
            samples: 1000,
            unloaded: 0.02,
            ..Limit::new(34)
        };
        for _ in 0..120_000 {
            let in_hand = each.limit.max(knee);
            each = gradient(each, sample(in_hand / 1000.0, in_hand as u32), bounds);
        }
        assert_eq!(each.requests(), 1000);
    }

    #[test]
    fn a_limit_that_is_not_half_used_stays() {
        let state = Limit {
            samples: 1000,
            unloaded: 0.1,
            ..Limit::new(100)
        };
        assert_eq!(gradient(state, sample(0.1, 49), BOUNDS).limit, 100.0);
        assert_eq!(vegas(state, sample(0.2, 49), BOUNDS).limit, 100.0);
    }

    #[test]
    fn vegas_keeps_the_queue_that_latency_shows_between_its_marks() {
        // A limit of 100 has steps of 2: at most 2 queue → +12, below 6 → +2, above 12 → −2, between: as it is.
        let state = Limit {
            samples: 1,
            unloaded: 0.1,
            ..Limit::new(100)
        };
        let after = |queue: f64| {
            let latency = 0.1 / (1.0 - (queue - 0.5) / 100.0);
            vegas(state, sample(latency, 100), BOUNDS).limit
        };
        assert_eq!(
            [after(1.0), after(5.0), after(9.0), after(20.0)],
            [112.0, 102.0, 100.0, 98.0]
        );
    }

    #[test]
    fn aimd_grows_by_one_with_what_is_in_time_and_loses_a_share_with_what_is_late_or_dropped() {
        let rule = ConcurrencyLimit::Aimd(Aimd {
            bounds: BOUNDS,
            late: Span::from_millis(500),
            backoff: Ratio::new(0.9).expect("a share"),
        });
        let after = |ended| adjusted(rule, Limit::new(50), ended, Instant::ZERO).limit;
        assert_eq!(after(Ended::Answered(sample(0.5, 25))), 51.0);
        assert_eq!(after(Ended::Answered(sample(0.5, 24))), 50.0, "not half of it is used");
        assert_eq!(after(Ended::Answered(sample(0.6, 50))), 45.0);
        assert_eq!(after(Ended::Dropped), 45.0);
        let least = (0..100).fold(Limit::new(50), |state, _| {
            adjusted(rule, state, Ended::Dropped, Instant::ZERO)
        });
        assert_eq!(least.requests(), 10);
    }

    #[test]
    fn vegas_gives_way_by_a_step_to_what_is_dropped_and_the_gradient_does_not_care() {
        let state = Limit {
            limit: 100.0,
            samples: 1,
            unloaded: 0.1,
            window: LimitWindow::default(),
        };
        let after = |law| adjusted(law, state, Ended::Dropped, Instant::ZERO).limit;
        assert_eq!(after(ConcurrencyLimit::Vegas(BOUNDS)), 98.0);
        assert_eq!(after(ConcurrencyLimit::Gradient(BOUNDS)), 100.0);
    }

    #[test]
    fn vegas_takes_the_least_latency_for_the_unloaded_one_and_looks_again_in_time() {
        let first = vegas(Limit::new(20), sample(0.2, 20), BOUNDS);
        assert_eq!((first.unloaded, first.limit), (0.2, 20.0));
        let less = vegas(first, sample(0.1, 20), BOUNDS);
        assert_eq!(less.unloaded, 0.1);
        let later = Limit { samples: 600, ..less };
        assert_eq!(vegas(later, sample(0.3, 20), BOUNDS).unloaded, 0.3);
    }
}
