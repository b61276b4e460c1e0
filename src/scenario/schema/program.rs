//! What a request makes a service do: the steps of its operations.

use super::{Call, Form, Share, Time};
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
    Call(Box<Call>),
    /// Lists of steps that run at once; goes on when all have ended.
    Parallel(Vec<Vec<Step>>),
    /// One of several lists of steps, by weight. Which one belongs to the request: a retry takes the same.
    Choose(Vec<Choice>),
    /// Steps that are run again and again, one time after the other.
    Repeat(Repeat),
    /// Ends the operation with an error: a status from 400 to 599, or a share of the attempts that fail.
    Fail(Form<Status, Fail>),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Choice {
    #[schemars(range(min = 0))]
    pub weight: f64,
    /// May be empty: then nothing is done.
    pub steps: Vec<Step>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Repeat {
    /// How often; belongs to the request.
    pub times: Form<u32, Times>,
    pub steps: Vec<Step>,
}

/// How a number of times is distributed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Times {
    /// Equally likely between the two, both included.
    Uniform([u32; 2]),
    /// Once, and after each time once more with the same probability: 1, 2, 3, …
    Geometric(MeanTimes),
    /// 0, 1, 2, …
    Poisson(MeanTimes),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MeanTimes {
    #[schemars(range(min = 0))]
    pub mean: f64,
}

/// An HTTP status that says what went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Status(#[schemars(range(min = 400, max = 599))] pub u16);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Fail {
    /// Of attempts that fail here; the others go on. A retry may fare better.
    pub share: Share,
    #[serde(default = "internal_server_error")]
    pub status: Status,
}

fn internal_server_error() -> Status {
    Status(500)
}
