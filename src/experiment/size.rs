//! The cheapest candidate that meets the objectives in every situation, with a stated confidence.
//!
//! The [`procedure`] decides which candidate is run, how often, and what may be said; [`trials`] runs candidates and
//! judges them by the scenario's objectives; here the two meet, and what came of it is put together for whoever tells it.
//! What is chosen from is described by [`crate::scenario::Candidates`].

pub mod procedure;
pub mod strain;
pub mod trials;

use super::verdict::ended_early;
use super::{Cancel, Workers};
use crate::blueprint::{Blueprint, Indifference as Zone, Objective, SizeGoal};
use crate::probe::{Estimate, Judgement, Pool, RunRecord, Verdict, estimate};
use crate::scenario::{Candidates, Choice, LeftOut};
use crate::stats::{Interval, bonferroni, paired_difference};
use procedure::{Depth, Field, Indifference, Rules, Runs, Selection, Standing, Status, select};
use trials::Trials;

/// So many of the next dearer candidates are run through every situation, so that it is known what more money buys.
const RUNNERS_UP: usize = 3;

/// What came of a search.
#[derive(Clone, Debug)]
pub struct Sizing {
    /// The first is the scenario as written.
    pub situations: Vec<String>,
    pub rules: Rules,
    pub selection: Selection,
    /// In the order of the candidates.
    pub found: Vec<Found>,
    pub objectives: Vec<Objective>,
    pub left_out: Vec<LeftOut>,
    pub choices: Vec<Choice>,
    /// All runs that were made, in whatever situation.
    pub runs: usize,
    /// The level of each paired difference, so that all hold together.
    pub each_level: f64,
}

/// What is known of a candidate.
#[derive(Clone, Debug)]
pub struct Found {
    pub name: String,
    /// Paths and values, as `--set` takes them.
    pub settings: Vec<(String, String)>,
    pub status: Status,
    /// Whether it meets everything, by the search's runs; undecided too if it was not run through everything.
    pub standing: Standing,
    /// Runs of the scenario as written, of each what-if (the fewest), and fresh ones.
    pub runs: usize,
    pub runs_of_what_ifs: usize,
    pub fresh: usize,
    /// USD an hour, as written. `None` without runs.
    pub cost: Option<Estimate>,
    /// Its cost less the winner's, USD an hour; run by run on the same luck.
    pub dearer: Option<Interval>,
    /// Of every situation that it was run in: by fresh runs, if there are any.
    pub seen: Vec<Seen>,
    /// How many runs would probably decide what is undecided about it.
    pub runs_needed: Option<u32>,
}

/// One objective in one situation.
#[derive(Clone, Debug)]
pub struct Seen {
    /// Position in [`Sizing::situations`].
    pub situation: usize,
    /// Position in [`Sizing::objectives`].
    pub objective: usize,
    pub judgement: Judgement,
    /// Of the window that comes nearest to a miss: the share that is used of what is allowed. Above 1 it is missed.
    pub strain: f64,
    /// A limit ended one of the runs.
    pub cut_short: bool,
}

impl Found {
    /// What comes nearest to a miss; `None` if nothing was seen.
    pub fn worst(&self) -> Option<&Seen> {
        // The first of equals, so that the scenario as written goes before what-ifs.
        self.seen
            .iter()
            .reduce(|worst, seen| if seen.strain > worst.strain { seen } else { worst })
    }

    /// Missed for certain, at 95 % each.
    pub fn missed(&self) -> impl Iterator<Item = &Seen> {
        self.seen
            .iter()
            .filter(|seen| seen.cut_short || seen.judgement.verdict == Verdict::NotMet)
    }
}

impl Sizing {
    pub fn winner(&self) -> Option<&Found> {
        self.selection.winner.map(|at| &self.found[at])
    }

    /// Positions of all others of a status, from the cheapest on.
    pub fn others(&self, status: Status) -> Vec<&Found> {
        let mut others: Vec<&Found> = self.found.iter().filter(|found| found.status == status).collect();
        let cost = |found: &Found| found.cost.map_or(f64::INFINITY, |cost| cost.value);
        others.sort_by(|one, other| cost(one).total_cmp(&cost(other)));
        others
    }

    /// How many runs of a candidate would probably decide; `None` if nothing is undecided, or no affordable number would.
    pub fn runs_needed(&self) -> Option<u32> {
        let undecided = self.found.iter().filter(|found| found.status == Status::Undecided);
        let needed: Option<Vec<u32>> = undecided.map(|found| found.runs_needed).collect();
        needed?.into_iter().max()
    }
}

