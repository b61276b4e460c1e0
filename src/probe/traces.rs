//! Where the time of followed requests went, and which of them are worth keeping.
//!
//! Each moment between a request's arrival and its end is put down to one thing: of what went on at the same time, to
//! what ended last, as that is what the others had to wait for (the critical path). So the parts add up to the latency,
//! however many branches there are. The memory is bounded: of more requests than are wanted, those with the smallest
//! keys stay, which is a fair sample.

use crate::blueprint::{Blueprint, Callee, ClassIx, DependencyIx, Destination, LoadBalancerIx, QueueIx, ServiceIx};
use crate::sim::observation::{Outcome, Sender};
use crate::sim::trace::{Doing, Trace, Traced, TracedEnd};
use crate::units::{Instant, Span};

/// Whose time it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Owner {
    Clients,
    LoadBalancer(LoadBalancerIx),
    Service(ServiceIx),
    Dependency(DependencyIx),
    Queue(QueueIx),
}

/// What it is spent on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// Waiting for a worker, a loop or a slot.
    Queue,
    /// Work on the CPU.
    Cpu,
    /// What the CPU takes beyond the work: others on it, and the stalls of its quota.
    Contention,
    /// `wait` steps, and waiting that nothing else explains.
    Wait,
    /// A dependency's own service time.
    Service,
    /// On the way to the owner and back, lost connections included.
    Network,
    /// Pauses between attempts of what the owner calls.
    Backoff,
}

impl Part {
    pub const ALL: [Part; 7] = [
        Part::Queue,
        Part::Cpu,
        Part::Contention,
        Part::Wait,
        Part::Service,
        Part::Network,
        Part::Backoff,
    ];

    pub const fn name(self) -> &'static str {
        match self {
            Part::Queue => "queue",
            Part::Cpu => "cpu",
            Part::Contention => "contention",
            Part::Wait => "wait",
            Part::Service => "service",
            Part::Network => "network",
            Part::Backoff => "backoff",
        }
    }
}

/// One followed request, taken apart.
#[derive(Clone, Debug)]
pub struct RequestTime {
    luck: u64,
    pub class: ClassIx,
    pub outcome: Outcome,
    pub latency: Span,
    /// In order of owner and part; they add up to the latency.
    pub parts: Vec<(Owner, Part, Span)>,
}

/// What a run's traces left behind.
#[derive(Clone, Debug, Default)]
pub struct TraceRecord {
    pub times: Vec<RequestTime>,
    /// In full, in order of arrival; of the first run only.
    pub kept: Vec<Trace>,
}

/// Takes the traces of one run in.
#[derive(Clone, Debug)]
pub(super) struct TraceProbe {
    receivers: Receivers,
    sampled: usize,
    kept: usize,
    times: Vec<RequestTime>,
    failed: Vec<Trace>,
    slowest: Vec<Trace>,
    any: Vec<Trace>,
}

impl TraceProbe {
    pub fn new(blueprint: &Blueprint, replication: u32) -> Self {
        TraceProbe {
            receivers: Receivers::new(blueprint),
            sampled: blueprint.traces.sampled as usize,
            kept: if replication == 0 {
                blueprint.traces.kept as usize
            } else {
                0
            },
            times: Vec::new(),
            failed: Vec::new(),
            slowest: Vec::new(),
            any: Vec::new(),
        }
    }

    pub fn take(&mut self, trace: Trace) {
        self.times.push(RequestTime {
            luck: trace.luck,
            class: trace.class,
            outcome: trace.outcome,
            latency: trace.ended.since(trace.arrived),
            parts: Path::of(&self.receivers, &trace).parts(),
        });
        if self.times.len() >= 2 * self.sampled.max(1) {
            self.times.sort_unstable_by_key(|time| time.luck);
            self.times.truncate(self.sampled);
        }
        if self.kept == 0 {
            return;
        }
        let quarter = (self.kept / 4).max(1);
        if trace.outcome != Outcome::Served {
            insert(&mut self.failed, trace.clone(), quarter, |trace| trace.luck);
        } else {
            let latency = |trace: &Trace| u64::MAX - trace.ended.since(trace.arrived).nanos();
            insert(&mut self.slowest, trace.clone(), quarter, latency);
        }
        insert(&mut self.any, trace, self.kept, |trace| trace.luck);
    }

