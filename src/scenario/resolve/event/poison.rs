//! Which requests are poison, and to whom.

use super::selection;
use crate::blueprint::*;
use crate::scenario::diagnostic::{Code, nearest};
use crate::scenario::path::Path;
use crate::scenario::resolve::{Context, Table};
use crate::scenario::schema;

/// The fault with its label.
pub(super) fn poison(cx: &mut Context, said: &schema::PoisonRequests, path: &Path) -> Option<(String, FaultKind)> {
    let service = cx.find(Table::Service, &said.service, &path.key("service"));
    let traffic = match &said.traffic {
        Some(name) => Some(cx.find(Table::Traffic, name, &path.key("traffic"))?),
        None => None,
    };
    let classes = match &said.request {
        Some(name) => vec![class(cx, name, traffic, &path.key("request"))?],
        None => Vec::new(),
    };
    if let Some(number) = said.revision {
        selection::check_revision(cx, &said.service, number, &path.key("revision"));
    }
    if said.share.0.get() == 0.0 {
        let message = "no request is poison";
        cx.report(Code::NobodySelected, &path.key("share"), message);
    }
    let whose = said.request.as_ref().or(said.traffic.as_ref());
    let whose = whose.map_or(String::new(), |name| format!(" of {name}"));
    let share = said.share.0.get() * 100.0;
    let effect = match said.effect {
        schema::PoisonEffect::Crash => PoisonEffect::Crash {
            exit_code: said.exit_code,
        },
        schema::PoisonEffect::Hang => PoisonEffect::Hang,
    };
    let verb = match said.effect {
        schema::PoisonEffect::Crash => "crash",
        schema::PoisonEffect::Hang => "hang",
    };
    let label = format!("poison_requests {share}%{whose} {verb} {}", said.service);
    let poison = Poison {
        service: ServiceIx::from_usize(service?),
        revision: said.revision.map(|number| RevisionIx::from_usize(number as usize - 1)),
        traffic: traffic.map(TrafficIx::from_usize),
        classes,
        share: said.share.0,
        effect,
    };
    Some((label, FaultKind::Poison(poison)))
}

/// The kind of requests of this name.
fn class(cx: &mut Context, name: &str, traffic: Option<usize>, path: &Path) -> Option<ClassIx> {
    let said = cx.said;
    let mut known = Vec::new();
    for (at, (_, traffic)) in said.traffic.0.iter().enumerate() {
        known.extend(traffic.requests.iter().map(|request| (at, request.name.as_str())));
    }
    let is_meant = |(of, known): &(usize, &str)| *known == name && traffic.is_none_or(|only| only == *of);
    if let Some(at) = known.iter().position(is_meant) {
        return Some(ClassIx::from_usize(at));
    }
    let of_it = known.iter().filter(|(of, _)| traffic.is_none_or(|only| only == *of));
    let names: Vec<&str> = of_it.map(|(_, name)| *name).collect();
    let message = format!("there are no requests called `{name}`");
    let near = nearest(name, names.iter().copied());
    cx.problems
        .report_with(Code::UnknownName, path, message, |diagnostic| match near {
            Some(near) => diagnostic.hint(format!("did you mean `{near}`?")),
            None => diagnostic.expected(format!("one of `{}`", names.join("`, `"))),
        });
    None
}
