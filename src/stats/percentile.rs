//! Percentiles over runs: the quantile of the pooled requests, and how sure it is.
//!
//! Requests within a run are correlated, so the interval comes from the runs. It is that of the *share* of requests at
//! most as long as the percentile, which is a ratio of totals over runs, carried back to spans through the pooled
//! histogram (Woodruff 1952). Too few runs or too few requests beyond the percentile give a point and no interval.
//!
//! Deliberately not here: averages of per-run percentiles, which estimate something else.

use super::histogram::{LatencyHistogram, Precision};
use super::moments::Moments;
use super::student::t_quantile;
use crate::units::Span;

/// Below this many runs a percentile has no interval.
pub const RUNS_MIN: usize = 10;
/// Below this many requests on the rarer side a percentile has no interval.
pub const EXCEEDANCES_MIN: f64 = 100.0;

/// A percentile of the pooled requests of some runs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Percentile {
    /// The percentile and the range in which the truth lies with the confidence asked for.
    Known { estimate: Span, low: Span, high: Span },
    /// The percentile of what was seen, from too little to say how sure it is.
    TooFew { estimate: Span },
    /// No request at all.
    Nothing,
}

impl Percentile {
    pub fn estimate(&self) -> Option<Span> {
        match *self {
            Percentile::Known { estimate, .. } | Percentile::TooFew { estimate } => Some(estimate),
            Percentile::Nothing => None,
        }
    }
}

/// The quantile `p` of the requests of all runs together, with its interval between runs.
pub fn percentile(runs: &[&LatencyHistogram], p: f64, level: f64) -> Percentile {
    let pool = LatencyHistogram::pooled(Precision::Fine, runs.iter().copied());
    let Some(estimate) = pool.quantile(p) else {
        return Percentile::Nothing;
    };
    let rarer = p.min(1.0 - p) * pool.len() as f64;
    if runs.len() < RUNS_MIN || rarer < EXCEEDANCES_MIN {
        return Percentile::TooFew { estimate };
    }
    let half_width = t_quantile(0.5 + 0.5 * level, (runs.len() - 1) as f64) * error_of_share(runs, &pool, estimate);
    let (low, high) = (p - half_width, p + half_width);
    if low < 0.0 || high > 1.0 {
        return Percentile::TooFew { estimate };
    }
    let at = |p| pool.quantile(p).expect("the pool is not empty");
    Percentile::Known {
        estimate,
        low: at(low),
        high: at(high),
    }
}

/// The standard error, between runs, of the share of requests that take at most `span`: by the delta method, the
/// spread of each run's surplus over the pooled share, in units of a run's mean number of requests.
fn error_of_share(runs: &[&LatencyHistogram], pool: &LatencyHistogram, span: Span) -> f64 {
    let share = pool.count_up_to(span) / pool.len() as f64;
    let mean_len = pool.len() as f64 / runs.len() as f64;
    let surplus = |run: &&LatencyHistogram| (run.count_up_to(span) - share * run.len() as f64) / mean_len;
    let spread: Moments = runs.iter().map(surplus).collect();
    (spread.variance().unwrap_or(0.0) / runs.len() as f64).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{Dist, Key, Law, Tables};

    /// Runs whose requests are exponential, each run slower or faster than the rest by a factor of its own.
    fn runs(experiment: u64, count: u64, requests: u64, law: &Law) -> Vec<LatencyHistogram> {
        let of_run = |run: u64| {
            let key = Key::root(1, 3, 0).child(experiment).child(run);
            let mut histogram = LatencyHistogram::fine();
            (0..requests).for_each(|request| histogram.record(law.sample(key.child(request))));
            histogram
        };
        (0..count).map(of_run).collect()
    }

    fn exponential() -> Law {
        Law::compile(&Dist::exponential(0.02).expect("valid"), &mut Tables::new())
    }

    #[test]
    fn the_interval_covers_the_truth_as_often_as_it_says() {
        // p90 of an exponential of mean 20 ms is 20 ms · ln 10. With 12 runs of 120 requests the method is right to
        // first order and lacks two percent or so; 4.9 standard deviations of 300 trials are 18.5.
        let (law, truth) = (exponential(), Span::from_secs_f64(0.02 * std::f64::consts::LN_10));
        let experiments = 300u64;
        let covered = (0..experiments)
            .filter(|&experiment| {
                let runs = runs(experiment, 12, 120, &law);
                match percentile(&runs.iter().collect::<Vec<_>>(), 0.9, 0.95) {
                    Percentile::Known { low, high, estimate } => {
                        assert!(low <= estimate && estimate <= high);
                        low <= truth && truth <= high
                    }
                    other => panic!("twelve runs are enough: {other:?}"),
                }
            })
            .count() as f64;
        assert!(
            (covered - 0.95 * experiments as f64).abs() < 18.5 + 0.02 * experiments as f64,
            "{covered}"
        );
    }

    #[test]
    fn too_little_is_said_to_be_too_little() {
        let law = exponential();
        let nine = runs(0, 9, 1000, &law);
        let of = |runs: &[LatencyHistogram], p| percentile(&runs.iter().collect::<Vec<_>>(), p, 0.95);
        assert!(matches!(of(&nine, 0.5), Percentile::TooFew { .. }), "nine runs");
        let ten = runs(0, 10, 1000, &law);
        assert!(matches!(of(&ten, 0.98), Percentile::Known { .. }));
        assert!(
            matches!(of(&ten, 0.991), Percentile::TooFew { .. }),
            "ninety exceedances"
        );
        assert!(
            matches!(of(&ten, 0.009), Percentile::TooFew { .. }),
            "ninety on the other side"
        );
        assert_eq!(of(&[], 0.5), Percentile::Nothing);
        assert_eq!(of(&[LatencyHistogram::fine()], 0.5).estimate(), None);
    }

    #[test]
    fn the_estimate_is_that_of_the_pooled_requests() {
        // One run has nine times the requests of the other: an average of percentiles would give 55 ms.
        let (mut large, mut small) = (LatencyHistogram::fine(), LatencyHistogram::fine());
        large.record_many(Span::from_millis(10), 900);
        small.record_many(Span::from_millis(100), 100);
        let estimate = percentile(&[&large, &small], 0.5, 0.95).estimate().expect("requests");
        assert!((estimate.millis() - 10.0).abs() < 0.01, "{estimate}");
    }
}
