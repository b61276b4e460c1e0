//! Standalone tasks: what RunTask starts, at a time or on a schedule, beside services.

use super::{
    CapacityProviderStrategyItem, Cpu, Duration, LaunchType, Memory, PlacementConstraint, PlacementStrategy, Time, one,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Tasks of a family that run by themselves: RunTask starts them, nobody replaces them, and they end when their work is
/// done.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StandaloneTask {
    /// By name. Without it the task has one container and the size given here.
    pub task_definition: Option<String>,
    /// CPU of the whole task; 1 vCPU if nothing else says it.
    pub cpu: Option<Cpu>,
    /// Memory of the whole task; 2 GiB if nothing else says it.
    pub memory: Option<Memory>,
    /// Compressed size of the image, as it is pulled; 100 MiB if absent. Not beside `task_definition`.
    pub image_size: Option<Memory>,
    /// CPU that it uses all the time, as far as it gets it; none if absent. Not beside `task_definition`, whose containers
    /// say it.
    pub cpu_use: Option<Cpu>,
    /// How long its first essential container runs.
    pub runs_for: Time,
    /// With which code it then exits.
    #[serde(default)]
    pub exit_code: u8,
    /// FARGATE if neither this nor a capacity provider strategy is given. `EC2` takes the instances of all groups.
    pub launch_type: Option<LaunchType>,
    #[serde(default)]
    pub capacity_provider_strategy: Vec<CapacityProviderStrategyItem>,
    /// EC2 only.
    #[serde(default)]
    pub placement_constraints: Vec<PlacementConstraint>,
    /// EC2 only; at random if absent.
    pub placement_strategy: Option<Vec<PlacementStrategy>>,
    /// When tasks are started besides by `run_task` events.
    #[serde(default)]
    pub schedules: Vec<TaskSchedule>,
}

/// A schedule of EventBridge that runs tasks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TaskSchedule {
    /// `rate(5 minutes)`, `cron(30 18 * * ? *)` or `at(2026-11-27T18:30:00)`, in UTC.
    pub schedule: String,
    #[serde(default = "one")]
    #[schemars(range(min = 1, max = 5000))]
    pub count: u32,
}

/// RunTask: tasks of a family are started.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RunTask {
    /// One of `tasks`.
    pub task: String,
    #[serde(default = "one")]
    #[schemars(range(min = 1, max = 5000))]
    pub count: u32,
}

impl StandaloneTask {
    /// The same words as a service would say them, with one container called `app`.
    pub(in crate::scenario) fn as_service(&self, family: &str) -> super::Service {
        let container = super::Container {
            image: Some(format!("{family}/app")),
            cpu_use: self.cpu_use,
            image_size: Some(self.image_size.unwrap_or(super::Container::IMAGE_SIZE)),
            essential: Some(true),
            host_ports: Some(Vec::new()),
            depends_on: Some(Vec::new()),
            stop_timeout: Some(Duration::secs(30)),
            shut_down: Some(super::Container::shut_down()),
            ..super::Container::default()
        };
        let inline = self.task_definition.is_none();
        let bare = serde_json::from_value(serde_json::json!({}));
        super::Service {
            task_definition: self.task_definition.clone(),
            cpu: self.cpu,
            memory: self.memory,
            containers: inline.then(|| super::Named(vec![("app".to_owned(), container)])),
            launch_type: self.launch_type,
            capacity_provider_strategy: self.capacity_provider_strategy.clone(),
            placement_constraints: self.placement_constraints.clone(),
            placement_strategy: self.placement_strategy.clone(),
            load_balancers: Some(Vec::new()),
            ..bare.expect("every key of a service may be left out")
        }
    }
}
