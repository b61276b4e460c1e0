//! What a request makes a service do: the steps of its operations.

use super::{CacheStep, Call, Duration, Form, Publish, Share, Time};
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
    /// A message to a queue.
    Publish(Box<Publish>),
    /// Lists of steps that run at once: goes on when all have ended, fails if one has failed. The long form joins
    /// otherwise.
    Parallel(Form<Vec<Vec<Step>>, Parallel>),
    /// One of several lists of steps, by weight. Which one belongs to the request: a retry takes the same.
    Choose(Vec<Choice>),
    /// Steps that are run again and again, one time after the other.
    Repeat(Repeat),
    /// Looks into a cache, and does one thing or another by what it finds.
    Cache(Box<CacheStep>),
    /// Steps that the answer can do without: they are left out while the service is browned out (`brown_out`), and run
    /// otherwise.
    Optional(Vec<Step>),
    /// Ends the operation with an error: a status from 400 to 599, or a share of the attempts that fail.
    Fail(Form<Status, Fail>),
}

/// Branches that run at once: either different ones, or copies of one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Parallel {
    pub branches: Option<Vec<Vec<Step>>>,
    /// So many branches do the same `steps`.
    #[schemars(range(min = 1, max = 10_000))]
    pub copies: Option<u32>,
    /// What each of the `copies` does.
    pub steps: Option<Vec<Step>>,
    #[serde(default)]
    pub join: Join,
    /// From the step's beginning. A `partial` join goes on with what has come by then; any other fails.
    pub timeout: Option<Duration>,
    /// What becomes of branches that the step goes on without.
    #[serde(default)]
    pub losers: Losers,
}

/// When the branches of a `parallel` step are joined.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Join {
    /// When all have ended; fails if one has failed.
    #[default]
    All,
    /// When one has succeeded; fails when none can any more.
    First,
    /// When all have ended or the timeout is over; never fails.
    Partial,
    /// When so many have succeeded; fails as soon as they cannot any more.
    Quorum(u32),
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Losers {
    /// They go on to their end, and what they do is wasted.
    #[default]
    Continue,
    /// They stop at once; what becomes of their calls is up to the callee's `on_disconnect`.
    Cancel,
}

impl Parallel {
    /// All lists of steps inside.
    pub fn lists(&self) -> impl Iterator<Item = &Vec<Step>> {
        self.branches.iter().flatten().chain(&self.steps)
    }
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