    pub fn finish(mut self) -> TraceRecord {
        self.times.sort_unstable_by_key(|time| time.luck);
        self.times.truncate(self.sampled);
        let mut kept = self.failed;
        for trace in self.slowest.into_iter().chain(self.any) {
            if kept.len() < self.kept && kept.iter().all(|known| known.luck != trace.luck) {
                kept.push(trace);
            }
        }
        kept.sort_by_key(|trace| (trace.arrived, trace.luck));
        TraceRecord {
            times: self.times,
            kept,
        }
    }
}

/// Puts a trace among the first so many in order of a rank.
fn insert(list: &mut Vec<Trace>, trace: Trace, most: usize, rank: impl Fn(&Trace) -> u64) {
    let at = list.partition_point(|other| rank(other) <= rank(&trace));
    if at < most {
        list.insert(at, trace);
        list.truncate(most);
    }
}

/// The critical path of a trace.
#[derive(Clone, Debug)]
pub struct Path {
    /// By span: how much of the latency it stands for itself.
    pub spans: Vec<Span>,
    parts: Vec<(Owner, Part, Span)>,
}

struct Walk<'a> {
    receivers: &'a Receivers,
    trace: &'a Trace,
    /// Attempts and branches below each stage, stages below each attempt or branch, and the clients' attempts last.
    below: Vec<Vec<u32>>,
    path: Path,
}

impl Path {
    pub fn of(receivers: &Receivers, trace: &Trace) -> Path {
        let count = trace.spans.len();
        let mut below = vec![Vec::new(); count + 1];
        for (at, span) in trace.spans.iter().enumerate() {
            below[span.parent.map_or(count, |parent| parent as usize)].push(at as u32);
        }
        let mut walk = Walk {
            receivers,
            trace,
            below,
            path: Path {
                spans: vec![Span::ZERO; count],
                parts: Vec::new(),
            },
        };
        walk.through(
            count,
            (trace.arrived, trace.ended),
            (None, Owner::Clients, Part::Backoff),
        );
        walk.path
    }

    /// By owner and part.
    pub fn parts(mut self) -> Vec<(Owner, Part, Span)> {
        self.parts.sort_by_key(|&(owner, part, _)| (owner, part));
        let same = self.parts.chunk_by(|a, b| (a.0, a.1) == (b.0, b.1));
        let sum = |same: &[(Owner, Part, Span)]| {
            let total = same.iter().fold(Span::ZERO, |sum, &(_, _, span)| sum + span);
            (same[0].0, same[0].1, total)
        };
        same.map(sum).collect()
    }
}

