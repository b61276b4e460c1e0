//! A task as ECS knows it: its place, its state in the life cycle, its containers.
//!
//! States change only through [`Task::enter`], which refuses what ECS's life cycle does not allow. A task counts once
//! in exactly one state; what it takes (CPU, memory, network interface, ports) it takes from its creation until STOPPED.
//! Deliberately not here: what makes a state end (`sim::control_plane`), and the process that serves requests (the data
//! plane's servers, which know the task only by its id).

use super::Instance;
use crate::blueprint::{Provider, RevisionIx, ServiceIx, TargetGroupIx, ZoneIx};
use crate::engine::arena::Id;
use crate::engine::random::Key;
use crate::units::{Instant, Span};

#[derive(Clone, Debug)]
pub struct Task {
    /// Counts up over a run; for output.
    pub ordinal: u32,
    /// Below the service's key by the ordinal within the service, so that other services change none of its draws.
    pub key: Key,
    pub service: ServiceIx,
    pub revision: RevisionIx,
    pub provider: Provider,
    /// `None` on Fargate.
    pub instance: Option<Id<Instance>>,
    pub zone: ZoneIx,
    state: TaskState,
    /// Number of the step that is due next; an event with another number has been overtaken.
    pub step: u32,
    pub preparing: Preparing,
    /// As in the task definition.
    pub containers: Vec<Container>,
    /// Whether it counts towards the lower bound: see `control_plane::healthiness`.
    pub healthy: bool,
    /// Whether a check has failed it; it is replaced once its grace period is over.
    pub unhealthy: bool,
    /// Its instance is DRAINING: it is to be replaced elsewhere.
    pub displaced: bool,
    /// Neither scale-in nor a deployment stops it until then.
    pub protected_until: Instant,
    /// Target groups that hold it, draining included.
    pub registered: Vec<TargetGroupIx>,
    /// Nothing is heard of its host since then.
    pub silence: Option<Silence>,
    /// A step that was due while its host was silent.
    pub held: bool,
    /// An essential container has exited meanwhile: what the task will have stopped for.
    pub unseen_exit: Option<String>,
    pub created: Instant,
    pub pull_started: Option<Instant>,
    /// Until when lazily loaded images still load.
    pub loads_until: Instant,
    pub running: Option<Instant>,
    /// First time.
    pub healthy_since: Option<Instant>,
    pub stopping: Option<Instant>,
    pub stop: Option<Stop>,
}

/// The host of a task, or an instance, does not answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Silence {
    pub since: Instant,
    /// When it is declared lost.
    pub lost_at: Instant,
}

/// [DG:task-lifecycle-explanation].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TaskState {
    Provisioning,
    Pending,
    Activating,
    Running,
    Deactivating,
    Stopping,
    Deprovisioning,
    Stopped,
}

impl TaskState {
    pub const COUNT: usize = 8;

    /// In AWS's spelling.
    pub const fn name(self) -> &'static str {
        match self {
            TaskState::Provisioning => "PROVISIONING",
            TaskState::Pending => "PENDING",
            TaskState::Activating => "ACTIVATING",
            TaskState::Running => "RUNNING",
            TaskState::Deactivating => "DEACTIVATING",
            TaskState::Stopping => "STOPPING",
            TaskState::Deprovisioning => "DEPROVISIONING",
            TaskState::Stopped => "STOPPED",
        }
    }

    /// On its way to RUNNING.
    pub const fn is_launching(self) -> bool {
        matches!(
            self,
            TaskState::Provisioning | TaskState::Pending | TaskState::Activating
        )
    }

    /// RUNNING or on its way there: what ECS counts towards `maximumPercent`.
    pub const fn is_live(self) -> bool {
        self.is_launching() || matches!(self, TaskState::Running)
    }

    /// The life cycle only goes forwards; it may be left for the way out at any point, and a lost host ends it at once.
    pub const fn may_become(self, next: TaskState) -> bool {
        use TaskState::*;
        match self {
            Provisioning => matches!(next, Pending | Deprovisioning | Stopped),
            Pending => matches!(next, Activating | Deprovisioning | Stopped),
            Activating => matches!(next, Running | Stopping | Stopped),
            Running => matches!(next, Deactivating | Stopping | Stopped),
            Deactivating => matches!(next, Stopping | Stopped),
            Stopping => matches!(next, Deprovisioning | Stopped),
            Deprovisioning => matches!(next, Stopped),
            Stopped => false,
        }
    }
}

/// What a task in PENDING is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Preparing {
    /// The agent takes note of it.
    Overhead,
    /// What it needs of AWS's services, from the `next`th on; for that, so many attempts have failed.
    Resources { next: usize, failed: u32 },
    /// It gives up waiting for one of these.
    WithoutResource { at: usize },
    /// The registry has not answered so many attempts, and is asked again.
    Registry { failed: u32 },
    /// The registry says what the images are.
    Manifest,
    /// It says where the layers are.
    Urls,
    /// It takes no more calls, and the agent has given up.
    Refused,
    /// The disk is full.
    NoSpace,
    /// Layers come.
    Layers,
    /// All is here.
    Done,
}

