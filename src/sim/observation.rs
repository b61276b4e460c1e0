//! What was seen: the past-tense records that the simulation hands to the probes.
//!
//! Request outcomes have a record of their own (it is on the request path and holds no text); everything else is an
//! [`Observation`]. Times are the simulation's; probes shift them to the user's clock.

mod journey;
mod queues;
mod samples;
mod steps;

use crate::blueprint::{
    CallIx, ClassIx, GroupIx, LoadBalancerIx, OperationIx, RevisionIx, ServiceIx, TrafficIx, ZoneIx,
};
pub use crate::cluster::cause::{Reason, Stage};
use crate::units::{CpuUnits, Instant, MiB, Span};
pub use journey::JourneyCount;
pub use queues::{QueueCount, QueueSample};
pub use samples::{CacheLooks, CreditSample, DependencySample, Sample, SenderSample, ServiceSample, Work};
pub use steps::{CacheCount, JoinCount, StepCounts};

/// Whoever watches a run. The run loop hands over what was seen after each event, in order.
pub trait Observer {
    fn request_finished(&mut self, request: &RequestFinished);
    fn observed(&mut self, observation: Observation);
}

/// A client's request has ended, retries included.
#[derive(Clone, Copy, Debug)]
pub struct RequestFinished {
    pub class: ClassIx,
    pub outcome: Outcome,
    pub arrived: Instant,
    /// From the first attempt's sending to the last answer (or to giving up).
    pub latency: Span,
    pub attempts: u32,
    /// Of the last answer.
    pub completeness: Completeness,
    /// Of the task that gave the last answer, if a task did.
    pub served_by: Option<ServedBy>,
    /// Why it was not served; of the last attempt.
    pub failure: Option<Failure>,
}

/// The root of a failure: the deepest call at which something went wrong, not who passed it on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Failure {
    pub reason: Reason,
    /// Whose attempt failed, or whose patience ended.
    pub from: Sender,
    pub place: FailurePlace,
}

/// Who sends: a call of a program, or clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Sender {
    Call(CallIx),
    Traffic(TrafficIx),
}

/// Where something went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FailurePlace {
    Service {
        service: ServiceIx,
        operation: Option<OperationIx>,
    },
    /// On the way of what this sends, or at the dependency or balancer that it is sent to.
    Beyond(Sender),
}

/// Whether all of an answer is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Completeness {
    Whole,
    /// Somewhere below an optional step was left out, a fallback ran, or a partial join went on without a branch.
    Degraded,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServedBy {
    pub service: ServiceIx,
    pub revision: RevisionIx,
    pub zone: ZoneIx,
}

/// Each offered request has exactly one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Outcome {
    Served,
    /// The target answered 4xx (no route).
    ClientError,
    /// The target answered 5xx: its code failed, or a call it made did.
    ServerError,
    /// No answer within the client's timeout.
    TimedOut,
    /// Direct connection refused or reset, or no task to connect to.
    Refused,
    /// The balancer answered by itself: a fixed response that is not 2xx.
    FixedResponse,
    /// The balancer sent the client elsewhere, which is the end of this request: following it is another.
    Redirected,
    /// 502: connection refused or reset by the target, or cut off at the end of the deregistration delay.
    BadGateway,
    /// 503: the target group has no targets.
    ServiceUnavailable,
    /// 504: connecting took 10 s, or no answer within the idle timeout.
    GatewayTimeout,
    /// Still in flight when the run ended.
    Unfinished,
}

impl Outcome {
    pub const ALL: [Outcome; 11] = [
        Outcome::Served,
        Outcome::ClientError,
        Outcome::ServerError,
        Outcome::TimedOut,
        Outcome::Refused,
        Outcome::FixedResponse,
        Outcome::Redirected,
        Outcome::BadGateway,
        Outcome::ServiceUnavailable,
        Outcome::GatewayTimeout,
        Outcome::Unfinished,
    ];

    /// For column names and labels.
    pub const fn name(self) -> &'static str {
        match self {
            Outcome::Served => "served",
            Outcome::ClientError => "client_error",
            Outcome::ServerError => "server_error",
            Outcome::TimedOut => "timed_out",
            Outcome::Refused => "refused",
            Outcome::FixedResponse => "fixed_response",
            Outcome::Redirected => "redirected",
            Outcome::BadGateway => "bad_gateway_502",
            Outcome::ServiceUnavailable => "unavailable_503",
            Outcome::GatewayTimeout => "gateway_timeout_504",
            Outcome::Unfinished => "unfinished",
        }
    }
}

