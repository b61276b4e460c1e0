//! The messages between the two planes; nothing else passes the wall.
//!
//! Orders go from the control plane to the data plane, signals the other way. The run loop carries them across after
//! each event, in the order they were sent.

use crate::blueprint::{
    CpuLimit, GroupIx, Ills, LoadBalancerIx, RevisionIx, RuleRef, ServiceIx, TargetGroupIx, WeightedGroup, ZoneIx,
};
use crate::cluster::target_group::Outlook;
use crate::cluster::{Instance, Task};
use crate::engine::arena::Id;
use crate::units::{CpuUnits, Instant, Span};

/// From the control plane to the data plane.
#[derive(Clone, Debug)]
pub enum Order {
    /// The serving container's process exists (it may still be starting up: CPU and queue exist, nothing is accepted
    /// before `Listen`).
    StartServer(ServerSpec),
    /// The process works through this much CPU time before it listens. Answered by [`Signal::StartedUp`].
    StartUp { task: Id<Task>, work: Span },
    /// The process accepts requests.
    Listen(Id<Task>),
    /// The task is RUNNING: its CPU counts for CloudWatch from now on [DG:available-metrics].
    CountCpu(Id<Task>),
    /// It is RUNNING no more.
    StopCountingCpu(Id<Task>),
    /// SIGTERM: new connections are refused, work in hand goes on.
    CloseServer(Id<Task>),
    /// SIGKILL, exit or loss: everything in hand is lost, connections are reset.
    KillServer(Id<Task>),
    /// The host is dead: what was in hand there is lost and nobody says so; who asks it waits in vain.
    SilenceServer(Id<Task>),
    /// Containers beside the server take another part of the task's CPU from now on.
    PartCpu { task: Id<Task>, left: CpuLeft },
    /// An instance on which tasks share the CPU is in service. Before any server on it.
    HostStands(HostStands),
    /// It is no more, nor is anything on it.
    HostGone(Id<Instance>),
    /// The share of full CPU speed that a task gets from now on (1 unless its instance is slow).
    SetSpeed { task: Id<Task>, speed: f64 },
    /// What is wrong with the task's process from now on; [`Ills::NONE`] when it has recovered.
    Afflict { task: Id<Task>, ills: Ills },
    /// What a node of a balancer may send requests of this target group to, from now on (healthy targets, or all of
    /// them when it fails open). In order of registration.
    PublishTargets {
        target_group: TargetGroupIx,
        node: u16,
        targets: Vec<PublishedTarget>,
    },
    /// Zones whose nodes DNS no longer gives, from now on.
    PublishZones {
        load_balancer: LoadBalancerIx,
        out: Vec<ZoneIx>,
    },
    /// The target leaves the group for good (deregistration delay over): what still runs on it through this group is
    /// cut off with a 502.
    CutOff {
        target_group: TargetGroupIx,
        task: Id<Task>,
    },
    /// What direct calls (service discovery) to a service may go to, from now on.
    PublishDiscovery { service: ServiceIx, tasks: Vec<Id<Task>> },
    /// Weights of a listener rule, from now on.
    SetWeights { rule: RuleRef, groups: Vec<WeightedGroup> },
    /// Send one health check from a node to a target. Answered by [`Signal::CheckAnswered`], or by nothing: the sender keeps
    /// the timeout.
    CheckTarget {
        target_group: TargetGroupIx,
        node: u16,
        task: Id<Task>,
        check: u32,
    },
    /// A check that was not made because its outcome was foregone would be under way now that this has changed: it goes
    /// on from where it would be. Answered as [`Order::CheckTarget`] is.
    ResumeCheck(UnmadeCheck),
}

impl Order {
    /// The task whose health checks may go otherwise once this is done.
    pub fn stirs(&self) -> Option<Id<Task>> {
        match self {
            Order::StartServer(ServerSpec { task, .. })
            | Order::StartUp { task, .. }
            | Order::Listen(task)
            | Order::CloseServer(task)
            | Order::KillServer(task)
            | Order::SilenceServer(task)
            | Order::PartCpu { task, .. }
            | Order::Afflict { task, .. }
            | Order::SetSpeed { task, .. } => Some(*task),
            // What is counted, and where requests go: a check goes to its target whatever is published.
            Order::CountCpu(_)
            | Order::HostStands(_)
            | Order::HostGone(_)
            | Order::StopCountingCpu(_)
            | Order::PublishTargets { .. }
            | Order::PublishZones { .. }
            | Order::CutOff { .. }
            | Order::PublishDiscovery { .. }
            | Order::SetWeights { .. }
            | Order::CheckTarget { .. }
            | Order::ResumeCheck(_) => None,
        }
    }
}

/// See [`Order::ResumeCheck`].
#[derive(Clone, Copy, Debug)]
pub struct UnmadeCheck {
    pub target_group: TargetGroupIx,
    pub node: u16,
    pub task: Id<Task>,
    pub check: u32,
    /// When it would have been sent.
    pub sent: Instant,
    /// Of the target, whose server may be gone.
    pub service: ServiceIx,
    pub revision: RevisionIx,
    pub zone: ZoneIx,
}

#[derive(Clone, Copy, Debug)]
pub struct ServerSpec {
    pub task: Id<Task>,
    pub service: ServiceIx,
    pub revision: RevisionIx,
    pub zone: ZoneIx,
    pub cpu: CpuUnits,
    pub left: CpuLeft,
    /// The instance, if its tasks share its CPU.
    pub host: Option<OnHost>,
    /// Hardware threads the task can run on at once.
    pub host_vcpus: u32,
    pub memory: MemoryLeft,
    pub speed: f64,
    pub interface: Interface,
}

