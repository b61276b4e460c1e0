//! Requests that are followed: their parts add up to their latency, and the files are what other tools expect.

use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use wavetank::blueprint::Blueprint;
use wavetank::probe::{Recorder, RunRecord};
use wavetank::report::traces;
use wavetank::scenario::{Scenario, Style};

/// Three services and a store, with everything that may happen between them: branches, timeouts, retries, queues that
/// overflow, and a database that fails over.
const SHOP: &str = "
duration: 20s
warm_up: 2s
seed: 5
services:
  front:
    desired_count: 2
    runtime: { thread_pool: { workers: 20, backlog: 20 } }
    routes: { 'GET /': home }
    operations:
      home:
        - cpu: { exponential: { mean: 2ms } }
        - parallel:
            - [{ call: { to: items/list, timeout: 40ms, retry: { max_attempts: 3, backoff: { exponential: { base: 5ms, cap: 50ms, jitter: full } } } } }]
            - [{ wait: { exponential: { mean: 5ms } } }, { call: { to: people/get, timeout: 60ms } }]
        - cpu: 1ms
  items:
    load_balancers: []
    runtime: { thread_pool: { workers: 4, backlog: 30 } }
    operations: { list: [{ cpu: { exponential: { mean: 1ms } } }, { call: { to: store, timeout: 30ms, retry: { max_attempts: 2 } } }] }
  people:
    load_balancers: []
    runtime: { event_loop: { loops: 1 } }
    operations: { get: [{ cpu: { exponential: { mean: 4ms } } }] }
dependencies: { store: { zone: us-east-1a, standby: us-east-1b, failover: 2s, slots: 3, service_time: { exponential: { mean: 8ms } } } }
traffic: { users: { to: front, rate: 150/s, requests: [{ name: home, get: / }], timeout: 150ms, retry: { max_attempts: 2 } } }
events: [{ at: 9s, dependency_failover: store }]
experiment: { traces: { sampled: 100000, kept: 60 } }
";

fn blueprint() -> Blueprint {
    let scenario = Scenario::parse("shop.yaml", SHOP, std::path::Path::new(""));
    let scenario = scenario.unwrap_or_else(|wrong| panic!("{}", wrong.render(Style::Plain)));
    let (blueprint, found) = scenario.resolve();
    blueprint.unwrap_or_else(|| panic!("{}", found.render(Style::Plain)))
}

fn record(blueprint: &Blueprint) -> RunRecord {
    let mut recorder = Recorder::new(blueprint, 0);
    wavetank::sim::run::run(blueprint, 0, &mut recorder);
    recorder.into_record()
}

#[test]
fn the_parts_of_every_followed_request_add_up_to_its_latency() {
    let record = record(&blueprint());
    let outcomes = record.class_totals(None).outcomes;
    assert!(outcomes.failed() > 50 && outcomes.served() > 1000, "{outcomes:?}");
    assert_eq!(record.traces.times.len() as u64, outcomes.offered(), "all are followed");
    for time in &record.traces.times {
        let sum: u64 = time.parts.iter().map(|(.., span)| span.nanos()).sum();
        assert_eq!(sum, time.latency.nanos(), "{time:?}");
    }
    assert_eq!(record.traces.kept.len(), 60);
    let failed = record
        .traces
        .kept
        .iter()
        .filter(|trace| trace.failure.is_some())
        .count();
    assert!(failed >= 15, "a quarter of what is kept has failed, not {failed}");
    let slowest = record
        .traces
        .times
        .iter()
        .filter(|time| time.outcome == wavetank::sim::observation::Outcome::Served);
    let slowest = slowest.map(|time| time.latency).max();
    let kept = record
        .traces
        .kept
        .iter()
        .map(|trace| trace.ended.since(trace.arrived))
        .max();
    assert!(kept >= slowest, "the slowest request is kept");
}

fn files() -> BTreeMap<&'static str, Value> {
    let blueprint = blueprint();
    let files = traces::files(&blueprint, &record(&blueprint).traces.kept);
    if let Some(folder) = std::env::var_os("WAVETANK_SHOW_TRACES") {
        for (name, bytes) in &files {
            std::fs::write(std::path::Path::new(&folder).join(name), bytes).expect("the folder can be written");
        }
    }
    let parsed = files
        .into_iter()
        .map(|(name, bytes)| (name, serde_json::from_slice(&bytes).expect("JSON")));
    parsed.collect()
}

fn nanos(span: &Value, key: &str) -> u128 {
    let text = span[key].as_str().expect("64-bit numbers are strings");
    text.parse().expect("decimal digits")
}

fn is_hex(id: &Value, digits: usize) -> bool {
    id.as_str().is_some_and(|id| {
        id.len() == digits && id.bytes().all(|b| b.is_ascii_hexdigit()) && id.bytes().any(|b| b != b'0')
    })
}

