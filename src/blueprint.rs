//! A scenario resolved: typed, validated, every default filled in, every name an index.
//!
//! The simulator reads nothing else. What a constructor of `scenario::resolve` has let through is trusted here: indices
//! point at something, bounds are consistent, distributions are valid. An `Option` means "may be absent in the world",
//! never "use the default". Text survives only as names for output. Parsing is not here, nor is anything that changes
//! while time passes.

pub mod alarm;
pub mod balancer;
pub mod cache;
pub mod call;
pub mod capacity;
pub mod code_deploy;
pub mod control_service;
pub mod dependency;
pub mod direct;
pub mod environment;
pub mod fault;
#[cfg(test)]
pub mod fixture;
pub mod guard;
pub mod hook;
pub mod journey;
pub mod life_cycle;
pub mod link;
pub mod model;
pub mod poison;
pub mod program;
pub mod question;
pub mod queue;
pub mod server;
pub mod service;
pub mod skew;
pub mod start_up;
pub mod stress;
pub mod task;
pub mod traffic;
pub mod wire;

pub use alarm::*;
pub use balancer::*;
pub use cache::*;
pub use call::*;
pub use capacity::*;
pub use code_deploy::*;
pub use control_service::*;
pub use dependency::*;
pub use direct::*;
pub use environment::*;
pub use fault::*;
pub use guard::*;
pub use hook::*;
pub use journey::*;
pub use life_cycle::*;
pub use link::*;
pub use model::*;
pub use poison::*;
pub use program::*;
pub use question::*;
pub use queue::*;
pub use server::*;
pub use service::*;
pub use skew::*;
pub use start_up::*;
pub use stress::*;
pub use task::*;
pub use traffic::*;
pub use wire::*;

use crate::engine::dist::Dist;
use crate::units::{CpuUnits, Instant, Ratio, Span};

/// Declares an index into one of the blueprint's tables.
macro_rules! index {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub u16);
        impl $name {
            pub const fn at(self) -> usize {
                self.0 as usize
            }
            /// Panics if a table has more than 65,535 rows, which `scenario` refuses.
            pub fn from_usize(at: usize) -> Self {
                $name(u16::try_from(at).expect("tables are bounded to 65,535 rows by the scenario's checks"))
            }
        }
    )*};
}

index! {
    /// Into [`Blueprint::zones`].
    ZoneIx;
    /// Into [`Blueprint::auto_scaling_groups`].
    GroupIx;
    /// Into [`Blueprint::task_definitions`].
    TaskDefinitionIx;
    /// Into [`Blueprint::services`].
    ServiceIx;
    /// Into [`Service::revisions`].
    RevisionIx;
    /// Into [`Service::operations`] (the same in all revisions of a service).
    OperationIx;
    /// Into [`Blueprint::programs`].
    ProgramIx;
    /// Into [`Blueprint::calls`].
    CallIx;
    /// Into [`Blueprint::caches`].
    CacheIx;
    /// Into [`Blueprint::dependencies`].
    DependencyIx;
    /// Into [`DependencyExtras::operations`]; 0 where there are none.
    DependencyOperationIx;
    /// Into [`Blueprint::queues`].
    QueueIx;
    /// Into [`Blueprint::load_balancers`].
    LoadBalancerIx;
    /// Into [`Blueprint::target_groups`].
    TargetGroupIx;
    /// Into [`Blueprint::traffic`].
    TrafficIx;
    /// Into [`Blueprint::classes`].
    ClassIx;
    /// Into [`Blueprint::alarms`].
    AlarmIx;
    /// Into [`Blueprint::images`].
    ImageIx;
    /// Into [`Blueprint::events`].
    EventIx;
}