#[derive(Clone, Debug)]
pub enum Observation {
    /// A row of `events.csv`.
    Happened(Event),
    /// Counts of a service's tasks have changed.
    ServiceLevels(ServiceLevels),
    /// A task is over (or the run is): a row of `tasks.csv`, and what Fargate bills.
    TaskEnded(TaskRecord),
    /// An instance is over (or the run is): what EC2 bills.
    InstanceEnded(InstanceRecord),
    DeploymentStarted(DeploymentRecord),
    /// The same record, complete.
    DeploymentEnded(DeploymentRecord),
    DeploymentStepped(DeploymentStep),
    Scaled(ScalingRecord),
    /// A window of the timeline has ended.
    Sampled(Box<Sample>),
    /// Counters of the revisions of a service, taken when a deployment starts, when it ends and, for a service's last
    /// deployment, at the end of the run.
    RevisionCounts {
        deployment: u32,
        counts: Vec<RevisionCount>,
    },
    /// Usage of a balancer over one minute, for its LCUs.
    BalancerMinute {
        load_balancer: LoadBalancerIx,
        ended: Instant,
        meter: super::signal::LoadBalancerMeter,
    },
    /// At the end of a run: calls between revisions that may not understand each other, if there were any.
    SkewCounted(Vec<SkewCount>),
    /// At the end of a run: what came of journeys, if there were any.
    JourneysCounted(Vec<JourneyCount>),
    /// At the end of a run: bytes that tasks have sent to tasks and dependencies of other zones in measured time, if any.
    CrossedZones(u64),
    /// A request that was followed.
    Traced(Box<super::trace::Trace>),
    /// At the end of a run: what came of certain steps, if there are any.
    StepsCounted(StepCounts),
    /// At the end of a run: what came of the messages of each queue, if there are any.
    QueuesCounted(Vec<QueueCount>),
    /// The run ended early.
    LimitReached(String),
}

