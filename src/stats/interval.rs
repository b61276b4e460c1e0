//! Confidence intervals from independent runs: means, paired differences and ratios.
//!
//! The runs are the sample: what happens within a run is correlated, what happens in two runs is not. Fewer than two
//! runs have no interval, and nothing is said in its place.
//!
//! Deliberately not here: percentiles and proportions, which have rules of their own.

use super::moments::Moments;
use super::student::t_quantile;

/// An estimate and the range in which the truth lies with the given confidence.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    pub estimate: f64,
    pub low: f64,
    pub high: f64,
    /// How many runs (or batches, or trials) it rests on.
    pub n: u64,
    /// The confidence, such as 0.95.
    pub level: f64,
}

impl Interval {
    /// An interval that lies evenly about its estimate.
    pub fn symmetric(estimate: f64, half_width: f64, n: u64, level: f64) -> Interval {
        Interval {
            estimate,
            low: estimate - half_width,
            high: estimate + half_width,
            n,
            level,
        }
    }

    pub fn half_width(&self) -> f64 {
        0.5 * (self.high - self.low)
    }

    /// The half-width relative to the estimate; infinite for an estimate of zero.
    pub fn relative_half_width(&self) -> f64 {
        if self.half_width() == 0.0 {
            0.0
        } else {
            self.half_width() / self.estimate.abs()
        }
    }

    pub fn contains(&self, value: f64) -> bool {
        self.low <= value && value <= self.high
    }
}

/// The interval of a mean over runs, by Student's t; `None` with fewer than two runs.
///
/// Runs that all agree give a width of zero: for rare outcomes use [`super::clopper_pearson`] instead.
pub fn mean_interval(runs: &[f64], level: f64) -> Option<Interval> {
    let moments: Moments = runs.iter().copied().collect();
    let (mean, variance) = (moments.mean()?, moments.variance()?);
    let n = moments.count();
    let half_width = t_quantile(0.5 + 0.5 * level, (n - 1) as f64) * (variance / n as f64).sqrt();
    Some(Interval::symmetric(mean, half_width, n, level))
}

/// The interval of the mean of `a − b`, run by run: what common random numbers are for.
///
/// # Panics
/// If the two have not the same number of runs.
pub fn paired_difference(a: &[f64], b: &[f64], level: f64) -> Option<Interval> {
    assert_eq!(a.len(), b.len(), "a paired difference is of the same runs");
    let differences: Vec<f64> = a.iter().zip(b).map(|(a, b)| a - b).collect();
    mean_interval(&differences, level)
}

/// The interval of a ratio of two totals (errors over requests, cost over orders), both seen run by run.
///
/// The ratio of the sums is biased in few runs; the jackknife takes the first-order bias away and gives the interval
/// (Law, *Simulation Modeling and Analysis*, on ratio estimation). `None` with fewer than two runs, or if leaving one
/// out leaves nothing to divide by.
///
/// # Panics
/// If the two have not the same number of runs.
pub fn ratio_interval(numerators: &[f64], denominators: &[f64], level: f64) -> Option<Interval> {
    assert_eq!(numerators.len(), denominators.len(), "a ratio is of the same runs");
    let n = numerators.len() as f64;
    let (above, below): (f64, f64) = (numerators.iter().sum(), denominators.iter().sum());
    if below == 0.0 {
        return None;
    }
    let pseudo = numerators.iter().zip(denominators).map(|(numerator, denominator)| {
        let rest = below - denominator;
        (rest != 0.0).then(|| n * above / below - (n - 1.0) * (above - numerator) / rest)
    });
    mean_interval(&pseudo.collect::<Option<Vec<f64>>>()?, level)
}

/// The level at which each of several intervals must be taken for all of them to hold at `level` together.
pub fn bonferroni(level: f64, intervals: usize) -> f64 {
    1.0 - (1.0 - level) / intervals.max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Key;
    use crate::special::{Mass, normal_quantile};

    fn normal(experiment: u64, run: u64) -> f64 {
        normal_quantile(Mass::Below(Key::root(1, 11, 0).child(experiment).child(run).uniform()))
    }

    /// The share of 2,000 experiments whose interval covers the truth must be within 4.9 standard deviations (one in a
    /// million) of 95 %, plus what the method is known to lack.
    fn covers(truth: f64, lacking: f64, interval: impl Fn(u64) -> Interval) {
        let experiments = 2000u64;
        let covered = (0..experiments)
            .filter(|&experiment| interval(experiment).contains(truth))
            .count() as f64;
        let deviation = (0.95 * 0.05 * experiments as f64).sqrt();
        let short = 0.95 * experiments as f64 - covered;
        assert!(
            short.abs() < 4.9 * deviation + lacking * experiments as f64,
            "{covered} of {experiments}"
        );
    }

    #[test]
    fn the_interval_of_a_mean_covers_it_as_often_as_it_says() {
        covers(3.0, 0.0, |experiment| {
            let runs: Vec<f64> = (0..6).map(|run| 3.0 + 2.0 * normal(experiment, run)).collect();
            mean_interval(&runs, 0.95).expect("six runs")
        });
    }

    #[test]
    fn the_interval_of_a_ratio_covers_it_as_often_as_it_says() {
        // The jackknife is right to first order: with 20 runs and a denominator of cv 0.3 it lacks a percent or so.
        covers(0.5, 0.015, |experiment| {
            let denominators: Vec<f64> = (0..20).map(|run| 10.0 + 3.0 * normal(experiment, run)).collect();
            let numerators: Vec<f64> = denominators
                .iter()
                .zip(100..)
                .map(|(denominator, run)| 0.5 * denominator + normal(experiment, run))
                .collect();
            ratio_interval(&numerators, &denominators, 0.95).expect("twenty runs")
        });
    }

    #[test]
    fn a_mean_of_few_numbers_is_computable_by_hand() {
        // Mean 4, variance 4, n = 3: 4.302653 · 2 / √3.
        let interval = mean_interval(&[2.0, 4.0, 6.0], 0.95).expect("three runs");
        assert_eq!((interval.estimate, interval.n), (4.0, 3));
        assert!((interval.half_width() - 4.302_652_73 * 2.0 / 3f64.sqrt()).abs() < 1e-6);
        assert_eq!(mean_interval(&[1.0], 0.95), None);
    }

    #[test]
    fn pairing_takes_away_what_is_common() {
        let common: Vec<f64> = (0..10).map(|run| 100.0 * normal(1, run)).collect();
        let shifted: Vec<f64> = common
            .iter()
            .zip(0..)
            .map(|(x, run)| x + 1.0 + 0.01 * normal(2, run))
            .collect();
        let interval = paired_difference(&shifted, &common, 0.95).expect("ten runs");
        assert!(interval.contains(1.0) && interval.half_width() < 0.05, "{interval:?}");
    }

    #[test]
    fn a_ratio_without_a_denominator_has_no_interval() {
        assert_eq!(ratio_interval(&[1.0, 2.0], &[0.0, 0.0], 0.95), None);
        assert_eq!(ratio_interval(&[1.0, 2.0], &[0.0, 4.0], 0.95), None);
        let exact = ratio_interval(&[1.0, 2.0, 3.0], &[2.0, 4.0, 6.0], 0.95).expect("three runs");
        assert!((exact.estimate - 0.5).abs() < 1e-15 && exact.half_width() < 1e-14);
    }

    #[test]
    fn several_intervals_share_the_error() {
        assert!((bonferroni(0.95, 5) - 0.99).abs() < 1e-15);
        assert_eq!(bonferroni(0.95, 1), 0.95);
    }
}