/// Everything that a run needs to know. See the module's doc.
#[derive(Clone, Debug)]
pub struct Blueprint {
    pub name: String,
    pub question: Option<String>,
    pub seed: u64,
    /// Lies before the measured time; nothing in it is reported.
    pub warm_up: Span,
    /// Behind the warm-up, and measured unless some of it is cut.
    pub duration: Span,
    pub start: Start,
    pub kind: Kind,
    pub truncation: Truncation,
    /// What the first runs have shown to be cut; nothing before they are made.
    pub transient: Transient,
    /// Wall clock at measured time 0, in seconds since 1970 (UTC): labels only, cron is resolved already.
    pub starts_at: Option<i64>,
    pub region: String,
    pub zones: Vec<String>,
    pub network: Network,
    pub wires: Wires,
    pub auto_scaling_groups: Vec<AutoScalingGroup>,
    pub images: Vec<Image>,
    pub layers: Vec<Layer>,
    pub task_definitions: Vec<TaskDefinition>,
    pub services: Vec<Service>,
    pub programs: Vec<Program>,
    pub calls: Vec<CallSite>,
    /// Those with names first.
    pub caches: Vec<Cache>,
    pub dependencies: Vec<Dependency>,
    pub queues: Vec<MessageQueue>,
    pub load_balancers: Vec<LoadBalancer>,
    pub target_groups: Vec<TargetGroup>,
    pub traffic: Vec<Traffic>,
    /// All request classes of all traffic, in order; a class knows its traffic.
    pub classes: Vec<RequestClass>,
    pub alarms: Vec<Alarm>,
    /// What befalls the world and what its owners do to it, in order of time (ties in the order written).
    pub events: Vec<TimedEvent>,
    pub objectives: Vec<Objective>,
    pub expectations: Vec<Expectation>,
    /// Runs of each variant; the first look at them, if there is a precision to reach.
    pub replications: u32,
    pub precision: Option<PrecisionGoal>,
    pub stress: Stress,
    /// If there is something to choose.
    pub size: Option<SizeGoal>,
    pub prices: Discounts,
    pub model: Model,
    /// For the reader of a report: every key under `model:`, and which of them the scenario leaves alone.
    pub model_keys: Vec<ModelKey>,
    pub limits: Limits,
    pub traces: Traces,
}

impl Blueprint {
    /// Whether the tasks on a group's instances share their CPU: because any that may run there has shares and no quota, or
    /// because credits may leave less of it than all quotas together.
    pub fn shares_cpu(&self, group: GroupIx) -> bool {
        if self.auto_scaling_groups[group.at()].credits.is_some() {
            return true;
        }
        let on_it = |service: &&Service| service.runs_on(Provider::Group(group));
        let revisions = self
            .services
            .iter()
            .filter(on_it)
            .flat_map(|service| &service.revisions);
        revisions
            .map(|revision| &self.task_definitions[revision.task_definition.at()])
            .any(|definition| definition.cpu_limit == CpuLimit::Shares)
    }

    /// What a task may use at most: what it has reserved, or without a quota its whole instance.
    pub fn most_cpu(&self, service: &Service, revision: &Revision) -> CpuUnits {
        let definition = &self.task_definitions[revision.task_definition.at()];
        let groups = self.auto_scaling_groups.iter().enumerate();
        let hosts = groups
            .filter(|(at, _)| service.runs_on(Provider::Group(GroupIx::from_usize(*at))))
            .map(|(_, group)| group.instance_type.cpu);
        match definition.cpu_limit {
            CpuLimit::Quota => definition.cpu,
            CpuLimit::Shares => hosts.max().unwrap_or(definition.cpu),
        }
    }
}

/// How the world looks when the warm-up begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// Every desired task runs and is healthy, every instance is in service, images are cached.
    SteadyState,
    /// Nothing runs; Auto Scaling groups launch, services start their tasks.
    Empty,
}

/// Whether there is a transient to cut (design: a scenario with a profile, event or scaling has none to cut).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Terminating,
    Steady,
}

/// What is done about the transient of a steady scenario; a terminating one is measured whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Truncation {
    Mser5,
    Never,
}

/// What of a steady scenario's time behind the warm-up had not settled, in whole windows of the timeline.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Transient {
    /// Not measured. Nothing, if nobody has looked.
    pub cut: Span,
    /// What would have to be cut, where it is more than a third: then there is no steady state to be seen, and it stays.
    pub too_long: Option<Span>,
}