/// Held against `ExportTraceServiceRequest` in the JSON mapping of the OpenTelemetry protocol.
#[test]
fn the_otlp_file_has_the_protocols_shape() {
    let files = files();
    let resources = files["traces.otlp.json"]["resourceSpans"].as_array().expect("a list");
    let mut spans: BTreeMap<(String, String), &Value> = BTreeMap::new();
    let mut services = BTreeSet::new();
    for resource in resources {
        let attributes = resource["resource"]["attributes"].as_array().expect("a list");
        let name = attributes.iter().find(|attribute| attribute["key"] == "service.name");
        services.insert(
            name.expect("each has a name")["value"]["stringValue"]
                .as_str()
                .expect("text")
                .to_owned(),
        );
        for span in resource["scopeSpans"][0]["spans"].as_array().expect("a list") {
            assert!(is_hex(&span["traceId"], 32) && is_hex(&span["spanId"], 16), "{span}");
            assert!(span["name"].as_str().is_some_and(|name| !name.is_empty()));
            assert!(matches!(span["kind"].as_u64(), Some(1..=3)), "{span}");
            assert!(
                nanos(span, "startTimeUnixNano") <= nanos(span, "endTimeUnixNano"),
                "{span}"
            );
            assert!(matches!(span["status"]["code"].as_u64(), None | Some(2)));
            for attribute in span["attributes"].as_array().expect("a list") {
                let value = attribute["value"].as_object().expect("one of the kinds of values");
                let kind = value.keys().next().expect("one").as_str();
                assert!(matches!(kind, "stringValue" | "intValue" | "doubleValue") && value.len() == 1);
            }
            let id = |key: &str| span[key].as_str().unwrap_or("").to_owned();
            assert!(
                spans.insert((id("traceId"), id("spanId")), span).is_none(),
                "an id occurs twice"
            );
        }
    }
    let names: Vec<&str> = services.iter().map(String::as_str).collect();
    assert_eq!(names, ["clients", "front", "items", "people", "store"]);
    let mut roots = 0;
    for ((trace, _), span) in &spans {
        match span.get("parentSpanId") {
            None => roots += 1,
            Some(parent) => {
                let parent = spans.get(&(trace.clone(), parent.as_str().expect("text").to_owned()));
                let parent = parent.expect("a parent is in the same trace");
                assert!(
                    nanos(parent, "startTimeUnixNano") <= nanos(span, "startTimeUnixNano"),
                    "{parent}\n{span}"
                );
            }
        }
    }
    assert_eq!(roots, 60, "one root for each request");
}

/// Held against the trace event format: complete events nest within their lane, and arrows have both ends.
#[test]
fn the_perfetto_file_has_lanes_in_which_slices_nest() {
    let files = files();
    let events = files["traces.perfetto.json"]["traceEvents"].as_array().expect("a list");
    let mut lanes: BTreeMap<(u64, u64), Vec<(f64, f64)>> = BTreeMap::new();
    let mut arrows: BTreeMap<u64, Vec<&str>> = BTreeMap::new();
    let mut named = BTreeSet::new();
    for event in events {
        let lane = (
            event["pid"].as_u64().expect("a number"),
            event["tid"].as_u64().expect("a number"),
        );
        match event["ph"].as_str().expect("a phase") {
            "M" => {
                assert!(event["args"]["name"].is_string());
                named.insert(lane);
            }
            "X" => {
                let (from, lasts) = (event["ts"].as_f64().expect("µs"), event["dur"].as_f64().expect("µs"));
                lanes.entry(lane).or_default().push((from, from + lasts));
            }
            phase => arrows
                .entry(event["id"].as_u64().expect("a number"))
                .or_default()
                .push(phase),
        }
    }
    assert!(arrows.values().all(|ends| ends == &["s", "f"]) && !arrows.is_empty());
    let mut slices = 0;
    for (lane, spans) in &mut lanes {
        assert!(named.contains(lane), "lane {lane:?} has a name");
        // Longer ones first, where several begin at the same time.
        spans.sort_by(|a, b| a.0.total_cmp(&b.0).then(b.1.total_cmp(&a.1)));
        let mut open: Vec<f64> = Vec::new();
        for &(from, to) in spans.iter() {
            open.retain(|end| *end > from + 1e-6);
            // Attempts that were given up go on at their server, which is another lane.
            assert!(
                open.iter().all(|end| to <= *end + 1e-3),
                "{lane:?}: {from}–{to} sticks out of {open:?}"
            );
            open.push(to);
            slices += 1;
        }
    }
    assert!(slices > 500, "{slices}");
}

/// Fails on a key that the format does not have, or lacks.
fn has_only(object: &Value, needed: &[&str], optional: &[&str]) {
    let keys: BTreeSet<&str> = object
        .as_object()
        .expect("an object")
        .keys()
        .map(String::as_str)
        .collect();
    let needed: BTreeSet<&str> = needed.iter().copied().collect();
    let allowed: BTreeSet<&str> = needed.iter().chain(optional).copied().collect();
    assert!(keys.is_superset(&needed) && keys.is_subset(&allowed), "{object}");
}

