//! Candidates that are run in their situations and judged by their objectives.
//!
//! The runs of the search are replications 0, 1, 2, … of the scenario's seed, the same luck for every candidate in every
//! situation; fresh runs begin beyond the most that the search may make, so that no run has part in both. Runs are folded
//! in the order of the list of what is to be run, whatever the number of threads. Of each run only what verdicts and bills
//! need is kept.

use super::procedure::{Depth, Errors, Field, Runs, Standing};
use super::strain;
use crate::blueprint::{Blueprint, Traces};
use crate::experiment::replicate::{Cancel, Workers, replicate};
use crate::experiment::verdict::{ended_early, runs_to_decide};
use crate::probe::verdict::total_usd;
use crate::probe::{Pool, RunRecord, Verdict};
use crate::scenario::{Candidate, Candidates};

/// By situation, in order of replication.
type Records = Vec<Vec<RunRecord>>;

pub struct Trials<'a, R, P> {
    candidates: Vec<Candidate>,
    situations: &'a [String],
    /// By candidate: of the search, and fresh ones.
    search: Vec<Records>,
    fresh: Vec<Records>,
    /// USD an hour, by candidate and run of the search.
    costs: Vec<Vec<f64>>,
    /// The first fresh replication.
    fresh_from: u32,
    workers: &'a Workers,
    cancel: &'a Cancel,
    run: R,
    progress: P,
    made: usize,
}

/// One run.
#[derive(Clone, Copy)]
struct Job {
    candidate: usize,
    situation: usize,
    replication: u32,
}

impl<'a, R, P> Trials<'a, R, P>
where
    R: Fn(&Blueprint, u32) -> RunRecord + Sync,
    P: FnMut(&str, usize, usize),
{
    pub fn new(
        candidates: &'a Candidates,
        most: u32,
        workers: &'a Workers,
        cancel: &'a Cancel,
        run: R,
        progress: P,
    ) -> Self {
        let mut list = candidates.list.clone();
        // Nobody looks at their traces, and following requests takes time.
        for blueprint in list.iter_mut().flat_map(|candidate| &mut candidate.blueprints) {
            blueprint.traces = Traces { sampled: 0, kept: 0 };
        }
        let none = || vec![vec![Vec::new(); candidates.situations.len()]; list.len()];
        Trials {
            search: none(),
            fresh: none(),
            costs: vec![Vec::new(); list.len()],
            candidates: list,
            situations: &candidates.situations,
            fresh_from: most,
            workers,
            cancel,
            run,
            progress,
            made: 0,
        }
    }

    pub fn candidates(&self) -> &[Candidate] {
        &self.candidates
    }

    pub fn records(&self, candidate: usize, runs: Runs) -> &[Vec<RunRecord>] {
        match runs {
            Runs::Search => &self.search[candidate],
            Runs::Fresh => &self.fresh[candidate],
        }
    }

    /// All runs so far.
    pub fn made(&self) -> usize {
        self.made
    }

    /// Dearest without runs.
    pub fn mean_cost(&self, candidate: usize) -> f64 {
        let costs = &self.costs[candidate];
        if costs.is_empty() {
            return f64::INFINITY;
        }
        costs.iter().sum::<f64>() / costs.len() as f64
    }

    /// How many runs would probably decide about a candidate if its figures stayed as they are; `None` if nothing is
    /// undecided, or if no affordable number would.
    pub fn runs_needed(&self, candidate: usize, runs: Runs, errors: Errors) -> Option<u32> {
        let records = self.records(candidate, runs);
        let tests = self.tests(records);
        let mut most = None;
        for (blueprint, records) in self.candidates[candidate].blueprints.iter().zip(records) {
            // Whichever verdict the figure leans to has to become certain.
            for error in [errors.feasible, errors.infeasible / tests] {
                let judged = at_error(blueprint, records, error).judge();
                let leaning = judged.iter().filter(|judgement| {
                    let spare = judgement.worst.margin.is_none_or(|margin| margin >= 0.0);
                    spare == (error == errors.feasible)
                });
                most = leaning.fold(most, |most, judgement| {
                    most.max(runs_to_decide(&judgement.worst, records.len()))
                });
            }
        }
        most
    }

    /// Everything that is judged of a candidate: objectives, their windows, in every situation.
    fn tests(&self, records: &[Vec<RunRecord>]) -> f64 {
        let tests: usize = records[0].first().map_or(1, |record| {
            // Objectives about cost have no windows and are one test.
            record.objectives.iter().map(|windows| windows.len().max(1)).sum()
        });
        (tests * self.situations.len()).max(1) as f64
    }

    /// What a candidate lacks in one situation.
    fn lacking(
        &self,
        candidate: usize,
        situation: usize,
        runs: Runs,
        to: u32,
    ) -> impl Iterator<Item = Job> + use<R, P> {
        let have = self.records(candidate, runs)[situation].len() as u32;
        (have..to).map(move |replication| Job {
            candidate,
            situation,
            replication,
        })
    }

    /// Does the jobs; whether all of them were done.
    fn make(&mut self, jobs: &[Job], runs: Runs, words: &str) -> bool {
        let Trials {
            candidates,
            search,
            fresh,
            costs,
            run,
            progress,
            made,
            ..
        } = self;
        let offset = match runs {
            Runs::Search => 0,
            Runs::Fresh => self.fresh_from,
        };
        let one = |index: usize| {
            let job: Job = jobs[index];
            let blueprint = &candidates[job.candidate].blueprints[job.situation];
            run(blueprint, offset + job.replication).for_verdicts()
        };
        let before = *made;
        progress(words, before, before + jobs.len());
        let done = replicate(jobs.len(), self.workers, self.cancel, one, |index, mut record| {
            let job = jobs[index];
            let kept = match runs {
                Runs::Search => &mut search[job.candidate][job.situation],
                Runs::Fresh => &mut fresh[job.candidate][job.situation],
            };
            if runs == Runs::Search && job.situation == 0 {
                costs[job.candidate].push(per_hour(&record));
            }
            if let Some(first) = kept.first_mut() {
                first.take_latencies(&mut record);
            }
            kept.push(record);
            *made += 1;
            progress(words, *made, before + jobs.len());
        });
        done == jobs.len()
    }
}

