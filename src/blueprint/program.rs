//! What the code of a service does with a request, and how its process takes requests.

use super::{CacheIx, CallIx, ProgramIx};
use crate::engine::count::Count;
use crate::engine::dist::Dist;
use crate::units::{Ratio, Span};

/// How the serving process takes requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Runtime {
    /// A worker is held from the first step to the last, waits and calls included. `backlog` requests may wait for one.
    ThreadPool { workers: u32, backlog: u32 },
    /// Only `cpu` steps hold a loop, one at a time each; waits and calls leave it. `backlog` bounds new requests that
    /// have not yet had a loop.
    EventLoop { loops: u32, backlog: u32 },
    /// Every request proceeds at once.
    Unbounded,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CpuModel {
    /// A CFS quota of cpu × 100 ms in every period of 100 ms: full speed until it is spent, then a stall.
    CfsQuota,
    /// Processor sharing of `cpu` cores, each request at most one: the smooth share of theory.
    Fluid,
}

/// What becomes of work whose caller has gone (timed out or closed the connection).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnDisconnect {
    /// It goes on to its end and is wasted.
    Continue,
    /// It stops at once: queued work is dropped, running work freed, its own calls abandoned.
    Cancel,
}

#[derive(Clone, Debug)]
pub struct Program {
    pub steps: Vec<Step>,
}

impl Program {
    /// How many `repeat` steps may stand one within the other.
    pub const MAX_LOOPS: usize = 3;
    /// How many `cache` steps may stand one within the other.
    pub const MAX_CACHES: usize = 3;
}

#[derive(Clone, Debug)]
pub enum Step {
    /// CPU time on the task's share.
    Cpu(Dist),
    /// Time that passes without CPU (disk, a third party, sleep).
    Wait(Dist),
    Call(CallIx),
    /// Runs if the call before it has failed; otherwise it is passed over.
    Fallback(ProgramIx),
    /// Runs all branches at once.
    Parallel(Parallel),
    /// Runs one of these.
    Choose(Vec<Choice>),
    /// Runs a program again and again, one time after the other.
    Repeat {
        times: Count,
        program: ProgramIx,
    },
    /// Looks into a cache, and does one or the other.
    Cache {
        cache: CacheIx,
        /// The share of looks that find something, as far as that is known beforehand.
        hits: f64,
        hit: ProgramIx,
        miss: ProgramIx,
    },
    /// Runs unless the server is browned out.
    Optional(ProgramIx),
    /// Ends the program, and what it is part of, with an error.
    Fail {
        share: Ratio,
        status: u16,
    },
}

#[derive(Clone, Debug)]
pub struct Parallel {
    /// For output: `service/operation/step`.
    pub name: String,
    pub branches: Vec<ProgramIx>,
    pub join: Join,
    /// When it is over whatever has come.
    pub timeout: Option<Span>,
    /// What becomes of branches that it goes on without.
    pub losers: OnDisconnect,
}

/// When a `parallel` step is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Join {
    /// When all branches have ended; it fails if one has.
    All,
    /// When so many have succeeded; it fails as soon as they cannot any more.
    Quorum(u16),
    /// When all branches have ended; it never fails.
    Partial,
}

impl Parallel {
    /// All branches, without a timeout.
    pub fn all(branches: Vec<ProgramIx>) -> Parallel {
        Parallel {
            name: "parallel".into(),
            branches,
            join: Join::All,
            timeout: None,
            losers: OnDisconnect::Continue,
        }
    }

    /// The same under this name.
    pub fn named(self, name: String) -> Parallel {
        Parallel { name, ..self }
    }

    /// Whether it only waits for all of its branches.
    pub fn is_plain(&self) -> bool {
        self.join == Join::All && self.timeout.is_none()
    }
}

/// A program that may be chosen.
#[derive(Clone, Copy, Debug)]
pub struct Choice {
    /// The share of requests that choose it; the shares of a step add up to 1.
    pub share: f64,
    pub program: ProgramIx,
}

impl Step {
    /// Programs that the step runs, and how often each on average.
    pub fn parts(&self) -> Vec<(ProgramIx, f64)> {
        match self {
            Step::Cpu(_) | Step::Wait(_) | Step::Call(_) | Step::Fail { .. } => Vec::new(),
            // Counted as never: what is looked at by averages looks at callees that are well.
            Step::Fallback(program) => vec![(*program, 0.0)],
            // Counted as always: what is looked at by averages looks at servers that have enough.
            Step::Optional(program) => vec![(*program, 1.0)],
            Step::Parallel(parallel) => parallel.branches.iter().map(|branch| (*branch, 1.0)).collect(),
            Step::Choose(choices) => choices.iter().map(|choice| (choice.program, choice.share)).collect(),
            Step::Cache { hits, hit, miss, .. } => vec![(*hit, *hits), (*miss, 1.0 - hits)],
            Step::Repeat { times, program } => vec![(*program, times.mean())],
        }
    }
}
