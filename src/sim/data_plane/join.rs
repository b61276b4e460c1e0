//! Branches: a strand forks into several and is joined again.
//!
//! Without more, all branches are waited for. A *race* is over earlier: when so many have succeeded, or when its time is
//! up; what still runs then has lost its strand, and goes on for nothing or is cancelled.

use super::program::What;
use super::strand::leave_loop;
use super::{DataPlane, purpose};
use crate::blueprint::{Blueprint, Join, OnDisconnect, Parallel, ProgramIx, Step};
use crate::cluster::aside::Aside;
use crate::cluster::attempt::{Answer, Attempt, Caller, Flags, Phase, Site};
use crate::cluster::cause::{Cause, Reason};
use crate::cluster::deadline::DeadlineLink;
use crate::engine::arena::Id;
use crate::engine::calendar::{Calendar, LaneId};
use crate::sim::context::Context;
use crate::sim::event::{DataEvent, Event};
use crate::sim::observation::JoinCount;
use crate::units::Span;

/// A `parallel` step that may be over before all of its branches are.
pub(super) struct Race {
    pub branches: Box<[ProgramIx]>,
    join: Join,
    timeout: Option<LaneId>,
    losers: OnDisconnect,
    /// Row of its counts.
    number: u32,
}

impl Race {
    pub fn new(written: &Parallel, number: usize, calendar: &mut Calendar<Event>) -> Self {
        Race {
            branches: written.branches.clone().into(),
            join: written.join,
            timeout: written.timeout.map(|span| calendar.lane(span)),
            losers: written.losers,
            number: number as u32,
        }
    }
}

fn race(step: &Step) -> Option<&Parallel> {
    match step {
        Step::Parallel(parallel) if !parallel.is_plain() => Some(parallel),
        _ => None,
    }
}

/// Which of all races, in order of the programs, stands at this step.
pub(super) fn race_number(blueprint: &Blueprint, program: ProgramIx, step: usize) -> usize {
    let before = blueprint.programs[..program.at()]
        .iter()
        .flat_map(|program| &program.steps);
    let here = &blueprint.programs[program.at()].steps[..step];
    before.chain(here).filter_map(race).count()
}

/// Races under way, and what has come of those that are over.
pub(super) struct Races {
    rows: Aside<Attempt, Running>,
    /// Races begun so far.
    begun: u32,
    counts: Vec<JoinCount>,
}

/// A race under way.
#[derive(Clone, Copy, Debug)]
struct Running {
    /// Which of all races it is, so that the timeout of one does not end the next.
    ordinal: u32,
    number: u32,
    losers: OnDisconnect,
    /// `false`: what fails or is late is done without.
    counts_failures: bool,
    /// Branches that must still succeed.
    needed: u16,
    /// Branches that have succeeded.
    succeeded: u16,
    branches: u16,
    /// Of the first branch that failed.
    failed: Option<Cause>,
}

impl Races {
    pub fn new(blueprint: &Blueprint) -> Self {
        let steps = blueprint.programs.iter().flat_map(|program| &program.steps);
        let names = steps.filter_map(race).map(|parallel| &parallel.name);
        Races {
            rows: Aside::default(),
            begun: 0,
            counts: names.map(|name| JoinCount::none(name.clone())).collect(),
        }
    }

    /// Whether the strand waits for a race.
    pub fn runs(&self, strand: Id<Attempt>) -> bool {
        !self.counts.is_empty() && self.rows.get(strand).is_some()
    }

    /// A strand has forked.
    pub fn begins(&mut self, cx: &mut Context<'_>, id: Id<Attempt>, race: &Race) {
        let branches = race.branches.len() as u16;
        self.begun = self.begun.wrapping_add(1);
        self.rows.put(
            id,
            Running {
                ordinal: self.begun,
                number: race.number,
                losers: race.losers,
                counts_failures: race.join != Join::Partial,
                needed: match race.join {
                    Join::All | Join::Partial => branches,
                    Join::Quorum(needed) => needed,
                },
                succeeded: 0,
                branches,
                failed: None,
            },
        );
        if let Some(lane) = race.timeout {
            let event = Event::data_of(DataEvent::JoinTimeout, id, self.begun);
            cx.calendar.schedule_in_lane(lane, event);
        }
    }