/// Two-sided intervals each of whose ends is wrong with this probability.
fn at_error<'r>(blueprint: &'r Blueprint, records: &'r [RunRecord], error: f64) -> Pool<'r> {
    Pool {
        level: 1.0 - 2.0 * error,
        ..Pool::new(blueprint, records)
    }
}

/// USD for each hour of measured time.
fn per_hour(record: &RunRecord) -> f64 {
    let hours = record.measured.seconds() / 3600.0;
    if hours > 0.0 { total_usd(record) / hours } else { 0.0 }
}

impl<R, P> Field for Trials<'_, R, P>
where
    R: Fn(&Blueprint, u32) -> RunRecord + Sync,
    P: FnMut(&str, usize, usize),
{
    fn candidates(&self) -> usize {
        self.candidates.len()
    }

    fn run(&mut self, candidates: &[usize], depth: Depth, to: u32) -> bool {
        let situations = match depth {
            Depth::Cost => 1,
            Depth::Whole => self.situations.len(),
        };
        let pairs = candidates
            .iter()
            .flat_map(|at| (0..situations).map(move |situation| (*at, situation)));
        let jobs: Vec<Job> = pairs
            .flat_map(|(at, situation)| self.lacking(at, situation, Runs::Search, to))
            .collect();
        if jobs.is_empty() {
            return true;
        }
        let words = match (candidates, depth) {
            (_, Depth::Cost) => format!("{} candidates as written, to {to} runs each", candidates.len()),
            ([one], Depth::Whole) => format!("{} in every situation, to {to} runs", self.candidates[*one].name),
            (several, Depth::Whole) => format!("{} runners-up in every situation, to {to} runs", several.len()),
        };
        self.make(&jobs, Runs::Search, &words)
    }

    fn run_fresh(&mut self, candidate: usize, to: u32) -> bool {
        let jobs: Vec<Job> = (0..self.situations.len())
            .flat_map(|situation| self.lacking(candidate, situation, Runs::Fresh, to))
            .collect();
        let words = format!("confirming {} on {to} fresh runs", self.candidates[candidate].name);
        self.make(&jobs, Runs::Fresh, &words)
    }

    fn costs(&self, candidate: usize) -> &[f64] {
        &self.costs[candidate]
    }

    fn standing(&self, candidate: usize, runs: Runs, errors: Errors) -> Standing {
        let blueprints = &self.candidates[candidate].blueprints;
        let records = self.records(candidate, runs);
        let tests = self.tests(records);
        let mut feasible = true;
        for (blueprint, records) in blueprints.iter().zip(records) {
            if records.is_empty() {
                feasible = false;
                continue;
            }
            // A run that a limit ended is a queue that grows without bound.
            if ended_early(records).is_some() {
                return Standing::Infeasible;
            }
            let judged = |error: f64| {
                let judgements = at_error(blueprint, records, error).judge().into_iter();
                judgements.map(|judgement| judgement.verdict)
            };
            if judged(errors.infeasible / tests).any(|verdict| verdict == Verdict::NotMet) {
                return Standing::Infeasible;
            }
            feasible = feasible && judged(errors.feasible).all(|verdict| verdict == Verdict::Met);
        }
        if feasible {
            Standing::Feasible
        } else {
            Standing::Undecided
        }
    }

    fn strain(&self, candidate: usize) -> f64 {
        let blueprints = self.candidates[candidate].blueprints.iter();
        let situations = blueprints.zip(&self.search[candidate]);
        let of = |(blueprint, records): (&Blueprint, &Vec<RunRecord>)| {
            let pool = Pool::new(blueprint, records);
            let objectives = blueprint.objectives.iter().enumerate();
            objectives
                .map(|(at, objective)| strain::of_objective(&pool, at, objective))
                .fold(0.0, f64::max)
        };
        situations
            .filter(|(_, records)| !records.is_empty())
            .map(of)
            .fold(0.0, f64::max)
    }
}
