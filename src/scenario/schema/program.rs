//! What a request makes a service do: the steps of its operations.

use super::{Call, Time};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One step of an operation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// CPU time on the task's share.
    Cpu(Time),
    /// Time that passes without CPU.
    Wait(Time),
    /// A request to another service or a dependency.
    Call(Call),
    /// Lists of steps that run at once; goes on when all have ended.
    Parallel(Vec<Vec<Step>>),
}
