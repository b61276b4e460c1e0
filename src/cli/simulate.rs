//! Runs a plan under the eyes of the user: progress, Ctrl-C, and the number of threads.

use super::progress::Progress;
use super::terminal::Terminal;
use crate::blueprint::Blueprint;
use crate::experiment::{Cancel, Outcome, Plan};
use crate::probe::{Recorder, RunRecord};
use crate::sim;
use std::num::NonZeroUsize;

/// Performs the plan; one outcome a variant.
pub fn perform(terminal: &Terminal, name: &str, plan: Plan, cancel: &Cancel) -> Vec<Outcome> {
    let progress = Progress::begin(terminal, name, plan.runs());
    let outcomes = plan.perform(cancel, one, |done| progress.done(done));
    progress.end();
    outcomes
}

/// One replication, seen whole, its ledger checked.
fn one(blueprint: &Blueprint, replication: u32) -> RunRecord {
    let mut recorder = Recorder::new(blueprint, replication);
    sim::run(blueprint, replication, &mut recorder);
    recorder.into_record()
}

/// What `--threads` says, or one for each core.
pub fn threads(asked: Option<NonZeroUsize>) -> NonZeroUsize {
    asked.or_else(|| std::thread::available_parallelism().ok()).unwrap_or(NonZeroUsize::MIN)
}
