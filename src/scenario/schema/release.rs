//! Release trains: several services deployed one after the other.

use super::{Deploy, Duration, Event, Named, zero};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Deployments in order: a step begins when all of the step before have COMPLETED.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Release {
    /// At least one.
    pub steps: Vec<ReleaseStep>,
    #[serde(default)]
    pub on_failure: OnReleaseFailure,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReleaseStep {
    /// How long after the step before.
    #[serde(default = "zero")]
    pub wait: Duration,
    /// New revisions by service; services in one step begin together.
    pub deploy: Named<Deploy>,
}

/// What a deployment that does not COMPLETE does to its release. Those that began with it still go on to their ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OnReleaseFailure {
    /// No further step begins; what has COMPLETED stays.
    #[default]
    Stop,
    /// What has COMPLETED is deployed back, the last step first.
    RollBack,
}

impl Event {
    /// What it deploys: at once, or step by step.
    pub fn deploys(&self) -> impl Iterator<Item = &Named<Deploy>> {
        let steps = self.release.iter().flat_map(|release| &release.steps);
        self.deploy.iter().chain(steps.map(|step| &step.deploy))
    }

    pub fn deploys_mut(&mut self) -> impl Iterator<Item = &mut Named<Deploy>> {
        let steps = self.release.iter_mut().flat_map(|release| &mut release.steps);
        self.deploy.iter_mut().chain(steps.map(|step| &mut step.deploy))
    }
}
