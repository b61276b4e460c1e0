//! Services: what they run, where, how many, how they are deployed and scaled, and how their code behaves.
//!
//! An operation is a small program of [`Step`]s. Revision 0 runs at the start; each `deploy` event of the scenario adds
//! one, complete in itself: the same operations in the same order, changed as the event says.

use super::{
    AlarmIx, CodeDeploy, CpuModel, GroupIx, LifecycleHook, LoadBalancerIx, Metric, MetricMath, OnDisconnect,
    OperationIx, Portion, ProgramIx, Runtime, ServerRules, ServiceIx, Skew, TargetGroupIx, TaskDefinitionIx,
};
use crate::blueprint::task::Defects;
use crate::engine::dist::Dist;
use crate::units::{Instant, Ratio, Span};

#[derive(Clone, Debug)]
pub struct Service {
    pub name: String,
    /// DAEMON: as many as there are instances at the start, by the groups' desired capacity.
    pub desired_count: u32,
    pub scheduling: Scheduling,
    /// Where its tasks may run. At least one share with weight > 0 or base > 0; Fargate and groups are never mixed.
    pub capacity: Vec<CapacityShare>,
    pub placement_constraints: Vec<PlacementConstraint>,
    /// Applied in order; ECS's default for services is a spread over zones.
    pub placement_strategy: Vec<PlacementStrategy>,
    pub health_check_grace_period: Span,
    pub deployment: DeploymentConfiguration,
    /// At most five [GR:ecs].
    pub load_balancers: Vec<ServiceLoadBalancer>,
    pub auto_scaling: Option<AutoScaling>,
    /// Names of the operations; programs differ by revision.
    pub operations: Vec<String>,
    /// Queues that its tasks receive from.
    pub consumes: Vec<super::Consumer>,
    /// Revision 0 and what the scenario deploys later, in order.
    pub revisions: Vec<Revision>,
}

/// How the scheduler keeps the service's tasks.
#[derive(Clone, Debug, Default)]
pub struct Scheduling {
    pub strategy: SchedulingStrategy,
    pub zone_rebalancing: ZoneRebalancing,
    pub protection: Option<TaskProtection>,
}

/// Scale-in protection that tasks set for themselves when they are RUNNING [BC:ecs UpdateTaskProtection].
#[derive(Clone, Debug)]
pub struct TaskProtection {
    /// Of the tasks, those that have work to protect.
    pub share: Ratio,
    /// How long the work takes, after which the task lifts its protection.
    pub works_for: Dist,
    /// The protection ends then in any case.
    pub expires_in: Span,
}

/// [BC:ecs AvailabilityZoneRebalancing].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ZoneRebalancing {
    Enabled,
    #[default]
    Disabled,
}

