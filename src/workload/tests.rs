//! Are the counts Poisson's, the bursts as long and as strong as theory says, and the integrated rate met exactly?
//!
//! The draws are fixed, so a failure is a change of the process; bounds are quantiles at odds of one in a million.

use super::*;
use crate::blueprint::{RateState, SelfSimilar};
use crate::units::Span;
use statrs::distribution::{ChiSquared, ContinuousCDF, Discrete, Poisson};

/// A normal variable exceeds this in absolute value once in a million.
const Z: f64 = 4.9;

fn key(seed: u64) -> Key {
    Key::root(1, seed, 0).entity("traffic", "shoppers")
}

fn stream(profile: &RateProfile, arrivals: &Arrivals, key: Key) -> ArrivalStream {
    ArrivalStream::new(profile, arrivals, key, &mut Tables::new())
}

fn at(seconds: f64) -> Instant {
    Instant::from_nanos((seconds * 1e9) as u64)
}

fn points(points: &[(f64, f64)]) -> RateProfile {
    let segments = points.windows(2).map(|pair| RateSegment {
        start: at(pair[0].0),
        end: at(pair[1].0),
        from: pair[0].1,
        to: pair[1].1,
    });
    RateProfile {
        segments: segments.collect(),
    }
}

fn bursty() -> Arrivals {
    Arrivals::Bursty {
        ratio: 5.0,
        mean_high: Span::from_secs(2),
        mean_low: Span::from_secs(6),
    }
}

/// How many arrivals of independent streams come before the end of a window that starts with the stream.
fn counts(profile: &RateProfile, arrivals: &Arrivals, window_s: f64, streams: u64) -> Vec<f64> {
    let mut tables = Tables::new();
    let mut count = |seed| {
        ArrivalStream::new(profile, arrivals, key(seed), &mut tables)
            .take_while(|&t| t < at(window_s))
            .count() as f64
    };
    (0..streams).map(&mut count).collect()
}

fn mean_and_variance(values: &[f64]) -> (f64, f64) {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    (
        mean,
        values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (n - 1.0),
    )
}

/// The variance of a sample variance is (μ₄ − σ⁴)/n.
fn holds_variance(seen: &[f64], theory: f64) {
    let (mean, variance) = mean_and_variance(seen);
    let fourth = seen.iter().map(|value| (value - mean).powi(4)).sum::<f64>() / seen.len() as f64;
    let bound = Z * ((fourth - variance * variance) / seen.len() as f64).sqrt();
    assert!(
        (variance - theory).abs() < bound,
        "{variance} against {theory} ± {bound}"
    );
}

fn holds_mean(seen: &[f64], theory: f64) {
    let (mean, variance) = mean_and_variance(seen);
    let bound = Z * (variance / seen.len() as f64).sqrt();
    assert!((mean - theory).abs() < bound, "{mean} against {theory} ± {bound}");
}

#[test]
fn counts_in_windows_are_poisson() {
    // 20,000 windows of 0.1 s at 40/s: counts of mean 4 in the cells 0, 1, … 10, 11 and more. The statistic is
    // chi-square with 11 degrees of freedom.
    let (windows, cells) = (20_000usize, 12usize);
    let mut seen = vec![0u64; windows];
    for arrival in stream(&RateProfile::constant(40.0), &Arrivals::Poisson, key(1)) {
        let window = (arrival.nanos() / 100_000_000) as usize;
        if window >= windows {
            break;
        }
        seen[window] += 1;
    }
    let law = Poisson::new(4.0).unwrap();
    let mut expected: Vec<f64> = (0..cells as u64).map(|k| law.pmf(k)).collect();
    expected[cells - 1] = 1.0 - expected[..cells - 1].iter().sum::<f64>();
    let statistic: f64 = (0..cells)
        .map(|cell| {
            let count = seen.iter().filter(|&&n| (n as usize).min(cells - 1) == cell).count() as f64;
            let mean = windows as f64 * expected[cell];
            (count - mean).powi(2) / mean
        })
        .sum();
    let bound = ChiSquared::new(cells as f64 - 1.0).unwrap().inverse_cdf(1.0 - 1e-6);
    assert!(statistic < bound, "{statistic} against {bound}");
}

