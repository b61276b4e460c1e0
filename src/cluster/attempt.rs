//! An attempt: one try of one request at one callee, seen from both ends.
//!
//! The caller's half says who waits and since when; the callee's half is a strand of execution (where in its program,
//! what it waits for). The record goes when both halves have let go: the caller by getting an answer or giving up, the
//! callee by finishing. So work that nobody waits for any more goes on, and is seen. A branch of a `parallel` step is an
//! attempt too, without network, queue or worker of its own.
//!
//! A run holds one record for everything in flight and touches it at every step, so it is kept to two lines of the
//! cache: what holds only in one phase lies in the phase, and what a table knows (service, revision, patience) is the
//! number of a row.

use crate::blueprint::{ClassIx, LoadBalancerIx, ProgramIx, TargetGroupIx, ZoneIx};
use crate::cluster::Task;
use crate::cluster::cause::{Cause, Reason};
use crate::cluster::deadline::DeadlineLink;
use crate::cluster::poller::Poller;
use crate::cluster::queue::QueueLink;
use crate::engine::arena::Id;
use crate::engine::random::Key;
use crate::units::Instant;

#[derive(Clone, Debug)]
#[repr(C)]
pub struct Attempt {
    // With the slot's generation, these are the first line of the cache: all that a step at the task needs.
    /// Of this attempt.
    pub key: Key,
    pub caller: Caller,
    pub phase: Phase,
    /// The task that serves it, once picked.
    pub task: Option<Id<Task>>,
    /// Where it is sent from.
    pub site: Site,
    /// What serves it.
    pub served: Served,
    pub program: ProgramIx,
    pub step: u16,
    /// Where the caller stands (for clients: nowhere).
    pub from: Option<ZoneIx>,
    /// 1 for the first.
    pub number: u16,
    pub flags: Flags,
    // The second line: the way, and the waiting.
    pub path: Option<NodePath>,
    /// Where its task (or dependency) stands.
    pub zone: Option<ZoneIx>,
    pub deadline: DeadlineLink,
    /// When the caller's patience ends.
    pub due: Instant,
    /// When the request was first sent.
    pub first_sent: Instant,
    /// When this attempt reached the balancer's node, for its response time; at a dependency, when it was taken up.
    pub at_node: Instant,
    /// Of the request, the same for all its attempts.
    pub request_key: Key,
    /// The next branch of the same `parallel` step.
    pub sibling: Option<Id<Attempt>>,
}

impl Attempt {
    /// Nothing of all this. A record begins as a copy of it and is completed where it lies: built from its parts, it
    /// would be put together elsewhere and read back before it is written, which costs more than the copy.
    pub const BLANK: Attempt = Attempt {
        key: Key::root(0, 0, 0),
        caller: Caller::Client(ClassIx(0), Browser::NOBODY),
        phase: Phase::Paused,
        task: None,
        site: Site::NONE,
        served: Served::NOBODY,
        program: ProgramIx(0),
        step: 0,
        from: None,
        number: 1,
        flags: Flags(0),
        path: None,
        zone: None,
        deadline: DeadlineLink::NONE,
        due: Instant::NEVER,
        first_sent: Instant::NEVER,
        at_node: Instant::ZERO,
        request_key: Key::root(0, 0, 0),
        sibling: None,
    };
}

impl Attempt {
    /// When its caller's patience ends, as far as whoever serves it knows.
    pub fn deadline_known(&self) -> Instant {
        if self.flags.has(Flags::DEADLINE) {
            self.due
        } else {
            Instant::NEVER
        }
    }
}

const _: () = assert!(size_of::<Option<Attempt>>() == 120, "an arena's slot is 128 bytes");

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Caller {
    /// A user, who asks for this.
    Client(ClassIx, Browser),
    /// A strand of another task, at its call site.
    Strand(Id<Attempt>),
    /// The strand of the same task whose `parallel` step this is a branch of.
    Join(Id<Attempt>),
    /// Nobody: it was a branch of a `parallel` step that has gone on without it.
    Nobody,
    /// Nobody: the work that a process does before it listens.
    StartUp,
    /// A caller's process, or a client, that opens a connection for this attempt.
    SetUp(Id<Attempt>),
    /// A balancer's node checks the target's health.
    Check(Check),
    /// Nobody who waits for an answer: a loop of the same task handles a message.
    Poller(Id<Poller>),
}

/// Which of the clients that keep cookies and connections; counted from 1 over all traffic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Browser(pub u32);

impl Browser {
    /// Nobody in particular: a client that comes once.
    pub const NOBODY: Browser = Browser(0);

    /// Position in tables of browsers.
    #[inline]
    pub fn at(self) -> Option<usize> {
        self.0.checked_sub(1).map(|at| at as usize)
    }
}