/// [BC:ecs SchedulingStrategy].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SchedulingStrategy {
    /// The desired count of tasks.
    #[default]
    Replica,
    /// One task on each instance.
    Daemon,
    /// Not a service: tasks of a family that RunTask starts, kept together as a service's are; nobody replaces them.
    Standalone,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CapacityShare {
    pub provider: Provider,
    pub base: u32,
    pub weight: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Provider {
    Fargate,
    FargateSpot,
    /// Instances of an Auto Scaling group.
    Group(GroupIx),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlacementConstraint {
    /// Each task of the service on another instance.
    DistinctInstance,
    /// `memberOf` with `attribute:ecs.availability-zone in [...]` or `== ...`; a bit per zone.
    Zones(u64),
    /// `memberOf` with `attribute:ecs.instance-type == ...`: groups whose type it is.
    InstanceType(&'static str),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlacementStrategy {
    SpreadZone,
    SpreadInstance,
    BinpackCpu,
    BinpackMemory,
    Random,
}

#[derive(Clone, Debug)]
pub struct ServiceLoadBalancer {
    pub target_group: TargetGroupIx,
    /// For blue/green: the second target group and the production listener rule whose weights flip between the two.
    pub alternate: Option<Alternate>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Alternate {
    pub target_group: TargetGroupIx,
    /// Of production's traffic.
    pub rule: RuleRef,
    /// Of the traffic that looks at green before production does.
    pub test_rule: Option<RuleRef>,
}

/// A listener rule by position; `rule == rules.len()` is the listener's default action.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RuleRef {
    pub load_balancer: LoadBalancerIx,
    pub listener: u16,
    pub rule: u16,
}

#[derive(Clone, Debug)]
pub struct DeploymentConfiguration {
    pub strategy: DeploymentStrategy,
    /// Percent of desired, rounded up.
    pub minimum_healthy_percent: u32,
    /// Percent of desired, rounded down.
    pub maximum_percent: u32,
    pub circuit_breaker: Option<CircuitBreaker>,
    pub alarms: Option<DeploymentAlarms>,
    /// Rolling only.
    pub early_success: Option<EarlySuccess>,
    /// Traffic that shifts: both revisions kept after the last of it. Rolling: only with alarms.
    pub bake_time: Span,
    /// None for rolling deployments.
    pub hooks: Vec<LifecycleHook>,
    /// CodeDeploy deploys the service; `None`: ECS itself.
    pub code_deploy: Option<CodeDeploy>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeploymentStrategy {
    Rolling,
    BlueGreen,
    /// By equal portions.
    Linear(Portion),
    /// One portion, then the rest.
    Canary(Portion),
}

impl Service {
    /// Whether its tasks may run there.
    pub fn runs_on(&self, provider: Provider) -> bool {
        self.capacity.iter().any(|share| share.provider == provider)
    }
}

impl DeploymentStrategy {
    /// Whether green stands whole beside blue and traffic moves between two target groups.
    pub const fn shifts_traffic(self) -> bool {
        !matches!(self, DeploymentStrategy::Rolling)
    }

    pub const fn name(self) -> &'static str {
        match self {
            DeploymentStrategy::Rolling => "ROLLING",
            DeploymentStrategy::BlueGreen => "BLUE_GREEN",
            DeploymentStrategy::Linear(_) => "LINEAR",
            DeploymentStrategy::Canary(_) => "CANARY",
        }
    }
}

/// [DG:deployment-circuit-breaker].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CircuitBreaker {
    pub rollback: bool,
    pub threshold: BreakerThreshold,
    /// Counting starts afresh whenever a task becomes healthy.
    pub reset_on_healthy_task: bool,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum BreakerThreshold {
    /// `clamp(ceil(percent of desired), 3, 200)`.
    BoundedPercent(f64),
    UnboundedPercent(f64),
    Count(u32),
}

/// A rolling deployment is over before all tasks are new [DG:early-success-criteria].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EarlySuccess {
    /// Percent of desired, rounded up; at least one task.
    pub healthy_percent: u32,
    pub cleanup: SourceCleanup,
}

/// When the old tasks go [BC:ecs sourceServiceRevisionCleanup].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SourceCleanup {
    BeforeCompletion,
    AfterCompletion,
}

#[derive(Clone, Debug)]
pub struct DeploymentAlarms {
    pub alarms: Vec<AlarmIx>,
    pub rollback: bool,
}

#[derive(Clone, Debug)]
pub struct AutoScaling {
    pub min_capacity: u32,
    pub max_capacity: u32,
    pub policies: Vec<TargetTracking>,
    /// In order of time; the cron expressions are resolved to the instants that lie within the run.
    pub scheduled: Vec<ScheduledCapacity>,
}

#[derive(Clone, Debug)]
pub struct TargetTracking {
    pub name: String,
    pub metric: ScalingMetric,
    /// Percent for utilisation, requests a target and minute for request counts.
    pub target_value: f64,
    pub scale_out_cooldown: Span,
    pub scale_in_cooldown: Span,
    pub disable_scale_in: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub enum ScalingMetric {
    /// ECSServiceAverageCPUUtilization.
    Cpu,
    /// ECSServiceAverageMemoryUtilization.
    Memory,
    /// ALBRequestCountPerTarget of one target group.
    RequestCountPerTarget(TargetGroupIx),
    /// A CustomizedMetricSpecification.
    Customized(Box<MetricMath>),
}

impl ScalingMetric {
    /// The metrics of CloudWatch that a policy of this service reads.
    pub fn of(&self, service: ServiceIx) -> Vec<Metric> {
        match self {
            ScalingMetric::Cpu => vec![Metric::CpuUtilization(service)],
            ScalingMetric::Memory => vec![Metric::MemoryUtilization(service)],
            ScalingMetric::RequestCountPerTarget(group) => vec![Metric::RequestCountPerTarget(*group)],
            ScalingMetric::Customized(math) => math.metrics.iter().map(|each| each.metric).collect(),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScheduledCapacity {
    pub at: Instant,
    pub min_capacity: Option<u32>,
    pub max_capacity: Option<u32>,
}

/// One version of a service's task definition and code.
#[derive(Clone, Debug)]
pub struct Revision {
    pub task_definition: TaskDefinitionIx,
    /// The container that serves, by position.
    pub serving_container: usize,
    pub runtime: Runtime,
    /// `None`: it serves in order, and refuses only what its backlog cannot hold.
    pub server_rules: Option<Box<ServerRules>>,
    pub cpu_model: CpuModel,
    /// From the start of the serving container until it listens and passes checks.
    pub start_up: Dist,
    /// CPU time of one thread that the process then needs before it listens.
    pub start_up_cpu: Option<Dist>,
    /// First match wins; what no route takes is answered 404. Empty: every path goes to operation 0.
    pub routes: Vec<Route>,
    /// One for each of [`Service::operations`].
    pub operations: Vec<Operation>,
    pub on_disconnect: OnDisconnect,
    pub on_deadline: super::OnDeadline,
    /// How long the server keeps an idle connection; `None`: longer than any balancer.
    pub keep_alive: Option<Span>,
    pub defects: Defects,
    pub skew: Skew,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Operation {
    pub program: ProgramIx,
    /// Share of requests answered 500 once the program has run.
    pub error_ratio: Ratio,
    /// Multiplies every `cpu` step of the program (1 for revision 0).
    pub cpu_factor: f64,
}

#[derive(Clone, Debug)]
pub struct Route {
    /// `None`: any.
    pub method: Option<Method>,
    pub path: PathPattern,
    pub operation: OperationIx,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    Get,
    Head,
    Post,
    Put,
    Patch,
    Delete,
    Options,
}

/// `*` stands for any run of characters, `?` for one; case-sensitive [BC:elbv2 PathPatternConfig].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathPattern(pub String);
