//! Runs a selected scenario under the eyes of the user: progress, Ctrl-C, and the number of threads.

use super::progress::Progress;
use super::select::Selected;
use super::terminal::Terminal;
use crate::blueprint::Blueprint;
use crate::experiment::precision::{self, Reached};
use crate::experiment::{Cancel, Comparison, Outcome, Plan, compare};
use crate::probe::{Recorder, RunRecord};
use crate::sim;
use std::num::NonZeroUsize;

/// A scenario that has been run.
pub struct Simulated {
    pub outcomes: Vec<Outcome>,
    /// Position in `outcomes` of the scenario as written.
    pub as_written: usize,
    /// If there is a precision to reach.
    pub reached: Option<Reached>,
    /// If it has variants.
    pub comparison: Option<Comparison>,
    /// How many of `outcomes`, from the first, are the variants that are compared.
    pub compared: usize,
}

impl Simulated {
    pub fn as_written(&self) -> &Outcome {
        &self.outcomes[self.as_written]
    }

    /// The variants that are compared, in order; none if the scenario has no variants.
    pub fn variants(&self) -> &[Outcome] {
        &self.outcomes[..self.compared]
    }
}

/// Runs every variant in every replication, and in more while they are not precise enough.
pub fn perform(terminal: &Terminal, selected: Selected, threads: NonZeroUsize, cancel: &Cancel) -> Simulated {
    let as_written = &selected.as_written().blueprint;
    let (replications, goal) = (as_written.replications, as_written.precision.clone());
    let Selected {
        name,
        variants,
        as_written,
        compared,
        ..
    } = selected;
    let plan = Plan {
        variants,
        replications,
        most: goal.as_ref().map_or(replications, |goal| goal.runs_most),
        threads,
    };
    let mut progress = Progress::new(terminal, &name);
    let look = |outcomes: &[Outcome]| {
        let comparison = (compared >= 2).then(|| compare(&outcomes[..compared]));
        let reached = goal.as_ref().map(|goal| match &comparison {
            Some(comparison) => precision::of_comparison(goal, &outcomes[..compared], comparison),
            None => precision::of_scenario(goal, &outcomes[as_written]),
        });
        (comparison, reached)
    };
    let enough = |outcomes: &[Outcome]| look(outcomes).1.is_none_or(|reached| reached.enough());
    let outcomes = plan.perform(cancel, run_once, enough, |done, of| progress.is_at(done, of));
    progress.end();
    let (comparison, reached) = look(&outcomes);
    Simulated {
        reached,
        outcomes,
        as_written,
        comparison,
        compared,
    }
}

/// One replication, seen whole, its ledger checked.
pub fn run_once(blueprint: &Blueprint, replication: u32) -> RunRecord {
    let mut recorder = Recorder::new(blueprint, replication);
    sim::run::run(blueprint, replication, &mut recorder);
    recorder.into_record()
}

/// What `--threads` says, or one for each core.
pub fn threads(asked: Option<NonZeroUsize>) -> NonZeroUsize {
    asked
        .or_else(|| std::thread::available_parallelism().ok())
        .unwrap_or(NonZeroUsize::MIN)
}
