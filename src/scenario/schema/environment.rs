//! Traffic, alarms, and what happens at a time.

use super::{
    AtRandom, Deploy, Duration, Factor, Flapping, GrayFailure, Named, PoisonRequests, RunTask, Selection, Share, Time,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Something that happens: one key says what, the others when.
///
/// A fault comes once, at `at`; or again and again: `every` so long, `flapping`, or at `random`; or whenever another
/// fault does (`together_with`).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Event {
    /// Of a fault that comes again, the first time; of one at random, from when on (from the beginning of the warm-up if
    /// absent).
    pub at: Option<Duration>,
    /// For faults: how long, each time; it does not end by itself if absent.
    pub lasting: Option<Duration>,
    /// The fault comes and goes at random.
    pub random: Option<AtRandom>,
    /// The fault comes and goes: it begins at `at`.
    pub flapping: Option<Flapping>,
    /// The fault comes again so long after each beginning.
    pub every: Option<Duration>,
    /// A fault that comes again does not begin any more after this.
    pub until: Option<Duration>,
    /// What other faults call this one in `together_with`.
    pub name: Option<String>,
    /// The fault begins whenever the one of this name does, and ends with it unless `lasting` says otherwise.
    pub together_with: Option<String>,
    /// That the fault comes at all, each time; always if absent.
    pub probability: Option<Share>,
    /// New revisions by service; services in one event begin together.
    pub deploy: Option<Named<Deploy>>,
    /// New revisions in steps, each after the one before has COMPLETED.
    pub release: Option<super::Release>,
    /// New desired counts by service.
    pub set_desired_count: Option<Named<u32>>,
    /// Of the service named, the deployment that a hook of type PAUSE holds up goes on.
    pub continue_deployment: Option<String>,
    /// Of the service named, the deployment in progress is stopped and rolled back; one by CodeDeploy only if its
    /// auto-rollback says so.
    pub stop_deployment: Option<String>,
    /// Everything in the zone is unreachable.
    pub zone_outage: Option<String>,
    pub task_crash: Option<TaskCrash>,
    /// Tasks are slow, wrong or still while they run.
    pub gray_failure: Option<GrayFailure>,
    /// Some requests kill or hang whoever serves them.
    pub poison_requests: Option<PoisonRequests>,
    pub instance_loss: Option<InstanceLoss>,
    /// Standalone tasks are started.
    pub run_task: Option<RunTask>,
    pub drain_instance: Option<DrainInstance>,
    pub slow_instance: Option<SlowInstance>,
    pub added_latency: Option<AddedLatency>,
    pub partition: Option<super::Partition>,
    pub packet_loss: Option<super::PacketLoss>,
    pub dependency_slow: Option<DependencySlow>,
    /// Dependencies refuse or do not answer requests, or are slow (a brown-out), or both.
    pub dependency_outage: Option<super::DependencyOutage>,
    /// For a while a traffic's rate is so many times what its profile says.
    pub traffic_spike: Option<TrafficSpike>,
    /// The dependency's primary fails; its standby answers after its failover time.
    pub dependency_failover: Option<String>,
    pub cache_flush: Option<super::CacheFlush>,
    /// Clients are moved away from a load balancer's zone, for as long as `lasting` says.
    pub zonal_shift: Option<ZonalShift>,
    pub stop_task: Option<super::StopTask>,
    pub agent_disconnect: Option<super::AgentDisconnect>,
    /// CloudWatch Logs takes no lines: containers whose log driver blocks stand still.
    pub logs_stall: Option<super::Whole>,
    /// Services of AWS that decide are away: what still runs is static stability.
    pub control_plane_outage: Option<super::ControlPlaneOutage>,
    /// Fargate or a group finds no capacity for what it is to launch.
    pub capacity_shortage: Option<super::CapacityShortage>,
    /// Launches of tasks are throttled.
    pub api_throttling: Option<super::ApiThrottling>,
    pub spot_reclaim: Option<super::SpotReclaim>,
    pub memory_leak: Option<super::MemoryLeak>,
    /// Secrets cannot be read: tasks that need them do not start.
    pub secrets_outage: Option<super::SecretStore>,
    /// Tasks get no credentials of their execution roles.
    pub iam_outage: Option<super::Whole>,
    /// CloudWatch Logs creates no streams.
    pub logs_outage: Option<super::Whole>,
    /// The registry of images does not answer.
    pub registry_outage: Option<super::Whole>,
    /// The registry of images takes fewer calls: one for each image's manifest, one for each layer that is pulled.
    pub registry_throttled: Option<super::Throttled>,
}

/// As `StartZonalShift` does it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ZonalShift {
    /// A zone.
    pub away_from: String,
    /// All that have `zonal_shift: true` if absent.
    pub load_balancer: Option<String>,
}

/// Tasks exit: those of a selection or `count` of a service's at once, or each of a service's after a time between
/// failures.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TaskCrash {
    pub service: Option<String>,
    #[schemars(range(min = 1))]
    pub count: Option<u32>,
    /// In place of the others.
    pub on: Option<Selection>,
    /// A plain time is the mean of an exponential distribution.
    pub time_between_failures: Option<Time>,
}

/// Instances of a group are set to DRAINING: they take no tasks any more, and service tasks on them are replaced elsewhere.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DrainInstance {
    pub capacity_provider: String,
    #[serde(default = "super::one")]
    #[schemars(range(min = 1))]
    pub count: u32,
}

/// Instances of a group die.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct InstanceLoss {
    pub capacity_provider: String,
    #[serde(default = "super::one")]
    #[schemars(range(min = 1))]
    pub count: u32,
}

/// Instances of a group give their tasks less CPU.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SlowInstance {
    pub capacity_provider: String,
    #[serde(default = "super::one")]
    #[schemars(range(min = 1))]
    pub count: u32,
    /// How many times slower.
    pub factor: Factor,
}

/// Hops take longer: all of them, or those of a zone, a service or a dependency.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AddedLatency {
    /// Each way.
    pub delay: Time,
    pub zone: Option<String>,
    pub service: Option<String>,
    pub dependency: Option<String>,
    /// Two of: zones, services, dependencies and `clients`, in place of the three keys above.
    #[serde(default)]
    #[schemars(length(max = 2))]
    pub between: Vec<String>,
    /// With `between`.
    #[serde(default)]
    pub direction: super::Direction,
    /// Of the attempts, with `between`; all if absent.
    #[serde(default = "super::link::all")]
    pub share: Share,
}

/// A dependency takes `factor` times as long.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DependencySlow {
    pub dependency: String,
    pub factor: Factor,
}

/// The rate of a traffic is multiplied, for as long as `lasting` says; spikes at the same time multiply.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TrafficSpike {
    /// One that has a `rate`.
    pub traffic: String,
    pub factor: Factor,
}
