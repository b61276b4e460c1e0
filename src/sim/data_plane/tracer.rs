//! Follows a sample of the clients' requests step by step.
//!
//! Who is followed is decided by the request's key alone, so that variants follow the same requests. A traced attempt has
//! a flag, which calls, branches and further attempts inherit, and a row beside its record; all others pay for one test of
//! a flag at each step. A record that goes without being asked leaves its row open, and it is closed with the run.

use super::program::{Operations, Step, What};
use super::{DataPlane, site};
use crate::blueprint::{Blueprint, Source};
use crate::cluster::aside::Aside;
use crate::cluster::attempt::{Answer, Attempt, Caller, Flags, Served};
use crate::cluster::cause::Cause;
use crate::engine::arena::Id;
use crate::engine::random::Key;
use crate::sim::context::Context;
use crate::sim::observation::{Observation, Outcome};
use crate::sim::trace::{Doing, Trace, TraceSpan, Traced, TracedAttempt, TracedEnd, TracedServer};
use crate::units::{Instant, Span};
use std::collections::BTreeMap;

/// Spans of one trace; what a request does beyond them is not followed.
const SPANS_MAX: usize = 4_000;

pub(super) struct Tracer {
    /// Requests with a key below it are followed; 0 before measured time, and if nobody wants traces.
    below: u64,
    /// Followed at the present bound.
    followed: u32,
    /// So many are wanted at the end: the bound is halved when it has let far more in.
    wanted: u32,
    rows: Aside<Attempt, Row>,
    /// By key of the request.
    open: BTreeMap<u64, Open>,
}

struct Open {
    trace: Trace,
    /// Attempts and branches that still go on.
    rows: u32,
    is_over: bool,
}

#[derive(Clone, Copy)]
struct Row {
    trace: u64,
    /// Of the attempt or branch.
    span: u32,
    /// Of what it is about.
    stage: u32,
    step: u16,
}

impl Tracer {
    pub fn new(wanted: u32) -> Self {
        Tracer {
            below: 0,
            followed: 0,
            wanted,
            rows: Aside::default(),
            open: BTreeMap::new(),
        }
    }

    /// Whether a client's request is followed.
    #[inline(always)]
    pub fn follows(&self, request: Key) -> bool {
        request.bits() < self.below
    }

    #[cold]
    #[inline(never)]
    pub fn counts_one_more(&mut self) {
        self.followed += 1;
        if self.followed >= self.wanted.saturating_mul(4) {
            self.below /= 2;
            self.followed /= 2;
        }
    }

    /// The row of an attempt, which gets one at its first step.
    fn row(&mut self, blueprint: &Blueprint, id: Id<Attempt>, attempt: &Attempt, now: Instant) -> Option<Row> {
        if let Some(row) = self.rows.get(id) {
            return Some(*row);
        }
        let (key, parent) = match attempt.caller {
            Caller::Client(..) => (attempt.request_key.bits(), None),
            Caller::Strand(parent) | Caller::Join(parent) => {
                let row = self.rows.get(parent)?;
                (row.trace, Some(row.stage))
            }
            Caller::Nobody | Caller::StartUp | Caller::SetUp(_) | Caller::Check(_) | Caller::Poller(_) => return None,
        };
        let open = match (self.open.get_mut(&key), attempt.caller) {
            (Some(open), _) => open,
            (None, Caller::Client(class, _)) => self.open.entry(key).or_insert(Open {
                trace: Trace {
                    luck: key,
                    class,
                    from: site::sender(blueprint, attempt.site),
                    arrived: now,
                    ended: now,
                    outcome: Outcome::Unfinished,
                    failure: None,
                    spans: Vec::new(),
                },
                rows: 0,
                is_over: false,
            }),
            (None, _) => return None,
        };
        if open.trace.spans.len() + 2 > SPANS_MAX {
            return None;
        }
        let what = match attempt.caller {
            Caller::Join(_) => Traced::Branch,
            _ => Traced::Attempt(Box::new(TracedAttempt {
                from: site::sender(blueprint, attempt.site),
                number: attempt.number,
                node: None,
                served: None,
                ended: TracedEnd::Open,
            })),
        };
        let span = open.push(parent, now, what);
        let stage = open.push(Some(span), now, Traced::Stage(Doing::Network));
        open.rows += 1;
        let row = Row {
            trace: key,
            span,
            stage,
            step: attempt.step,
        };
        self.rows.put(id, row);
        Some(row)
    }

