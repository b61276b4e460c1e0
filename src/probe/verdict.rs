//! Whether the objectives were met, and by how much.
//!
//! A verdict compares the interval of a figure with its bound: met or not met if the whole interval lies on one side,
//! undecided if it straddles the bound. Where there is no interval (one run, or all runs agree), the value decides. An
//! objective over several windows is as good as its worst window.
//!
//! A latency objective is judged by the share of served requests within its bound, which is exact; the percentile is
//! shown beside it.

use super::estimate::{self, Estimate, Precision};
use super::pool::Pool;
use super::record::{ObjectiveWindow, RunRecord};
use crate::blueprint::{Measure, Objective, Scope};
use crate::probe::coarse::CoarseHistogram;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    // In order of how bad they are: the worst window is the maximum.
    Met,
    Undecided,
    NotMet,
}

impl Verdict {
    pub const fn name(self) -> &'static str {
        match self {
            Verdict::Met => "met",
            Verdict::Undecided => "undecided",
            Verdict::NotMet => "not met",
        }
    }
}

/// What became of one objective.
#[derive(Clone, Debug, PartialEq)]
pub struct Judgement {
    pub verdict: Verdict,
    /// The window that decides: the worst one.
    pub worst: WindowJudgement,
    /// Windows in which requests were offered, and how many of them were met.
    pub windows: usize,
    pub windows_met: usize,
    /// Runs that, by their own values, met it in every window.
    pub runs_met: usize,
    pub runs: usize,
}

/// One window of one objective.
#[derive(Clone, Debug, PartialEq)]
pub struct WindowJudgement {
    pub verdict: Verdict,
    /// On the user's clock, seconds.
    pub from_s: f64,
    pub to_s: f64,
    /// In the measure's unit: ms, share, or USD an hour. `None` if nothing was served.
    pub value: Option<f64>,
    pub bound: f64,
    /// What the verdict compares: the share within the latency bound, or the value itself.
    pub judged: Option<Estimate>,
    /// Of the judged figure, how far on the good side of its bound; negative on the bad side.
    pub margin: Option<f64>,
}

/// The unit of a measure's value and bound, for column and label.
pub const fn unit(measure: &Measure) -> &'static str {
    match measure {
        Measure::Latency { .. } | Measure::MeanLatency { .. } => "ms",
        Measure::Availability { .. } => "share",
        Measure::CostPerHour { .. } => "USD/h",
    }
}

/// Which side of its bound a figure has to be on.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Rule {
    AtMost(f64),
    AtLeast(f64),
}

impl Rule {
    fn margin(self, value: f64) -> f64 {
        match self {
            Rule::AtMost(bound) => bound - value,
            Rule::AtLeast(bound) => value - bound,
        }
    }

    fn verdict(self, estimate: &Estimate) -> Verdict {
        let (low, high) = estimate.interval().unwrap_or((estimate.value, estimate.value));
        let (worse, better) = match self {
            Rule::AtMost(_) => (self.margin(high), self.margin(low)),
            Rule::AtLeast(_) => (self.margin(low), self.margin(high)),
        };
        if worse >= 0.0 {
            Verdict::Met
        } else if better < 0.0 {
            Verdict::NotMet
        } else {
            Verdict::Undecided
        }
    }
}

