//! Releases: deployments in steps.

use super::Deploys;
use crate::blueprint::*;
use crate::scenario::diagnostic::Code;
use crate::scenario::path::Path;
use crate::scenario::resolve::Context;
use crate::scenario::schema::{self, Deploy};

pub(super) fn some_service(cx: &mut Context, deploys: &schema::Named<Deploy>, path: &Path) {
    if deploys.is_empty() {
        let message = "no service is deployed here";
        cx.problems
            .report_with(Code::WrongLength, path, message, |d| d.expected("services by name"));
    }
}

pub(super) fn release(cx: &mut Context, said: &schema::Release, deploys: &Deploys, path: &Path) -> Release {
    let section = path.key("steps");
    if said.steps.is_empty() {
        let message = "this release has no steps";
        cx.problems.report_with(Code::WrongLength, &section, message, |d| {
            d.expected("steps that deploy services")
        });
    }
    for (at, step) in said.steps.iter().enumerate() {
        some_service(cx, &step.deploy, &section.at(at).key("deploy"));
    }
    let steps = said.steps.iter().zip(deploys);
    Release {
        steps: steps
            .map(|(step, deploy)| ReleaseStep {
                wait: step.wait.0,
                deploy: deploy.clone(),
            })
            .collect(),
        on_failure: match said.on_failure {
            schema::OnReleaseFailure::Stop => OnReleaseFailure::Stop,
            schema::OnReleaseFailure::RollBack => OnReleaseFailure::RollBack,
        },
    }
}
