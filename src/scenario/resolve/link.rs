//! Links of the network: their ends by name, and what is wrong with them.

use super::{Context, Table};
use crate::blueprint::*;
use crate::scenario::diagnostic::Code;
use crate::scenario::path::Path;
use crate::scenario::schema;

/// Users, as an end.
const CLIENTS: &str = "clients";

/// The link between the ends of these names, and its label.
pub(super) fn link(
    cx: &mut Context,
    between: &[String],
    (direction, share): (schema::Direction, schema::Share),
    path: &Path,
) -> Option<(Link, String)> {
    let here = path.key("between");
    let mut ends = [LinkEnd::Anything; 2];
    for (at, name) in between.iter().take(2).enumerate() {
        ends[at] = end(cx, name, &here.at(at))?;
    }
    let callee_only = |end: &LinkEnd| matches!(end, LinkEnd::Dependency(_) | LinkEnd::Clients);
    let nothing = match &ends {
        [LinkEnd::Dependency(_), LinkEnd::Dependency(_)] | [LinkEnd::Clients, LinkEnd::Clients] => true,
        [a, b] => callee_only(a) && callee_only(b),
    };
    if nothing {
        let message = format!("nothing ever passes between {}", between.join(" and "));
        let hint = "dependencies are called by services, and clients by nobody";
        cx.report_hint(Code::LinkOfNothing, &here, message, hint);
        return None;
    }
    let direction = match direction {
        schema::Direction::Both => Direction::Both,
        schema::Direction::Forward => Direction::Forward,
        schema::Direction::Backward => Direction::Backward,
    };
    let arrow = match direction {
        Direction::Both => "-",
        Direction::Forward => "→",
        Direction::Backward => "←",
    };
    let label = match between {
        [] => "everywhere".to_owned(),
        [one] => format!("{one} {arrow} everything"),
        [one, other, ..] => format!("{one} {arrow} {other}"),
    };
    let link = Link {
        ends,
        direction,
        share: share.0,
    };
    Some((link, label))
}

fn end(cx: &mut Context, name: &str, path: &Path) -> Option<LinkEnd> {
    if name == CLIENTS {
        return Some(LinkEnd::Clients);
    }
    let position = |table| cx.names(table).iter().position(|known| *known == name);
    if let Some(zone) = position(Table::Zone) {
        return Some(LinkEnd::Zone(ZoneIx::from_usize(zone)));
    }
    if let Some(service) = position(Table::Service) {
        return Some(LinkEnd::Service(ServiceIx::from_usize(service)));
    }
    if let Some(dependency) = position(Table::Dependency) {
        return Some(LinkEnd::Dependency(DependencyIx::from_usize(dependency)));
    }
    cx.unknown(&[Table::Zone, Table::Service, Table::Dependency], name, path);
    None
}

/// A partition or a loss of packets, with its label.
pub(super) fn fault(cx: &mut Context, said: &schema::Event, path: &Path) -> Option<(String, FaultKind)> {
    if let Some(said) = &said.partition {
        let (link, label) = link(cx, &said.between, (said.direction, said.share), &path.key("partition"))?;
        let trouble = Box::new(LinkTrouble::Cut);
        return Some((format!("partition {label}"), FaultKind::Link { link, trouble }));
    }
    let said = said.packet_loss.as_ref()?;
    let path = path.key("packet_loss");
    let (link, label) = link(cx, &said.between, (said.direction, said.share), &path)?;
    let label = format!("packet_loss {}% {label}", said.probability.0.get() * 100.0);
    let trouble = Box::new(LinkTrouble::Loss(said.probability.0));
    Some((label, FaultKind::Link { link, trouble }))
}

/// Delays between pairs of zones.
pub(super) fn zone_delays(cx: &mut Context, said: &[schema::ZoneDelay], path: &Path) -> Vec<ZoneDelay> {
    let mut delays: Vec<ZoneDelay> = Vec::new();
    for (at, one) in said.iter().enumerate() {
        let here = path.at(at);
        let between = here.key("between");
        let delay = cx.dist(&one.delay, &here.key("delay"));
        let zones: Vec<ZoneIx> = one
            .between
            .iter()
            .enumerate()
            .filter_map(|(at, name)| cx.find(Table::Zone, name, &between.at(at)))
            .map(ZoneIx::from_usize)
            .collect();
        let [a, b] = zones.as_slice() else { continue };
        let taken = delays.iter().any(|known| known.joins(*a, *b));
        if a == b || taken {
            let message = if a == b {
                "a zone and itself: `same_zone` is what that takes"
            } else {
                "these two zones stand here twice"
            };
            cx.report(Code::ConflictingKeys, &between, message);
            continue;
        }
        delays.push(ZoneDelay { zones: [*a, *b], delay });
    }
    delays
}