fn attributes_are_well_formed(attributes: &Value) {
    let mut seen = BTreeSet::new();
    for attribute in attributes.as_array().expect("a list") {
        has_only(attribute, &["key", "value"], &[]);
        let key = attribute["key"].as_str().expect("text");
        assert!(!key.is_empty() && seen.insert(key), "{key} occurs twice");
        let value = &attribute["value"];
        let (kind, value) = value.as_object().expect("an AnyValue").iter().next().expect("one kind");
        match kind.as_str() {
            "stringValue" => assert!(value.is_string()),
            "intValue" => assert!(
                value.as_str().is_some_and(|digits| digits.parse::<i64>().is_ok()),
                "{value}"
            ),
            "doubleValue" => assert!(value.as_f64().is_some_and(f64::is_finite), "{value}"),
            other => panic!("{other} is no kind of AnyValue that is written"),
        }
    }
}

/// Every field against opentelemetry-proto's trace.proto in its JSON form: lowerCamelCase names, ids in hexadecimal,
/// 64-bit integers as decimal strings, enumerations as integers; nothing beside them.
#[test]
fn the_otlp_file_has_the_protocols_fields_and_no_others() {
    let files = files();
    let file = &files["traces.otlp.json"];
    has_only(file, &["resourceSpans"], &[]);
    for resource in file["resourceSpans"].as_array().expect("a list") {
        has_only(resource, &["resource", "scopeSpans"], &[]);
        has_only(&resource["resource"], &["attributes"], &[]);
        attributes_are_well_formed(&resource["resource"]["attributes"]);
        for scope in resource["scopeSpans"].as_array().expect("a list") {
            has_only(scope, &["scope", "spans"], &[]);
            has_only(&scope["scope"], &["name", "version"], &[]);
            for span in scope["spans"].as_array().expect("a list") {
                let needed = [
                    "traceId",
                    "spanId",
                    "name",
                    "kind",
                    "startTimeUnixNano",
                    "endTimeUnixNano",
                    "attributes",
                    "status",
                ];
                has_only(span, &needed, &["parentSpanId"]);
                for key in ["startTimeUnixNano", "endTimeUnixNano"] {
                    assert!(u64::try_from(nanos(span, key)).is_ok(), "fixed64: {span}");
                }
                let lower = |id: &Value| id.as_str().is_some_and(|id| id.to_lowercase() == id);
                assert!(lower(&span["traceId"]) && lower(&span["spanId"]), "{span}");
                assert!(
                    span.get("parentSpanId")
                        .is_none_or(|parent| is_hex(parent, 16) && lower(parent))
                );
                assert!(span.get("parentSpanId") != span.get("spanId"), "its own parent");
                attributes_are_well_formed(&span["attributes"]);
                has_only(&span["status"], &[], &["code", "message"]);
                assert!(span["status"].get("message").is_none_or(Value::is_string));
                assert_eq!(
                    span["status"].get("code").is_some(),
                    span["status"].get("message").is_some()
                );
            }
        }
    }
}

/// Every field against the trace event format: what each phase needs, and nothing beside it.
#[test]
fn the_perfetto_file_has_the_fields_of_each_phase_and_no_others() {
    let files = files();
    let file = &files["traces.perfetto.json"];
    has_only(file, &["displayTimeUnit", "traceEvents"], &[]);
    assert!(matches!(file["displayTimeUnit"].as_str(), Some("ms" | "ns")));
    for event in file["traceEvents"].as_array().expect("a list") {
        let is_time = |key: &str| event[key].as_f64().is_some_and(f64::is_finite);
        assert!(event["name"].as_str().is_some_and(|name| !name.is_empty()), "{event}");
        assert!(event["pid"].is_u64() && event["tid"].is_u64(), "{event}");
        match event["ph"].as_str().expect("a phase") {
            "M" => {
                has_only(event, &["ph", "name", "pid", "tid", "args"], &[]);
                has_only(&event["args"], &["name"], &[]);
                assert!(
                    matches!(event["name"].as_str(), Some("process_name" | "thread_name")),
                    "{event}"
                );
            }
            "X" => {
                has_only(event, &["ph", "name", "cat", "ts", "dur", "pid", "tid", "args"], &[]);
                assert!(
                    is_time("ts") && is_time("dur") && event["dur"].as_f64() >= Some(0.0),
                    "{event}"
                );
                let args = event["args"].as_object().expect("an object");
                assert!(
                    args.values().all(|value| value.is_string() || value.is_number()),
                    "{event}"
                );
            }
            "s" => {
                has_only(event, &["ph", "id", "name", "cat", "ts", "pid", "tid"], &[]);
                assert!(is_time("ts"), "{event}");
            }
            "f" => {
                has_only(event, &["ph", "bp", "id", "name", "cat", "ts", "pid", "tid"], &[]);
                assert!(
                    is_time("ts") && event["bp"] == "e",
                    "it binds to the slice that encloses it: {event}"
                );
            }
            other => panic!("{other} is no phase that is written"),
        }
    }
}