/// Why a task stops.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stop {
    pub code: StopCode,
    pub reason: String,
}

/// [BC:ecs TaskStopCode].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StopCode {
    TaskFailedToStart,
    EssentialContainerExited,
    UserInitiated,
    ServiceSchedulerInitiated,
    SpotInterruption,
    TerminationNotice,
    InfrastructureHealth,
}

impl StopCode {
    pub const fn name(self) -> &'static str {
        match self {
            StopCode::TaskFailedToStart => "TaskFailedToStart",
            StopCode::EssentialContainerExited => "EssentialContainerExited",
            StopCode::UserInitiated => "UserInitiated",
            StopCode::ServiceSchedulerInitiated => "ServiceSchedulerInitiated",
            StopCode::SpotInterruption => "SpotInterruption",
            StopCode::TerminationNotice => "TerminationNotice",
            StopCode::InfrastructureHealth => "InfrastructureHealth",
        }
    }
}

#[derive(Clone, Debug)]
pub struct Container {
    pub state: ContainerState,
    /// When its creation began; when it runs, since when.
    pub since: Instant,
    /// Its start-up is over.
    pub ready: bool,
    pub health: HealthStatus,
    /// Consecutive checks that failed and counted.
    pub failures: u32,
    /// Checks made, for the draws.
    pub checks: u32,
    /// How often its restart policy has started it again.
    pub restarts: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ContainerState {
    /// For the task's images, or for containers it depends on.
    Waiting,
    Starting,
    Running,
    Exited {
        code: u8,
    },
}

/// [BC:ecs HealthStatus].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HealthStatus {
    Unknown,
    Healthy,
    Unhealthy,
}

impl Container {
    pub fn new() -> Self {
        Container {
            state: ContainerState::Waiting,
            since: Instant::ZERO,
            ready: false,
            health: HealthStatus::Unknown,
            failures: 0,
            checks: 0,
            restarts: 0,
        }
    }

    pub fn is_running(&self) -> bool {
        self.state == ContainerState::Running
    }

    /// Whether its process has existed at any time.
    pub fn has_started(&self) -> bool {
        matches!(self.state, ContainerState::Running | ContainerState::Exited { .. })
    }
}

impl Default for Container {
    fn default() -> Self {
        Container::new()
    }
}

/// What is decided about a task before it exists.
#[derive(Clone, Copy, Debug)]
pub struct NewTask {
    pub ordinal: u32,
    pub key: Key,
    pub service: ServiceIx,
    pub revision: RevisionIx,
    pub provider: Provider,
    pub instance: Option<Id<Instance>>,
    pub zone: ZoneIx,
    pub containers: usize,
}

impl Task {
    /// A task in PROVISIONING.
    pub fn new(new: NewTask, now: Instant) -> Self {
        Task {
            ordinal: new.ordinal,
            key: new.key,
            service: new.service,
            revision: new.revision,
            provider: new.provider,
            instance: new.instance,
            zone: new.zone,
            state: TaskState::Provisioning,
            step: 0,
            preparing: Preparing::Overhead,
            containers: vec![Container::new(); new.containers],
            healthy: false,
            unhealthy: false,
            displaced: false,
            protected_until: Instant::ZERO,
            registered: Vec::new(),
            silence: None,
            held: false,
            unseen_exit: None,
            created: now,
            pull_started: None,
            loads_until: Instant::ZERO,
            running: None,
            healthy_since: None,
            stopping: None,
            stop: None,
        }
    }

    pub fn state(&self) -> TaskState {
        self.state
    }

    /// # Panics
    /// If the life cycle does not allow it: that is a bug of the control plane.
    pub fn enter(&mut self, next: TaskState) {
        assert!(
            self.state.may_become(next),
            "task {} cannot go from {} to {}",
            self.ordinal,
            self.state.name(),
            next.name()
        );
        self.state = next;
    }

    /// A task that has stood for ever when the simulation begins.
    pub fn stand(&mut self, now: Instant) {
        self.state = TaskState::Running;
        self.pull_started = Some(now);
        self.running = Some(now);
    }

    /// Whether its own scale-in protection keeps it; a task that has failed its checks is replaced all the same.
    pub fn is_protected(&self, now: Instant) -> bool {
        now < self.protected_until && !self.unhealthy
    }

    /// Whether its grace period is over: failed checks count only `grace` after it first started
    /// [BC:ecs healthCheckGracePeriodSeconds].
    pub fn out_of_grace(&self, grace: Span, now: Instant) -> bool {
        self.running.is_some_and(|since| since + grace <= now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_life_cycle_never_goes_back() {
        use TaskState::*;
        let order = [
            Provisioning,
            Pending,
            Activating,
            Running,
            Deactivating,
            Stopping,
            Deprovisioning,
            Stopped,
        ];
        for (i, from) in order.iter().enumerate() {
            for (j, to) in order.iter().enumerate() {
                assert!(!from.may_become(*to) || j > i, "{} to {}", from.name(), to.name());
            }
            assert!(
                *from == Stopped || from.may_become(Stopped),
                "a lost host ends {}",
                from.name()
            );
        }
    }
}
