//! Intervals of a proportion over runs: how often a rollout failed, an objective was missed, a limit was hit.

use super::interval::Interval;
use crate::special::beta_quantile;

/// Clopper and Pearson's exact interval: it covers the truth at least as often as it says and is never of zero width,
/// however rare the outcome.
///
/// # Panics
/// If there are more successes than trials.
pub fn clopper_pearson(successes: u64, trials: u64, level: f64) -> Option<Interval> {
    assert!(successes <= trials, "{successes} of {trials} is no proportion");
    if trials == 0 {
        return None;
    }
    let tail = 0.5 * (1.0 - level);
    let (hits, misses) = (successes as f64, (trials - successes) as f64);
    let low = if successes == 0 {
        0.0
    } else {
        beta_quantile(hits, misses + 1.0, tail)
    };
    // By symmetry from the other end, so that a bound next to one is as sharp as one next to zero.
    let high = if misses == 0.0 {
        1.0
    } else {
        1.0 - beta_quantile(misses, hits + 1.0, tail)
    };
    Some(Interval {
        estimate: hits / trials as f64,
        low,
        high,
        n: trials,
        level,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use statrs::distribution::{Binomial, DiscreteCDF};

    #[test]
    fn the_bounds_are_where_the_observation_becomes_improbable() {
        for (successes, trials) in [(1, 10), (3, 20), (19, 20), (50, 1000)] {
            let interval = clopper_pearson(successes, trials, 0.95).expect("trials");
            let at_low = Binomial::new(interval.low, trials).expect("valid").sf(successes - 1);
            let at_high = Binomial::new(interval.high, trials).expect("valid").cdf(successes);
            assert!((at_low - 0.025).abs() < 1e-9, "{interval:?}: {at_low}");
            assert!((at_high - 0.025).abs() < 1e-9, "{interval:?}: {at_high}");
        }
    }

    #[test]
    fn outcomes_never_or_always_seen_keep_a_width() {
        let never = clopper_pearson(0, 30, 0.95).expect("trials");
        assert_eq!((never.estimate, never.low), (0.0, 0.0));
        // The rule of three, exactly: 1 − 0.025^(1/30).
        assert!((never.high - (1.0 - libm::pow(0.025, 1.0 / 30.0))).abs() < 1e-12);
        let always = clopper_pearson(30, 30, 0.95).expect("trials");
        assert!((always.low - (1.0 - never.high)).abs() < 1e-12 && always.high == 1.0);
        assert_eq!(clopper_pearson(0, 0, 0.95), None);
    }
}
