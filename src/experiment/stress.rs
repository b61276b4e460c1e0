//! Load against response: where the knee is, how much is borne, and where a shock does not heal.
//!
//! Three experiments on common random numbers. *Levels*: constant loads, each measured steadily after a warm-up of its
//! own, first evenly spaced and then halved around the answers until the brackets are as narrow as was asked. *Shocks*:
//! loads below saturation are shocked and watched: those from which some run does not come back are fragile. *Ramp*: the
//! load goes up step by step, once over the top, and down again; where the way down serves less than the way up, the
//! system remembers. Which loads come next depends on what was seen, and that on the seed alone.
//!
//! What the answers mean is written in `docs/stress.md`; how they look is not here.

pub mod answers;
pub mod branches;
pub mod level;
pub mod load;
pub mod shocks;

pub use answers::{Bracket, Capacity};
pub use branches::{Branch, Branches};
pub use level::Level;
pub use load::Loading;
pub use shocks::{Shocked, Shocks};

use super::plan::{Outcome, Plan, Variant};
use super::precision;
use super::replicate::{Cancel, Workers};
use crate::blueprint::{Blueprint, Objective, Raised, Stress};
use crate::probe::{RunRecord, Verdict};

/// Nobody waits for more levels than these beyond the evenly spaced ones.
const NARROWING_LEVELS: usize = 24;
/// The load is doubled, or halved, at most so often to find where the response collapses.
const DOUBLINGS: usize = 10;
/// A response that serves less than this has collapsed,
const COLLAPSED_BELOW: f64 = 0.9;
/// and so has one that gives less than this many times as much for twice the load.
const GROWS_BY: f64 = 1.25;

/// What was found.
#[derive(Clone, Debug)]
pub struct Stressed {
    pub name: String,
    pub settings: Stress,
    /// Whose load was raised, by name; `None`: all traffic.
    pub raised: Option<String>,
    /// Requests a second at load 1, as far as they do not wait for answers.
    pub rate: f64,
    pub seed: u64,
    /// Runs of each load at the first look.
    pub replications: u32,
    /// Asked of each level; without any it is [`Stress::served`].
    pub objectives: Vec<Objective>,
    /// In order of load.
    pub levels: Vec<Level>,
    /// Where goodput over latency is highest.
    pub knee: Option<Bracket>,
    /// Where more load stops bringing more served.
    pub saturation: Option<Bracket>,
    pub capacity: Capacity,
    /// `None` if nothing was to be tried, or it was interrupted before.
    pub shocks: Option<Shocks>,
    /// `None` if the load cannot change within a run, or it was interrupted before.
    pub branches: Option<Branches>,
    pub interrupted: bool,
}

impl Stressed {
    /// How the scenario's own load stands; `None` if it was not among those tried.
    pub fn as_written(&self) -> Option<Verdict> {
        self.levels
            .iter()
            .find(|level| level.load == 1.0)
            .map(|level| level.verdict)
    }
}

/// How the runs are done, and who is told.
pub struct Effort<'a, R, P> {
    pub workers: &'a Workers,
    pub cancel: &'a Cancel,
    /// One replication of a blueprint.
    pub run: R,
    /// What is being done, how many of its runs are done, of how many.
    pub progress: P,
}

