//! ECS services.

use super::{
    AutoScaling, ConcurrencyLimit, Container, Cpu, CpuModel, DeploymentConfiguration, DeploymentController,
    DeploymentGroup, Duration, GarbageCollection, LoadShedding, Memory, Named, OnDeadline, OnDisconnect, QueueRules,
    RateLimit, RequestLeak, Runtime, Share, Step, Time, WarmUp, no_time, zero,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// An ECS service.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Service {
    /// By name. Without it the task is described here, by `cpu`, `memory` and `containers`.
    pub task_definition: Option<String>,
    /// CPU of the whole task; 1 vCPU if nothing else says it.
    pub cpu: Option<Cpu>,
    /// Memory of the whole task; 2 GiB if nothing else says it.
    pub memory: Option<Memory>,
    /// Containers of the task; one called `app` if absent.
    pub containers: Option<Named<Container>>,
    /// REPLICA keeps the desired count; DAEMON, on EC2 only, one task on each instance that meets the constraints.
    #[serde(default)]
    pub scheduling_strategy: SchedulingStrategy,
    /// Tasks that the service keeps running; 1 if absent. Not with DAEMON.
    pub desired_count: Option<u32>,
    /// Whether tasks are moved from the fullest zone to the emptiest in a steady state. Where it can work, ENABLED if absent:
    /// not for DAEMON services, a first placement strategy other than a spread over zones, a constraint on zones, or a
    /// maximum percent of 100.
    pub availability_zone_rebalancing: Option<ZoneRebalancing>,
    /// FARGATE if neither this nor a capacity provider strategy is given. `EC2` takes the instances of all groups.
    pub launch_type: Option<LaunchType>,
    #[serde(default)]
    pub capacity_provider_strategy: Vec<CapacityProviderStrategyItem>,
    /// EC2 only.
    #[serde(default)]
    pub placement_constraints: Vec<PlacementConstraint>,
    /// EC2 only; a spread over the zones if absent.
    pub placement_strategy: Option<Vec<PlacementStrategy>>,
    /// Scale-in protection that tasks set for themselves: neither scale-in nor a deployment stops them while it lasts.
    pub task_protection: Option<TaskProtection>,
    /// Failed health checks of a task are ignored for so long after it has started.
    #[serde(default = "zero")]
    pub health_check_grace_period: Duration,
    /// Who deploys the service.
    #[serde(default)]
    pub deployment_controller: DeploymentController,
    #[serde(default)]
    pub deployment_configuration: DeploymentConfiguration,
    /// With the controller CODE_DEPLOY.
    pub deployment_group: Option<DeploymentGroup>,
    /// Target groups that the tasks register with. If absent and traffic names this service, a balancer of the service's
    /// name with one listener and one target group is implied; `[]` for none.
    pub load_balancers: Option<Vec<ServiceLoadBalancer>>,
    pub auto_scaling: Option<AutoScaling>,
    /// `METHOD /path*` or `/path*` to operation; the first that fits decides, what none fits is answered 404. Every path
    /// goes to the first operation if absent.
    #[serde(default)]
    pub routes: Named<String>,
    /// Cloud Map, for calls `via: dns`; at most one.
    #[serde(default)]
    #[schemars(length(max = 1))]
    pub service_registries: Vec<super::ServiceRegistry>,
    /// For calls that go straight to this service's tasks.
    pub service_connect_configuration: Option<super::ServiceConnectConfiguration>,
    /// How the serving process takes requests.
    #[serde(default)]
    pub runtime: Runtime,
    /// How requests wait for a worker or a loop; first come, first served, for ever, if absent.
    pub queue: Option<QueueRules>,
    /// Requests that a task has in hand at once, those that wait included: a number, or how the server finds it. Others are
    /// answered 503; health checks are let in.
    pub concurrency_limit: Option<ConcurrencyLimit>,
    /// Of each task; no limit if absent. Health checks are let in.
    pub rate_limit: Option<RateLimit>,
    /// Turns requests away while the task's CPU is busy; never if absent. Health checks are let in.
    pub load_shedding: Option<LoadShedding>,
    /// When steps that are `optional` are left out; never if absent.
    pub brown_out: Option<super::BrownOut>,
    /// CPU time that it takes to turn a request away; none if absent.
    pub refusal_cpu: Option<Duration>,
    /// What a refusal says in `Retry-After`: how long its caller is to wait before it tries again. Nothing if absent.
    pub retry_after: Option<Duration>,
    /// Code that is slow at first; as quick as ever if absent.
    pub jit_warm_up: Option<WarmUp>,
    /// None if absent.
    pub garbage_collection: Option<GarbageCollection>,
    /// Memory that a request takes while the task has it in hand, beside the containers' `memory_use`. The serving container is
    /// killed when it or the task has no more.
    pub memory_per_request: Option<Memory>,
    /// Memory that requests leave behind; none if absent.
    pub memory_leak: Option<RequestLeak>,
    #[serde(default)]
    pub cpu_model: CpuModel,
    /// What becomes of work whose caller has gone.
    #[serde(default)]
    pub on_disconnect: OnDisconnect,
    /// What becomes of work whose deadline, which came with the request (`deadline: propagate`), is over.
    #[serde(default)]
    pub on_deadline: OnDeadline,
    /// How long the server keeps an idle connection open; longer than load balancers do if absent.
    pub keep_alive: Option<Duration>,
    /// CPU time that a new connection takes, beside workers and loops: the key exchange of TLS, mostly. It is paid by
    /// connections straight to a task from callers that say `connections`; none if absent.
    pub connection_cpu: Option<Time>,
    /// From the start of the serving container until it listens and passes its checks.
    #[serde(default = "no_time")]
    pub start_up: Time,
    /// CPU time that the process then works through on one thread before it listens. It comes out of the task's share, so
    /// it takes longer on a small task.
    pub start_up_cpu: Option<Time>,
    /// Queues that each task receives messages from.
    #[serde(default)]
    pub consumes: Vec<super::Consumer>,
    /// What a request makes the service do: steps, one after the other.
    #[serde(default)]
    pub operations: Named<Vec<Step>>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum SchedulingStrategy {
    #[default]
    Replica,
    Daemon,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ZoneRebalancing {
    Enabled,
    Disabled,
}

/// What a task asks UpdateTaskProtection for when it is RUNNING.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TaskProtection {
    /// Of the tasks, those that have work to protect; all if absent.
    #[serde(default = "all")]
    pub share: Share,
    /// How long the work takes, after which the task lifts its protection.
    pub works_for: Time,
    /// The protection ends then in any case: 1 minute to 48 hours.
    #[serde(default = "two_hours")]
    pub expires_in: Duration,
}

fn all() -> Share {
    Share(crate::units::Ratio::ONE)
}

fn two_hours() -> Duration {
    Duration::secs(7200)
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum LaunchType {
    #[serde(rename = "FARGATE")]
    Fargate,
    #[serde(rename = "EC2")]
    Ec2,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CapacityProviderStrategyItem {
    /// FARGATE, FARGATE_SPOT, or one of `cluster.capacity_providers`.
    pub capacity_provider: String,
    #[serde(default)]
    #[schemars(range(max = 100_000))]
    pub base: u32,
    #[serde(default)]
    #[schemars(range(max = 1000))]
    pub weight: u32,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PlacementConstraint {
    #[serde(rename = "type")]
    pub kind: PlacementConstraintType,
    /// For memberOf: `attribute:ecs.availability-zone in [us-east-1a, us-east-1b]`, `attribute:ecs.availability-zone ==
    /// us-east-1a`, or `attribute:ecs.instance-type == m6i.large`.
    pub expression: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum PlacementConstraintType {
    DistinctInstance,
    MemberOf,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PlacementStrategy {
    #[serde(rename = "type")]
    pub kind: PlacementStrategyType,
    /// `attribute:ecs.availability-zone` or `instanceId` for spread, `cpu` or `memory` for binpack.
    pub field: Option<PlacementField>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum PlacementStrategyType {
    Spread,
    Binpack,
    Random,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum PlacementField {
    #[serde(rename = "attribute:ecs.availability-zone")]
    Zone,
    #[serde(rename = "instanceId")]
    InstanceId,
    #[serde(rename = "host")]
    Host,
    #[serde(rename = "cpu")]
    Cpu,
    #[serde(rename = "memory")]
    Memory,
}

/// The tie between service, container and target group.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ServiceLoadBalancer {
    pub target_group: String,
    /// The container that serves; the first essential one if absent.
    pub container_name: Option<String>,
    /// For BLUE_GREEN, LINEAR, CANARY and CODE_DEPLOY.
    pub advanced_configuration: Option<AdvancedConfiguration>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AdvancedConfiguration {
    pub alternate_target_group: String,
    /// `balancer/listener/priority`, or `default` in place of the priority.
    pub production_listener_rule: String,
    /// Likewise; its traffic goes to the new tasks first, at TEST_TRAFFIC_SHIFT. Send some with `traffic`.
    pub test_listener_rule: Option<String>,
}