/// The network interface that a task's messages go through.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interface {
    /// All tasks of the instance share it; `None`: the task has one of its own.
    pub instance: Option<Id<Instance>>,
    /// Bytes a second, either way.
    pub bandwidth: f64,
}

/// What containers leave of a task's memory (or of its server's own limit) for requests.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MemoryLeft {
    /// MiB, when the server starts.
    pub room: f64,
    /// MiB a second by which the containers grow.
    pub shrinks: f64,
}

/// A task's CPU, parted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CpuLeft {
    /// What the server may use.
    pub server: CpuUnits,
    /// What containers beside it use all the time.
    pub beside: CpuUnits,
    /// Shares of the two against each other, for when the task gets less than both want.
    pub shares: [u32; 2],
}

/// An instance whose tasks share its CPU.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HostStands {
    pub instance: Id<Instance>,
    pub group: GroupIx,
    /// For output.
    pub ordinal: u32,
}

/// Of a task on an instance whose tasks share its CPU.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OnHost {
    pub instance: Id<Instance>,
    /// Of the instance's CPU, against the other tasks on it.
    pub shares: u32,
    pub limit: CpuLimit,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PublishedTarget {
    pub task: Id<Task>,
    /// Slow start: when the ramp began (its length is the group's); `None`: full weight.
    pub ramping_since: Option<Instant>,
}

/// From the data plane to the control plane.
#[derive(Clone, Debug)]
pub enum Signal {
    /// `status`: the HTTP status; 0 for a refused or reset connection.
    CheckAnswered {
        target_group: TargetGroupIx,
        node: u16,
        task: Id<Task>,
        check: u32,
        status: u16,
        /// Whether the next ones will be answered likewise. No knowledge that AWS has not: it spares the simulation
        /// checks that would change nothing, and [`Signal::Stirred`] takes it back before anything does.
        outlook: Outlook,
    },
    /// The process has done the work that it had to do before it listens.
    StartedUp(Id<Task>),
    /// Requests have taken all memory that the serving container may have.
    OutOfMemory(Id<Task>),
    /// A request has ended the serving container's process.
    Crashed { task: Id<Task>, exit_code: u8 },
    /// Of these targets no check is foregone any more.
    Stirred(Whose),
    /// The counters of the CloudWatch minute that has just ended.
    Metered(Box<Meter>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whose {
    Of(Id<Task>),
    /// Of every task.
    Everyones,
}

/// One minute's counters as CloudWatch receives them.
#[derive(Clone, Debug, PartialEq)]
pub struct Meter {
    /// Minutes since the simulation began.
    pub minute: u32,
    pub ended: Instant,
    pub services: Vec<ServiceMeter>,
    /// None where there are no queues.
    pub queues: Vec<QueueMeter>,
    pub target_groups: Vec<TargetGroupMeter>,
    pub load_balancers: Vec<LoadBalancerMeter>,
    /// MiB that requests have of the memory of tasks in which they take any, in order of tasks' slots.
    pub request_memory: Vec<(Id<Task>, f64)>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ServiceMeter {
    /// CPU time used by the service's tasks, in ns of one vCPU.
    pub cpu_used: u64,
    /// CPU time reserved by its servers over the minute, in ns of one vCPU.
    pub cpu_reserved: u64,
    /// Highest and lowest over tasks of used/reserved, for the Maximum and Minimum statistics.
    pub highest: f64,
    pub lowest: f64,
}

/// What SQS reports of a queue.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct QueueMeter {
    /// At the end of the minute.
    pub visible: u64,
    pub not_visible: u64,
    pub delayed: u64,
    pub oldest: Span,
    /// In the minute.
    pub sent: u64,
    pub received: u64,
    pub deleted: u64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct TargetGroupMeter {
    pub requests: u64,
    pub target_2xx: u64,
    pub target_4xx: u64,
    pub target_5xx: u64,
    /// Sum over answered requests, ns.
    pub response_time: u64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct LoadBalancerMeter {
    pub requests: u64,
    pub elb_4xx: u64,
    pub elb_5xx: u64,
    pub rule_evaluations: u64,
    /// Opened by known clients; for all others MODEL: `model.alb.requests_per_connection`, rounded up.
    pub connections: u64,
    /// MODEL: `model.alb.bytes_per_request`.
    pub bytes: u64,
    /// Connections of known clients at the sampling instant; without any the requests in flight, as a stand-in.
    pub active: u64,
}

/// Nodes of a balancer are numbered zone by zone: `zone position in the balancer × nodes_per_zone + i`.
pub fn node_zone(load_balancer_zones: &[ZoneIx], nodes_per_zone: u32, node: u16) -> ZoneIx {
    load_balancer_zones[usize::from(node) / nodes_per_zone as usize]
}

/// A target group belongs to exactly one balancer; `scenario` checks it. `None`: no listener forwards to it.
pub fn balancer_of(blueprint: &crate::blueprint::Blueprint, group: TargetGroupIx) -> Option<LoadBalancerIx> {
    blueprint
        .load_balancers
        .iter()
        .position(|balancer| {
            balancer.listeners.iter().any(|listener| {
                let rules = listener.rules.iter().map(|rule| &rule.action);
                rules.chain([&listener.default_action]).any(|action| match action {
                    crate::blueprint::Action::Forward(groups) => groups.iter().any(|each| each.target_group == group),
                    crate::blueprint::Action::FixedResponse(_) | crate::blueprint::Action::Redirect(_) => false,
                })
            })
        })
        .map(LoadBalancerIx::from_usize)
}
