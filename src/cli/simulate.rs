//! Runs a selected scenario, with its variants and to its precision, on the threads that were asked for.

use super::select::{Selected, VariantsAre};
use crate::blueprint::Blueprint;
use crate::experiment::precision::{self, Reached};
use crate::experiment::{Cancel, Comparison, Outcome, Plan, Workers, compare};
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
    pub variants_are: VariantsAre,
}

impl Simulated {
    pub fn as_written(&self) -> &Outcome {
        &self.outcomes[self.as_written]
    }

    /// Those whose objectives decide how it stands.
    pub fn judged(&self) -> &[Outcome] {
        match self.variants_are {
            VariantsAre::Changes => std::slice::from_ref(self.as_written()),
            VariantsAre::Files => self.variants(),
        }
    }

    /// The variants that are compared, in order; none if the scenario has no variants.
    pub fn variants(&self) -> &[Outcome] {
        &self.outcomes[..self.compared]
    }
}

/// Runs every variant in every replication, and in more while they are not precise enough. `progress` is told how many
/// runs are done of how many.
pub fn perform(
    selected: &Selected,
    workers: &Workers,
    cancel: &Cancel,
    progress: impl FnMut(usize, usize),
) -> Simulated {
    let goal = &selected.as_written().blueprint.precision;
    let (as_written, compared) = (selected.as_written, selected.compared);
    let plan = plan(selected);
    let look = |outcomes: &[Outcome]| {
        let comparison = (compared >= 2).then(|| compare(&outcomes[..compared]));
        let reached = goal.as_ref().map(|goal| match &comparison {
            Some(comparison) => precision::of_comparison(goal, &outcomes[..compared], comparison),
            None => precision::of_scenario(goal, &outcomes[as_written]),
        });
        (comparison, reached)
    };
    let enough = |outcomes: &[Outcome]| look(outcomes).1.is_none_or(|reached| reached.enough());
    let outcomes = plan.perform(workers, cancel, run_once, enough, progress);
    let (comparison, reached) = look(&outcomes);
    Simulated {
        reached,
        outcomes,
        as_written,
        comparison,
        compared,
        variants_are: selected.variants_are,
    }
}

fn plan(selected: &Selected) -> Plan<'_> {
    let blueprint = &selected.as_written().blueprint;
    let replications = blueprint.replications;
    Plan {
        variants: &selected.variants,
        replications,
        most: (blueprint.precision.as_ref()).map_or(replications, |goal| goal.runs_most),
    }
}

/// How many runs a scenario takes, more of them aside that its precision may ask for.
pub fn runs(selected: &Selected) -> usize {
    let plan = plan(selected);
    plan.runs(plan.replications)
}

/// One replication, seen whole, its ledger checked.
pub fn run_once(blueprint: &Blueprint, replication: u32) -> RunRecord {
    let mut recorder = Recorder::new(blueprint, replication);
    sim::run::run(blueprint, replication, &mut recorder);
    recorder.into_record()
}

/// As many threads as `--threads` says, or one for each core.
pub fn workers(asked: Option<NonZeroUsize>) -> Workers {
    let cores = || std::thread::available_parallelism().ok();
    Workers::new(asked.or_else(cores).unwrap_or(NonZeroUsize::MIN))
}