#[test]
fn counts_in_neighbouring_windows_are_uncorrelated() {
    let windows = 50_000usize;
    let mut seen = vec![0f64; windows];
    for arrival in stream(&RateProfile::constant(20.0), &Arrivals::Poisson, key(2)) {
        let Some(count) = seen.get_mut((arrival.nanos() / 250_000_000) as usize) else {
            break;
        };
        *count += 1.0;
    }
    // Independent counts: the correlation of n pairs has standard deviation 1/√n.
    let covariance: f64 = seen
        .windows(2)
        .map(|pair| (pair[0] - 5.0) * (pair[1] - 5.0))
        .sum::<f64>()
        / windows as f64;
    assert!((covariance / 5.0).abs() < Z / (windows as f64).sqrt(), "{covariance}");
}

#[test]
fn each_arrival_lies_where_the_integrated_rate_meets_its_exponentials() {
    // Ramps up and down, a step, silence and a ramp from nothing. Arrivals are rounded down by less than 1 ns, which at
    // 900/s is 9e-7 of an arrival; the sum of k exponentials carries k roundings of 2^-53.
    let profile = points(&[
        (0.0, 200.0),
        (10.0, 900.0),
        (20.0, 900.0),
        (30.0, 0.0),
        (40.0, 0.0),
        (55.0, 700.0),
        (60.0, 10.0),
        (90.0, 35.0),
    ]);
    let mut sum = 0.0;
    let gaps = key(3).child(GAP);
    let exponential = unit_exponential(&mut Tables::new());
    let arrivals_seen = stream(&profile, &Arrivals::Poisson, key(3));
    let mut seen = 0;
    for (ordinal, arrival) in (0u64..).zip(arrivals_seen).take(25_000) {
        sum += exponential.draw(gaps.child(ordinal));
        let integrated = profile.integral(Instant::ZERO, arrival);
        assert!(
            (integrated - sum).abs() < 1e-6,
            "arrival {ordinal} at {arrival}: {integrated} against {sum}"
        );
        seen += 1;
    }
    assert_eq!(seen, 25_000, "the last rate holds for ever");
}

#[test]
fn regular_arrivals_are_evenly_spaced_in_integrated_rate_for_days() {
    // 3/s has no whole number of nanoseconds; after two days the 518,400th arrival is still within a nanosecond.
    let phase = key(4).child(PHASE).uniform();
    let arrivals_seen = stream(&RateProfile::constant(3.0), &Arrivals::Regular, key(4));
    for (ordinal, arrival) in (0u64..518_400).zip(arrivals_seen) {
        let exact = (ordinal as f64 + phase) / 3.0;
        assert!(
            (arrival.seconds() - exact).abs() < 2e-9,
            "arrival {ordinal}: {arrival} against {exact}"
        );
    }
}

#[test]
fn a_ramp_gives_as_many_regular_arrivals_as_its_integral() {
    // (100 + 300)/2 × 60 s = 12,000 before the minute is over, whatever the phase.
    let profile = points(&[(0.0, 100.0), (60.0, 300.0)]);
    for seed in 0..20 {
        let count = stream(&profile, &Arrivals::Regular, key(seed))
            .take_while(|&t| t < at(60.0))
            .count();
        assert_eq!(count, 12_000, "seed {seed}");
    }
}

#[test]
fn silence_is_jumped_over() {
    let profile = points(&[
        (0.0, 0.0),
        (3_600.0, 0.0),
        (3_600.0, 50.0),
        (3_601.0, 50.0),
        (3_601.0, 0.0),
        (9_000.0, 0.0),
    ]);
    for arrivals in [Arrivals::Poisson, Arrivals::Regular, bursty()] {
        let seen: Vec<Instant> = stream(&profile, &arrivals, key(5)).collect();
        assert!(seen.len() > 5, "{arrivals:?}: {}", seen.len());
        assert!(
            seen.iter().all(|&t| at(3_600.0) <= t && t <= at(3_601.0)),
            "{arrivals:?}"
        );
    }
}

#[test]
fn a_stream_ends_when_no_more_will_ever_come() {
    for arrivals in [Arrivals::Poisson, Arrivals::Regular, bursty()] {
        assert_eq!(stream(&RateProfile::constant(0.0), &arrivals, key(6)).next(), None);
        let down = points(&[(0.0, 10.0), (10.0, 0.0)]);
        let mut stream = stream(&down, &arrivals, key(6));
        assert!(stream.by_ref().count() > 10);
        assert_eq!(stream.next(), None);
    }
}

