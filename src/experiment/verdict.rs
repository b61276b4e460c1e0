//! What the verdicts of a set of runs come to, and what more runs would bring.
//!
//! Whether one objective is met is decided by [`crate::probe::verdict`] from its interval. Here stands what concerns
//! the experiment: a run that a limit ended is an outcome too and spoils the whole; a rare outcome (one run in twenty
//! misses) has no t interval worth its name, so the share of runs that met an objective has Clopper and Pearson's; and
//! an undecided verdict says how many runs would probably decide it.

use crate::probe::verdict::WindowJudgement;
use crate::probe::{Judgement, RunRecord, Verdict};
use crate::stats::{Interval, clopper_pearson};

/// Nobody makes more runs than this for one answer.
const RUNS_MOST: f64 = 100_000.0;

/// The worst verdict; not met, whatever the figures, if a limit ended a run.
pub fn overall(judgements: &[Judgement], records: &[RunRecord]) -> Verdict {
    let cut_short = ended_early(records).is_some();
    let worst = judgements
        .iter()
        .map(|judgement| judgement.verdict)
        .max()
        .unwrap_or(Verdict::Met);
    if cut_short { Verdict::NotMet } else { worst }
}

/// How many runs a limit ended, and why the first of them; `None` if all were seen whole.
pub fn ended_early(records: &[RunRecord]) -> Option<(usize, &str)> {
    let mut reasons = records.iter().filter_map(|record| record.ended_early.as_deref());
    let first = reasons.next()?;
    Some((1 + reasons.count(), first))
}

/// The share of runs that met an objective by their own values, with its exact interval.
pub fn share_of_runs(judgement: &Judgement) -> Option<Interval> {
    clopper_pearson(judgement.runs_met as u64, judgement.runs as u64, 0.95)
}

/// How many runs would decide an undecided window if the figures stayed as they are; `None` if it is decided, if its
/// figure has no interval, or if no affordable number would (the value lies on its bound).
///
/// The half-width shrinks with the square root of the number of runs and has to come below the margin.
pub fn runs_to_decide(window: &WindowJudgement, runs: usize) -> Option<u32> {
    if window.verdict != Verdict::Undecided {
        return None;
    }
    let (low, high) = window.judged?.interval()?;
    needed(0.5 * (high - low), window.margin?, runs)
}

fn needed(half_width: f64, margin: f64, runs: usize) -> Option<u32> {
    if margin == 0.0 {
        return None;
    }
    let ratio = half_width / margin.abs();
    let needed = (runs as f64 * ratio * ratio).ceil().max(runs as f64 + 1.0);
    (needed <= RUNS_MOST).then_some(needed as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn four_times_the_runs_halve_the_interval() {
        assert_eq!(needed(0.02, 0.01, 10), Some(40));
        assert_eq!(needed(0.02, -0.01, 10), Some(40), "on either side of the bound");
        assert_eq!(needed(0.0101, 0.01, 20), Some(21));
    }

    #[test]
    fn on_the_bound_no_number_of_runs_decides() {
        assert_eq!(needed(0.02, 0.0, 10), None);
        assert_eq!(needed(0.0, 0.0, 10), None);
        assert_eq!(needed(0.02, 1e-9, 10), None);
    }
}