impl Walk<'_> {
    /// Goes back through what ran in turn or side by side below a stage (or below the request itself). Time in which none of
    /// it ran is the stage's own.
    fn through(&mut self, at: usize, (from, to): (Instant, Instant), own: (Option<usize>, Owner, Part)) {
        let mut until = to;
        while until > from {
            let candidates = self.below[at].iter().map(|&child| child as usize);
            let running = candidates.filter(|&child| {
                let span = &self.trace.spans[child];
                span.start < until && span.end > span.start && span.end > from
            });
            let last = running.max_by_key(|&child| {
                let span = &self.trace.spans[child];
                (span.end.min(until), self.is_answered(child), span.start)
            });
            let Some(last) = last else {
                return self.put(own, until.since(from));
            };
            let (start, end) = (
                self.trace.spans[last].start.max(from),
                self.trace.spans[last].end.min(until),
            );
            if end < until {
                self.put(own, until.since(end));
            }
            self.stages(last, (start, end));
            until = start;
        }
    }

    fn is_answered(&self, at: usize) -> bool {
        match &self.trace.spans[at].what {
            Traced::Attempt(attempt) => attempt.ended == TracedEnd::Success,
            _ => true,
        }
    }

    /// The stages of an attempt or branch, as far as they lie within these bounds.
    fn stages(&mut self, at: usize, (from, to): (Instant, Instant)) {
        let owner = self.owner(at);
        for position in 0..self.below[at].len() {
            let stage = self.below[at][position] as usize;
            let span = &self.trace.spans[stage];
            let (start, end) = (span.start.max(from), span.end.min(to));
            if start >= end {
                continue;
            }
            let lasted = end.since(start);
            let Traced::Stage(doing) = &span.what else { continue };
            match *doing {
                Doing::Call => self.through(stage, (start, end), (Some(stage), owner, Part::Backoff)),
                Doing::Join => self.through(stage, (start, end), (Some(stage), owner, Part::Wait)),
                Doing::Cpu { work } => {
                    let work = work.min(lasted);
                    self.put((Some(stage), owner, Part::Cpu), work);
                    self.put(
                        (Some(stage), owner, Part::Contention),
                        Span::from_nanos(lasted.nanos() - work.nanos()),
                    );
                }
                Doing::Network => self.put((Some(stage), owner, Part::Network), lasted),
                Doing::Queue => self.put((Some(stage), owner, Part::Queue), lasted),
                Doing::Wait => self.put((Some(stage), owner, Part::Wait), lasted),
                Doing::Dependency => self.put((Some(stage), owner, Part::Service), lasted),
            }
        }
    }

    fn put(&mut self, (stage, owner, part): (Option<usize>, Owner, Part), span: Span) {
        if span.is_zero() {
            return;
        }
        if let Some(stage) = stage {
            self.path.spans[stage] += span;
        }
        self.path.parts.push((owner, part, span));
    }

    fn owner(&self, at: usize) -> Owner {
        owner(self.receivers, self.trace, at)
    }
}

/// Whose time an attempt's or a branch's stages are.
pub fn owner(receivers: &Receivers, trace: &Trace, at: usize) -> Owner {
    let span = &trace.spans[at];
    match (&span.what, span.parent) {
        (Traced::Attempt(attempt), _) => match attempt.served {
            Some(served) => Owner::Service(served.service),
            None => receivers.of(attempt.from),
        },
        (_, Some(parent)) => owner(receivers, trace, parent as usize),
        (_, None) => Owner::Clients,
    }
}

/// Whom calls and traffic sources send to.
#[derive(Clone, Debug)]
pub struct Receivers {
    calls: usize,
    all: Vec<Owner>,
}

impl Receivers {
    pub fn new(blueprint: &Blueprint) -> Self {
        let calls = blueprint.calls.iter().map(|call| match call.to {
            Callee::Service { service, .. } => Owner::Service(service),
            Callee::LoadBalancer { load_balancer, .. } => Owner::LoadBalancer(load_balancer),
            Callee::Queue(queue) => Owner::Queue(queue),
            Callee::Dependency(dependency) | Callee::DependencyOperation(dependency, _) => {
                Owner::Dependency(dependency)
            }
        });
        let traffic = blueprint.traffic.iter().map(|traffic| match traffic.to {
            Destination::LoadBalancer { load_balancer, .. } => Owner::LoadBalancer(load_balancer),
            Destination::Service { service, .. } => Owner::Service(service),
            Destination::Queue(queue) => Owner::Queue(queue),
        });
        Receivers {
            calls: blueprint.calls.len(),
            all: calls.chain(traffic).collect(),
        }
    }

    fn of(&self, sender: Sender) -> Owner {
        match sender {
            Sender::Call(call) => self.all[call.at()],
            Sender::Traffic(traffic) => self.all[self.calls + traffic.at()],
        }
    }
}
