//! The ramp: the load goes up step by step, once over the top, and down again.
//!
//! Both ways stop at the same loads for the same time, and only the second half of each stop is looked at, so that what
//! is seen has settled as far as the stop is long. A system without memory serves the same on both ways. The top is twice
//! saturation and is held for a twenty-fifth of a stop: what merely waits then, a twenty-fifth of what a stop can serve, is
//! worked off before the half of the next stop that is looked at, while what keeps itself down stays down. A ramp of finite length remembers what waits; the slower, the less.

use super::{Bench, below, round};
use crate::blueprint::{Blueprint, ClassIx};
use crate::experiment::plan::Outcome;
use crate::probe::coarse::CoarseHistogram;
use crate::probe::timeline::RequestWindow;
use crate::probe::{Estimate, RunRecord, estimate};
use crate::stats::{Interval, clopper_pearson};
use crate::units::{Instant, Span};

/// Over saturation, so many times as high.
const TOP: f64 = 2.0;
/// The top is held for this share of a stop.
const TOP_HELD: f64 = 0.04;
/// The part of a stop that is looked at.
const SETTLED: f64 = 0.5;
/// The ways of a run differ where so much less is served on the way down, as a share of what is offered.
const SLACK: f64 = 0.05;
const LEVEL: f64 = 0.95;

/// Both ways.
#[derive(Clone, Debug, PartialEq)]
pub struct Branches {
    /// In order of load.
    pub loads: Vec<Branch>,
    /// How high the ramp went.
    pub top: f64,
    pub hold: Span,
    pub runs: usize,
}

/// One load on both ways.
#[derive(Clone, Debug, PartialEq)]
pub struct Branch {
    pub load: f64,
    pub up: Way,
    pub down: Way,
    /// How much more of what is offered is served on the way up, the mean over runs.
    pub lost: Option<Estimate>,
    /// Share of the runs that serve surely less on the way down, with Clopper and Pearson's interval.
    pub differing: Option<Interval>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Way {
    /// Requests a second.
    pub offered: Option<Estimate>,
    pub served: Option<Estimate>,
    /// Served over offered.
    pub served_share: Option<Estimate>,
    pub mean_ms: Option<Estimate>,
    /// Of the pooled requests, to the fineness of the timeline's histograms.
    pub p99_ms: Option<f64>,
}

impl Branch {
    /// Whether some run serves less on the way down than on the way up.
    pub fn differs(&self) -> bool {
        self.differing.is_some_and(|share| share.low > 0.0)
    }
}

impl Branches {
    /// The lowest and the highest load at which the ways differ.
    pub fn region(&self) -> Option<(f64, f64)> {
        let mut differ = self.loads.iter().filter(|branch| branch.differs());
        let first = differ.next()?.load;
        Some((first, differ.next_back().map_or(first, |last| last.load)))
    }
}

/// A stop: its load, and when it begins and ends.
#[derive(Clone, Copy)]
struct Stop {
    load: f64,
    from: Instant,
    to: Instant,
}

impl<R, P> Bench<'_, '_, R, P>
where
    R: Fn(&Blueprint, u32) -> RunRecord + Sync,
    P: FnMut(&'static str, usize, usize),
{
    /// Goes up to where it surely still grows, over where it saturates, and down again. `None` if no run was finished.
    pub(super) fn branches(&mut self, grows: f64, saturates: f64) -> Option<Branches> {
        let loads = below(grows, self.settings.levels);
        let top = round(TOP * saturates);
        let (warm_up, hold) = (self.settings.warm_up, self.settings.ramp_hold);
        let way = loads.iter().copied();
        let course = way.clone().chain([top]).chain(way.rev());
        let mut from = Instant::ZERO + warm_up;
        let stops: Vec<Stop> = course
            .map(|load| {
                let held = if load == top { hold.scaled(TOP_HELD) } else { hold };
                let stop = Stop {
                    load,
                    from,
                    to: from + held,
                };
                from = stop.to;
                stop
            })
            .collect();
        let pieces: Vec<(Instant, f64)> = stops.iter().map(|stop| (stop.to, stop.load)).collect();
        let measured = from.since(Instant::ZERO + warm_up);
        let blueprint = self.loading.over(&pieces, 1.0, warm_up, measured);
        let seen = self.perform("ramp", vec![(top, blueprint)]);
        let (_, outcome) = seen.first()?;
        let (up, down) = stops.split_at(loads.len());
        let branches = up.iter().zip(down[1..].iter().rev()).map(|(up, down)| {
            let (mine, others) = (runs_of(outcome, up), runs_of(outcome, down));
            let lost: Vec<f64> = mine
                .iter()
                .zip(&others)
                .map(|(up, down)| up.share() - down.share())
                .collect();
            let differing = lost.iter().filter(|lost| **lost > SLACK).count();
            Branch {
                load: up.load,
                up: Way::of(&mine),
                down: Way::of(&others),
                lost: estimate::mean(&lost, LEVEL),
                differing: clopper_pearson(differing as u64, lost.len() as u64, LEVEL),
            }
        });
        Some(Branches {
            loads: branches.collect(),
            top,
            hold,
            runs: outcome.records.len(),
        })
    }
}

/// What one run saw in the settled part of a stop.
struct Held {
    sum: RequestWindow,
    seconds: f64,
}

impl Held {
    fn share(&self) -> f64 {
        self.sum.served() as f64 / (self.sum.offered() as f64).max(1.0)
    }
}

fn runs_of(outcome: &Outcome, stop: &Stop) -> Vec<Held> {
    let settled = stop.from + stop.to.since(stop.from).scaled(1.0 - SETTLED);
    let of_run = |record: &RunRecord| {
        let windows = record.timeline.windows();
        let inside = |window: &usize| {
            let (from, to) = windows.bounds(*window);
            settled <= from && to <= stop.to
        };
        let inside: Vec<usize> = (0..windows.count()).filter(inside).collect();
        let mut sum = RequestWindow::default();
        for class in (0..outcome.blueprint.classes.len()).map(ClassIx::from_usize) {
            let all = record.timeline.class(class);
            inside.iter().for_each(|window| sum.add(&all[*window]));
        }
        let seconds = inside.len() as f64 * windows.width().seconds();
        Held { sum, seconds }
    };
    outcome.records.iter().map(of_run).collect()
}

impl Way {
    fn of(runs: &[Held]) -> Way {
        let ratio = |figure: &dyn Fn(&Held) -> (f64, f64)| {
            let pairs: Vec<(f64, f64)> = runs.iter().map(figure).collect();
            estimate::ratio(&pairs, LEVEL)
        };
        let mut pooled = CoarseHistogram::default();
        runs.iter().for_each(|run| pooled.add(&run.sum.latencies));
        Way {
            offered: ratio(&|run| (run.sum.offered() as f64, run.seconds)),
            served: ratio(&|run| (run.sum.served() as f64, run.seconds)),
            served_share: ratio(&|run| (run.sum.served() as f64, run.sum.offered() as f64)).map(Estimate::as_share),
            mean_ms: ratio(&|run| (run.sum.latency_sum as f64 / 1e6, run.sum.served() as f64)),
            p99_ms: pooled.quantile(0.99).map(Span::millis),
        }
    }
}
