//! Whom a fault of tasks befalls.

use crate::blueprint::*;
use crate::scenario::diagnostic::Code;
use crate::scenario::path::Path;
use crate::scenario::resolve::{Context, Table};
use crate::scenario::schema;

/// The selection, and its words for the label.
pub(super) fn selection(cx: &mut Context, said: &schema::Selection, path: &Path) -> Option<(String, Selection)> {
    let mut words = Vec::new();
    let amount = match (said.count, said.share) {
        (Some(_), Some(_)) => {
            let message = "`count` and `share` both say how many";
            cx.report(Code::ConflictingKeys, path, message);
            return None;
        }
        (Some(count), None) => {
            words.push(format!("{count} of"));
            Amount::Count(count)
        }
        (None, Some(share)) => {
            words.push(format!("{}% of", share.0.get() * 100.0));
            Amount::Share(share.0)
        }
        (None, None) => Amount::All,
    };
    let given = [&said.service, &said.zone, &said.capacity_provider];
    if given.iter().all(|name| name.is_none()) {
        cx.problems
            .report_with(Code::MissingKey, path, "whom this befalls is not said", |d| {
                d.expected("one or several of `service`, `zone` and `capacity_provider`")
            });
        return None;
    }
    let mut find = |table, name: &Option<String>, key: &str| match name {
        Some(name) => {
            words.push(name.clone());
            cx.find(table, name, &path.key(key)).map(Some)
        }
        None => Some(None),
    };
    let service = find(Table::Service, &said.service, "service");
    let zone = find(Table::Zone, &said.zone, "zone");
    let provider = provider(cx, said, path, &mut words);
    let (service, zone, provider) = (service?, zone?, provider?);
    let selection = Selection {
        service: service.map(ServiceIx::from_usize),
        zone: zone.map(ZoneIx::from_usize),
        revision: said.revision.map(|number| RevisionIx::from_usize(number as usize - 1)),
        provider,
        amount,
    };
    if let Some(number) = said.revision {
        words.push(format!("revision {number}"));
        revision(cx, said, number, path);
    }
    if let Some(at) = service {
        let (name, described) = &cx.said.services.0[at];
        if described.desired_count == Some(0) && described.auto_scaling.is_none() {
            let message = format!("`{name}` has no tasks that this could befall");
            let hint = format!("`services.{name}.desired_count` is 0");
            cx.report_hint(Code::NobodySelected, &path.key("service"), message, hint);
        }
    }
    Some((words.join(" "), selection))
}

/// `None`: there is no such provider; `Some(None)`: none is named.
fn provider(
    cx: &mut Context,
    said: &schema::Selection,
    path: &Path,
    words: &mut Vec<String>,
) -> Option<Option<Provider>> {
    let Some(name) = &said.capacity_provider else {
        return Some(None);
    };
    words.push(name.clone());
    provider_named(cx, name, &path.key("capacity_provider")).map(Some)
}

/// One of the cluster's capacity providers, or of those that every cluster has.
pub(super) fn provider_named(cx: &mut Context, name: &str, path: &Path) -> Option<Provider> {
    Some(match name {
        "FARGATE" => Provider::Fargate,
        "FARGATE_SPOT" => Provider::FargateSpot,
        _ => Provider::Group(GroupIx::from_usize(cx.find(Table::CapacityProvider, name, path)?)),
    })
}

/// Revisions belong to a service, and each must be deployed at some time.
fn revision(cx: &mut Context, said: &schema::Selection, number: u32, path: &Path) {
    match &said.service {
        Some(service) => check_revision(cx, service, number, &path.key("revision")),
        None => {
            let message = "of which service this is the revision is not said";
            cx.report_hint(Code::MissingKey, path, message, "give `service` beside `revision`");
        }
    }
}

/// Says so if the service never has such a revision.
pub(super) fn check_revision(cx: &mut Context, service: &str, number: u32, path: &Path) {
    let deploys = cx.said.events.iter().flat_map(|event| event.deploys());
    let deployed = deploys.filter(|deploys| deploys.get(service).is_some()).count();
    let last = deployed as u32 + 1;
    if number > last {
        let message = format!("`{service}` never has a revision {number}");
        let hint = format!("its last is {last}: 1 runs at the start, each deployment adds one");
        cx.report_hint(Code::NobodySelected, path, message, hint);
    }
}
