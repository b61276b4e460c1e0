//! What the code of a service does with a request, and how its process takes requests.

use super::{CallIx, ProgramIx};
use crate::engine::dist::Dist;

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

#[derive(Clone, Debug)]
pub enum Step {
    /// CPU time on the task's share.
    Cpu(Dist),
    /// Time that passes without CPU (disk, a third party, sleep).
    Wait(Dist),
    Call(CallIx),
    /// Runs all branches at once and joins when all have ended; fails if one fails.
    Parallel(Vec<ProgramIx>),
}