/// One-way latencies. Every hop draws from its law once per attempt and direction.
#[derive(Clone, Debug)]
pub struct Network {
    pub same_zone: Dist,
    pub cross_zone: Dist,
    /// From a client outside the cluster to a balancer's node or, without a balancer, to a task; zero by default.
    pub client: Dist,
    /// Replaces `same_zone`/`cross_zone` for the hop from a calling task to a balancer's node, if given.
    pub to_balancer: Option<Dist>,
    /// In place of `cross_zone`.
    pub zone_delays: Vec<ZoneDelay>,
    /// Of each message, always and everywhere.
    pub loss: Ratio,
}

/// What a message takes between two zones, either way.
#[derive(Clone, Debug)]
pub struct ZoneDelay {
    pub zones: [ZoneIx; 2],
    pub delay: Dist,
}

impl ZoneDelay {
    /// Whether it is between these two, in either order.
    pub fn joins(&self, a: ZoneIx, b: ZoneIx) -> bool {
        self.zones == [a, b] || self.zones == [b, a]
    }
}

/// How many requests of each run are followed step by step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Traces {
    /// For where the time goes.
    pub sampled: u32,
    /// Of those of the first run, written out in full.
    pub kept: u32,
}

/// What ends a run that would not end by itself; each is reported as the run's outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Attempts in flight at once.
    pub in_flight: u32,
    /// How long after the horizon requests in flight are still followed; afterwards they end as `unfinished`.
    pub run_out: Span,
}

impl Blueprint {
    /// The metrics that an alarm or a scaling policy reads; nobody looks at the others.
    pub fn metrics_read(&self) -> impl Iterator<Item = Metric> {
        let alarms = self.alarms.iter().flat_map(|alarm| &alarm.metrics);
        let services = self.services.iter().enumerate();
        let policies = services.flat_map(|(at, service)| {
            let policies = service.auto_scaling.iter().flat_map(|scaling| &scaling.policies);
            policies.flat_map(move |policy| policy.metric.of(ServiceIx::from_usize(at)))
        });
        alarms.map(|each| each.metric).chain(policies)
    }

    /// Whether an answer may lack something.
    pub fn can_degrade(&self) -> bool {
        let mut steps = self.programs.iter().flat_map(|program| &program.steps);
        steps.any(|step| match step {
            Step::Fallback(_) | Step::Optional(_) => true,
            Step::Parallel(parallel) => parallel.join == Join::Partial,
            _ => false,
        })
    }

    /// When measuring starts: after the warm-up, and after what is cut of the time behind it.
    pub fn measured_from(&self) -> Instant {
        Instant::ZERO + self.warm_up + self.transient.cut
    }
    /// When measuring ends, whatever is cut.
    pub fn horizon(&self) -> Instant {
        Instant::ZERO + self.warm_up + self.duration
    }
    /// How long is measured: the duration without what is cut of it.
    pub fn measured(&self) -> Span {
        self.horizon().since(self.measured_from())
    }
    /// Width of the timeline's windows: the shortest round length that covers the duration with at most 240
    /// of them. The same whatever is cut, so that windows keep their borders.
    pub fn timeline_window(&self) -> Span {
        const MILLIS: [u64; 24] = [
            1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 15_000, 30_000, 60_000, 120_000, 300_000,
            600_000, 900_000, 1_800_000, 3_600_000, 7_200_000, 21_600_000,
        ];
        const DAY: u64 = 86_400_000;
        const MOST: u64 = 240;
        let least = self.duration.nanos().div_ceil(1_000_000).div_ceil(MOST);
        let round = MILLIS.into_iter().find(|&width| width >= least);
        Span::from_millis(round.unwrap_or_else(|| least.div_ceil(DAY) * DAY))
    }
    /// Seconds on the user's clock, whose 0 is the end of the warm-up: negative before it.
    pub fn clock(&self, at: Instant) -> f64 {
        (at.nanos() as i128 - self.warm_up.nanos() as i128) as f64 / 1e9
    }
}