/// Ordinals (`task`, `instance`, `deployment`) count up over a run and never repeat.
#[derive(Clone, Debug)]
pub struct Event {
    pub at: Instant,
    pub kind: EventKind,
    pub service: Option<ServiceIx>,
    pub deployment: Option<u32>,
    pub revision: Option<RevisionIx>,
    pub task: Option<u32>,
    pub instance: Option<u32>,
    pub zone: Option<ZoneIx>,
    /// States or values; empty where there is none.
    pub from: String,
    pub to: String,
    pub reason: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventKind {
    /// Task states, in AWS's spelling.
    Task,
    Container,
    /// Target states by target group: `initial`, `healthy`, `unhealthy`, `draining`, `unused`.
    Target,
    Instance,
    /// `IN_PROGRESS`, `COMPLETED`, `FAILED` and life-cycle stages.
    Deployment,
    /// Messages of the service scheduler.
    Service,
    /// `OK`, `ALARM`, `INSUFFICIENT_DATA`.
    Alarm,
    /// Desired count from → to, with the cause.
    Scaling,
    Fault,
    AutoScalingGroup,
    /// RunTask found no place for a standalone task.
    RunTask,
    /// Whether DNS gives the addresses of a load balancer's zone: `in DNS`, `not in DNS`.
    LoadBalancer,
    /// Calls between revisions that do not understand each other: the first of a pair that fails.
    Skew,
    /// Release trains: a step begins, and how they end.
    Release,
    /// A caller's circuit breaker: `closed`, `open`, `half-open`.
    CircuitBreaker,
}

impl EventKind {
    pub const fn name(self) -> &'static str {
        match self {
            EventKind::Task => "task",
            EventKind::Container => "container",
            EventKind::Target => "target",
            EventKind::Instance => "instance",
            EventKind::Deployment => "deployment",
            EventKind::Service => "service",
            EventKind::Alarm => "alarm",
            EventKind::Scaling => "scaling",
            EventKind::Fault => "fault",
            EventKind::AutoScalingGroup => "auto_scaling_group",
            EventKind::RunTask => "run_task",
            EventKind::LoadBalancer => "load_balancer",
            EventKind::Skew => "skew",
            EventKind::Release => "release",
            EventKind::CircuitBreaker => "circuit_breaker",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServiceLevels {
    pub at: Instant,
    pub service: ServiceIx,
    pub desired: u32,
    /// PROVISIONING, PENDING and ACTIVATING.
    pub pending: u32,
    pub running: u32,
    pub healthy: u32,
    /// DEACTIVATING and STOPPING.
    pub stopping: u32,
}

#[derive(Clone, Debug)]
pub struct TaskRecord {
    pub task: u32,
    pub service: ServiceIx,
    pub revision: RevisionIx,
    pub provider: crate::blueprint::Provider,
    pub instance: Option<u32>,
    pub zone: ZoneIx,
    pub cpu: CpuUnits,
    pub memory: MiB,
    pub extra_storage_gib: u32,
    pub architecture: crate::blueprint::Architecture,
    pub created: Instant,
    /// Start of the image pull: where Fargate's bill begins.
    pub pull_started: Option<Instant>,
    pub running: Option<Instant>,
    pub healthy: Option<Instant>,
    pub stopping: Option<Instant>,
    /// `None`: still there when the run ended.
    pub stopped: Option<Instant>,
    pub stop_code: &'static str,
    pub stop_reason: String,
    /// `app=0 envoy=137`: of the containers that have exited.
    pub exit_codes: String,
}

#[derive(Clone, Debug)]
pub struct InstanceRecord {
    pub instance: u32,
    pub group: GroupIx,
    pub zone: ZoneIx,
    pub launched: Instant,
    pub registered: Option<Instant>,
    pub terminated: Option<Instant>,
    pub reason: String,
}

#[derive(Clone, Debug)]
pub struct DeploymentRecord {
    pub deployment: u32,
    pub service: ServiceIx,
    pub strategy: &'static str,
    pub from: RevisionIx,
    pub to: RevisionIx,
    pub started: Instant,
    pub ended: Option<Instant>,
    /// `IN_PROGRESS`, `COMPLETED`, `FAILED`, `ROLLED_BACK`.
    pub outcome: &'static str,
    pub reason: String,
    /// When a breaker or alarm decided, if one did.
    pub detected: Option<Instant>,
    /// Desired count when it began.
    pub desired: u32,
    pub lowest_healthy: u32,
    /// Most healthy tasks that the desired count of the moment lacked.
    pub deepest_dip: u32,
    /// Task-seconds of healthy tasks below the desired count.
    pub below_desired_task_s: f64,
    /// Most tasks, PENDING to STOPPED, above the desired count of the moment.
    pub peak_extra_tasks: u32,
    /// Task-seconds × size above the desired count, for the extra cost: vCPU-s and GiB-s.
    pub extra_vcpu_s: f64,
    pub extra_gib_s: f64,
}

#[derive(Clone, Debug)]
pub struct DeploymentStep {
    pub at: Instant,
    pub deployment: u32,
    pub service: ServiceIx,
    pub desired: u32,
    pub old_running: u32,
    pub new_running: u32,
    pub new_healthy: u32,
    pub draining: u32,
    pub lower: u32,
    pub upper: u32,
    /// `start 2`, `stop 1`, `wait`, `shift traffic`, `complete`, `fail`, `roll back`.
    pub decision: String,
    pub reason: String,
}

#[derive(Clone, Debug)]
pub struct ScalingRecord {
    pub at: Instant,
    pub service: ServiceIx,
    pub policy: String,
    /// `scale out`, `scale in`, `refused`.
    pub action: &'static str,
    pub from: u32,
    pub to: u32,
    pub metric: f64,
    pub target: f64,
    pub reason: String,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RevisionCount {
    /// Attempts answered, clients' and other services' together; health checks are not counted.
    pub requests: u64,
    /// Of these, answered 5xx or cut off.
    pub errors: u64,
}

/// Calls of one revision to another that does not understand it, in measured time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SkewCount {
    pub caller: (ServiceIx, RevisionIx),
    pub callee: (ServiceIx, RevisionIx),
    /// Attempts that reached the callee.
    pub calls: u64,
    /// Of these, not understood.
    pub failed: u64,
    /// When the first and the last of these came.
    pub first: Instant,
    pub last: Instant,
}

impl SkewCount {
    pub fn none(caller: (ServiceIx, RevisionIx), callee: (ServiceIx, RevisionIx)) -> Self {
        SkewCount {
            caller,
            callee,
            calls: 0,
            failed: 0,
            first: Instant::ZERO,
            last: Instant::ZERO,
        }
    }
}
