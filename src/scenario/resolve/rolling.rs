//! What only a rolling deployment has: early success criteria.

use super::Context;
use super::deployment::percents;
use crate::blueprint::{EarlySuccess, SourceCleanup};
use crate::scenario::diagnostic::Code;
use crate::scenario::path::Path;
use crate::scenario::schema::{self, DeploymentStrategy, SourceServiceRevisionCleanup};

/// The criteria of a service's `deployment_configuration`, which stands at `path`.
pub(super) fn early_success(
    cx: &mut Context,
    said: &schema::DeploymentConfiguration,
    path: &Path,
) -> Option<EarlySuccess> {
    let criteria = said.early_success_criteria.filter(|criteria| criteria.enable)?;
    let here = path.key("early_success_criteria");
    if said.strategy != DeploymentStrategy::Rolling {
        cx.report_hint(
            Code::EarlySuccessNotRolling,
            &here,
            "early success criteria can be used only with the rolling deployment strategy",
            "leave them out, or say `strategy: ROLLING`",
        );
        return None;
    }
    if criteria.healthy_percent.is_none() {
        let message = "early success criteria that are enabled need `healthy_percent`";
        cx.report(Code::MissingKey, &here.key("healthy_percent"), message);
    }
    if criteria.source_service_revision_cleanup.is_none() {
        let message = "early success criteria that are enabled need `source_service_revision_cleanup`";
        cx.report(Code::MissingKey, &here.key("source_service_revision_cleanup"), message);
    }
    let healthy_percent = criteria.healthy_percent?;
    let minimum = percents(said).0;
    if healthy_percent < minimum {
        let message = format!("success at {healthy_percent} % healthy lies below the minimum of {minimum} %");
        cx.report_hint(
            Code::EarlySuccessBelowMinimum,
            &here.key("healthy_percent"),
            message,
            "`healthy_percent` lies between `minimum_healthy_percent` and 100",
        );
    }
    Some(EarlySuccess {
        healthy_percent,
        cleanup: match criteria.source_service_revision_cleanup? {
            SourceServiceRevisionCleanup::Blocking => SourceCleanup::BeforeCompletion,
            SourceServiceRevisionCleanup::Deferred => SourceCleanup::AfterCompletion,
        },
    })
}