impl Pool<'_> {
    /// One judgement for each of the blueprint's objectives, in order.
    pub fn judge(&self) -> Vec<Judgement> {
        let objectives = self.blueprint.objectives.iter().enumerate();
        objectives
            .map(|(at, objective)| self.judge_one(at, objective))
            .collect()
    }

    /// Every window of one objective in which requests were offered, in order of time.
    pub fn judge_windows(&self, at: usize, objective: &Objective) -> Vec<WindowJudgement> {
        if let Measure::CostPerHour { at_most_usd } = objective.measure {
            return vec![self.judge_cost(at_most_usd)];
        }
        let count = self.records.first().map_or(0, |record| record.objectives[at].len());
        (0..count)
            .filter_map(|window| self.judge_window(at, objective, window))
            .collect()
    }

    fn judge_one(&self, at: usize, objective: &Objective) -> Judgement {
        let windows = self.judge_windows(at, objective);
        let met = |window: &&WindowJudgement| window.verdict == Verdict::Met;
        let runs_met = self.records.iter().filter(|&record| {
            let alone = Pool {
                records: std::slice::from_ref(record),
                ..*self
            };
            let windows = alone.judge_windows(at, objective);
            // A run that saw no such request has met nothing.
            !windows.is_empty() && windows.iter().all(|window| window.verdict == Verdict::Met)
        });
        let by_badness = |a: &&WindowJudgement, b: &&WindowJudgement| {
            let margin = |window: &WindowJudgement| window.margin.unwrap_or(f64::NEG_INFINITY);
            // Of equals the first window wins, hence the reversal of `max_by`'s preference for the last.
            a.verdict
                .cmp(&b.verdict)
                .then(margin(b).total_cmp(&margin(a)))
                .then(b.from_s.total_cmp(&a.from_s))
        };
        let worst = windows
            .iter()
            .max_by(by_badness)
            .cloned()
            .unwrap_or_else(|| self.nothing_offered(objective));
        Judgement {
            verdict: worst.verdict,
            windows_met: windows.iter().filter(met).count(),
            windows: windows.len(),
            runs_met: runs_met.count(),
            runs: self.records.len(),
            worst,
        }
    }

    /// An objective about requests that never came is neither met nor missed.
    fn nothing_offered(&self, objective: &Objective) -> WindowJudgement {
        let bound = match objective.measure {
            Measure::Latency { at_most, .. } | Measure::MeanLatency { at_most } => at_most.millis(),
            Measure::Availability { at_least } => at_least.get(),
            Measure::CostPerHour { at_most_usd } => at_most_usd,
        };
        let (from_s, to_s) = match objective.scope {
            Scope::During(from, to) => (from.seconds(), to.seconds()),
            Scope::Whole | Scope::Every(_) => self.measured_s(),
        };
        WindowJudgement {
            verdict: Verdict::Undecided,
            from_s,
            to_s,
            value: None,
            bound,
            judged: None,
            margin: None,
        }
    }

    /// From when to when is measured, on the user's clock.
    fn measured_s(&self) -> (f64, f64) {
        let blueprint = self.blueprint;
        (
            blueprint.clock(blueprint.measured_from()),
            blueprint.clock(blueprint.horizon()),
        )
    }

    fn judge_window(&self, at: usize, objective: &Objective, window: usize) -> Option<WindowJudgement> {
        let cells: Vec<&ObjectiveWindow> = self
            .records
            .iter()
            .map(|record| &record.objectives[at][window])
            .collect();
        if cells.iter().all(|cell| cell.offered == 0) {
            return None;
        }
        let ratio = |of: &dyn Fn(&ObjectiveWindow) -> (f64, f64)| {
            let runs: Vec<_> = cells.iter().map(|cell| of(cell)).collect();
            estimate::ratio(&runs, self.level)
        };
        let served = |cell: &ObjectiveWindow| cell.served as f64;
        let (value, bound, judged, rule) = match objective.measure {
            Measure::Latency { quantile, at_most } => {
                let share = ratio(&|cell| (cell.within as f64, served(cell))).map(Estimate::as_share);
                let value = self.quantile_ms(objective, quantile, &cells);
                (value, at_most.millis(), share, Rule::AtLeast(quantile))
            }
            Measure::MeanLatency { at_most } => {
                let mean = ratio(&|cell| (cell.latency_sum as f64 / 1e6, served(cell)));
                (
                    mean.map(|mean| mean.value),
                    at_most.millis(),
                    mean,
                    Rule::AtMost(at_most.millis()),
                )
            }
            Measure::Availability { at_least } => {
                let share = ratio(&|cell| (served(cell), cell.offered as f64)).map(Estimate::as_share);
                (
                    share.map(|share| share.value),
                    at_least.get(),
                    share,
                    Rule::AtLeast(at_least.get()),
                )
            }
            Measure::CostPerHour { .. } => unreachable!("cost has no windows"),
        };
        let (from_s, to_s) = (self.blueprint.clock(cells[0].from), self.blueprint.clock(cells[0].to));
        Some(WindowJudgement {
            // Offered but none served: there is no latency, and nothing was quick enough.
            verdict: judged.as_ref().map_or(Verdict::NotMet, |judged| rule.verdict(judged)),
            from_s,
            to_s,
            value,
            bound,
            judged,
            margin: judged.map(|judged| rule.margin(judged.value)),
        })
    }

    fn quantile_ms(&self, objective: &Objective, quantile: f64, cells: &[&ObjectiveWindow]) -> Option<f64> {
        if objective.scope == Scope::Whole {
            let mine = |cell: &super::Cell| objective.class.is_none_or(|class| cell.class == class);
            return self
                .latencies(mine)
                .quantile_ms(quantile)
                .map(|estimate| estimate.value);
        }
        let mut pooled = CoarseHistogram::default();
        for cell in cells {
            pooled.add(&cell.latencies);
        }
        pooled.quantile(quantile).map(|latency| latency.millis())
    }

    fn judge_cost(&self, at_most_usd: f64) -> WindowJudgement {
        let runs: Vec<_> = self
            .records
            .iter()
            .map(|record| (total_usd(record), record.measured.seconds() / 3600.0))
            .collect();
        let judged = estimate::ratio(&runs, self.level);
        let rule = Rule::AtMost(at_most_usd);
        let (from_s, to_s) = self.measured_s();
        WindowJudgement {
            verdict: judged
                .as_ref()
                .map_or(Verdict::Undecided, |judged| rule.verdict(judged)),
            from_s,
            to_s,
            value: judged.map(|judged| judged.value),
            bound: at_most_usd,
            judged,
            margin: judged.map(|judged| rule.margin(judged.value)),
        }
    }
}

/// What the measured time of one run costs.
pub fn total_usd(record: &RunRecord) -> f64 {
    record
        .cost
        .iter()
        .map(|line| line.amount)
        .fold(crate::units::MicroUsd::default(), |sum, each| sum + each)
        .usd()
}

impl WindowJudgement {
    pub fn precision(&self) -> Option<Precision> {
        self.judged.map(|judged| judged.precision)
    }
}
