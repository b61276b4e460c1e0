//! A figure over replications, and how precisely it is known.
//!
//! The unit of chance is the replication: requests of one run wait in the same queue and are not independent, so no
//! interval is ever made from requests. Figures are ratios of totals (served over offered, summed latency over served)
//! and percentiles of the pooled requests; how their intervals are made is in [`crate::stats`].
//!
//! Where no honest interval exists, the figure says why instead of showing one.

use crate::stats::percentile::RUNS_MIN;
use crate::stats::{Interval, LatencyHistogram, Percentile, mean_interval, percentile, ratio_interval};

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    pub value: f64,
    pub precision: Precision,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Precision {
    /// The interval at the level asked for.
    Between { low: f64, high: f64 },
    /// Fewer than 2 runs; for a percentile, fewer than 10.
    TooFewRuns,
    /// Fewer than 100 requests beyond the percentile.
    TooFewRequests,
    /// All runs agree exactly: there is no spread to make an interval from.
    AllAgree,
}

impl Precision {
    /// For note columns; empty where there is an interval.
    pub const fn note(self) -> &'static str {
        match self {
            Precision::Between { .. } => "",
            Precision::TooFewRuns => "too few runs",
            Precision::TooFewRequests => "too few requests",
            Precision::AllAgree => "all runs agree",
        }
    }
}

impl Estimate {
    pub fn interval(&self) -> Option<(f64, f64)> {
        match self.precision {
            Precision::Between { low, high } => Some((low, high)),
            _ => None,
        }
    }

    /// A share lies in [0, 1], and so does its interval.
    pub fn as_share(self) -> Estimate {
        let precision = match self.precision {
            Precision::Between { low, high } => Precision::Between {
                low: low.max(0.0),
                high: high.min(1.0),
            },
            other => other,
        };
        Estimate { precision, ..self }
    }

    /// The share failed from the share served, or the other way round.
    pub fn complement(self) -> Estimate {
        let precision = match self.precision {
            Precision::Between { low, high } => Precision::Between {
                low: 1.0 - high,
                high: 1.0 - low,
            },
            other => other,
        };
        Estimate {
            value: 1.0 - self.value,
            precision,
        }
    }

    /// The same figure in another unit.
    pub fn scaled(self, factor: f64) -> Estimate {
        let precision = match self.precision {
            Precision::Between { low, high } => Precision::Between {
                low: low * factor,
                high: high * factor,
            },
            other => other,
        };
        Estimate {
            value: self.value * factor,
            precision,
        }
    }
}

/// The mean over runs with its t interval. `None` without runs.
pub fn mean(values: &[f64], level: f64) -> Option<Estimate> {
    if values.is_empty() {
        return None;
    }
    let value = values.iter().sum::<f64>() / values.len() as f64;
    Some(Estimate {
        value,
        precision: precision(value, mean_interval(values, level)),
    })
}

/// Σ numerator / Σ denominator over runs, with the jackknife's interval. `None` if the denominators sum to 0.
///
/// The value is the plain ratio of the totals, so that it can be recomputed from the counts in the tables; the interval
/// is about the jackknife's estimate, which differs from it by far less than the interval's width.
pub fn ratio(runs: &[(f64, f64)], level: f64) -> Option<Estimate> {
    let (numerators, denominators): (Vec<f64>, Vec<f64>) = runs.iter().copied().unzip();
    let below: f64 = denominators.iter().sum();
    if below <= 0.0 {
        return None;
    }
    let value = numerators.iter().sum::<f64>() / below;
    Some(Estimate {
        value,
        precision: precision(value, ratio_interval(&numerators, &denominators, level)),
    })
}

fn precision(value: f64, interval: Option<Interval>) -> Precision {
    match interval {
        None => Precision::TooFewRuns,
        // What is left between equal runs is rounding, not spread.
        Some(interval) if interval.half_width() <= 1e-12 * value.abs() => Precision::AllAgree,
        Some(interval) => Precision::Between {
            low: interval.low,
            high: interval.high,
        },
    }
}

/// Quantile of the pooled requests of all runs, in ms. `None` without requests.
pub fn quantile_ms(runs: &[LatencyHistogram], quantile: f64, level: f64) -> Option<Estimate> {
    let runs: Vec<&LatencyHistogram> = runs.iter().collect();
    match percentile(&runs, quantile, level) {
        Percentile::Nothing => None,
        Percentile::Known { estimate, low, high } => Some(Estimate {
            value: estimate.millis(),
            precision: Precision::Between {
                low: low.millis(),
                high: high.millis(),
            },
        }),
        Percentile::TooFew { estimate } => {
            let too_few = if runs.len() < RUNS_MIN {
                Precision::TooFewRuns
            } else {
                Precision::TooFewRequests
            };
            Some(Estimate {
                value: estimate.millis(),
                precision: too_few,
            })
        }
    }
}
