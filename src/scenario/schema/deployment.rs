//! How a service is deployed and scaled.

use super::{Duration, EarlySuccessCriteria, Level, LifecycleHook, yes};
use crate::aws::quotas::ecs;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// ECS's `deploymentConfiguration`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct DeploymentConfiguration {
    pub strategy: DeploymentStrategy,
    /// Percent of the desired count, rounded up, that stays healthy; 100 if absent, 0 for a DAEMON service.
    #[schemars(range(max = 100))]
    pub minimum_healthy_percent: Option<u32>,
    /// Percent of the desired count, rounded down, that runs or starts at most; 200 if absent, 100 for a DAEMON service.
    #[schemars(range(min = 100, max = 1000))]
    pub maximum_percent: Option<u32>,
    pub deployment_circuit_breaker: Option<Breaker>,
    pub alarms: Option<DeploymentAlarms>,
    pub early_success_criteria: Option<EarlySuccessCriteria>,
    /// How long both revisions are kept after the last shift, at most 24h. Needed by BLUE_GREEN, 0s for LINEAR and CANARY
    /// if absent; for ROLLING it comes with alarms, and is what the alarms need to fire, at most 5 minutes, if absent.
    pub bake_time: Option<Duration>,
    /// For LINEAR; its defaults if absent.
    pub linear_configuration: Option<LinearConfiguration>,
    /// For CANARY; its defaults if absent.
    pub canary_configuration: Option<CanaryConfiguration>,
    /// For BLUE_GREEN, LINEAR and CANARY.
    pub lifecycle_hooks: Vec<LifecycleHook>,
}

impl Default for DeploymentConfiguration {
    fn default() -> Self {
        DeploymentConfiguration {
            strategy: DeploymentStrategy::Rolling,
            minimum_healthy_percent: None,
            maximum_percent: None,
            deployment_circuit_breaker: None,
            alarms: None,
            early_success_criteria: None,
            bake_time: None,
            linear_configuration: None,
            canary_configuration: None,
            lifecycle_hooks: Vec::new(),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum DeploymentStrategy {
    /// Old tasks give way to new ones within the two percentages.
    Rolling,
    /// All new tasks first, then all traffic at once, then the old ones go.
    BlueGreen,
    /// All new tasks first, then traffic in equal steps, then the old ones go.
    Linear,
    /// All new tasks first, then a small share of the traffic, then all of it, then the old ones go.
    Canary,
}

/// How traffic moves step by step.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LinearConfiguration {
    /// Percent of the traffic that each step adds, 3.0 to 100.0 in tenths.
    pub step_percent: f64,
    /// Between two steps, at most 24h; the one that reaches 100 % has none.
    pub step_bake_time: Duration,
}

impl Default for LinearConfiguration {
    fn default() -> Self {
        LinearConfiguration {
            step_percent: ecs::STEP_PERCENT,
            step_bake_time: Duration::secs(ecs::STEP_BAKE_TIME_S),
        }
    }
}

/// A small share of the traffic goes first.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CanaryConfiguration {
    /// Percent of the traffic, 0.1 to 100.0 in tenths.
    pub canary_percent: f64,
    /// Until the rest follows, at most 24h.
    pub canary_bake_time: Duration,
}

impl Default for CanaryConfiguration {
    fn default() -> Self {
        CanaryConfiguration {
            canary_percent: ecs::CANARY_PERCENT,
            canary_bake_time: Duration::secs(ecs::CANARY_BAKE_TIME_S),
        }
    }
}

/// Alarms that fail a deployment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DeploymentAlarms {
    pub alarm_names: Vec<String>,
    pub enable: bool,
    pub rollback: bool,
}

/// The deployment circuit breaker; rolling updates only.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Breaker {
    pub enable: bool,
    pub rollback: bool,
    pub threshold_configuration: Option<BreakerThreshold>,
    /// Whether the count begins afresh when a task becomes healthy.
    #[serde(default = "yes")]
    pub reset_on_healthy_task: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BreakerThreshold {
    #[serde(rename = "type")]
    pub kind: BreakerThresholdType,
    #[schemars(range(min = 1))]
    pub value: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum BreakerThresholdType {
    /// Percent of the desired count, at least 3 and at most 200 tasks.
    BoundedPercent,
    UnboundedPercent,
    Count,
}

/// Application Auto Scaling of the desired count.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AutoScaling {
    pub min_capacity: u32,
    pub max_capacity: u32,
    #[serde(default)]
    pub policies: Vec<ScalingPolicy>,
    #[serde(default)]
    pub scheduled_actions: Vec<ScheduledAction>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ScalingPolicy {
    TargetTracking(TargetTracking),
}

/// Keeps a metric near a value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TargetTracking {
    /// For output; the metric's name if absent.
    pub policy_name: Option<String>,
    /// A predefined metric; either this or `customized_metric_specification`.
    pub metric: Option<ScalingMetric>,
    /// Any metric, or arithmetic on several, such as the backlog of a queue for each running task.
    pub customized_metric_specification: Option<CustomizedMetricSpecification>,
    /// Whose requests are counted by ALBRequestCountPerTarget.
    pub target_group: Option<String>,
    /// Percent for utilisation (`60%`), requests a minute and target for request counts (`1000`), a plain number for customized
    /// metrics.
    pub target_value: Level,
    #[serde(default = "cooldown")]
    pub scale_out_cooldown: Duration,
    #[serde(default = "cooldown")]
    pub scale_in_cooldown: Duration,
    #[serde(default)]
    pub disable_scale_in: bool,
}

/// What a policy follows that no predefined metric says. It has to fall as capacity grows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CustomizedMetricSpecification {
    /// By the names that the expression uses.
    pub metrics: super::Named<super::AlarmMetric>,
    /// Arithmetic on the metrics, such as `backlog / tasks`; the only metric itself if absent. A minute that divides by zero has
    /// no data.
    pub expression: Option<String>,
}

fn cooldown() -> Duration {
    Duration::secs(300)
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum ScalingMetric {
    ECSServiceAverageCPUUtilization,
    /// Of services whose containers say their `memory_use`.
    ECSServiceAverageMemoryUtilization,
    ALBRequestCountPerTarget,
}

/// New bounds at a time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ScheduledAction {
    /// `cron(30 18 * * ? *)` or `at(2026-11-27T18:30:00)`, in UTC.
    pub schedule: String,
    pub min_capacity: Option<u32>,
    pub max_capacity: Option<u32>,
}
