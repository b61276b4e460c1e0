//! Life-cycle hooks: what a deployment that shifts traffic waits for in a stage.

use super::LifecycleStage;
use crate::engine::dist::Dist;
use crate::units::{Ratio, Span};

/// [BC:ecs DeploymentLifecycleHook].
#[derive(Clone, Debug)]
pub struct LifecycleHook {
    /// Where it is called, once for each portion of the traffic in the stages of the production shift.
    pub stages: Vec<LifecycleStage>,
    pub target: HookTarget,
    /// From the call to the answer, at most.
    pub timeout: Span,
    pub on_timeout: TimeoutAction,
}

#[derive(Clone, Debug)]
pub enum HookTarget {
    Lambda(LambdaHook),
    /// Until `continue_deployment`.
    Pause,
}

/// A function that is called, perhaps again and again, until it answers SUCCEEDED or FAILED.
#[derive(Clone, Debug)]
pub struct LambdaHook {
    /// Of one call.
    pub duration: Dist,
    /// A call that lasts longer has failed.
    pub longest_call: Span,
    /// Of the answers, FAILED.
    pub failure_ratio: Ratio,
    /// So often it answers IN_PROGRESS first.
    pub in_progress: u32,
    /// From such an answer to the next call.
    pub call_back_delay: Span,
}

/// What becomes of a deployment whose hook has not answered in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimeoutAction {
    Rollback,
    Continue,
}

impl HookTarget {
    pub const fn name(&self) -> &'static str {
        match self {
            HookTarget::Lambda(_) => "AWS_LAMBDA",
            HookTarget::Pause => "PAUSE",
        }
    }
}