impl Caller {
    /// Who asks, if that is somebody in particular.
    #[inline]
    pub fn browser(self) -> Browser {
        match self {
            Caller::Client(_, browser) => browser,
            _ => Browser::NOBODY,
        }
    }
}

/// Which node asks for which target group; the number is the control plane's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Check {
    pub target_group: TargetGroupIx,
    pub node: u16,
    pub number: u32,
}

/// Where an attempt is sent from: a call of a program or a traffic source, by row of the data plane's table of sites.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Site(pub u16);

impl Site {
    /// Of branches and health checks, which nobody sends.
    pub const NONE: Site = Site(u16::MAX);

    #[inline]
    pub const fn at(self) -> usize {
        self.0 as usize
    }
}

/// What serves an attempt: an operation of a revision of a service, by row of the data plane's table of operations.
///
/// Each revision has one row more than operations, for what its task has not routed yet, and for what no route takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Served(pub u16);

impl Served {
    /// No task has been picked.
    pub const NOBODY: Served = Served(u16::MAX);

    #[inline]
    pub const fn at(self) -> usize {
        self.0 as usize
    }
}

/// Where an attempt stands, and what goes with that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Pausing before it is sent again.
    Paused,
    /// Under way to node or callee.
    Sent,
    /// Waits for a worker, a loop or a slot.
    Queued(QueueLink),
    /// Has got what it waited for and runs when the present step is over.
    Ready,
    OnCpu,
    /// In a `wait` step, or served by a dependency.
    Waiting,
    /// Waits for the answer to this call.
    Calling(Id<Attempt>),
    /// Waits for its branches.
    Joining {
        first: Option<Id<Attempt>>,
        /// Branches that have not joined yet.
        pending: u16,
    },
    /// This is under way to the caller.
    Answered(Answer),
    /// The request or its answer was lost on the way: nothing will come, only patience ends it.
    Lost,
}

impl Phase {
    /// Whether it is in the hands of its task.
    pub fn is_in_hand(self) -> bool {
        match self {
            Phase::Queued(_)
            | Phase::Ready
            | Phase::OnCpu
            | Phase::Waiting
            | Phase::Calling(_)
            | Phase::Joining { .. } => true,
            Phase::Paused | Phase::Sent | Phase::Answered(_) | Phase::Lost => false,
        }
    }
}

/// Facts that hold or not, packed because the record is on the request path.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flags(u16);

impl Flags {
    /// The caller waits no more.
    pub const CALLER_GONE: Flags = Flags(1);
    /// It counts as outstanding in the view it was picked from.
    pub const OUTSTANDING: Flags = Flags(2);
    /// A branch has failed.
    pub const BRANCH_FAILED: Flags = Flags(4);
    /// It holds a worker of its server, from its first step to its last.
    pub const HOLDS_WORKER: Flags = Flags(8);
    /// It holds a loop of its server, until its next step that is not `cpu`.
    pub const HOLDS_LOOP: Flags = Flags(16);
    /// A worker or a loop.
    pub const HOLDS_SOMETHING: Flags = Flags(8 | 16);
    /// Its server has rules and keeps a row for it.
    pub const HAS_RULES: Flags = Flags(256);
    /// The deadline it is listed for is the node's idle timeout, not the caller's patience.
    pub const NODE_WAITS: Flags = Flags(32);
    /// What backs its callee has a row about it beside it.
    pub const BACKING: Flags = Flags(2048);
    /// Its steps are followed: it has a row in the tracer's table.
    pub const TRACED: Flags = Flags(64);
    /// A guard of its site has let it through and is to be told how it ends.
    pub const GUARDED: Flags = Flags(128);
    /// It was picked by a site's ways straight to tasks, which know whose view it counts in.
    pub const BY_WAYS: Flags = Flags(512);
    /// The data plane keeps its course: where it is in loops, and its call path.
    pub const HAS_COURSE: Flags = Flags(1024);
    /// Whoever stands above its caller waits no more: what comes of it is for nothing. The caller does not know.
    pub const UNWANTED: Flags = Flags(16384);
    /// For nothing, whether its own caller has gone or somebody further up.
    pub const FOR_NOTHING: Flags = Flags(1 | 16384);
    /// Whoever serves it knows when its caller's patience ends.
    pub const DEADLINE: Flags = Flags(32768);
    /// What calls, branches and further attempts have from whoever makes them.
    pub const INHERITED: Flags = Flags(64 | 16384);
    /// Before a step of such a strand there is more to see to: one test for all of it.
    pub const UNUSUAL_STEP: Flags = Flags(64 | 4096 | 32768);
    /// At the end of such a strand there is more to see to.
    pub const UNUSUAL_END: Flags = Flags(1 | 64 | 256 | 4096 | 16384);
    /// Something was left out of its answer, or of one that this is made of.
    pub const DEGRADED: Flags = Flags(8192);
    /// Of the answer to such an attempt, somebody else is to hear than its caller, or there is more to hear.
    pub const OVERHEARD: Flags = Flags(64 | 128 | 512 | 2048 | 8192);

