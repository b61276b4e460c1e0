//! Faults of AWS's own services: who decides, launches and gives capacity is away, short of it, or takes fewer calls.

use super::{Memory, Selection};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Services of AWS neither decide nor answer; what runs goes on, and balancers go on checking their targets.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ControlPlaneOutage {
    /// All of them if absent.
    #[serde(default)]
    pub of: Vec<AwsService>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AwsService {
    /// Nothing is scheduled, started or stopped, no deployment goes on, and nothing is heard from agents.
    Ecs,
    /// No instance is launched or replaced.
    Ec2,
    /// No policy or scheduled action changes a desired count.
    ApplicationAutoScaling,
    /// No metric is taken and no alarm changes.
    Cloudwatch,
    /// Service discovery gives the addresses that it had.
    CloudMap,
    /// The registry of images; as `registry_outage`.
    Ecr,
    /// As `secrets_outage` of it.
    SecretsManager,
    /// Systems Manager's Parameter Store; as `secrets_outage` of it.
    Ssm,
    /// As `iam_outage`.
    Iam,
    /// As `logs_outage`.
    CloudwatchLogs,
}

/// Launches find no capacity.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CapacityShortage {
    /// One of the cluster's, FARGATE or FARGATE_SPOT.
    pub capacity_provider: String,
    /// In all of them if absent.
    pub zone: Option<String>,
}

/// Launches of tasks are throttled, whoever asks for them, besides the account's quotas.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ApiThrottling {
    /// Tasks that may be launched; a second's worth at once.
    pub rate: super::Rate,
}

/// Spot takes capacity back. Tasks on Fargate: SIGTERM at once, SIGKILL after `stop_timeout`. Instances of a group on Spot:
/// terminated after two minutes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SpotReclaim {
    /// Of the tasks on FARGATE_SPOT, all if absent; or of the instances of the `capacity_provider` that is named.
    #[serde(default)]
    pub on: Selection,
}

/// The serving containers of running tasks grow until they are killed. What has leaked when it ends stays until the
/// process does; what starts meanwhile does not leak.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MemoryLeak {
    pub on: Selection,
    /// On top of what the container declares.
    pub growth_per_hour: Memory,
}
