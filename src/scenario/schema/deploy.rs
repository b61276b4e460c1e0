//! A new revision of a service, as an event brings it.

use super::{Factor, Memory, Named, Need, Share, Step, Time};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A new revision of a service. It is described against the service as it stands under `services`, not against what an
/// earlier event deployed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Deploy {
    /// Another task definition.
    pub task_definition: Option<String>,
    /// Containers that are not as before.
    pub containers: Named<DeployedContainer>,
    /// Operations that are not as before.
    pub operations: Named<DeployedOperation>,
    pub start_up: Option<Time>,
    pub start_up_cpu: Option<Time>,
    /// Share of tasks whose serving container does not start.
    pub fails_to_start: Option<Share>,
    /// How long after RUNNING the serving container exits by itself.
    pub exits_after: Option<Time>,
    /// Share of health checks that fail although the server answers.
    pub fails_health_checks: Option<Share>,
    /// What the serving container's memory grows by in an hour.
    pub memory_leak: Option<Memory>,
    /// What it needs of the services that it calls, by name: calls to tasks of an earlier revision fail.
    pub needs: Named<Need>,
    /// What it needs of the services that call it, by name: calls from tasks of an earlier revision fail.
    pub needs_of_callers: Named<Need>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct DeployedContainer {
    /// Of the new image, which then shares no layer with others.
    pub image_size: Option<Memory>,
    /// Of the new image, by name; those that are known are not pulled again.
    pub image_layers: Option<Named<Memory>>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct DeployedOperation {
    /// Share of requests answered 500 once the work is done.
    pub error_ratio: Option<Share>,
    /// How much longer every `cpu` step takes, like `1.4x`.
    pub cpu: Option<Factor>,
    /// Steps in place of the service's own.
    pub steps: Option<Vec<Step>>,
}
