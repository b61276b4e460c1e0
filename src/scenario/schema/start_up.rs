//! What tasks need to start, besides capacity: settings of the container agent, and what AWS does not publish about it.

use super::{Duration, Factor, Form, Memory, Share, Time, constant};
use crate::aws::agent;
use crate::aws::quotas::ecs;
use crate::units::{MiB, Ratio, Span};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Settings of the ECS container agent on a group's instances: its variables `ECS_…`, in lower case.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Agent {
    pub image_pull_behavior: ImagePullBehavior,
    /// Whether images stay for ever.
    pub disable_image_cleanup: bool,
    /// Between clean-ups of images that no task uses.
    pub image_cleanup_interval: Duration,
    /// An image is not cleaned up within this from its last pull.
    pub image_minimum_cleanup_age: Duration,
    /// Images that a clean-up takes at most.
    #[schemars(range(min = 1))]
    pub num_images_delete_per_cycle: u32,
    /// How long a stopped task still keeps its images.
    pub engine_task_cleanup_wait_duration: Duration,
    /// Of an instance's memory, not for tasks.
    pub reserved_memory: Memory,
    /// Whether an instance is set to DRAINING by the warning that Spot takes it back; its tasks run to the end otherwise.
    pub enable_spot_instance_draining: bool,
}

impl Default for Agent {
    fn default() -> Self {
        Agent {
            image_pull_behavior: ImagePullBehavior::Default,
            disable_image_cleanup: false,
            image_cleanup_interval: Duration(agent::IMAGE_CLEANUP_INTERVAL),
            image_minimum_cleanup_age: Duration(agent::IMAGE_MINIMUM_CLEANUP_AGE),
            num_images_delete_per_cycle: agent::IMAGES_DELETED_PER_CYCLE,
            engine_task_cleanup_wait_duration: Duration(agent::TASK_CLEANUP_WAIT),
            reserved_memory: Memory(MiB(0)),
            enable_spot_instance_draining: false,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ImagePullBehavior {
    /// The registry is asked for every task; if that fails, what is cached will do.
    Default,
    /// The registry is asked for every task; if that fails, the task does.
    Always,
    /// The registry is asked if the image was never pulled on the instance, or has been cleaned up.
    Once,
    /// The registry is asked if the image is not on the instance; images are never cleaned up.
    PreferCached,
}

/// The whole of a service of AWS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Whole {
    All,
}

/// Where secrets come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum SecretStore {
    SecretsManager,
    /// Systems Manager's Parameter Store.
    Ssm,
    All,
}

/// A service of AWS takes fewer calls.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Throttled {
    /// Calls that it takes, of each kind.
    pub rate: super::Rate,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct StartUpModel {
    /// Until the registry has said what an image is.
    pub manifest: Time,
    /// One call for the credentials of a task's execution role.
    pub credentials: Time,
    /// One call for a secret, or for up to ten parameters.
    pub secret: Time,
    /// One call for a container's log stream.
    pub log_stream: Time,
    /// Calls for parameters that an account's Parameter Store takes.
    pub get_parameters_rate: super::Rate,
    /// Calls for log streams that CloudWatch Logs takes.
    pub create_log_stream_rate: super::Rate,
    /// How long a throttled call is tried again before the task fails.
    pub throttling_patience: Duration,
    /// How many times larger an image is on the disk than on its way; Fargate's disk is the task's ephemeral storage.
    pub unpacked: Factor,
    /// Of an image with a SOCI index, what must be there before its container starts.
    pub lazy_share: Share,
    /// How many times longer the start-up of a service takes while its image still loads.
    pub lazy_slowdown: Factor,
}

impl Default for StartUpModel {
    fn default() -> Self {
        StartUpModel {
            manifest: constant(0),
            credentials: constant(0),
            secret: tenth(),
            log_stream: tenth(),
            get_parameters_rate: super::Rate(40.0),
            create_log_stream_rate: super::Rate(50.0),
            throttling_patience: Duration::secs(60),
            unpacked: Factor(2.5),
            lazy_share: Share(Ratio::new(0.064).expect("it is a share")),
            lazy_slowdown: Factor(1.2),
        }
    }
}

fn tenth() -> Time {
    Form::Short(Duration(Span::from_millis(100)))
}

/// A secret that is read when a task starts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Secret {
    pub name: String,
    /// An ARN of Secrets Manager; or an ARN or a name of Parameter Store.
    pub value_from: String,
}

/// Whether a container that exits is started again in its task.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RestartPolicy {
    pub enabled: bool,
    /// Exits with these are for good.
    #[serde(default)]
    pub ignored_exit_codes: Vec<u8>,
    /// The container must have run so long to be started again.
    #[serde(default = "restart_attempt_period")]
    pub restart_attempt_period: Duration,
}

fn restart_attempt_period() -> Duration {
    Duration::secs(ecs::RESTART_ATTEMPT_PERIOD_DEFAULT_S)
}

/// Memory that a container has from its start on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MemoryUse {
    pub base: Memory,
    /// What it grows by, evenly.
    #[serde(default = "no_memory")]
    pub growth_per_hour: Memory,
}

fn no_memory() -> Memory {
    Memory(MiB(0))
}

/// Where a container's output goes. Without it, nowhere that matters.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LogConfiguration {
    pub log_driver: LogDriver,
    /// What happens to output that CloudWatch Logs does not take.
    #[serde(default)]
    pub mode: LogMode,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum LogMode {
    /// It is kept for a while, and then lost.
    #[default]
    NonBlocking,
    /// The container waits.
    Blocking,
}

/// Agents of a group's instances are cut off from the control plane.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AgentDisconnect {
    pub capacity_provider: String,
    #[serde(default = "super::one")]
    #[schemars(range(min = 1))]
    pub count: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum LogDriver {
    /// CloudWatch Logs: a stream is created for the container when its task starts.
    Awslogs,
}

/// StopTask, as a person or a script calls it: the task does not wait for its deregistration.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StopTask {
    pub service: String,
    /// Of its running tasks, chosen at random.
    #[serde(default = "super::one")]
    #[schemars(range(min = 1))]
    pub count: u32,
    #[serde(default = "by_user")]
    pub reason: String,
}

fn by_user() -> String {
    "Task stopped by user".to_owned()
}
