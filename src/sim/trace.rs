//! Traces: requests followed step by step, as the data plane records them for a sample.
//!
//! A trace is a tree of spans in one list, parents before their children. An attempt's stages follow each other without
//! a gap; what is called stands below the stage that waits for it. What the spans add up to is the probes' affair.

use super::observation::{Failure, Outcome, Reason, Sender};
use crate::blueprint::{ClassIx, LoadBalancerIx, OperationIx, RevisionIx, ServiceIx, ZoneIx};
use crate::units::{Instant, Span};

/// One client's request.
#[derive(Clone, Debug)]
pub struct Trace {
    /// The key of the request, uniform over 64 bits: who is in a sample is decided by it.
    pub luck: u64,
    pub class: ClassIx,
    pub from: Sender,
    pub arrived: Instant,
    /// When the client had its answer or gave up for good.
    pub ended: Instant,
    pub outcome: Outcome,
    pub failure: Option<Failure>,
    pub spans: Vec<TraceSpan>,
}

#[derive(Clone, Debug)]
pub struct TraceSpan {
    /// Position of the stage that waits for this attempt, or of the attempt that this stage is of; `None`: a client's
    /// attempt.
    pub parent: Option<u32>,
    pub start: Instant,
    /// [`Instant::NEVER`] while it goes on.
    pub end: Instant,
    pub what: Traced,
}

#[derive(Clone, Debug)]
pub enum Traced {
    Attempt(Box<TracedAttempt>),
    /// A branch of a `parallel` step.
    Branch,
    Stage(Doing),
}

/// An attempt: from its sending until its sender has the answer or has given up.
#[derive(Clone, Debug)]
pub struct TracedAttempt {
    pub from: Sender,
    /// 1 for the first.
    pub number: u16,
    pub node: Option<(LoadBalancerIx, u16)>,
    pub served: Option<TracedServer>,
    pub ended: TracedEnd,
}

/// The task that an attempt came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TracedServer {
    pub service: ServiceIx,
    pub revision: RevisionIx,
    pub operation: Option<OperationIx>,
    pub zone: ZoneIx,
    /// Number that tells the tasks apart which live at the same time.
    pub slot: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TracedEnd {
    /// Not within the trace.
    Open,
    Success,
    /// With the status, 0 for none.
    Failed {
        status: u16,
        reason: Reason,
    },
    /// Its sender has given up.
    GivenUp(Reason),
    /// Stopped because nobody waited for it.
    Dropped,
}

/// What an attempt or branch is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doing {
    /// The request or its answer is under way.
    Network,
    /// Waits for a worker, a loop or a slot.
    Queue,
    /// Has CPU work, so much of it; what takes longer is for others on the CPU and for its quota.
    Cpu {
        work: Span,
    },
    Wait,
    /// A dependency serves it.
    Dependency,
    /// Waits for a call, pauses between its attempts included.
    Call,
    /// Waits for its branches.
    Join,
}

impl TraceSpan {
    pub fn lasted(&self) -> Span {
        self.end.since(self.start)
    }
}
