//! What CodeDeploy does otherwise than ECS when it deploys a service.
//!
//! Its configuration is a [`super::DeploymentStrategy`], its hooks are [`super::LifecycleHook`]s, its alarms the
//! deployment's, the wait before blue is terminated the bake time. Here is the rest.

/// [BC:codedeploy DeploymentGroupInfo].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CodeDeploy {
    /// Auto-rollback has the event DEPLOYMENT_FAILURE.
    pub rolls_back_on_failure: bool,
    /// Auto-rollback has the event DEPLOYMENT_STOP_ON_REQUEST.
    pub rolls_back_on_stop: bool,
    pub blue: BlueInstances,
}

/// What becomes of blue after a deployment that has succeeded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BlueInstances {
    Terminate,
    /// They stay, without traffic, until the next deployment.
    KeepAlive,
}

impl CodeDeploy {
    /// CodeDeploy's word for a stage or a status of ECS.
    pub fn word(of_ecs: &str) -> &str {
        match of_ecs {
            "PRE_SCALE_UP" => "BeforeInstall",
            "SCALE_UP" => "Install",
            "POST_SCALE_UP" => "AfterInstall",
            "TEST_TRAFFIC_SHIFT" => "AllowTestTraffic",
            "POST_TEST_TRAFFIC_SHIFT" => "AfterAllowTestTraffic",
            "PRE_PRODUCTION_TRAFFIC_SHIFT" => "BeforeAllowTraffic",
            "PRODUCTION_TRAFFIC_SHIFT" => "AllowTraffic",
            "POST_PRODUCTION_TRAFFIC_SHIFT" => "AfterAllowTraffic",
            "BAKE_TIME" => "Baking",
            "CLEAN_UP" => "TerminateBlue",
            "IN_PROGRESS" => "InProgress",
            "SUCCEEDED" | "COMPLETED" => "Succeeded",
            "FAILED" | "TIMED_OUT" => "Failed",
            "STOPPED" => "Stopped",
            other => other,
        }
    }
}