#[test]
fn a_rate_of_almost_nothing_is_no_arrival() {
    // One arrival in 3,000 years.
    let mut seldom = stream(&RateProfile::constant(1e-11), &Arrivals::Regular, key(6));
    assert_eq!(seldom.next(), None);
}

#[test]
fn bursts_leave_the_mean_rate_to_the_profile() {
    // Mean of N(10 s) at 8/s is 80 from the first window on, because the state at the start is stationary.
    let seen = counts(&RateProfile::constant(8.0), &bursty(), 10.0, 20_000);
    let (mean, variance) = mean_and_variance(&seen);
    let bound = Z * (variance / seen.len() as f64).sqrt();
    assert!((mean - 80.0).abs() < bound, "{mean} ± {bound}");
}

#[test]
fn bursts_spread_the_counts_as_theory_says() {
    // Two-state MMPP with rates 20/s (mean 2 s) and 4/s (mean 6 s): γ = 1/2 + 1/6 = 2/3 a second, p = 1/4 high. Then
    // Var N(t) = λt + 2 p(1−p) (20−4)² (t − (1−e^{−γt})/γ)/γ (integrate the autocovariance p(1−p)Δ²e^{−γτ} twice).
    let t: f64 = 10.0;
    let gamma: f64 = 2.0 / 3.0;
    let theory = 80.0 + 2.0 * (3.0 / 16.0) * 256.0 * (t - (1.0 - (-gamma * t).exp()) / gamma) / gamma;
    let seen = counts(&RateProfile::constant(8.0), &bursty(), t, 20_000);
    holds_variance(&seen, theory);
    assert!(
        theory / 80.0 > 10.0,
        "the bursts matter in this test: index of dispersion {}",
        theory / 80.0
    );
}

#[test]
fn bursts_ride_on_the_profile() {
    // A ramp from 0 to 16/s over 10 s has the integral 80 as well; only the mean is easy, and it must be met.
    let seen = counts(&points(&[(0.0, 0.0), (10.0, 16.0)]), &bursty(), 10.0, 20_000);
    let (mean, variance) = mean_and_variance(&seen);
    let bound = Z * (variance / seen.len() as f64).sqrt();
    assert!((mean - 80.0).abs() < bound, "{mean} ± {bound}");
}

#[test]
fn a_higher_rate_moves_arrivals_but_keeps_their_draws() {
    // Common random numbers: at twice the rate each arrival comes in half the time (to the nanosecond's rounding).
    let slow = stream(&RateProfile::constant(10.0), &Arrivals::Poisson, key(7));
    let fast = stream(&RateProfile::constant(20.0), &Arrivals::Poisson, key(7));
    for (slow, fast) in slow.zip(fast).take(10_000) {
        assert!(slow.nanos().abs_diff(2 * fast.nanos()) <= 2, "{slow} against {fast}");
    }
}

#[test]
fn the_ordinal_counts_what_has_come() {
    let mut stream = stream(&RateProfile::constant(10.0), &Arrivals::Poisson, key(8));
    assert_eq!(stream.ordinal(), 0);
    stream.next();
    stream.next();
    assert_eq!(stream.ordinal(), 2);
}

#[test]
fn a_seed_gives_these_arrivals() {
    let profile = points(&[(0.0, 100.0), (60.0, 900.0)]);
    let golden = [Arrivals::Poisson, Arrivals::Regular, bursty()].map(|arrivals| {
        let arrivals_seen = stream(&profile, &arrivals, key(42));
        arrivals_seen
            .step_by(1000)
            .take(5)
            .map(Instant::nanos)
            .collect::<Vec<_>>()
    });
    insta::assert_debug_snapshot!(golden);
}

#[test]
fn profiles_add_up_piece_by_piece() {
    let ramp = points(&[(0.0, 0.0), (10.0, 100.0)]);
    let step = RateProfile {
        segments: vec![
            RateSegment {
                start: at(0.0),
                end: at(4.0),
                from: 10.0,
                to: 10.0,
            },
            RateSegment {
                start: at(4.0),
                end: Instant::NEVER,
                from: 50.0,
                to: 50.0,
            },
        ],
    };
    let sum = ramp.plus(&step);
    let seen: Vec<_> = sum
        .segments
        .iter()
        .map(|piece| (piece.start, piece.from, piece.to))
        .collect();
    assert_eq!(
        seen,
        [(at(0.0), 10.0, 50.0), (at(4.0), 90.0, 150.0), (at(10.0), 150.0, 150.0)]
    );
    // 500 and 340 by hand.
    assert_eq!(sum.integral(Instant::ZERO, at(10.0)), 840.0);
}

