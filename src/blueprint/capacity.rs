//! Where tasks run: Auto Scaling groups of EC2 instances. Fargate needs no description beyond [`super::Model`].

use super::ZoneIx;
use crate::aws::agent;
use crate::aws::credits::Burstable;
use crate::aws::instance_types::InstanceType;
use crate::engine::dist::Dist;
use crate::units::{MiB, Span};

#[derive(Clone, Debug)]
pub struct AutoScalingGroup {
    /// The capacity provider's name.
    pub name: String,
    pub instance_type: &'static InstanceType,
    pub zones: Vec<ZoneIx>,
    pub min_size: u32,
    pub desired_capacity: u32,
    pub max_size: u32,
    /// Awsvpc tasks an instance takes: ENIs − 1, or the trunked limit [DG:container-instance-eni].
    pub awsvpc_tasks: u32,
    /// From the launch call until the instance is registered with the cluster and takes tasks.
    pub launch_time: Dist,
    /// MiB a second that the pulls on an instance share.
    pub pull_bandwidth: f64,
    pub agent: Agent,
    /// `None`: the type has none.
    pub credits: Option<Credits>,
    pub market: Market,
}

/// CPU credits of a group's instances.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Credits {
    pub burstable: Burstable,
    pub mode: CreditMode,
    /// Of an instance that stands when the simulation begins; one that is launched later has none.
    pub at_start: f64,
}

/// `CreditSpecification.CpuCredits` of a launch template.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CreditMode {
    /// Without credits it comes down to its baseline.
    Standard,
    /// What is missing is borrowed, and in the end paid for.
    Unlimited,
}

/// How a group's instances are bought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Market {
    OnDemand,
    /// They may be taken back.
    Spot,
}

impl AutoScalingGroup {
    /// What the agent of an instance registers with the cluster.
    pub fn memory_for_tasks(&self) -> MiB {
        MiB(self.instance_type.memory.0 - self.agent.reserved_memory.0)
    }
}

/// Settings of the container agent on the group's instances [AGENT:README.md].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Agent {
    pub image_pull_behavior: ImagePullBehavior,
    /// `None`: images stay for ever.
    pub image_cleanup: Option<ImageCleanup>,
    /// Of an instance's memory, not for tasks.
    pub reserved_memory: MiB,
    pub at_spot_warning: AtSpotWarning,
}

/// `ECS_ENABLE_SPOT_INSTANCE_DRAINING`: what the warning that Spot takes an instance back makes of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AtSpotWarning {
    /// Nothing: its tasks run to its end.
    GoesOn,
    Drains,
}

/// `ECS_IMAGE_PULL_BEHAVIOR`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImagePullBehavior {
    /// The registry is asked every time; if that fails, what is cached will do.
    Default,
    /// The registry is asked every time.
    Always,
    /// The registry is asked if the image was never pulled here, or has been cleaned up.
    Once,
    /// The registry is asked if the image is not here; and it is never cleaned up.
    PreferCached,
}

/// How images that no task uses leave the disk.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ImageCleanup {
    pub interval: Span,
    /// Since the last pull.
    pub minimum_age: Span,
    pub images_per_cycle: u32,
    /// How long a stopped task still keeps its images.
    pub task_wait: Span,
}

impl Default for ImageCleanup {
    fn default() -> Self {
        ImageCleanup {
            interval: agent::IMAGE_CLEANUP_INTERVAL,
            minimum_age: agent::IMAGE_MINIMUM_CLEANUP_AGE,
            images_per_cycle: agent::IMAGES_DELETED_PER_CYCLE,
            task_wait: agent::TASK_CLEANUP_WAIT,
        }
    }
}

impl Default for Agent {
    fn default() -> Self {
        Agent {
            image_pull_behavior: ImagePullBehavior::Default,
            image_cleanup: Some(ImageCleanup::default()),
            reserved_memory: MiB(0),
            at_spot_warning: AtSpotWarning::GoesOn,
        }
    }
}
