//! Version skew: what revisions need of each other, and whether that can ever matter.

use super::event::Deployed;
use super::{Context, Table};
use crate::blueprint::*;
use crate::scenario::diagnostic::Code;
use crate::scenario::path::Path;
use crate::scenario::schema::{self, Deploy, Named};

/// What a deployed revision says that it needs; `path` is the deployment's.
pub(super) fn skew(cx: &mut Context, deploy: &Deploy, path: &Path) -> Skew {
    let mut needs = |said: &Named<schema::Need>, section: &Path| {
        let mut found = Vec::new();
        for (name, need) in said.iter() {
            if let Some(service) = cx.find(Table::Service, name, &section.key(name)) {
                found.push(Need {
                    service: ServiceIx::from_usize(service),
                    at_least: RevisionIx::from_usize(need.revision.max(1) as usize - 1),
                    failing: need.failing.0,
                    answer: match need.answer {
                        schema::SkewAnswer::ServerError => SkewAnswer::ServerError,
                        schema::SkewAnswer::Nothing => SkewAnswer::Nothing,
                    },
                });
            }
        }
        found
    };
    Skew {
        needs: needs(&deploy.needs, &path.key("needs")),
        needs_of_callers: needs(&deploy.needs_of_callers, &path.key("needs_of_callers")),
    }
}

/// Which way a need points.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Callees,
    Callers,
}

/// Looks at every need once the whole scenario is resolved. `deployed` is by service.
pub(super) fn check(cx: &mut Context, blueprint: &Blueprint, deployed: &[Vec<Deployed>]) {
    for (at, deployments) in deployed.iter().enumerate() {
        let service = ServiceIx::from_usize(at);
        for (revision, deploy) in deployments.iter().enumerate() {
            let whose = (service, RevisionIx::from_usize(revision + 1));
            let skew = blueprint.services[at].revisions[revision + 1].skew.clone();
            deploy.at(&blueprint.services[at].name, |here| {
                for need in &skew.needs {
                    one(cx, blueprint, whose, (Side::Callees, need), &here.key("needs"));
                }
                for need in &skew.needs_of_callers {
                    one(
                        cx,
                        blueprint,
                        whose,
                        (Side::Callers, need),
                        &here.key("needs_of_callers"),
                    );
                }
            });
        }
    }
}

fn one(
    cx: &mut Context,
    blueprint: &Blueprint,
    whose: (ServiceIx, RevisionIx),
    (side, need): (Side, &Need),
    section: &Path,
) {
    let other = &blueprint.services[need.service.at()];
    let here = section.key(&other.name);
    if need.at_least.at() >= other.revisions.len() {
        let message = format!(
            "`{}` never has a revision {}: {} of them run in this scenario",
            other.name,
            need.at_least.at() + 1,
            other.revisions.len()
        );
        cx.report_hint(
            Code::NeedOfNoRevision,
            &here.key("revision"),
            message,
            "revision 1 runs at the start, and each event that deploys the service adds one",
        );
        return;
    }
    let earlier = (0..need.at_least.at()).map(RevisionIx::from_usize);
    let callers: Vec<(ServiceIx, RevisionIx)> = match side {
        Side::Callees => vec![whose],
        Side::Callers => earlier.map(|revision| (need.service, revision)).collect(),
    };
    let callee = if side == Side::Callees { need.service } else { whose.0 };
    let calls: Vec<CallIx> = callers
        .iter()
        .flat_map(|(service, revision)| blueprint.calls_of(*service, *revision))
        .filter(|call| reaches(blueprint, &blueprint.calls[call.at()], callee))
        .collect();
    let own = &blueprint.services[whose.0.at()].name;
    if calls.is_empty() {
        let message = match side {
            Side::Callees => format!("`{own}` does not call `{}`", other.name),
            Side::Callers => format!("`{}` does not call `{own}`", other.name),
        };
        let hint = "only services that call each other can misunderstand each other";
        return cx.report_hint(Code::NeedWithoutCall, &here, message, hint);
    }
    let waits_for_ever = |call: &CallIx| {
        let site = &blueprint.calls[call.at()];
        site.timeout.is_none() && matches!(site.to, Callee::Service { .. })
    };
    if need.answer == SkewAnswer::Nothing && calls.iter().any(waits_for_ever) {
        cx.report_hint(
            Code::SkewWithoutTimeout,
            &here.key("answer"),
            "a caller without a timeout waits for ever for an answer that never comes",
            "give the call a `timeout`, or say `answer: server_error`",
        );
    }
}

/// Whether a call can end at a task of the service.
fn reaches(blueprint: &Blueprint, call: &CallSite, service: ServiceIx) -> bool {
    match &call.to {
        Callee::Service { service: to, .. } => *to == service,
        Callee::Dependency(_) | Callee::DependencyOperation(..) | Callee::Queue(_) => false,
        Callee::LoadBalancer { load_balancer, .. } => {
            let balancer = &blueprint.load_balancers[load_balancer.at()];
            let forwards = |group: TargetGroupIx| {
                let mut actions = balancer.listeners.iter().flat_map(|listener| {
                    let rules = listener.rules.iter().map(|rule| &rule.action);
                    rules.chain([&listener.default_action])
                });
                actions.any(|action| match action {
                    Action::Forward(groups) => groups.iter().any(|each| each.target_group == group),
                    _ => false,
                })
            };
            let mut bound = blueprint.services[service.at()].load_balancers.iter();
            bound.any(|binding| {
                let alternate = binding.alternate.as_ref().map(|alternate| alternate.target_group);
                forwards(binding.target_group) || alternate.is_some_and(forwards)
            })
        }
    }
}
