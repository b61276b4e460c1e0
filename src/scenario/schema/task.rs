//! Task definitions: what `aws ecs describe-task-definition` prints, and what it does not know.

use super::{Cpu, Duration, Memory, Named, Time, constant};
use crate::units::MiB;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A task definition: from a file as AWS prints it, or written here.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TaskDefinition {
    /// The JSON of `aws ecs describe-task-definition`, beside the scenario. What is
    /// said here as well is laid over what the file says.
    pub file: Option<String>,
    /// CPU of the whole task, and its limit. Left out on EC2, a task has reserved what its containers ask for together, and
    /// borrows what is idle of its instance; wanted by all, the instance's CPU goes by shares.
    pub cpu: Option<Cpu>,
    /// Memory of the whole task.
    pub memory: Option<Memory>,
    /// `awsvpc` for tasks on Fargate, `bridge` otherwise, if absent.
    pub network_mode: Option<NetworkMode>,
    pub runtime_platform: Option<RuntimePlatform>,
    /// Fargate only; 20 GiB are included.
    pub ephemeral_storage: Option<Memory>,
    /// One to ten, by name; one called `app` if absent.
    pub containers: Named<Container>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum NetworkMode {
    None,
    Bridge,
    Host,
    Awsvpc,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RuntimePlatform {
    pub cpu_architecture: Architecture,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Architecture {
    #[default]
    #[serde(rename = "X86_64")]
    X86_64,
    #[serde(rename = "ARM64")]
    Arm64,
}

/// A container of a task. Beside a task definition's `file` it is laid over the file's container of the same name.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Container {
    /// The image's reference; containers with the same reference share it on an instance.
    pub image: Option<String>,
    /// Compressed size, as it is pulled; 100 MiB if absent.
    pub image_size: Option<Memory>,
    /// In place of `image_size`: compressed sizes by the layers' names, from the base up. The same name is the same layer
    /// in all images; an instance stores it once. A new revision brings another last layer.
    pub image_layers: Option<Named<Memory>>,
    /// Fargate only: whether a SOCI index lies beside the image, so that its container starts before all of it is there.
    pub soci_index: Option<bool>,
    /// Whether the task stops when this container does; true if absent.
    pub essential: Option<bool>,
    /// Shares, at least 2: of the task's CPU against its other containers, and of the instance's in a task without a `cpu` of
    /// its own.
    pub cpu: Option<Cpu>,
    /// CPU that it uses all the time, whatever is asked of the task, as far as it gets it; none if absent. The server has
    /// what is left.
    pub cpu_use: Option<Cpu>,
    /// Hard limit: the container is killed when it uses as much.
    pub memory: Option<Memory>,
    /// How much it uses; nothing that anybody sees if absent. The task's memory is a limit for all containers together.
    pub memory_use: Option<super::MemoryUse>,
    /// Soft limit: what placement counts, if given.
    pub memory_reservation: Option<Memory>,
    /// Static ports of the instance that the container takes (bridge and host).
    pub host_ports: Option<Vec<u16>>,
    pub depends_on: Option<Vec<ContainerDependency>>,
    pub health_check: Option<ContainerHealthCheck>,
    /// If the container is not as far as others need within this, the task stops.
    pub start_timeout: Option<Duration>,
    /// From SIGTERM to SIGKILL; 30 s if absent.
    pub stop_timeout: Option<Duration>,
    /// How long it takes to end by itself after SIGTERM; 1 s if absent.
    pub shut_down: Option<Time>,
    /// For a container that ends by itself, such as one that prepares the others: how long it runs.
    pub runs_for: Option<Time>,
    /// With which code it then exits; 0 if absent.
    pub exit_code: Option<u8>,
    pub secrets: Option<Vec<super::Secret>>,
    pub log_configuration: Option<super::LogConfiguration>,
    /// None if absent: an exit is for good.
    pub restart_policy: Option<super::RestartPolicy>,
}

/// What a container is where nothing is said about it.
impl Container {
    pub const IMAGE_SIZE: Memory = Memory(MiB(100));
    pub const STOP_TIMEOUT: Duration = Duration::secs(30);
    pub fn shut_down() -> Time {
        constant(1)
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ContainerDependency {
    pub container_name: String,
    pub condition: ContainerCondition,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum ContainerCondition {
    Start,
    Complete,
    Success,
    Healthy,
}

/// A container's own health check, run by the agent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ContainerHealthCheck {
    pub interval: Duration,
    pub timeout: Duration,
    #[schemars(range(min = 1, max = 10))]
    pub retries: u32,
    /// Failures within it do not count.
    pub start_period: Duration,
}

impl Default for ContainerHealthCheck {
    fn default() -> Self {
        ContainerHealthCheck {
            interval: Duration::secs(30),
            timeout: Duration::secs(5),
            retries: 3,
            start_period: Duration::ZERO,
        }
    }
}
