//! How variants differ, from runs on common random numbers.
//!
//! Every figure is taken from each run alone and the difference is taken run by run, between the replications that drew
//! the same luck; the interval is that of the mean difference. All intervals of a comparison hold together at 95 %: each
//! is taken at a higher level, by Bonferroni over all that are shown. Latencies belong to the requests that were served,
//! so where the shares served differ no latency winner is named: a variant that drops its slow requests looks quick.
//! How a comparison is written and drawn is not here.

mod figure;

pub use figure::{Better, Figure};

use super::plan::Outcome;
use crate::stats::{Interval, bonferroni, mean_interval};

/// All intervals of a comparison hold together with this confidence.
pub const LEVEL: f64 = 0.95;

/// Every pair of variants in every figure.
#[derive(Clone, Debug)]
pub struct Comparison {
    pub variants: Vec<String>,
    /// Replications that all variants have.
    pub replications: usize,
    /// The level of each interval, so that all hold together at [`LEVEL`].
    pub each_level: f64,
    /// By figure, then class, then pair.
    pub rows: Vec<Row>,
}

/// One figure of two variants.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    pub figure: Figure,
    /// `None`: all request classes together, or a figure that is not about requests.
    pub class: Option<String>,
    /// The variant compared with.
    pub base: String,
    pub variant: String,
    /// Means over the runs that are paired.
    pub base_mean: f64,
    pub variant_mean: f64,
    /// Variant minus base.
    pub difference: f64,
    /// At [`Comparison::each_level`]; `None` under two pairs.
    pub interval: Option<Interval>,
    /// Replications in which both have the figure.
    pub pairs: usize,
    pub finding: Finding,
}

/// What a difference means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finding {
    /// The variant does better than the base.
    VariantBetter,
    BaseBetter,
    /// Different, but neither is better as such.
    Differs,
    /// The interval holds zero.
    WithinNoise,
    /// Every pair agrees exactly.
    Same,
    /// Latencies differ, but so do the shares served.
    SharesServedDiffer,
    /// One pair: nothing can be said about chance.
    TooFewRuns,
}

impl Row {
    /// In words: `rolling better`, `within noise`.
    pub fn words(&self) -> String {
        match self.finding {
            Finding::VariantBetter => format!("{} better", self.variant),
            Finding::BaseBetter => format!("{} better", self.base),
            Finding::Differs => "different".to_string(),
            Finding::WithinNoise => "within noise".to_string(),
            Finding::Same => "no difference".to_string(),
            Finding::SharesServedDiffer => "no winner: shares served differ".to_string(),
            Finding::TooFewRuns => "too few runs".to_string(),
        }
    }
}

/// One figure of one pair before its level is known.
struct Pair {
    figure: Figure,
    class: Option<String>,
    base: usize,
    variant: usize,
    /// Base and variant, by replication.
    values: Vec<(f64, f64)>,
}

/// Compares every variant with every one before it.
///
/// # Panics
/// If there are fewer than two variants.
pub fn compare(outcomes: &[Outcome]) -> Comparison {
    assert!(outcomes.len() >= 2, "a comparison takes two variants");
    let replications = outcomes.iter().map(|outcome| outcome.records.len()).min().unwrap_or(0);
    let pairs = pairs(outcomes, replications);
    let shown = pairs.iter().filter(|pair| pair.values.len() >= 2).count();
    let each_level = bonferroni(LEVEL, shown.max(1));
    let mut rows: Vec<Row> = pairs.iter().map(|pair| row(pair, outcomes, each_level)).collect();
    withhold_latency_winners(&mut rows);
    let variants = outcomes.iter().map(|outcome| outcome.name.clone()).collect();
    Comparison {
        variants,
        replications,
        each_level,
        rows,
    }
}

fn pairs(outcomes: &[Outcome], replications: usize) -> Vec<Pair> {
    let mut pairs = Vec::new();
    for figure in Figure::ALL {
        for class in figure.classes(&outcomes[0].blueprint) {
            let of = |outcome: &Outcome| -> Vec<Option<f64>> {
                let records = &outcome.records[..replications];
                records
                    .iter()
                    .map(|record| figure.of(&outcome.blueprint, record, class.as_deref()))
                    .collect()
            };
            let columns: Vec<_> = outcomes.iter().map(of).collect();
            for variant in 1..outcomes.len() {
                for base in 0..variant {
                    let both = columns[base].iter().zip(&columns[variant]);
                    let values: Vec<_> = both
                        .filter_map(|(base, variant)| Some(((*base)?, (*variant)?)))
                        .collect();
                    if !values.is_empty() {
                        pairs.push(Pair {
                            figure,
                            class: class.clone(),
                            base,
                            variant,
                            values,
                        });
                    }
                }
            }
        }
    }
    pairs
}

fn row(pair: &Pair, outcomes: &[Outcome], level: f64) -> Row {
    let count = pair.values.len() as f64;
    let differences: Vec<f64> = pair.values.iter().map(|(base, variant)| variant - base).collect();
    let interval = mean_interval(&differences, level);
    Row {
        figure: pair.figure,
        class: pair.class.clone(),
        base: outcomes[pair.base].name.clone(),
        variant: outcomes[pair.variant].name.clone(),
        base_mean: pair.values.iter().map(|(base, _)| base).sum::<f64>() / count,
        variant_mean: pair.values.iter().map(|(_, variant)| variant).sum::<f64>() / count,
        difference: differences.iter().sum::<f64>() / count,
        interval,
        pairs: pair.values.len(),
        finding: finding(pair.figure.better(), &differences, interval),
    }
}

fn finding(better: Better, differences: &[f64], interval: Option<Interval>) -> Finding {
    if differences.iter().all(|difference| *difference == 0.0) {
        return Finding::Same;
    }
    let Some(interval) = interval else {
        return Finding::TooFewRuns;
    };
    if interval.contains(0.0) {
        return Finding::WithinNoise;
    }
    match (better, interval.estimate > 0.0) {
        (Better::Neither, _) => Finding::Differs,
        (Better::Lower, false) | (Better::Higher, true) => Finding::VariantBetter,
        (Better::Lower, true) | (Better::Higher, false) => Finding::BaseBetter,
    }
}

/// Takes back the winners of latency rows whose class (or all requests) has another share served.
fn withhold_latency_winners(rows: &mut [Row]) {
    let key = |row: &Row| (row.class.clone(), row.base.clone(), row.variant.clone());
    let decided = |finding| matches!(finding, Finding::VariantBetter | Finding::BaseBetter);
    let shares_differ = |row: &&Row| row.figure == Figure::FailedShare && decided(row.finding);
    let uneven: Vec<_> = rows.iter().filter(shares_differ).map(key).collect();
    for row in rows
        .iter_mut()
        .filter(|row| row.figure.is_latency() && decided(row.finding))
    {
        if uneven.contains(&key(row)) {
            row.finding = Finding::SharesServedDiffer;
        }
    }
}

#[cfg(test)]
mod tests;
