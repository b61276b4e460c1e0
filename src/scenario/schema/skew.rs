//! Version skew between services.

use super::Share;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a revision needs of another service's revisions.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Need {
    /// That revision of it or a later one: 1 runs at the start, each event that deploys it adds one.
    #[schemars(range(min = 2))]
    pub revision: u32,
    /// Share of the calls between this revision and an earlier one of it that fail.
    #[serde(default = "all")]
    pub failing: Share,
    #[serde(default)]
    pub answer: SkewAnswer,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SkewAnswer {
    /// The callee answers 5xx at once.
    #[default]
    ServerError,
    /// The callee never answers: the caller waits for its timeout.
    Nothing,
}

fn all() -> Share {
    Share(crate::units::Ratio::ONE)
}