/// Stresses a scenario, given without its events and with them. `None` if it was interrupted before any load was
/// measured.
pub fn stress<R, P>(calm: &Blueprint, written: &Blueprint, mut effort: Effort<R, P>) -> Option<Stressed>
where
    R: Fn(&Blueprint, u32) -> RunRecord + Sync,
    P: FnMut(&'static str, usize, usize),
{
    let loading = Loading::new(calm, written);
    let settings = written.stress.clone();
    let settings = Stress {
        shock: settings.shock,
        ..calm.stress.clone()
    };
    let mut bench = Bench {
        loading: &loading,
        settings: &settings,
        effort: &mut effort,
        levels: Vec::new(),
    };
    bench.find_levels();
    let levels = std::mem::take(&mut bench.levels);
    if levels.is_empty() {
        return None;
    }
    let saturation = answers::saturation(&levels);
    let top = saturation
        .and_then(|saturation| saturation.low)
        .unwrap_or(levels.last().expect("there are levels").load);
    let shocks = match settings.shock {
        Some(shock) if !bench.effort.cancel.requested() => bench.shocks(shock, top),
        _ => None,
    };
    let branches = if loading.can_change() && !bench.effort.cancel.requested() {
        let over = saturation.map_or(top, |saturation| saturation.load);
        bench.branches(top, over)
    } else {
        None
    };
    let raised = match settings.raised {
        Raised::All => None,
        Raised::Traffic(traffic) => Some(calm.traffic[traffic.at()].name.clone()),
        Raised::Class(class) => Some(calm.classes[class.at()].name.clone()),
    };
    let interrupted = effort.cancel.requested();
    Some(Stressed {
        name: written.name.clone(),
        raised,
        rate: loading.requests_a_second(),
        seed: calm.seed,
        replications: calm.replications,
        objectives: calm.objectives.clone(),
        knee: answers::knee(&levels),
        saturation,
        capacity: answers::capacity(&levels),
        levels,
        shocks,
        branches,
        interrupted,
        settings,
    })
}

/// What the three experiments share.
struct Bench<'a, 'e, R, P> {
    loading: &'a Loading,
    settings: &'a Stress,
    effort: &'a mut Effort<'e, R, P>,
    /// In order of load.
    levels: Vec<Level>,
}

impl<R, P> Bench<'_, '_, R, P>
where
    R: Fn(&Blueprint, u32) -> RunRecord + Sync,
    P: FnMut(&'static str, usize, usize),
{
    /// Runs each blueprint in every replication. What an interruption left without a run is not among the outcomes.
    fn perform(&mut self, what: &'static str, blueprints: Vec<(f64, Blueprint)>) -> Vec<(f64, Outcome)> {
        if blueprints.is_empty() {
            return Vec::new();
        }
        let calm = self.loading.calm();
        let goal = calm.precision.clone();
        let loads: Vec<f64> = blueprints.iter().map(|(load, _)| *load).collect();
        let variants = blueprints.into_iter().map(|(load, blueprint)| Variant {
            name: load.to_string(),
            blueprint,
        });
        let variants: Vec<Variant> = variants.collect();
        let plan = Plan {
            variants: &variants,
            replications: calm.replications,
            most: goal.as_ref().map_or(calm.replications, |goal| goal.runs_most),
        };
        let enough = |outcomes: &[Outcome]| {
            let reached = |outcome| {
                goal.as_ref()
                    .is_none_or(|goal| precision::of_scenario(goal, outcome).enough())
            };
            outcomes.iter().all(reached)
        };
        let Effort {
            workers,
            cancel,
            run,
            progress,
        } = &mut *self.effort;
        let run = &*run;
        let outcomes = plan.perform(workers, cancel, run, enough, |done, of| progress(what, done, of));
        let seen = loads.into_iter().zip(outcomes);
        seen.filter(|(_, outcome)| !outcome.records.is_empty()).collect()
    }

    /// Measures loads that have not been measured, and puts them in their places.
    fn measure(&mut self, loads: &[f64]) {
        let mut wanted: Vec<f64> = loads.iter().map(|load| round(*load)).collect();
        wanted.sort_by(f64::total_cmp);
        wanted.dedup();
        wanted.retain(|load| *load > 0.0 && self.levels.iter().all(|level| level.load != *load));
        let Stress { warm_up, hold, .. } = *self.settings;
        let blueprints = wanted
            .iter()
            .map(|load| (*load, self.loading.constant(*load, warm_up, hold)))
            .collect();
        let served = self.settings.served;
        let seen = self.perform("levels", blueprints);
        let seen = seen.iter().map(|(load, outcome)| Level::of(*load, outcome, served));
        self.levels.extend(seen);
        self.levels.sort_by(|one, other| one.load.total_cmp(&other.load));
    }

    /// Evenly spaced levels up to where the response collapses, and more around the answers.
    fn find_levels(&mut self) {
        let Stress { from, to, levels, .. } = *self.settings;
        let to = match to {
            Some(to) => to,
            None => self.find_top(),
        };
        if self.effort.cancel.requested() {
            return;
        }
        let count = f64::from(levels);
        let from = from.filter(|from| *from < to).unwrap_or(to / count);
        let mut grid: Vec<f64> = (0..levels)
            .map(|step| from + (to - from) * f64::from(step) / (count - 1.0))
            .collect();
        if (from..=to).contains(&1.0) {
            grid.push(1.0);
        }
        self.measure(&grid);
        let resolution = self.settings.resolution.get();
        let most = self.levels.len() + NARROWING_LEVELS;
        while self.levels.len() < most && !self.effort.cancel.requested() {
            let before = self.levels.len();
            let wanted = answers::wanted(&self.levels, resolution);
            self.measure(&wanted);
            if self.levels.len() == before {
                return;
            }
        }
    }

    /// The first of the doubled loads under which the response collapses; if the scenario's own does, the last of the
    /// halved ones.
    fn find_top(&mut self) -> f64 {
        let mut load = 1.0;
        self.measure(&[load]);
        let collapsed = |levels: &[Level], load: f64| {
            let at = levels.iter().position(|level| level.load == load);
            at.is_none_or(|at| levels[at].availability() < COLLAPSED_BELOW || levels[at].was_cut_short())
        };
        if collapsed(&self.levels, load) {
            for _ in 0..DOUBLINGS {
                let half = round(load / 2.0);
                if half <= 0.0 || self.effort.cancel.requested() {
                    break;
                }
                self.measure(&[half]);
                if !collapsed(&self.levels, half) {
                    break;
                }
                load = half;
            }
            return load;
        }
        for _ in 0..DOUBLINGS {
            let before = self.levels.last().map_or(0.0, Level::goodput);
            load *= 2.0;
            self.measure(&[load]);
            let after = self.levels.last().map_or(0.0, Level::goodput);
            let done = collapsed(&self.levels, load) || after < GROWS_BY * before;
            if done || self.effort.cancel.requested() {
                break;
            }
        }
        load
    }
}

/// Evenly spaced loads below a top one, at most so many as leave a window of the timeline to each stop of the ramp.
fn below(top: f64, levels: u32) -> Vec<f64> {
    let count = levels.min(10);
    let load = |step: u32| round(top * f64::from(step) / f64::from(count));
    (1..count).map(load).collect()
}

/// To four decimals, so that a load reads as it was run.
fn round(load: f64) -> f64 {
    (load * 1e4).round() / 1e4
}

#[cfg(test)]
mod tests;
