//! Life-cycle hooks of deployments that shift traffic.

use super::{Duration, Share, Time};
use crate::aws::quotas::ecs;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a deployment waits for in a stage: a function that looks at the new version, or somebody who says go on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LifecycleHook {
    #[serde(default)]
    pub target_type: HookTargetType,
    /// Where it is called; in the stages of the production shift once for each step. Not SCALE_UP, BAKE_TIME, CLEAN_UP.
    pub lifecycle_stages: Vec<LifecycleStage>,
    #[serde(default)]
    pub timeout_configuration: HookTimeout,
    /// AWS_LAMBDA: how long one call takes, at most 15 minutes; 1s if absent.
    pub duration: Option<Time>,
    /// AWS_LAMBDA: share of the answers that are FAILED; none if absent.
    pub failure_ratio: Option<Share>,
    /// AWS_LAMBDA: how often it answers IN_PROGRESS before its last word; never if absent.
    pub in_progress: Option<u32>,
    /// AWS_LAMBDA: from IN_PROGRESS to the next call; 30s if absent.
    pub call_back_delay: Option<Duration>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum HookTargetType {
    /// A function is called.
    #[default]
    AwsLambda,
    /// Until an event `continue_deployment`; not on the two traffic shifts themselves.
    Pause,
}

/// In the order in which a deployment goes through them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum LifecycleStage {
    ReconcileService,
    PreScaleUp,
    ScaleUp,
    PostScaleUp,
    TestTrafficShift,
    PostTestTrafficShift,
    PreProductionTrafficShift,
    ProductionTrafficShift,
    PostProductionTrafficShift,
    BakeTime,
    CleanUp,
}

/// How long a hook is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct HookTimeout {
    /// 1m to 14d.
    pub timeout: Duration,
    pub action: HookTimeoutAction,
}

impl Default for HookTimeout {
    fn default() -> Self {
        HookTimeout {
            timeout: Duration::secs(ecs::HOOK_TIMEOUT_S),
            action: HookTimeoutAction::default(),
        }
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum HookTimeoutAction {
    #[default]
    Rollback,
    Continue,
}
