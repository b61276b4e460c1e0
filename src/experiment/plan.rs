//! What is to be run: variants of a scenario, each in the same number of replications, given or found by looking.
//!
//! All variants of one replication draw the same luck (same seed, same replication), so their differences can be
//! paired. Runs are ordered by replication first, then by variant: an interrupted plan has whole pairs, and what is left
//! of the last one is dropped.

use super::replicate::{Cancel, Workers, replicate};
use crate::blueprint::Blueprint;
use crate::probe::RunRecord;

/// One way to set up the world.
#[derive(Clone, Debug)]
pub struct Variant {
    /// For files and labels; the scenario as written is called by its own name.
    pub name: String,
    pub blueprint: Blueprint,
}

/// Variants, and how often each is run.
#[derive(Clone, Debug)]
pub struct Plan<'a> {
    /// At least one; the first is what the others are compared with.
    pub variants: &'a [Variant],
    /// Of each variant; the first look at them is taken after so many.
    pub replications: u32,
    /// As long as a look does not find enough, the number doubles up to this.
    pub most: u32,
}

/// The runs of one variant.
#[derive(Clone, Debug)]
pub struct Outcome {
    pub name: String,
    pub blueprint: Blueprint,
    /// In order of replication, without gaps.
    pub records: Vec<RunRecord>,
    /// How many were to be made by the last look; more than there are records only after an interruption.
    pub planned: u32,
}

impl Outcome {
    pub fn was_interrupted(&self) -> bool {
        self.records.len() < self.planned as usize
    }
}

impl Plan<'_> {
    /// Runs of all variants until a look has been taken after `replications` of each.
    pub fn runs(&self, replications: u32) -> usize {
        self.variants.len() * replications as usize
    }

    /// Does the runs, each by `run`, and tells `progress` how many are done of how many, at first and after each. After
    /// each look short of the most, `enough` says whether to stop. One outcome a variant, in order.
    pub fn perform(
        &self,
        workers: &Workers,
        cancel: &Cancel,
        run: impl Fn(&Blueprint, u32) -> RunRecord + Sync,
        mut enough: impl FnMut(&[Outcome]) -> bool,
        mut progress: impl FnMut(usize, usize),
    ) -> Vec<Outcome> {
        let count = self.variants.len();
        let mut planned = self.replications;
        let mut outcomes: Vec<Outcome> = self.variants.iter().map(|variant| variant.before(planned)).collect();
        let mut first = 0;
        loop {
            let runs = self.runs(planned);
            progress(first, runs);
            let one = |index: usize| {
                let index = first + index;
                let replication = u32::try_from(index / count).expect("replications are 32-bit");
                run(&self.variants[index % count].blueprint, replication)
            };
            let done = replicate(runs - first, workers, cancel, one, |index, record| {
                outcomes[index % count].records.push(record);
                progress(first + index + 1, runs);
            });
            if first + done < runs {
                let whole = (first + done) / count;
                outcomes.iter_mut().for_each(|outcome| outcome.records.truncate(whole));
                return outcomes;
            }
            if planned >= self.most || enough(&outcomes) {
                return outcomes;
            }
            first = runs;
            planned = planned.saturating_mul(2).min(self.most);
            outcomes.iter_mut().for_each(|outcome| outcome.planned = planned);
        }
    }
}

impl Variant {
    /// An outcome without any run.
    fn before(&self, planned: u32) -> Outcome {
        Outcome {
            name: self.name.clone(),
            blueprint: self.blueprint.clone(),
            records: Vec::new(),
            planned,
        }
    }
}
