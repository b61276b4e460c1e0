//! What is to be run: variants of a scenario, each in the same number of replications.
//!
//! All variants of one replication draw the same luck (same seed, same replication), so their differences can be
//! paired. Runs are ordered by replication first, then by variant: an interrupted plan has whole pairs, and what is left
//! of the last one is dropped.

use super::replicate::{Cancel, replicate};
use crate::blueprint::Blueprint;
use crate::probe::RunRecord;
use std::num::NonZeroUsize;

/// One way to set up the world.
#[derive(Clone, Debug)]
pub struct Variant {
    /// For files and labels; the scenario as written is called by its own name.
    pub name: String,
    pub blueprint: Blueprint,
}

/// Variants, and how often each is run.
#[derive(Clone, Debug)]
pub struct Plan {
    /// At least one; the first is what the others are compared with.
    pub variants: Vec<Variant>,
    pub replications: u32,
    pub threads: NonZeroUsize,
}

/// The runs of one variant.
#[derive(Clone, Debug)]
pub struct Outcome {
    pub name: String,
    pub blueprint: Blueprint,
    /// In order of replication, without gaps.
    pub records: Vec<RunRecord>,
    /// How many were asked for; more than there are records only after an interruption.
    pub planned: u32,
}

impl Outcome {
    pub fn was_interrupted(&self) -> bool {
        self.records.len() < self.planned as usize
    }
}

impl Plan {
    /// Runs over all variants.
    pub fn runs(&self) -> usize {
        self.variants.len() * self.replications as usize
    }

    /// Does the runs, each by `run`, and tells `progress` after each how many are done. One outcome a variant, in order.
    pub fn perform(
        self,
        cancel: &Cancel,
        run: impl Fn(&Blueprint, u32) -> RunRecord + Sync,
        mut progress: impl FnMut(usize),
    ) -> Vec<Outcome> {
        let count = self.variants.len();
        let (variants, replications) = (&self.variants, self.replications);
        let mut records: Vec<Vec<RunRecord>> = vec![Vec::new(); count];
        let one = |index: usize| {
            let replication = u32::try_from(index / count).expect("replications are 32-bit");
            run(&variants[index % count].blueprint, replication)
        };
        let done = replicate(self.runs(), self.threads, cancel, one, |index, record| {
            records[index % count].push(record);
            progress(index + 1);
        });
        let whole = done / count;
        let outcomes = self.variants.into_iter().zip(records).map(|(variant, mut records)| {
            records.truncate(whole);
            Outcome {
                name: variant.name,
                blueprint: variant.blueprint,
                records,
                planned: replications,
            }
        });
        outcomes.collect()
    }
}