    /// What an attempt was about is over, and it is about something else from now on.
    #[cold]
    #[inline(never)]
    pub fn begins(&mut self, blueprint: &Blueprint, id: Id<Attempt>, attempt: &Attempt, doing: Doing, now: Instant) {
        let Some(row) = self.row(blueprint, id, attempt, now) else {
            return;
        };
        let Some(open) = self.open.get_mut(&row.trace) else {
            return;
        };
        let count = open.trace.spans.len();
        let stage = &mut open.trace.spans[row.stage as usize];
        // A step that begins a second time has waited for its loop.
        if let Traced::Stage(before @ Doing::Cpu { .. }) = &mut stage.what
            && row.step == attempt.step
            && matches!(doing, Doing::Cpu { .. })
        {
            *before = Doing::Queue;
        }
        let stage = if stage.start == now && row.stage as usize + 1 == count {
            stage.what = Traced::Stage(doing);
            row.stage
        } else if count < SPANS_MAX {
            stage.end = now;
            open.push(Some(row.span), now, Traced::Stage(doing))
        } else {
            return;
        };
        let row = Row {
            stage,
            step: attempt.step,
            ..row
        };
        self.rows.put(id, row);
    }

    /// A strand begins its next step.
    #[cold]
    #[inline(never)]
    pub fn steps(
        &mut self,
        blueprint: &Blueprint,
        operations: &Operations,
        (id, attempt): (Id<Attempt>, &Attempt),
        step: &Step,
        now: Instant,
    ) {
        let doing = match &step.what {
            What::Cpu(law) => {
                let work = law.sample(attempt.key.child_for(step.purpose));
                Doing::Cpu {
                    work: work.scaled(operations.row(attempt.served).cpu_factor),
                }
            }
            What::Wait(_) => Doing::Wait,
            What::Call(_) | What::CallOnCourse(_) => Doing::Call,
            What::Parallel(_) | What::Race(_) => Doing::Join,
            // Takes no time, and may lead back to the same step.
            What::Steer(_) => {
                if let Some(row) = self.rows.get_mut(id) {
                    row.step = u16::MAX;
                }
                return;
            }
        };
        self.begins(blueprint, id, attempt, doing, now);
    }

    /// An attempt has come to a balancer's node.
    #[cold]
    #[inline(never)]
    pub fn at_node(&mut self, id: Id<Attempt>, attempt: &Attempt) {
        if let (Some(traced), Some(path)) = (self.attempt(id), attempt.path) {
            traced.node = Some((path.load_balancer, path.node));
        }
    }

    /// An attempt has come to its task.
    #[cold]
    #[inline(never)]
    pub fn at_task(&mut self, cx: &Context<'_>, operations: &Operations, (id, attempt): (Id<Attempt>, &Attempt)) {
        self.begins(cx.blueprint, id, attempt, Doing::Queue, cx.now());
        let (Some(task), Some(zone)) = (attempt.task, attempt.zone) else {
            return;
        };
        if let Some(traced) = self.attempt(id)
            && attempt.served != Served::NOBODY
        {
            let by = operations.revision(attempt.served);
            traced.served = Some(TracedServer {
                service: by.service,
                revision: by.revision,
                operation: operations.operation(attempt.served),
                zone,
                slot: task.index(),
            });
        }
    }

    fn attempt(&mut self, id: Id<Attempt>) -> Option<&mut TracedAttempt> {
        let row = self.rows.get(id)?;
        let open = self.open.get_mut(&row.trace)?;
        match &mut open.trace.spans[row.span as usize].what {
            Traced::Attempt(attempt) => Some(attempt),
            _ => None,
        }
    }

    /// A dependency, or a door that is shut, answers. A dependency's record says when it was taken up.
    #[cold]
    #[inline(never)]
    pub fn answers(&mut self, cx: &Context<'_>, id: Id<Attempt>, attempt: &Attempt) {
        let taken_up = attempt.at_node;
        let is_dependencys = attempt.task.is_none() && attempt.path.is_none();
        if is_dependencys && self.stage(id).is_some_and(|stage| stage.start <= taken_up) {
            self.begins(cx.blueprint, id, attempt, Doing::Dependency, taken_up);
        }
        self.begins(cx.blueprint, id, attempt, Doing::Network, cx.now());
    }

    fn stage(&self, id: Id<Attempt>) -> Option<&TraceSpan> {
        let row = self.rows.get(id)?;
        self.open.get(&row.trace)?.trace.spans.get(row.stage as usize)
    }

    /// Another record goes on in the attempt's place.
    #[cold]
    #[inline(never)]
    pub fn passes_on(&mut self, id: Id<Attempt>, other: Id<Attempt>) {
        if let Some(row) = self.rows.take(id) {
            self.rows.put(other, row);
        }
    }

    /// The sender has its answer, or has given up; in the second case the callee may go on.
    #[cold]
    #[inline(never)]
    pub fn told(&mut self, id: Id<Attempt>, answer: Answer, now: Instant) {
        let end = match answer {
            Answer::TimedOut(cause) => TracedEnd::GivenUp(cause.reason),
            answer if answer.is_success() => TracedEnd::Success,
            answer => TracedEnd::Failed {
                status: answer.status(),
                reason: answer.cause().reason,
            },
        };
        self.ends(id, end, now);
    }

