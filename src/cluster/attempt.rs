//! An attempt: one try of one request at one callee, seen from both ends.
//!
//! The caller's half says who waits and since when; the callee's half is a strand of execution (where in its program,
//! what it waits for). The record goes when both halves have let go: the caller by getting an answer or giving up, the
//! callee by finishing. So work that nobody waits for any more goes on, and is seen. A branch of a `parallel` step is an
//! attempt too, without network, queue or worker of its own.

use crate::blueprint::{
    CallIx, ClassIx, LoadBalancerIx, OperationIx, ProgramIx, RevisionIx, ServiceIx, TargetGroupIx, ZoneIx,
};
use crate::cluster::Task;
use crate::engine::arena::{Id, RawId};
use crate::engine::random::Key;
use crate::units::Instant;

/// "No slot" in the intrusive lists, whose links are arena slots.
pub const NO_SLOT: u32 = u32::MAX;

#[derive(Clone, Debug)]
pub struct Attempt {
    /// Of the request, the same for all its attempts.
    pub request_key: Key,
    /// Of this attempt.
    pub key: Key,
    pub caller: Caller,
    pub callee: Callee,
    pub phase: Phase,
    pub flags: Flags,
    /// 1 for the first.
    pub number: u16,
    /// What the client asked for, if a client is at the root.
    pub class: ClassIx,
    /// Where the caller stands (for clients: nowhere).
    pub from: Option<ZoneIx>,
    /// When the request was first sent.
    pub first_sent: Instant,
    /// When this attempt reached the balancer's node, for its response time.
    pub at_node: Instant,
    /// The last pause before a retry, for decorrelated jitter.
    pub last_pause: crate::units::Span,
    pub path: Option<NodePath>,
    /// The task that serves it, once picked.
    pub task: Option<Id<Task>>,
    pub service: ServiceIx,
    pub revision: RevisionIx,
    /// Where that task (or dependency) stands.
    pub zone: Option<ZoneIx>,
    pub operation: ServedOperation,
    pub program: ProgramIx,
    pub step: u16,
    /// Branches that have not joined yet.
    pub pending: u16,
    /// The call or the first branch it waits for.
    pub child: RawId,
    /// The next branch of the same `parallel` step.
    pub sibling: RawId,
    /// The answer under way to the caller.
    pub answer: Answer,
    /// When the caller's own patience ends.
    pub due: Instant,
    pub deadline: DeadlineLink,
    pub queue: QueueLink,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Caller {
    /// A user of the traffic that the class belongs to.
    Client,
    /// A strand of another task, at its call site.
    Strand(Id<Attempt>),
    /// The strand of the same task whose `parallel` step this is a branch of.
    Join(Id<Attempt>),
    /// A balancer's node checks the target's health.
    Check(Check),
}

/// Which node asks for which target group; the number is the control plane's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Check {
    pub target_group: TargetGroupIx,
    pub node: u16,
    pub number: u32,
}

/// Where the attempt goes: the client's destination or the call site decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Callee {
    /// As the traffic of its class says.
    Destination,
    Call(CallIx),
    /// A health check or a branch: the task is known from the start.
    Known,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Pausing before it is sent again.
    Paused,
    /// Under way to node or callee.
    Sent,
    /// Waits for a worker, a loop or a slot.
    Queued,
    OnCpu,
    /// In a `wait` step, or served by a dependency.
    Waiting,
    Calling,
    Joining,
    /// The answer is under way.
    Answered,
    /// The request or its answer was lost on the way: nothing will come, only patience ends it.
    Lost,
}

/// Facts that hold or not, packed because the record is on the request path.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flags(u8);

impl Flags {
    /// The caller waits no more.
    pub const CALLER_GONE: Flags = Flags(1);
    /// It counts as outstanding in the view it was picked from.
    pub const OUTSTANDING: Flags = Flags(2);
    /// A branch has failed.
    pub const BRANCH_FAILED: Flags = Flags(4);
    /// It holds a worker or loop of its server.
    pub const HOLDS_WORKER: Flags = Flags(8);
    /// Its deadline is the node's idle timeout, not the caller's patience.
    pub const NODE_WAITS: Flags = Flags(16);

    #[inline]
    pub fn has(self, flag: Flags) -> bool {
        self.0 & flag.0 != 0
    }
    #[inline]
    pub fn set(&mut self, flag: Flags) {
        self.0 |= flag.0;
    }
    #[inline]
    pub fn clear(&mut self, flag: Flags) {
        self.0 &= !flag.0;
    }
}

/// The way through a balancer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NodePath {
    pub load_balancer: LoadBalancerIx,
    pub node: u16,
    /// Chosen at the node.
    pub target_group: Option<TargetGroupIx>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServedOperation {
    Operation(OperationIx),
    HealthCheck,
    /// No route takes the path: answered 404 at once.
    NoRoute,
}

/// What the caller is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    Success,
    /// 404 of the target.
    NotFound,
    /// 500 of the target.
    Failure,
    /// Refused or reset, without a status.
    Refused,
    /// The balancer's own fixed response.
    Fixed(u16),
    BadGateway,
    ServiceUnavailable,
    GatewayTimeout,
    /// The caller's own patience is over.
    TimedOut,
}

impl Answer {
    pub fn is_success(self) -> bool {
        match self {
            Answer::Success => true,
            Answer::Fixed(status) => (200..300).contains(&status),
            _ => false,
        }
    }
    /// Worth another attempt: what may differ next time.
    pub fn is_retryable(self) -> bool {
        !matches!(self, Answer::Success | Answer::NotFound | Answer::Fixed(_))
    }
    /// As a balancer's health check sees it; 0 is "no HTTP".
    pub fn status(self) -> u16 {
        match self {
            Answer::Success => 200,
            Answer::NotFound => 404,
            Answer::Failure => 500,
            Answer::Refused | Answer::TimedOut => 0,
            Answer::Fixed(status) => status,
            Answer::BadGateway => 502,
            Answer::ServiceUnavailable => 503,
            Answer::GatewayTimeout => 504,
        }
    }
}

/// Place in a list of [`super::deadline::Deadlines`].
#[derive(Clone, Copy, Debug)]
pub struct DeadlineLink {
    pub at: Instant,
    pub list: u16,
    pub previous: u32,
    pub next: u32,
}

impl DeadlineLink {
    pub const NONE: DeadlineLink = DeadlineLink {
        at: Instant::NEVER,
        list: u16::MAX,
        previous: NO_SLOT,
        next: NO_SLOT,
    };
}

/// Place in a [`super::queue::Queue`].
#[derive(Clone, Copy, Debug)]
pub struct QueueLink {
    pub previous: u32,
    pub next: u32,
}

impl QueueLink {
    pub const NONE: QueueLink = QueueLink {
        previous: NO_SLOT,
        next: NO_SLOT,
    };
}
