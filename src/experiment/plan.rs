//! What is to be run: variants of a scenario, each in the same number of replications, given or found by looking.
//!
//! All variants of one replication draw the same luck (same seed, same replication), so their differences can be
//! paired. Runs are ordered by replication first, then by variant: an interrupted plan has whole pairs, and what is left
//! of the last one is dropped.

use super::replicate::{Cancel, Workers, replicate};
use super::transient;
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
    fn without_runs(&self) -> Outcome {
        Outcome {
            name: self.name.clone(),
            blueprint: self.blueprint.clone(),
            records: Vec::new(),
            planned: self.planned,
        }
    }

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
    ///
    /// Of steady variants the first runs are looked at for a [`transient`]. If there is one, they are made again without
    /// it, for a run cannot forget its beginning, and progress begins anew.
    pub fn perform(
        &self,
        workers: &Workers,
        cancel: &Cancel,
        run: impl Fn(&Blueprint, u32) -> RunRecord + Sync,
        mut enough: impl FnMut(&[Outcome]) -> bool,
        mut progress: impl FnMut(usize, usize),
    ) -> Vec<Outcome> {
        let mut planned = self.replications;
        let mut outcomes: Vec<Outcome> = self.variants.iter().map(|variant| variant.before(planned)).collect();
        let mut go_on = |outcomes: &mut [Outcome], replications| {
            go_on(outcomes, replications, workers, cancel, &run, &mut progress)
        };
        if transient::may_be_cut(self.variants) {
            let first = transient::LOOKED_AT.min(planned);
            if go_on(&mut outcomes, first) == Going::Interrupted {
                return outcomes;
            }
            if let Some(whole) = cut(&mut outcomes)
                && go_on(&mut outcomes, first) == Going::Interrupted
            {
                // What was finished is kept, cut or not.
                let any = outcomes.iter().any(|outcome| !outcome.records.is_empty());
                return if any { outcomes } else { whole };
            }
        }
        loop {
            let going = go_on(&mut outcomes, planned);
            if going == Going::Interrupted || planned >= self.most || enough(&outcomes) {
                return outcomes;
            }
            planned = planned.saturating_mul(2).min(self.most);
            outcomes.iter_mut().for_each(|outcome| outcome.planned = planned);
        }
    }
}

/// Whether there is time for more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Going {
    On,
    Interrupted,
}

/// Makes the runs of all variants that lack for `replications` of each. An interruption leaves whole pairs.
fn go_on(
    outcomes: &mut [Outcome],
    replications: u32,
    workers: &Workers,
    cancel: &Cancel,
    run: &(impl Fn(&Blueprint, u32) -> RunRecord + Sync),
    progress: &mut impl FnMut(usize, usize),
) -> Going {
    let count = outcomes.len();
    let (first, runs) = (count * outcomes[0].records.len(), count * replications as usize);
    let planned = count * outcomes[0].planned as usize;
    progress(first, planned);
    let (blueprints, mut records): (Vec<&Blueprint>, Vec<&mut Vec<RunRecord>>) = outcomes
        .iter_mut()
        .map(|outcome| (&outcome.blueprint, &mut outcome.records))
        .unzip();
    let one = |index: usize| {
        let index = first + index;
        let replication = u32::try_from(index / count).expect("replications are 32-bit");
        run(blueprints[index % count], replication)
    };
    let done = replicate(runs - first, workers, cancel, one, |index, record| {
        records[index % count].push(record);
        progress(first + index + 1, planned);
    });
    if first + done == runs {
        return Going::On;
    }
    let whole = (first + done) / count;
    records.iter_mut().for_each(|records| records.truncate(whole));
    Going::Interrupted
}

/// Cuts the transient that the runs made so far show; if there is any to be cut, they are given back as they were, and
/// are to be made again.
fn cut(outcomes: &mut [Outcome]) -> Option<Vec<Outcome>> {
    let found = transient::found(outcomes);
    for (outcome, transient) in outcomes.iter_mut().zip(&found) {
        outcome.blueprint.transient.too_long = transient.too_long;
    }
    if found.iter().all(|transient| transient.cut.is_zero()) {
        return None;
    }
    let cut = outcomes.iter_mut().zip(&found).map(|(outcome, transient)| {
        let mut anew = outcome.without_runs();
        anew.blueprint.transient = *transient;
        std::mem::replace(outcome, anew)
    });
    Some(cut.collect())
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