    /// What came of the races that were over in measured time.
    pub fn counts(&self) -> Vec<JoinCount> {
        self.counts.clone()
    }
}

impl DataPlane {
    /// Starts the branches of a `parallel` step, each a strand of the same task without a worker of its own.
    #[inline(never)]
    pub(super) fn fork(&mut self, cx: &mut Context<'_>, id: Id<Attempt>) {
        let attempt = &mut self.attempts[id];
        let step = self.programs.step(attempt.program, attempt.step);
        let what = &step.expect("a parallel step forks").what;
        let branches = what.branches();
        let pending = branches.len() as u16;
        let key = attempt.key.child(purpose::STEP + u64::from(attempt.step));
        attempt.step += 1;
        attempt.flags.clear(Flags::BRANCH_FAILED);
        if branches.is_empty() {
            attempt.phase = Phase::Ready;
            return cx.follow(DataEvent::GoOn, id);
        }
        let path = self.courses.as_mut().map(|courses| {
            let factor = self.operations.row(attempt.served).cpu_factor;
            let path = courses.begin_if_new(id, attempt, |attempt| self.programs.cpu_spent(attempt, factor));
            path.child(purpose::STEP + u64::from(attempt.step))
        });
        let parent = attempt.clone();
        let mut first = None;
        for (at, &program) in branches.iter().enumerate().rev() {
            first = Some(self.attempts.insert(Attempt {
                key: key.child(purpose::BRANCH + at as u64),
                caller: Caller::Join(id),
                site: Site::NONE,
                phase: Phase::Ready,
                flags: parent.flags.of_branch(),
                program,
                step: 0,
                sibling: first,
                path: None,
                deadline: DeadlineLink::NONE,
                ..parent.clone()
            }));
            if let (Some(courses), Some(path), Some(branch)) = (&mut self.courses, path, first) {
                let path = path.child(purpose::BRANCH + at as u64);
                courses.begin(branch, &mut self.attempts[branch], path, Span::ZERO);
            }
        }
        self.attempts[id].phase = Phase::Joining { first, pending };
        if let What::Race(race) = what {
            self.races.begins(cx, id, race);
        }
        while let Some(branch) = first {
            cx.follow(DataEvent::GoOn, branch);
            first = self.attempts[branch].sibling;
        }
    }

    /// A branch has come to its end; the last one lets the `parallel` step end, unless it is a race.
    #[inline(never)]
    pub(super) fn branch_over(&mut self, cx: &mut Context<'_>, id: Id<Attempt>, parent: Id<Attempt>, answer: Answer) {
        leave_loop(&mut self.servers, &mut self.attempts, cx, id);
        if let Some(courses) = &mut self.courses {
            courses.add_work(id, parent);
        }
        self.trace_goes(cx, id);
        let branch = self.attempts.remove(id).expect("a branch is there until it is over");
        let Some(strand) = self.attempts.get_mut(parent) else {
            return;
        };
        if answer == Answer::Success {
            strand.flags.degraded_by(branch.flags);
        }
        let sibling = branch.sibling;
        let pending = self.unchain(parent, id, sibling);
        if self.races.runs(parent) {
            return self.race_goes_on(cx, parent, answer, pending);
        }
        let strand = &mut self.attempts[parent];
        if answer != Answer::Success {
            if !strand.flags.has(Flags::BRANCH_FAILED) {
                self.branch_failures.put(parent, answer.cause());
            }
            strand.flags.set(Flags::BRANCH_FAILED);
        }
        if pending > 0 {
            return;
        }
        if strand.flags.has(Flags::BRANCH_FAILED) {
            let cause = self.branch_failures.take(parent);
            self.strand_fails(cx, parent, cause.expect("a failed branch has left its cause"));
        } else {
            strand.phase = Phase::Ready;
            cx.follow(DataEvent::GoOn, parent);
        }
    }