    /// Its task is or was ill, and is looked at before each step.
    pub const AFFLICTED: Flags = Flags(4096);

    #[inline]
    pub fn has(self, flag: Flags) -> bool {
        self.0 & flag.0 != 0
    }
    #[inline]
    pub fn set(&mut self, flag: Flags) {
        self.0 |= flag.0;
    }
    /// Those that a branch has from its strand.
    #[inline]
    pub fn of_branch(self) -> Flags {
        Flags(self.0 & (Flags::INHERITED.0 | Flags::DEADLINE.0))
    }
    /// An answer that is made of a degraded one is degraded, too.
    #[inline]
    pub fn degraded_by(&mut self, part: Flags) {
        self.0 |= part.0 & Flags::DEGRADED.0;
    }
    /// Of these, those that are inherited.
    #[inline]
    pub fn inherited(self) -> Flags {
        Flags(self.0 & Flags::INHERITED.0)
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

/// What the caller is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    Success,
    /// 404 of the target.
    NotFound,
    /// 500 of the target.
    Failure(Cause),
    /// 503 of the target, which says no before it has done anything.
    Overloaded(Cause),
    /// The target's code ends with this error, from 400 to 599.
    Error(u16),
    /// Refused or reset, without a status.
    Refused(Cause),
    /// The balancer's own fixed response or redirect.
    Fixed(u16),
    BadGateway(Cause),
    ServiceUnavailable(Cause),
    GatewayTimeout(Cause),
    /// The caller's own patience is over.
    TimedOut(Cause),
    /// The caller's own guards did not let it through.
    Rejected(Cause),
}

impl Answer {
    #[inline]
    pub fn is_success(self) -> bool {
        match self {
            Answer::Success => true,
            Answer::Fixed(status) => (200..300).contains(&status),
            _ => false,
        }
    }
    /// Worth another attempt: what may differ next time.
    #[inline]
    pub fn is_retryable(self) -> bool {
        self.is_failure_of_callee()
    }
    /// Says that something is wrong with whoever was to answer.
    #[inline]
    pub fn is_failure_of_callee(self) -> bool {
        !matches!(
            self,
            Answer::Success | Answer::NotFound | Answer::Fixed(_) | Answer::Error(400..=499) | Answer::Rejected(_)
        )
    }
    /// 4xx of the target: the request is at fault, not who serves it.
    #[inline]
    pub fn is_client_error(self) -> bool {
        matches!(self, Answer::NotFound | Answer::Error(400..=499))
    }
    /// As a balancer's health check sees it; 0 is "no HTTP".
    pub fn status(self) -> u16 {
        match self {
            Answer::Success => 200,
            Answer::NotFound => 404,
            Answer::Failure(_) => 500,
            Answer::Refused(_) | Answer::TimedOut(_) | Answer::Rejected(_) => 0,
            Answer::Fixed(status) | Answer::Error(status) => status,
            Answer::BadGateway(_) => 502,
            Answer::ServiceUnavailable(_) | Answer::Overloaded(_) => 503,
            Answer::GatewayTimeout(_) => 504,
        }
    }
    /// Why it is no success; asked only of what is none.
    pub fn cause(self) -> Cause {
        match self {
            Answer::Failure(cause)
            | Answer::Refused(cause)
            | Answer::BadGateway(cause)
            | Answer::ServiceUnavailable(cause)
            | Answer::Overloaded(cause)
            | Answer::GatewayTimeout(cause)
            | Answer::TimedOut(cause)
            | Answer::Rejected(cause) => cause,
            Answer::NotFound => Reason::NoRoute.here(),
            Answer::Error(_) => Reason::OwnError.here(),
            Answer::Success | Answer::Fixed(_) => Reason::FixedResponse.here(),
        }
    }
}

/// Attempts for the tests of what they are threaded through.
#[cfg(test)]
pub mod sample {
    use super::*;
    use crate::engine::arena::Arena;

    /// An arena of fresh attempts.
    pub fn attempts(count: usize) -> (Arena<Attempt>, Vec<Id<Attempt>>) {
        let mut arena = Arena::new();
        let ids = (0..count).map(|_| arena.insert(Attempt::BLANK)).collect();
        (arena, ids)
    }
}
