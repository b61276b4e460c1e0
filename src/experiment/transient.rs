//! Where the transient of a steady scenario ends: the part of its time that the empty start still shows in.
//!
//! The first runs of each variant are looked at. MSER-5 (White 1997) takes the mean latency of the requests that arrived
//! in each window of the timeline, over these runs, and finds the front that is better left out. Latency and not the
//! number in the system: it is what the answer is about, it is known of every request instead of at the end of each
//! window, and by Little's law its product with the rate is that number averaged over time. MSER-5 finds something in
//! chance too, so the front is cut only if it differs from the rest by more than chance, from run to run, and by so much
//! that it matters (`docs/decisions/a-cut-needs-evidence.md`). Variants that are compared measure the same time, the
//! shortest that is settled in all of them.
//!
//! Deliberately not here: making the runs again with what was found (`plan`), and the rule itself (`stats::mser`).

use super::plan::{Outcome, Variant};
use crate::blueprint::{Blueprint, ClassIx, Kind, Scope, Transient, Truncation};
use crate::probe::RunRecord;
use crate::stats::mean_interval;
use crate::stats::mser::{self, mser5};
use crate::units::Span;
use std::ops::Range;

/// As many runs as are looked at, if so many are made.
pub const LOOKED_AT: u32 = 10;

/// By how much the mean has to move, as a share of it, unless a precision is asked for that this would spoil.
const BIAS_WORTH_A_CUT: f64 = 0.01;

/// How sure it has to be that the front is not as the rest.
const LEVEL: f64 = 0.95;

/// Whether anything may be cut of variants: if one of them is measured whole, all are.
pub fn may_be_cut(variants: &[Variant]) -> bool {
    variants.iter().all(|variant| settles(&variant.blueprint))
}

/// An objective `during` some of the time speaks of that time, settled or not.
fn settles(blueprint: &Blueprint) -> bool {
    let named = |scope| matches!(scope, Scope::During(..));
    blueprint.kind == Kind::Steady
        && blueprint.truncation == Truncation::Mser5
        && !blueprint.objectives.iter().any(|objective| named(objective.scope))
}

/// What to cut of each outcome, from its runs, which are measured whole.
pub fn found(outcomes: &[Outcome]) -> Vec<Transient> {
    let of_outcome = |outcome: &Outcome| of_runs(&outcome.records, worth_a_cut(&outcome.blueprint));
    let mut found: Vec<Transient> = outcomes.iter().map(of_outcome).collect();
    let times = |outcome: &Outcome| (outcome.blueprint.warm_up, outcome.blueprint.duration);
    // Variants of different lengths have no windows in common.
    if outcomes.windows(2).all(|pair| times(&pair[0]) == times(&pair[1])) {
        let longest = found.iter().map(|transient| transient.cut).max().unwrap_or_default();
        found.iter_mut().for_each(|transient| transient.cut = longest);
    }
    found
}

/// By what share of itself a cut has to move the mean.
fn worth_a_cut(blueprint: &Blueprint) -> f64 {
    let asked = blueprint.precision.as_ref().map(|goal| goal.half_width.get());
    asked.map_or(BIAS_WORTH_A_CUT, |half_width| BIAS_WORTH_A_CUT.min(0.1 * half_width))
}

fn of_runs(records: &[RunRecord], worth: f64) -> Transient {
    let Some((series, width)) = latencies(records) else {
        return Transient::default();
    };
    let mean = |series: &[f64]| series.iter().sum::<f64>() / series.len() as f64;
    let (best, too_long) = match mser5(&series) {
        mser::Truncation::Cut(cut) => (cut, false),
        mser::Truncation::NotStationary { best } => (best, true),
        mser::Truncation::TooShort => (0, false),
    };
    let front = Span::from_nanos(width.nanos() * best as u64);
    let moves = (mean(&series[best..]) / mean(&series) - 1.0).abs() > worth;
    if best == 0 || !moves || !differs(records, front) {
        return Transient::default();
    }
    Transient {
        cut: if too_long { Span::ZERO } else { front },
        too_long: too_long.then_some(front),
    }
}

/// Whether requests that arrived in the front took longer or shorter than those behind it in more than chance explains:
/// the interval of the difference, run by run, leaves out zero.
fn differs(records: &[RunRecord], front: Span) -> bool {
    let difference = |record: &RunRecord| {
        let windows = record.timeline.windows();
        let border = (front.nanos() / windows.width().nanos()) as usize;
        let (before, after) = (total([record], 0..border), total([record], border..windows.count()));
        Some(before.mean()? - after.mean()?)
    };
    let differences: Vec<f64> = records.iter().filter_map(difference).collect();
    mean_interval(&differences, LEVEL).is_some_and(|interval| !interval.contains(0.0))
}

/// The mean latency of the requests that arrived in each stretch of the timeline, over all runs, and how long a stretch
/// is: as few windows as leave none without a request. `None` if that takes stretches too long for the rule, or if a
/// limit ended a run.
fn latencies(records: &[RunRecord]) -> Option<(Vec<f64>, Span)> {
    if records.iter().any(|record| record.ended_early.is_some()) {
        return None;
    }
    let windows = records.first()?.timeline.windows();
    let totals: Vec<Total> = (0..windows.count())
        .map(|window| total(records, window..window + 1))
        .collect();
    (1..=totals.len() / mser::OBSERVATIONS_MIN).find_map(|together| {
        let mean = |stretch: &[Total]| {
            stretch
                .iter()
                .fold(Total::default(), |sum, each| sum.plus(*each))
                .mean()
        };
        let series: Option<Vec<f64>> = totals.chunks_exact(together).map(mean).collect();
        Some((series?, Span::from_nanos(windows.width().nanos() * together as u64)))
    })
}

/// Requests served, and the sum of their latencies in ns.
#[derive(Clone, Copy, Debug, Default)]
struct Total {
    served: u64,
    latency: u128,
}

impl Total {
    fn plus(self, other: Total) -> Total {
        Total {
            served: self.served + other.served,
            latency: self.latency + other.latency,
        }
    }

    /// `None` if none was served.
    fn mean(self) -> Option<f64> {
        (self.served > 0).then(|| self.latency as f64 / self.served as f64)
    }
}

/// Of the requests that arrived in some windows, over all classes and runs.
fn total<'a>(records: impl IntoIterator<Item = &'a RunRecord>, windows: Range<usize>) -> Total {
    let mut total = Total::default();
    for record in records {
        for class in 0..record.classes.len() {
            for cell in &record.timeline.class(ClassIx::from_usize(class))[windows.clone()] {
                total.served += cell.served();
                total.latency += u128::from(cell.latency_sum);
            }
        }
    }
    total
}

#[cfg(test)]
mod tests;
