//! What the levels come to: knee, saturation and capacity, each between two loads that were tried.
//!
//! A bracket is made of statements that hold at 95 % (Bonferroni where there are several): below its low end the response
//! is surely one thing, above its high end surely the other. What lies between is not decided, be it for want of runs or
//! of levels; [`wanted`] says which levels would narrow it down.

use super::level::{Level, LevelRun};
use crate::probe::Verdict;
use crate::stats::{bonferroni, mean_interval};

/// Of all statements about one bracket together.
const LEVEL: f64 = 0.95;
/// Where more load brings less than this for each request more, it is said to bring nothing.
const MARGINAL: f64 = 0.5;

/// A load between two that were tried.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bracket {
    /// The best guess.
    pub load: f64,
    /// `None`: below everything that was tried.
    pub low: Option<f64>,
    /// `None`: above everything that was tried.
    pub high: Option<f64>,
}

/// Up to where the objectives are met.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Capacity {
    /// The largest load up to which they are met under every one; `None` if not even under the lowest.
    pub met_to: Option<f64>,
    /// The smallest under which they are not; `None` if there is none.
    pub not_met_from: Option<f64>,
}

/// The load under which goodput over mean latency is highest. `None` if nothing was ever served.
pub fn knee(levels: &[Level]) -> Option<Bracket> {
    let best = highest(levels, LevelRun::power)?;
    levels.iter().any(|level| level.goodput() > 0.0).then_some(best)
}

/// The load above which a request more a second brings less than half a request more that is served: where what is served
/// less half of what is offered is highest. `None` if that was not seen, because it still grows.
pub fn saturation(levels: &[Level]) -> Option<Bracket> {
    let best = highest(levels, |run| run.served - MARGINAL * run.offered)?;
    best.high.map(|_| best)
}

/// The load under which a figure's mean over runs is highest, between those nearest to it under which it surely is lower,
/// run by run.
fn highest(levels: &[Level], figure: impl Fn(&LevelRun) -> f64) -> Option<Bracket> {
    let mean = |level: &Level| level.runs.iter().map(&figure).sum::<f64>() / (level.runs.len() as f64).max(1.0);
    let means: Vec<f64> = levels.iter().map(mean).collect();
    let best = (0..levels.len()).max_by(|&one, &other| means[one].total_cmp(&means[other]))?;
    let each = bonferroni(LEVEL, (levels.len() - 1).max(1));
    let surely_lower = |level: &&Level| {
        let pairs = levels[best].beside(level, &figure);
        let lost: Vec<f64> = pairs.iter().map(|(best, other)| best - other).collect();
        mean_interval(&lost, each).is_some_and(|it| it.low > 0.0)
    };
    Some(Bracket {
        load: levels[best].load,
        low: levels[..best].iter().rfind(surely_lower).map(|level| level.load),
        high: levels[best + 1..].iter().find(surely_lower).map(|level| level.load),
    })
}

/// Up to where the objectives are met.
pub fn capacity(levels: &[Level]) -> Capacity {
    let met = levels.iter().take_while(|level| level.verdict == Verdict::Met);
    let not_met = levels.iter().find(|level| level.verdict == Verdict::NotMet);
    Capacity {
        met_to: met.last().map(|level| level.load),
        not_met_from: not_met.map(|level| level.load),
    }
}

/// Loads that would narrow the answers down, where their brackets are wider than this share of the load.
pub fn wanted(levels: &[Level], resolution: f64) -> Vec<f64> {
    let mut wanted = Vec::new();
    let mut halve = |(lower, higher): (&Level, &Level), share: f64| {
        if higher.load - lower.load > share * higher.load {
            wanted.push((lower.load + higher.load) / 2.0);
        }
    };
    let pairs = || levels.iter().zip(levels.iter().skip(1));
    let capacity = capacity(levels);
    for pair in pairs().filter(|(lower, higher)| lower.verdict != higher.verdict) {
        // Beyond the first load under which they are not met nothing is asked.
        if capacity.not_met_from.is_none_or(|from| pair.1.load <= from) {
            halve(pair, resolution);
        }
    }
    // A maximum is the flatter the nearer: power is flat, and levels too near to it would not be told from it.
    for (best, share) in [(saturation(levels), resolution), (knee(levels), 2.0 * resolution)] {
        let Some(best) = best else { continue };
        for pair in pairs().filter(|(lower, higher)| lower.load == best.load || higher.load == best.load) {
            halve(pair, share);
        }
    }
    wanted
}
