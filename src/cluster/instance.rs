//! An EC2 instance: its state in the Auto Scaling group, what is left of it, which images it holds.
//!
//! An instance takes tasks only while it is in service and its agent is heard. Deliberately not here: when it is
//! launched or replaced (`sim::control_plane::capacity`).

use super::capacity::Resources;
use super::image_store::ImageStore;
use super::task::{Silence, Task};
use crate::blueprint::{GroupIx, ZoneIx};
use crate::engine::arena::Id;
use crate::engine::random::Key;
use crate::units::Instant;

#[derive(Clone, Debug)]
pub struct Instance {
    /// Counts up over a run; for output.
    pub ordinal: u32,
    pub key: Key,
    pub group: GroupIx,
    pub zone: ZoneIx,
    state: InstanceState,
    pub launched: Instant,
    pub registered: Option<Instant>,
    pub free: Resources,
    pub images: ImageStore,
    /// When its agent next looks for images to clean up; [`Instant::NEVER`] if none could go.
    pub cleanup_due: Instant,
    /// Tasks on it that are not STOPPED, by creation.
    pub tasks: Vec<Id<Task>>,
    /// Share of full CPU speed.
    pub speed: f64,
    pub silence: Option<Silence>,
    /// Faults that keep its agent from the control plane.
    pub disconnects: u32,
    pub power: Power,
    pub status: ContainerInstanceStatus,
}

/// As ECS has it of a registered instance [BC:ecs ContainerInstanceStatus].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ContainerInstanceStatus {
    Active,
    /// It takes no task any more, and service tasks are moved away.
    Draining,
}

impl ContainerInstanceStatus {
    /// In AWS's spelling.
    pub const fn name(self) -> &'static str {
        match self {
            ContainerInstanceStatus::Active => "ACTIVE",
            ContainerInstanceStatus::Draining => "DRAINING",
        }
    }
}

/// Whether there still is a machine behind the record; the control plane learns of a loss only by silence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Power {
    On,
    Dead,
}

/// [ASG23:AutoScalingGroupLifecycle] without hooks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum InstanceState {
    Pending,
    InService,
    Terminated,
}

impl InstanceState {
    pub const fn name(self) -> &'static str {
        match self {
            InstanceState::Pending => "Pending",
            InstanceState::InService => "InService",
            InstanceState::Terminated => "Terminated",
        }
    }
}

/// What is decided about an instance before it exists.
#[derive(Clone, Debug)]
pub struct NewInstance {
    pub ordinal: u32,
    pub key: Key,
    pub group: GroupIx,
    pub zone: ZoneIx,
    pub free: Resources,
    pub images: ImageStore,
}

impl Instance {
    /// An instance that is being launched.
    pub fn new(new: NewInstance, now: Instant) -> Self {
        Instance {
            ordinal: new.ordinal,
            key: new.key,
            group: new.group,
            zone: new.zone,
            state: InstanceState::Pending,
            launched: now,
            registered: None,
            free: new.free,
            images: new.images,
            cleanup_due: Instant::NEVER,
            tasks: Vec::new(),
            speed: 1.0,
            silence: None,
            disconnects: 0,
            power: Power::On,
            status: ContainerInstanceStatus::Active,
        }
    }

    pub fn state(&self) -> InstanceState {
        self.state
    }

    /// # Panics
    /// If it would go back: that is a bug of the control plane.
    pub fn enter(&mut self, next: InstanceState) {
        assert!(
            self.state < next,
            "instance {} cannot go from {:?} to {next:?}",
            self.ordinal,
            self.state
        );
        self.state = next;
    }

    /// Whether it is a container instance in ACTIVE, its agent heard or not.
    pub fn is_active(&self) -> bool {
        self.state == InstanceState::InService && self.status == ContainerInstanceStatus::Active
    }

    /// Whether ECS would place a task on it, room permitting.
    pub fn takes_tasks(&self) -> bool {
        self.is_active() && self.silence.is_none()
    }
}
