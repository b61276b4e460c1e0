//! What only a rolling deployment has.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// When a rolling deployment is over although not all of its tasks are new.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EarlySuccessCriteria {
    pub enable: bool,
    /// Percent of the desired count, rounded up and at least one task, whose new tasks must be healthy. Not less than
    /// `minimum_healthy_percent`.
    #[schemars(range(max = 100))]
    pub healthy_percent: Option<u32>,
    pub source_service_revision_cleanup: Option<SourceServiceRevisionCleanup>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum SourceServiceRevisionCleanup {
    /// The old tasks are gone before the deployment is COMPLETED.
    Blocking,
    /// They go after it.
    Deferred,
}
