//! Task definitions: containers, their order, checks, images, and the size of the whole.
//!
//! What ECS knows comes from its JSON; what it does not (image sizes, how long a container takes to start or to shut
//! down) stands beside it. How the code in the serving container behaves is in [`super::service`].

use super::ImageIx;
use crate::engine::dist::Dist;
use crate::units::{CpuUnits, MiB, Ratio, Span};

#[derive(Clone, Debug)]
pub struct Image {
    /// Reference as the container definition writes it, or `<task definition>/<container>` if it writes none.
    pub name: String,
    /// Compressed, of all layers.
    pub size: MiB,
    /// From the base up; each once.
    pub layers: Vec<LayerIx>,
    pub loading: Loading,
}

/// A part of images that an instance stores once, whoever lists it.
#[derive(Clone, Debug)]
pub struct Layer {
    pub name: String,
    /// Compressed.
    pub size: MiB,
}

/// Into [`super::Blueprint::layers`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LayerIx(pub u32);

impl LayerIx {
    pub const fn at(self) -> usize {
        self.0 as usize
    }
}

/// How much of an image must be there before its container starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loading {
    Whole,
    /// A SOCI index lies beside it: Fargate starts the container when a part is there.
    Lazy,
}

#[derive(Clone, Debug)]
pub struct TaskDefinition {
    pub name: String,
    /// Reserved: the task's own `cpu`, else the sum over its containers.
    pub cpu: CpuUnits,
    pub cpu_limit: CpuLimit,
    /// Reserved: the task's own `memory`, else the sum of reservations (or limits) of its containers.
    pub memory: MiB,
    pub network_mode: NetworkMode,
    pub architecture: Architecture,
    /// Above the 20 GiB that Fargate includes.
    pub extra_storage_gib: u32,
    /// One to ten.
    pub containers: Vec<Container>,
}

/// What keeps a task from using more CPU than it has reserved [AGENT:task_linux.go BuildLinuxResourceSpec].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CpuLimit {
    /// Its own `cpu` is a quota.
    #[default]
    Quota,
    /// Nothing: only containers have `cpu`, which are shares of the instance's. What nobody else wants is borrowed.
    Shares,
}

/// Shares of a container that asks for none, and of a task all of whose containers do [AGENT:task_linux.go
/// minimumCPUShare].
pub const LEAST_CPU_SHARES: u32 = 2;

/// Shares of a task with a quota: nobody sets any, so it has the kernel's default.
const CPU_SHARES_BESIDE_A_QUOTA: u32 = 1024;

impl TaskDefinition {
    /// What a task has of an instance's CPU, against the other tasks there, when all want it.
    pub fn cpu_shares(&self) -> u32 {
        match self.cpu_limit {
            CpuLimit::Quota => CPU_SHARES_BESIDE_A_QUOTA,
            CpuLimit::Shares => {
                let shares = self.containers.iter().map(|container| container.cpu.0);
                shares.fold(0, u32::saturating_add).max(LEAST_CPU_SHARES)
            }
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NetworkMode {
    None,
    Bridge,
    Host,
    Awsvpc,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Architecture {
    X86_64,
    Arm64,
}

#[derive(Clone, Debug)]
pub struct Container {
    pub name: String,
    pub essential: bool,
    pub image: ImageIx,
    /// Static host ports; dynamic ones (host port 0) are not listed. Awsvpc tasks take none of the instance's.
    pub host_ports: Vec<u16>,
    /// Containers (by position in the task definition) that must have come this far before this one starts. Acyclic.
    pub depends_on: Vec<ContainerDependency>,
    pub health_check: Option<ContainerHealthCheck>,
    /// If this container has not come as far as a dependent needs within this, the task stops.
    pub start_timeout: Option<Span>,
    /// From SIGTERM to SIGKILL.
    pub stop_timeout: Span,
    /// How long the container takes to end by itself after SIGTERM.
    pub shut_down: Dist,
    /// For containers that end by themselves (init containers): how long they run, and with which code they exit.
    pub exits: Option<ContainerExit>,
    pub secrets: Secrets,
    /// `None`: nothing of it goes to CloudWatch Logs.
    pub logs: Option<Logs>,
    /// `None`: an exit is for good.
    pub restart_policy: Option<RestartPolicy>,
    /// Of the task's CPU, in proportion to the other containers'; 0 if it asks for none.
    pub cpu: CpuUnits,
    /// Used all the time, whatever is asked of the task.
    pub cpu_use: CpuUnits,
    /// `memory` of the container definition: it is killed beyond it.
    pub memory_limit: Option<MiB>,
    /// `None`: it uses none that anybody sees.
    pub memory_use: Option<MemoryUse>,
}

/// What a container has of memory from its start on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemoryUse {
    pub base: MiB,
    pub growth_per_hour: MiB,
}

/// What is read when a task starts and given to the container.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Secrets {
    pub secrets_manager: u32,
    pub parameter_store: u32,
}

/// Where output goes [BC:ecs LogConfiguration].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Logs {
    /// Lines that CloudWatch does not take are lost.
    NonBlocking,
    /// The container waits until CloudWatch takes them.
    Blocking,
}

/// [BC:ecs ContainerRestartPolicy].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RestartPolicy {
    pub ignored_exit_codes: Vec<u8>,
    /// The container must have run so long to be started again.
    pub attempt_period: Span,
}

#[derive(Clone, Debug)]
pub struct ContainerExit {
    pub after: Dist,
    pub code: u8,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ContainerDependency {
    pub container: usize,
    pub condition: ContainerCondition,
}

/// `dependsOn[].condition` [BC:ecs ContainerDependency].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ContainerCondition {
    Start,
    Complete,
    Success,
    Healthy,
}

/// A container's own check, run by the agent [BC:ecs HealthCheck]. It passes once the container's start-up is over and
/// the revision does not fail its checks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ContainerHealthCheck {
    pub interval: Span,
    pub timeout: Span,
    pub retries: u32,
    /// Failures within it do not count; zero is "off".
    pub start_period: Span,
}

/// What a revision may do wrong before and after it runs.
#[derive(Clone, Debug)]
pub struct Defects {
    /// Share of tasks whose serving container fails to start: the task goes PENDING → STOPPED.
    pub fails_to_start: Ratio,
    /// How long after RUNNING the serving container exits by itself.
    pub exits_after: Option<Dist>,
    /// Share of health checks (balancer's and container's) that fail although the server answers.
    pub fails_health_checks: Ratio,
}
