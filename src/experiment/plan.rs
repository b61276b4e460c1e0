//! What is to be run: variants of a scenario, each in the same number of replications, given or found by looking.
//!
//! All variants of one replication draw the same luck (same seed, same replication), so their differences can be
//! paired. Runs are ordered by replication first, then by variant: an interrupted plan has whole pairs, and what is left
//! of the last one is dropped.

use super::replicate::{Cancel, replicate};
use super::transient;
use crate::blueprint::Blueprint;
use crate::probe::RunRecord;
use crate::units::Span;
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
    /// Of each variant; the first look at them is taken after so many.
    pub replications: u32,
    /// As long as a look does not find enough, the number doubles up to this.
    pub most: u32,
    pub threads: NonZeroUsize,
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

impl Plan {
    /// Does the runs, each by `run`, and tells `progress` how many are done of how many, at first and after each. After
    /// each look short of the most, `enough` says whether to stop. One outcome a variant, in order.
    ///
    /// Of steady variants the first few runs are looked at for a [`transient`]. If there is one, they are made again
    /// without it, and progress begins anew.
    pub fn perform(
        mut self,
        cancel: &Cancel,
        run: impl Fn(&Blueprint, u32) -> RunRecord + Sync,
        mut enough: impl FnMut(&[Outcome]) -> bool,
        mut progress: impl FnMut(usize, usize),
    ) -> Vec<Outcome> {
        let mut planned = self.replications;
        let mut outcomes: Vec<Outcome> = self.variants.iter().map(|variant| variant.before(planned)).collect();
        if transient::may_be_cut(&self.variants) {
            let first = transient::LOOKED_AT.min(planned);
            if self.go_on(first, &mut outcomes, cancel, &run, &mut progress) == Going::Interrupted {
                return outcomes;
            }
            let whole = self.cut(&mut outcomes);
            if let Some(whole) = whole {
                let going = self.go_on(first, &mut outcomes, cancel, &run, &mut progress);
                if going == Going::Interrupted {
                    // What was finished is kept, cut or not.
                    let any = outcomes.iter().any(|outcome| !outcome.records.is_empty());
                    return if any { outcomes } else { whole };
                }
            }
        }
        loop {
            let going = self.go_on(planned, &mut outcomes, cancel, &run, &mut progress);
            if going == Going::Interrupted || planned >= self.most || enough(&outcomes) {
                return outcomes;
            }
            planned = planned.saturating_mul(2).min(self.most);
            outcomes.iter_mut().for_each(|outcome| outcome.planned = planned);
        }
    }

    /// Makes the runs of all variants that lack for `replications` of each. An interruption leaves whole pairs.
    fn go_on(
        &self,
        replications: u32,
        outcomes: &mut [Outcome],
        cancel: &Cancel,
        run: &(impl Fn(&Blueprint, u32) -> RunRecord + Sync),
        progress: &mut impl FnMut(usize, usize),
    ) -> Going {
        let count = self.variants.len();
        let (first, runs) = (count * outcomes[0].records.len(), count * replications as usize);
        let all = count * outcomes[0].planned as usize;
        progress(first, all);
        let one = |index: usize| {
            let index = first + index;
            let replication = u32::try_from(index / count).expect("replications are 32-bit");
            run(&self.variants[index % count].blueprint, replication)
        };
        let done = replicate(runs - first, self.threads, cancel, one, |index, record| {
            outcomes[index % count].records.push(record);
            progress(first + index + 1, all);
        });
        if first + done == runs {
            return Going::On;
        }
        let whole = (first + done) / count;
        outcomes.iter_mut().for_each(|outcome| outcome.records.truncate(whole));
        Going::Interrupted
    }

    /// Cuts the transient that the runs made so far show, if they show any. What they were before is given back and
    /// they are to be made again, for a run cannot forget its beginning.
    fn cut(&mut self, outcomes: &mut Vec<Outcome>) -> Option<Vec<Outcome>> {
        let found = transient::found(outcomes);
        for ((variant, outcome), transient) in self.variants.iter_mut().zip(&mut *outcomes).zip(&found) {
            variant.blueprint.transient = *transient;
            outcome.blueprint.transient = *transient;
        }
        if found.iter().all(|transient| transient.cut.is_zero()) {
            return None;
        }
        let planned = outcomes[0].planned;
        let anew = self.variants.iter().map(|variant| variant.before(planned)).collect();
        let mut whole = std::mem::replace(outcomes, anew);
        for outcome in &mut whole {
            outcome.blueprint.transient.cut = Span::ZERO;
        }
        Some(whole)
    }
}

/// Whether there is time for more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Going {
    On,
    Interrupted,
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
