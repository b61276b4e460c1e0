//! The OpenTelemetry protocol's `ExportTraceServiceRequest` in its JSON form: ids in hexadecimal, times and 64-bit numbers
//! as strings, enumerations as numbers. One resource for each task, dependency and balancer, and one for the clients.

use super::{Drawn, Fact, Side, Tree};
use crate::blueprint::Blueprint;
use crate::probe::traces::Owner;
use crate::report::tables::time::place;
use crate::units::{Instant, NANOS_PER_SECOND};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The simulation's first measured moment, where the scenario has no `starts_at`: 2000-01-01T00:00:00Z.
const BEGINNING: i64 = 946_684_800;

pub fn export(blueprint: &Blueprint, trees: &[Tree]) -> Value {
    let mut resources: BTreeMap<(Owner, Option<u32>), Vec<Value>> = BTreeMap::new();
    for tree in trees {
        for (at, span) in tree.spans.iter().enumerate() {
            let spans = resources.entry((span.whose, span.slot)).or_default();
            spans.push(one(blueprint, tree, at, span));
        }
    }
    let resources = resources.into_iter().map(|((whose, slot), spans)| {
        let mut attributes = vec![attribute("service.name", text(place(blueprint, whose)))];
        if let Some(slot) = slot {
            attributes.push(attribute("service.instance.id", text(&format!("task {slot}"))));
        }
        json!({
            "resource": { "attributes": attributes },
            "scopeSpans": [{
                "scope": { "name": "wavetank", "version": env!("CARGO_PKG_VERSION") },
                "spans": spans,
            }],
        })
    });
    json!({ "resourceSpans": resources.collect::<Vec<_>>() })
}

fn one(blueprint: &Blueprint, tree: &Tree, at: usize, span: &Drawn) -> Value {
    let mut attributes: Vec<Value> = span
        .facts
        .iter()
        .map(|(key, fact)| attribute(key, value(fact)))
        .collect();
    if !span.critical.is_zero() {
        attributes.push(attribute(
            "wavetank.critical_path_ms",
            json!({ "doubleValue": span.critical.millis() }),
        ));
    }
    let mut json = json!({
        "traceId": format!("{:016x}{:016x}", tree.luck.rotate_left(32), tree.luck),
        "spanId": span_id(tree, at),
        "name": span.name,
        "kind": match span.side {
            Side::Request | Side::Sender => 3,
            Side::Server => 2,
            Side::Within | Side::Branch => 1,
        },
        "startTimeUnixNano": unix_nanos(blueprint, span.start),
        "endTimeUnixNano": unix_nanos(blueprint, span.end),
        "attributes": attributes,
        "status": match &span.failed {
            Some(why) => json!({ "code": 2, "message": why }),
            None => json!({}),
        },
    });
    if let Some(parent) = span.parent {
        json["parentSpanId"] = span_id(tree, parent).into();
    }
    json
}

/// Different for each span of a trace, and never zero, which would be none.
fn span_id(tree: &Tree, at: usize) -> String {
    let id = tree.luck.wrapping_add(at as u64 + 1);
    format!("{:016x}", if id == 0 { u64::MAX } else { id })
}

fn unix_nanos(blueprint: &Blueprint, at: Instant) -> String {
    let begins = i128::from(blueprint.starts_at.unwrap_or(BEGINNING)) * i128::from(NANOS_PER_SECOND);
    let since = i128::from(at.nanos()) - i128::from(blueprint.warm_up.nanos());
    (begins + since).to_string()
}

fn attribute(key: &str, value: Value) -> Value {
    json!({ "key": key, "value": value })
}

fn text(text: &str) -> Value {
    json!({ "stringValue": text })
}

fn value(fact: &Fact) -> Value {
    match fact {
        Fact::Text(words) => text(words),
        Fact::Count(count) => json!({ "intValue": count.to_string() }),
        Fact::Millis(millis) => json!({ "doubleValue": millis }),
    }
}