    fn ends(&mut self, id: Id<Attempt>, end: TracedEnd, now: Instant) {
        let Some(&row) = self.rows.get(id) else { return };
        if let Some(traced) = self.attempt(id)
            && traced.ended == TracedEnd::Open
        {
            traced.ended = end;
        }
        if let Some(open) = self.open.get_mut(&row.trace) {
            let span = &mut open.trace.spans[row.span as usize];
            span.end = span.end.min(now);
        }
    }

    /// The record of an attempt or branch goes; nothing more happens to it.
    #[cold]
    #[inline(never)]
    pub fn goes(&mut self, cx: &mut Context<'_>, id: Id<Attempt>) {
        let now = cx.now();
        self.ends(id, TracedEnd::Dropped, now);
        let Some(row) = self.rows.take(id) else { return };
        let Some(open) = self.open.get_mut(&row.trace) else {
            return;
        };
        let stage = &mut open.trace.spans[row.stage as usize];
        stage.end = stage.end.min(now);
        open.rows -= 1;
        if open.is_over && open.rows == 0 {
            let open = self.open.remove(&row.trace).expect("it is open");
            hand_in(cx, open.trace);
        }
    }

    /// The client's request that was seen last has ended; work for it may go on.
    #[cold]
    #[inline(never)]
    pub fn finished(&mut self, cx: &mut Context<'_>, request: Key) {
        let seen = *cx.finished.last().expect("a request has just ended");
        let Some(open) = self.open.get_mut(&request.bits()) else {
            return;
        };
        open.trace.ended = seen.arrived + seen.latency;
        open.trace.outcome = seen.outcome;
        open.trace.failure = seen.failure;
        open.is_over = true;
        if open.rows == 0 {
            let open = self.open.remove(&request.bits()).expect("it is open");
            hand_in(cx, open.trace);
        }
    }

    /// The run is over: so is everything that still went on.
    pub fn finish(&mut self, cx: &mut Context<'_>) {
        for (_, open) in std::mem::take(&mut self.open) {
            if !open.is_over {
                continue;
            }
            hand_in(cx, open.trace);
        }
    }
}

impl Open {
    fn push(&mut self, parent: Option<u32>, start: Instant, what: Traced) -> u32 {
        self.trace.spans.push(TraceSpan {
            parent,
            start,
            end: Instant::NEVER,
            what,
        });
        (self.trace.spans.len() - 1) as u32
    }
}

fn hand_in(cx: &mut Context<'_>, mut trace: Trace) {
    for span in &mut trace.spans {
        span.end = span.end.min(cx.now());
    }
    cx.observations.push(Observation::Traced(Box::new(trace)));
}

impl DataPlane {
    /// From now on requests are followed: as many as are wanted of those that are expected.
    pub fn measuring_begins(&mut self, cx: &Context<'_>) {
        let wanted = f64::from(self.tracer.wanted);
        let expected: f64 = cx
            .blueprint
            .traffic
            .iter()
            .map(|traffic| expected(cx.blueprint, &traffic.source))
            .sum();
        let share = if expected > 0.0 { 2.0 * wanted / expected } else { 1.0 };
        if wanted > 0.0 {
            self.tracer.below = (share.min(1.0) * u64::MAX as f64) as u64;
        }
    }

    /// An answer has reached whoever asked.
    #[cold]
    #[inline(never)]
    pub(super) fn trace_answer(&mut self, cx: &mut Context<'_>, id: Id<Attempt>, answer: Answer) {
        self.tracer.told(id, answer, cx.now());
        self.tracer.goes(cx, id);
    }

    /// A sender gives up.
    #[cold]
    #[inline(never)]
    pub(super) fn trace_giving_up(&mut self, cx: &Context<'_>, id: Id<Attempt>, cause: Cause) {
        self.tracer.told(id, Answer::TimedOut(cause), cx.now());
    }

    /// A record that goes, if it is traced.
    #[inline]
    pub(super) fn trace_goes(&mut self, cx: &mut Context<'_>, id: Id<Attempt>) {
        if self.attempts[id].flags.has(Flags::TRACED) {
            self.tracer.goes(cx, id);
        }
    }
}

/// Requests that a source sends in measured time; 0: nobody knows.
fn expected(blueprint: &Blueprint, source: &Source) -> f64 {
    let (from, to) = (blueprint.measured_from(), blueprint.horizon());
    match source {
        Source::Open { profile, .. } => {
            let within = profile.segments.iter().map(|segment| {
                let (start, end) = (segment.start.max(from), segment.end.min(to));
                let length = if start < end { end.since(start) } else { Span::ZERO };
                length.seconds() * (segment.from + segment.to) / 2.0
            });
            within.sum()
        }
        Source::Recorded(recorded) => recorded.arrivals.len() as f64,
        _ => 0.0,
    }
}