    /// Takes a branch out of its strand's chain, which a cancellation follows; gives how many are left.
    fn unchain(&mut self, parent: Id<Attempt>, id: Id<Attempt>, sibling: Option<Id<Attempt>>) -> u16 {
        let Phase::Joining { first, pending } = &mut self.attempts[parent].phase else {
            unreachable!("a parallel step waits for its branches")
        };
        *pending -= 1;
        let pending = *pending;
        if *first == Some(id) {
            *first = sibling;
            return pending;
        }
        let mut next = *first;
        while let Some(before) = next.and_then(|branch| self.attempts.get_mut(branch)) {
            if before.sibling == Some(id) {
                before.sibling = sibling;
                break;
            }
            next = before.sibling;
        }
        pending
    }

    /// A branch of a race has come to its end.
    fn race_goes_on(&mut self, cx: &mut Context<'_>, strand: Id<Attempt>, answer: Answer, pending: u16) {
        let race = self.races.rows.get_mut(strand).expect("the race runs");
        if answer == Answer::Success {
            race.succeeded += 1;
            race.needed -= 1;
        } else {
            race.failed.get_or_insert(answer.cause());
        }
        let over = race.needed == 0 || pending == 0 || (race.counts_failures && pending < race.needed);
        if over {
            let cause = race.failed.filter(|_| race.counts_failures && race.needed > 0);
            self.race_over(cx, strand, cause);
        }
    }

    /// The time of a race is up, unless it is over.
    #[cold]
    pub(super) fn join_timed_out(&mut self, cx: &mut Context<'_>, strand: Id<Attempt>, ordinal: u32) {
        let Some(race) = self.races.rows.get(strand).filter(|race| race.ordinal == ordinal) else {
            return;
        };
        let late = race.counts_failures.then(|| Reason::JoinTimedOut.here());
        if matches!(self.attempts.get(strand), Some(strand) if matches!(strand.phase, Phase::Joining { .. })) {
            let number = race.number;
            if cx.is_measured() {
                self.races.counts[number as usize].timed_out += 1;
            }
            self.race_over(cx, strand, late);
        }
    }

    /// The strand goes on, or fails; what still runs has lost.
    fn race_over(&mut self, cx: &mut Context<'_>, strand: Id<Attempt>, cause: Option<Cause>) {
        let race = self.races.rows.take(strand).expect("the race runs");
        if cx.is_measured() {
            let count = &mut self.races.counts[race.number as usize];
            count.joins += 1;
            count.failed += u64::from(cause.is_some());
            count.branches += u64::from(race.branches);
            count.missing += u64::from(race.branches - race.succeeded);
        }
        let attempt = &mut self.attempts[strand];
        let Phase::Joining { first, .. } = attempt.phase else {
            unreachable!("a race is over while its strand waits for it")
        };
        attempt.phase = Phase::Ready;
        if !race.counts_failures && race.succeeded < race.branches {
            attempt.flags.set(Flags::DEGRADED);
        }
        let mut next = first;
        while let Some(loser) = next {
            next = self.attempts[loser].sibling;
            match race.losers {
                OnDisconnect::Cancel => self.cancel(cx, loser),
                OnDisconnect::Continue => {
                    self.unwanted(loser, Caller::Join(strand));
                    self.attempts[loser].caller = Caller::Nobody;
                }
            }
        }
        match cause {
            Some(cause) => self.strand_fails(cx, strand, cause),
            None => cx.follow(DataEvent::GoOn, strand),
        }
    }

    /// A branch that lost its strand has come to its end.
    #[cold]
    pub(super) fn loser_over(&mut self, cx: &mut Context<'_>, id: Id<Attempt>) {
        leave_loop(&mut self.servers, &mut self.attempts, cx, id);
        self.trace_goes(cx, id);
        self.attempts.remove(id);
    }

    /// What came of `parallel` steps that do not just wait for all of their branches.
    pub fn join_counts(&self) -> Vec<JoinCount> {
        self.races.counts()
    }
}
