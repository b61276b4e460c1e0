//! Deployments by CodeDeploy: the deployment group, in its words.

use super::{Duration, Form, Share, Time};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Who deploys a service.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct DeploymentController {
    #[serde(rename = "type")]
    pub kind: DeploymentControllerType,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum DeploymentControllerType {
    /// ECS itself, as `deployment_configuration` says.
    #[default]
    Ecs,
    /// CodeDeploy, as `deployment_group` says: always blue/green.
    CodeDeploy,
}

/// CodeDeploy's deployment group of a service.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct DeploymentGroup {
    /// A predefined name, or a `time_based_canary` or `time_based_linear`.
    pub deployment_config: Form<DeploymentConfig, TrafficRouting>,
    pub deployment_ready_option: DeploymentReadyOption,
    pub blue_instance_termination_option: BlueInstanceTerminationOption,
    pub auto_rollback_configuration: AutoRollbackConfiguration,
    pub alarm_configuration: AlarmConfiguration,
    /// Functions that are called on the way; each must answer within an hour.
    pub hooks: AppSpecHooks,
}

impl Default for DeploymentGroup {
    fn default() -> Self {
        DeploymentGroup {
            deployment_config: Form::Short(DeploymentConfig::AllAtOnce),
            deployment_ready_option: DeploymentReadyOption::default(),
            blue_instance_termination_option: BlueInstanceTerminationOption::default(),
            auto_rollback_configuration: AutoRollbackConfiguration::default(),
            alarm_configuration: AlarmConfiguration::default(),
            hooks: AppSpecHooks::default(),
        }
    }
}

/// CodeDeploy's own configurations for ECS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum DeploymentConfig {
    #[serde(rename = "CodeDeployDefault.ECSAllAtOnce")]
    AllAtOnce,
    #[serde(rename = "CodeDeployDefault.ECSLinear10PercentEvery1Minutes")]
    Linear10PercentEvery1Minutes,
    #[serde(rename = "CodeDeployDefault.ECSLinear10PercentEvery3Minutes")]
    Linear10PercentEvery3Minutes,
    #[serde(rename = "CodeDeployDefault.ECSCanary10Percent5Minutes")]
    Canary10Percent5Minutes,
    #[serde(rename = "CodeDeployDefault.ECSCanary10Percent15Minutes")]
    Canary10Percent15Minutes,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TrafficRouting {
    /// A share of the traffic, and all the rest after the interval.
    TimeBasedCanary(TimeBased),
    /// Equal shares of the traffic, an interval apart.
    TimeBasedLinear(TimeBased),
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TimeBased {
    /// Percent of the traffic, 1 to 99.
    pub percentage: f64,
    pub interval: Duration,
}

/// What happens when green is ready.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct DeploymentReadyOption {
    pub action_on_timeout: ReadyAction,
    /// STOP_DEPLOYMENT: how long an event `continue_deployment` is waited for.
    pub wait_time: Option<Duration>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ReadyAction {
    /// Traffic shifts as soon as green is ready.
    #[default]
    ContinueDeployment,
    /// Traffic shifts when somebody continues the deployment; if nobody does, it stops.
    StopDeployment,
}

/// What becomes of blue.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct BlueInstanceTerminationOption {
    pub action: TerminationAction,
    /// TERMINATE: from the last shift on, at most 2d.
    pub termination_wait_time: Duration,
}

impl Default for BlueInstanceTerminationOption {
    fn default() -> Self {
        BlueInstanceTerminationOption {
            action: TerminationAction::Terminate,
            termination_wait_time: Duration::ZERO,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum TerminationAction {
    Terminate,
    /// Blue stays, without traffic, until the next deployment.
    KeepAlive,
}

/// What makes a deployment go back; without it a failed one leaves both revisions as they are.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct AutoRollbackConfiguration {
    pub enabled: bool,
    pub events: Vec<AutoRollbackEvent>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum AutoRollbackEvent {
    DeploymentFailure,
    DeploymentStopOnAlarm,
    DeploymentStopOnRequest,
}

/// Alarms that stop a deployment.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct AlarmConfiguration {
    pub enabled: bool,
    pub alarms: Vec<String>,
}

/// By CodeDeploy's life-cycle events.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct AppSpecHooks {
    pub before_install: Option<AppSpecHook>,
    pub after_install: Option<AppSpecHook>,
    pub after_allow_test_traffic: Option<AppSpecHook>,
    pub before_allow_traffic: Option<AppSpecHook>,
    pub after_allow_traffic: Option<AppSpecHook>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AppSpecHook {
    /// Until the function reports; 1s if absent.
    pub duration: Option<Time>,
    /// Share of the reports that are Failed; none if absent.
    pub failure_ratio: Option<Share>,
}