#[test]
fn a_spike_multiplies_the_profile_while_it_lasts() {
    let ramp = points(&[(0.0, 0.0), (10.0, 100.0)]);
    let spiked = ramp.times(3.0, at(2.0), at(5.0));
    let seen: Vec<_> = spiked
        .segments
        .iter()
        .map(|piece| (piece.start, piece.from, piece.to))
        .collect();
    assert_eq!(
        seen,
        [
            (at(0.0), 0.0, 20.0),
            (at(2.0), 60.0, 150.0),
            (at(5.0), 50.0, 100.0),
            (at(10.0), 100.0, 100.0)
        ]
    );
    let for_ever = ramp.times(2.0, at(20.0), Instant::NEVER);
    assert_eq!(for_ever.integral(at(19.0), at(21.0)), 100.0 + 200.0);
}

#[test]
fn states_that_follow_by_chance_spread_the_counts_as_theory_says() {
    // Rates of 0, 4 and 20/s, 3 s each on average, each followed by the two others alike: every state is left for each
    // other at 1/6 a second, so what the rate remembers fades with γ = 3/6 a second, and its variance is
    // (64 + 16 + 144)/3 around 8/s. Var N(t) = λt + 2σ² (t − (1−e^{−γt})/γ)/γ.
    let state = |ratio, others: [usize; 2]| RateState {
        ratio,
        mean: Span::from_secs(3),
        next: others.map(|other| (other, 0.5)).to_vec(),
    };
    let states = [state(0.0, [1, 2]), state(1.0, [0, 2]), state(5.0, [0, 1])];
    let (t, gamma, spread): (f64, f64, f64) = (10.0, 0.5, 224.0 / 3.0);
    let theory = 80.0 + 2.0 * spread * (t - (1.0 - (-gamma * t).exp()) / gamma) / gamma;
    let seen = counts(
        &RateProfile::constant(8.0),
        &Arrivals::Modulated(states.into()),
        t,
        20_000,
    );
    holds_mean(&seen, 80.0);
    holds_variance(&seen, theory);
}

/// Twice the integral of (t − τ)·C(τ) up to t, C(τ) = P(what is left of a session > τ) · its mean: the variance of the
/// time that sessions are under way in a window, for one beginning a second.
fn session_time_variance(t: f64, mean: f64, alpha: f64) -> f64 {
    let shortest: f64 = mean * (alpha - 1.0) / alpha;
    let below = t * shortest * mean - (t + mean) * shortest.powi(2) / 2.0 + shortest.powi(3) / 3.0;
    let power = |exponent: f64| (t.powf(exponent) - shortest.powf(exponent)) / exponent;
    let beyond = shortest.powf(alpha) / (alpha - 1.0) * (t * power(2.0 - alpha) - power(3.0 - alpha));
    2.0 * (below + beyond)
}

#[test]
fn self_similar_counts_vary_by_a_power_of_the_window() {
    // H = 0.8, so α = 1.4; 5 sessions of 1 s on average, together 8/s, so each sends 1.6/s while it lasts, and 5 begin a
    // second: Var N(t) = 8t + 1.6² · 5 · V(t). Nothing is asymptotic in this.
    let arrivals = Arrivals::SelfSimilar(SelfSimilar {
        hurst: 0.8,
        sessions: 5.0,
        mean_session: Span::from_secs(1),
    });
    let spread = |t: f64| 1.6 * 1.6 * 5.0 * session_time_variance(t, 1.0, 1.4);
    for (t, streams) in [(4.0, 10_000), (32.0, 3_000)] {
        let seen = counts(&RateProfile::constant(8.0), &arrivals, t, streams);
        holds_mean(&seen, 8.0 * t);
        holds_variance(&seen, 8.0 * t + spread(t));
    }
    // The variance of the mean rate over t falls by t^(2H−2): −0.4, where independent counts have −1. The exact slope
    // between two scales comes to that from below as the window leaves the shortest session behind.
    let slope = |t: f64| (spread(2.0 * t) / spread(t)).log2() - 2.0;
    assert!((slope(32.0) + 0.4).abs() < 0.06, "{}", slope(32.0));
    assert!((slope(4096.0) + 0.4).abs() < 0.005, "{}", slope(4096.0));
}
