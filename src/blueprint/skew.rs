//! Version skew: which revisions of services that call each other do not understand each other.
//!
//! A revision says what it needs: of the services that it calls, and of those that call it. Nothing is said about
//! revisions that need nothing; so what a scenario does not mention is compatible with everything.

use super::{Blueprint, RevisionIx, ServiceIx};
use crate::units::Ratio;

/// What a revision needs of others' revisions.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Skew {
    /// Of the services that it calls.
    pub needs: Vec<Need>,
    /// Of the services that call it.
    pub needs_of_callers: Vec<Need>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Need {
    pub service: ServiceIx,
    /// This revision of that service or a later one.
    pub at_least: RevisionIx,
    /// Share of the calls to (or from) an earlier one that fail.
    pub failing: Ratio,
    pub answer: SkewAnswer,
}

/// How a call between revisions that do not understand each other fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SkewAnswer {
    /// The callee answers 5xx at once, without work.
    ServerError,
    /// The callee takes the call and never answers.
    Nothing,
}

impl Blueprint {
    /// What keeps a caller's revision from being served by a callee's. The caller's own need counts before the callee's.
    pub fn skew(&self, caller: (ServiceIx, RevisionIx), callee: (ServiceIx, RevisionIx)) -> Option<&Need> {
        let of =
            |(service, revision): (ServiceIx, RevisionIx)| &self.services[service.at()].revisions[revision.at()].skew;
        let unmet = |needs: &'_ [Need], other: (ServiceIx, RevisionIx)| {
            needs
                .iter()
                .position(|need| need.service == other.0 && other.1 < need.at_least)
        };
        let (mine, theirs) = (&of(caller).needs, &of(callee).needs_of_callers);
        match unmet(mine, callee) {
            Some(at) => mine.get(at),
            None => unmet(theirs, caller).and_then(|at| theirs.get(at)),
        }
    }

    /// The calls that a revision's operations make, each once, in order of their position.
    pub fn calls_of(&self, service: ServiceIx, revision: RevisionIx) -> Vec<super::CallIx> {
        let operations = &self.services[service.at()].revisions[revision.at()].operations;
        let mut programs: Vec<super::ProgramIx> = operations.iter().map(|operation| operation.program).collect();
        let mut calls = Vec::new();
        while let Some(program) = programs.pop() {
            for step in &self.programs[program.at()].steps {
                if let super::Step::Call(call) = step {
                    calls.push(*call);
                }
                programs.extend(step.parts().iter().map(|(part, _)| part));
            }
        }
        calls.sort();
        calls.dedup();
        calls
    }
}
