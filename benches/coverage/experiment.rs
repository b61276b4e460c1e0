//! Many experiments of one scenario, each with a seed of its own, through the code that answers users: how often the
//! interval of a figure covers what it is of.

use super::model::Model;
use std::num::NonZeroUsize;
use wavetank::blueprint::Blueprint;
use wavetank::cli::run_once;
use wavetank::experiment::precision;
use wavetank::experiment::replicate::{Workers, conduct};
use wavetank::experiment::{Cancel, Outcome, Plan, Variant};
use wavetank::probe::{Estimate, Pool};
use wavetank::stats::{Interval, clopper_pearson};

/// One experiment's answers.
#[derive(Clone, Copy, Debug)]
pub struct Answer {
    pub mean_ms: Estimate,
    pub quantile_ms: Estimate,
    pub runs: usize,
    pub cut_s: f64,
    pub not_stationary: bool,
}

/// How often the intervals of a figure covered its truth.
#[derive(Clone, Copy, Debug)]
pub struct Coverage {
    /// Of the experiments that have an interval, those whose interval holds the truth.
    pub covered: u64,
    pub with_interval: u64,
    /// Mean of half-width over truth.
    pub half_width: f64,
    /// Mean of estimate over truth, less one.
    pub bias: f64,
}

impl Coverage {
    pub fn of(truth: f64, estimates: impl Iterator<Item = Estimate>) -> Coverage {
        let mut sum = Coverage {
            covered: 0,
            with_interval: 0,
            half_width: 0.0,
            bias: 0.0,
        };
        for estimate in estimates {
            let Some((low, high)) = estimate.interval() else {
                continue;
            };
            sum.with_interval += 1;
            sum.covered += u64::from(low <= truth && truth <= high);
            sum.half_width += 0.5 * (high - low) / truth;
            sum.bias += estimate.value / truth - 1.0;
        }
        let count = sum.with_interval as f64;
        Coverage {
            half_width: sum.half_width / count,
            bias: sum.bias / count,
            ..sum
        }
    }

    /// The share that covered, with its own interval at 95 %; `None` if there was no interval at all.
    pub fn share(&self) -> Option<Interval> {
        clopper_pearson(self.covered, self.with_interval, 0.95)
    }
}

/// Does experiments with seeds from 1 on, on all cores. `quantile` is of the latency of all requests.
pub fn answers(blueprint: &Blueprint, experiments: usize, quantile: f64) -> Vec<Answer> {
    let cores = std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
    let workers = Workers::new(cores);
    let cancel = Cancel::default();
    let mut answers = Vec::new();
    let one = |at: usize| {
        let mut blueprint = blueprint.clone();
        blueprint.seed = at as u64 + 1;
        answer(&performed(blueprint, &workers), quantile)
    };
    conduct(experiments, cores, &cancel, one, |_, answer| answers.push(answer));
    answers
}

/// As `wavetank run` does it.
fn performed(blueprint: Blueprint, workers: &Workers) -> Outcome {
    let (replications, goal) = (blueprint.replications, blueprint.precision.clone());
    let plan = Plan {
        variants: &[Variant {
            name: blueprint.name.clone(),
            blueprint,
        }],
        replications,
        most: goal.as_ref().map_or(replications, |goal| goal.runs_most),
    };
    let enough = |outcomes: &[Outcome]| {
        let reached = goal.as_ref().map(|goal| precision::of_scenario(goal, &outcomes[0]));
        reached.is_none_or(|reached| reached.enough())
    };
    let mut outcomes = plan.perform(workers, &Cancel::default(), run_once, enough, |_, _| {});
    outcomes.remove(0)
}

fn answer(outcome: &Outcome, quantile: f64) -> Answer {
    let requests = Pool::new(&outcome.blueprint, &outcome.records).requests(None);
    Answer {
        mean_ms: requests.mean_ms().expect("requests are served"),
        quantile_ms: requests.latencies().quantile_ms(quantile).expect("requests are served"),
        runs: outcome.records.len(),
        cut_s: outcome.blueprint.transient.cut.seconds(),
        not_stationary: outcome.blueprint.transient.too_long.is_some(),
    }
}

/// Of the mean, and of p99 where theory knows it.
pub fn coverages(model: &Model, answers: &[Answer]) -> (Coverage, Option<Coverage>) {
    let mean = Coverage::of(1e3 * model.mean_s, answers.iter().map(|answer| answer.mean_ms));
    let p99 = model
        .p99_s
        .map(|truth| Coverage::of(1e3 * truth, answers.iter().map(|answer| answer.quantile_ms)));
    (mean, p99)
}
