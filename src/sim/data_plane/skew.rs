//! Version skew: calls between revisions that do not understand each other.
//!
//! Which callers a callee's revision may not understand is known at build. A call that may meet one is diverted to a row
//! of its own that has no program, so that it leaves the straight way where a request without a route does; who really
//! called, and whether this attempt fails, is asked only there. Other calls pay nothing.

use super::program::Operations;
use super::purpose;
use crate::blueprint::{Blueprint, ProgramIx, RevisionIx, ServiceIx, SkewAnswer};
use crate::cluster::attempt::{Attempt, Caller, Served};
use crate::engine::arena::{Arena, Id};
use crate::sim::context::Context;
use crate::sim::observation::{Event, EventKind, Observation, SkewCount};

/// What becomes of an attempt whose row has no program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// There is no route.
    Unrouted,
    /// Caller and callee understand each other, at least this time.
    Understood {
        served: Served,
        program: ProgramIx,
    },
    Fails(SkewAnswer),
}

/// All diverted calls.
pub(super) struct Skews {
    /// The diverted rows are the last ones: this is the first of them.
    first: usize,
    diverted: Vec<Diverted>,
    pairs: Vec<Pair>,
}

/// A call to a revision that does not understand all its callers.
struct Diverted {
    /// The row that serves it otherwise.
    otherwise: Served,
    /// Row of a caller's revision, and the pair that it makes with the callee's.
    callers: Vec<(u32, usize)>,
}

struct Pair {
    count: SkewCount,
    failing: f64,
    answer: SkewAnswer,
}

impl Skews {
    /// Diverts the calls of a blueprint that may meet a revision they are not understood by.
    pub fn new(blueprint: &Blueprint, operations: &mut Operations) -> Self {
        let mut skews = Skews {
            first: operations.row_count(),
            diverted: Vec::new(),
            pairs: Vec::new(),
        };
        let revisions: Vec<(ServiceIx, RevisionIx)> = operations
            .revisions
            .iter()
            .map(|row| (row.service, row.revision))
            .collect();
        // By call and callee's row, in order.
        let mut unmet: Vec<(usize, u32, u32, usize)> = Vec::new();
        for (caller_row, &caller) in revisions.iter().enumerate() {
            for (callee_row, &callee) in revisions.iter().enumerate() {
                let Some(need) = blueprint.skew(caller, callee) else {
                    continue;
                };
                skews.pairs.push(Pair {
                    count: SkewCount::none(caller, callee),
                    failing: need.failing.get(),
                    answer: need.answer,
                });
                let calls = blueprint.calls_of(caller.0, caller.1).into_iter();
                let pair = skews.pairs.len() - 1;
                unmet.extend(calls.map(|call| (call.at(), callee_row as u32, caller_row as u32, pair)));
            }
        }
        unmet.sort_unstable();
        for of_row in unmet.chunk_by(|a, b| (a.0, a.1) == (b.0, b.1)) {
            let (call, callee, ..) = of_row[0];
            let otherwise = operations.divert(call, callee);
            skews.diverted.push(Diverted {
                otherwise,
                callers: of_row.iter().map(|&(.., caller, pair)| (caller, pair)).collect(),
            });
        }
        skews
    }

    /// Asked of an attempt that has reached a task and found no program.
    #[cold]
    #[inline(never)]
    pub fn judge(
        &mut self,
        cx: &mut Context<'_>,
        operations: &Operations,
        attempts: &Arena<Attempt>,
        id: Id<Attempt>,
    ) -> Verdict {
        let attempt = &attempts[id];
        let Some(diverted) = attempt
            .served
            .at()
            .checked_sub(self.first)
            .and_then(|at| self.diverted.get(at))
        else {
            return Verdict::Unrouted;
        };
        // A caller that is gone meanwhile understands everything: nobody is there to be hurt.
        let caller = match attempt.caller {
            Caller::Strand(parent) => attempts
                .get(parent)
                .map(|parent| operations.row(parent.served).revision),
            _ => None,
        };
        let pair = diverted.callers.iter().find(|(row, _)| Some(*row) == caller);
        let fails = pair.is_some_and(|&(_, at)| {
            let pair = &mut self.pairs[at];
            let fails = attempt.key.child(purpose::SKEW).happens(pair.failing);
            pair.count(cx, fails);
            fails
        });
        match (fails, pair) {
            (true, Some(&(_, at))) => Verdict::Fails(self.pairs[at].answer),
            _ => match operations.row(diverted.otherwise).program {
                Some(program) => Verdict::Understood {
                    served: diverted.otherwise,
                    program,
                },
                None => Verdict::Unrouted,
            },
        }
    }

    /// What was counted in measured time; pairs that never met are left out.
    pub fn counts(&self) -> Vec<SkewCount> {
        let counts = self.pairs.iter().map(|pair| pair.count);
        counts.filter(|count| count.calls > 0).collect()
    }
}

impl Pair {
    /// Counts a call in measured time, and tells of the first that fails.
    fn count(&mut self, cx: &mut Context<'_>, fails: bool) {
        let now = cx.now();
        if !(cx.blueprint.measured_from()..=cx.blueprint.horizon()).contains(&now) {
            return;
        }
        let count = &mut self.count;
        count.calls += 1;
        if !fails {
            return;
        }
        if count.failed == 0 {
            let name = |service: ServiceIx| &cx.blueprint.services[service.at()].name;
            let reason = format!(
                "{} {} is not understood by {} {}",
                name(count.caller.0),
                count.caller.1.at() + 1,
                name(count.callee.0),
                count.callee.1.at() + 1,
            );
            cx.observations.push(Observation::Happened(Event {
                at: now,
                kind: EventKind::Skew,
                service: Some(count.caller.0),
                deployment: None,
                revision: Some(count.caller.1),
                task: None,
                instance: None,
                zone: None,
                from: String::new(),
                to: "begins".to_owned(),
                reason,
            }));
            count.first = now;
        }
        count.failed += 1;
        count.last = now;
    }
}