/// What a goal means for a search that begins with so many runs.
pub fn rules(goal: &SizeGoal, first: u32) -> Rules {
    Rules {
        error: 1.0 - goal.confidence.get(),
        indifference: match goal.indifference {
            Zone::Share(share) => Indifference::Share(share.get()),
            Zone::UsdPerHour(usd) => Indifference::Absolute(usd),
        },
        first,
        most: goal.runs_most,
    }
}

/// Searches. Runs are made by `run`; `progress` hears in words what is being done, and how many runs are done of how
/// many that are known to be needed.
pub fn size(
    candidates: Candidates,
    rules: Rules,
    workers: &Workers,
    cancel: &Cancel,
    run: impl Fn(&Blueprint, u32) -> RunRecord + Sync,
    progress: impl FnMut(&str, usize, usize),
) -> Sizing {
    let mut trials = Trials::new(&candidates, rules.most, workers, cancel, run, progress);
    let selection = select(&mut trials, rules);
    if let Some(winner) = selection.winner {
        let mut dearer: Vec<usize> = (0..candidates.list.len())
            .filter(|at| selection.statuses[*at] == Status::Dearer && *at != winner)
            .collect();
        dearer.sort_by(|one, other| trials.mean_cost(*one).total_cmp(&trials.mean_cost(*other)));
        dearer.truncate(RUNNERS_UP);
        // If it is interrupted here, less is known of them.
        let _ = trials.run(&dearer, Depth::Whole, rules.first);
    }
    let each_level = bonferroni(1.0 - rules.error, candidates.list.len().saturating_sub(1));
    let found = (0..candidates.list.len())
        .map(|at| found(&trials, &selection, at, (&rules, each_level)))
        .collect();
    let runs = trials.made();
    let objectives = candidates.list[0].blueprints[0].objectives.clone();
    Sizing {
        situations: candidates.situations,
        rules,
        selection,
        found,
        objectives,
        left_out: candidates.left_out,
        choices: candidates.choices,
        runs,
        each_level,
    }
}

fn found<R, P>(trials: &Trials<R, P>, selection: &Selection, at: usize, (rules, level): (&Rules, f64)) -> Found
where
    R: Fn(&Blueprint, u32) -> RunRecord + Sync,
    P: FnMut(&str, usize, usize),
{
    let candidate = &trials.candidates()[at];
    let fresh = trials.records(at, Runs::Fresh);
    let search = trials.records(at, Runs::Search);
    let was_confirmed = fresh.iter().all(|records| !records.is_empty());
    let shown = if was_confirmed { fresh } else { search };
    let mut seen = Vec::new();
    for (situation, (records, blueprint)) in shown.iter().zip(&candidate.blueprints).enumerate() {
        if !records.is_empty() {
            seen.extend(of_situation(situation, blueprint, records));
        }
    }
    let costs = trials.costs(at);
    let dearer = selection.winner.filter(|winner| *winner != at).and_then(|winner| {
        let pairs = costs.len().min(trials.costs(winner).len());
        paired_difference(&costs[..pairs], &trials.costs(winner)[..pairs], level)
    });
    let errors = rules.errors(trials.candidates().len(), 0);
    Found {
        name: candidate.name.clone(),
        settings: candidate.settings.clone(),
        status: selection.statuses[at],
        standing: if costs.is_empty() {
            Standing::Undecided
        } else {
            trials.standing(at, Runs::Search, errors)
        },
        runs: search[0].len(),
        runs_of_what_ifs: search[1..].iter().map(Vec::len).min().unwrap_or(0),
        fresh: fresh[0].len(),
        cost: estimate::mean(costs, 0.95),
        dearer,
        runs_needed: trials.runs_needed(at, if was_confirmed { Runs::Fresh } else { Runs::Search }, errors),
        seen,
    }
}

fn of_situation(situation: usize, blueprint: &Blueprint, records: &[RunRecord]) -> Vec<Seen> {
    let pool = Pool::new(blueprint, records);
    let cut_short = ended_early(records).is_some();
    let judged = pool.judge().into_iter().zip(&blueprint.objectives).enumerate();
    judged
        .map(|(at, (judgement, objective))| Seen {
            situation,
            objective: at,
            judgement,
            strain: strain::of_objective(&pool, at, objective),
            cut_short,
        })
        .collect()
}

#[cfg(test)]
mod tests;
