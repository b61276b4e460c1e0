//! Where time goes: the critical path by place, the distribution's tail, and the worst requests as waterfalls.

use super::plot::{Drawn, Kind, Line, Plot, Stroke, Tone};
use super::results::{Results, Row};
use crate::report::chart::axis::Axis;
use crate::report::words::{count, short};
use serde::Serialize;
use serde_json::Value as Json;
use std::collections::BTreeMap;

/// Places told of one group of requests; the rest is summed.
const PLACES_MOST: usize = 9;
const CLASSES_MOST: usize = 6;
const WATERFALLS: usize = 3;
const SPANS_MOST: usize = 60;

#[derive(Serialize)]
pub struct Anatomy {
    groups: Vec<Group>,
    waterfalls: Vec<Waterfall>,
    distribution: Option<Drawn>,
}

/// Where the time of some requests went.
#[derive(Serialize)]
struct Group {
    title: String,
    followed: String,
    rows: Vec<Place>,
}

#[derive(Serialize)]
struct Place {
    name: String,
    class: String,
    percent: String,
    words: String,
}

/// One request.
#[derive(Serialize)]
struct Waterfall {
    title: String,
    spans: Vec<Span>,
    left_out: usize,
}

#[derive(Serialize)]
struct Span {
    name: String,
    whose: String,
    depth: usize,
    left: String,
    width: String,
    ms: String,
    critical: bool,
    failed: bool,
}

pub fn anatomy(results: &Results) -> Anatomy {
    Anatomy {
        groups: groups(results),
        waterfalls: results.traces.as_ref().map_or(Vec::new(), waterfalls),
        distribution: distribution(results),
    }
}

fn groups(results: &Results) -> Vec<Group> {
    const TITLES: [(&str, &str); 3] = [
        ("served", "All served requests"),
        ("slowest_1_percent", "The slowest 1 % of them"),
        ("failed", "Failed requests"),
    ];
    // With one class, there is no row of all.
    let time = results.sheet("time");
    let class = match time.rows().any(|row| row.text("class") == "all") {
        true => "all",
        false => time.rows().next().map_or("all", |row| row.text("class")),
    };
    TITLES
        .iter()
        .filter_map(|(group, title)| {
            let rows: Vec<Row> = time
                .rows()
                .filter(|row| row.text("class") == class && row.text("requests") == *group)
                .collect();
            let followed = rows.first()?.number("followed")?;
            let total: f64 = rows.iter().filter_map(|row| row.number("mean_ms")).sum();
            let mut places: Vec<Place> = rows.iter().take(PLACES_MOST).map(place).collect();
            let rest: f64 = rows
                .iter()
                .skip(PLACES_MOST)
                .filter_map(|row| row.number("mean_ms"))
                .sum();
            if rest > 0.0 {
                places.push(Place {
                    name: format!("{} other places", rows.len() - PLACES_MOST),
                    class: "tf".to_owned(),
                    percent: format!("{:.1}", 100.0 * rest / total),
                    words: format!("{} ms, {} %", short(rest, 3), short(100.0 * rest / total, 2)),
                });
            }
            Some(Group {
                title: format!("{title}: {} ms on average", short(total, 3)),
                followed: format!("{} followed", count(followed as u64)),
                rows: places,
            })
        })
        .collect()
}

fn place(row: &Row) -> Place {
    let (of, part) = (row.text("where"), row.text("part"));
    let name = match (part, of) {
        ("queue", _) => format!("waiting for room at {of}"),
        ("cpu", _) => format!("CPU work of {of}"),
        ("contention", _) => format!("waiting for the CPU of {of}"),
        ("wait", _) => format!("waits of {of}"),
        ("service", _) => format!("served by {of}"),
        ("network", _) => format!("on the way to {of} and back"),
        ("backoff", "clients") => "the clients' pauses before they tried again".to_owned(),
        ("backoff", _) => format!("pauses of {of} before it tried again"),
        _ => format!("{part} at {of}"),
    };
    let class = match part {
        "queue" => "tb",
        "contention" => "t3",
        "cpu" => "t0",
        "network" => "t5",
        "backoff" => "t4",
        _ => "t2",
    };
    let share = row.number("share").unwrap_or(0.0);
    Place {
        name,
        class: class.to_owned(),
        percent: format!("{:.1}", 100.0 * share),
        words: format!(
            "{} ms, {} %",
            short(row.number("mean_ms").unwrap_or(0.0), 3),
            short(100.0 * share, 2)
        ),
    }
}

fn distribution(results: &Results) -> Option<Drawn> {
    let mut curves: BTreeMap<usize, (&str, BTreeMap<u64, f64>)> = BTreeMap::new();
    let mut order: Vec<&str> = Vec::new();
    for row in results.sheet("distribution").rows() {
        let class = row.text("class");
        let at = order.iter().position(|name| *name == class).unwrap_or_else(|| {
            order.push(class);
            order.len() - 1
        });
        let points = &mut curves.entry(at).or_insert((class, BTreeMap::new())).1;
        let (Some(percentile), Some(latency)) = (row.number("percentile"), row.number("latency_ms")) else {
            continue;
        };
        // Positive numbers are ordered as their bits are.
        points.insert((percentile / 100.0).to_bits(), latency);
    }
    // With one class, the curve of all of them is the same again.
    let shown = if order.len() == 2 {
        1
    } else {
        order.len().min(CLASSES_MOST + 1)
    };
    let mut at: Vec<u64> = curves.values().flat_map(|(_, points)| points.keys().copied()).collect();
    at.sort_unstable();
    at.dedup();
    let shares: Vec<f64> = at.iter().map(|bits| f64::from_bits(*bits)).collect();
    let lines: Vec<Line> = curves
        .values()
        .take(shown)
        .enumerate()
        .map(|(nth, (name, points))| Line {
            name: (*name).to_owned(),
            tone: Tone::Nth(nth),
            stroke: Stroke::Line,
            values: at.iter().map(|bits| points.get(bits).copied()).collect(),
        })
        .collect();
    let last = *shares.last()?;
    let shown = |value: &f64| *value > 0.0;
    let values = || lines.iter().flat_map(|line| &line.values).flatten().copied();
    let body = lines.iter().flat_map(|line| line.values.iter().zip(&shares));
    let least = body
        .filter(|(_, share)| **share >= 0.1)
        .filter_map(|(value, _)| *value)
        .filter(shown)
        .fold(f64::INFINITY, f64::min);
    let most = values().fold(0.0, f64::max);
    let plot = Plot {
        title: "Distribution of latency".to_owned(),
        alt: format!(
            "Latency of served requests against the percentile, the tail spread out; the highest shown is {} ms.",
            short(most, 3)
        ),
        x: Axis {
            label: "percentile; each mark beyond 90 is ten times rarer".to_owned(),
            ..Axis::of_shares(1.0 / (1.0 - last).max(1e-6))
        },
        y: Axis::of_latency(if least.is_finite() { least } else { 1.0 }, most),
        lines,
        at: shares,
        file: "distribution.csv",
        kind: Kind::Tail,
    };
    plot.has_ink().then(|| plot.draw(&[]))
}

/// A span of a trace, as the file has it.
struct Raw<'a> {
    id: &'a str,
    parent: &'a str,
    name: &'a str,
    whose: String,
    start: i128,
    end: i128,
    critical: bool,
    failed: bool,
}

/// The slowest requests that were kept, each as bars under the spans they belong to.
fn waterfalls(traces: &Json) -> Vec<Waterfall> {
    let mut by_trace: BTreeMap<&str, Vec<Raw>> = BTreeMap::new();
    for resource in traces["resourceSpans"].as_array().into_iter().flatten() {
        let named = |key: &str| {
            let attributes = resource["resource"]["attributes"].as_array().into_iter().flatten();
            let mut found = attributes.filter(|it| it["key"] == key);
            found
                .next()
                .and_then(|it| it["value"]["stringValue"].as_str())
                .unwrap_or("")
        };
        let whose = format!("{} {}", named("service.name"), named("service.instance.id"));
        let scopes = resource["scopeSpans"].as_array().into_iter().flatten();
        for span in scopes.flat_map(|scope| scope["spans"].as_array().into_iter().flatten()) {
            let nanos = |key: &str| span[key].as_str().and_then(|text| text.parse().ok()).unwrap_or(0);
            let mut attributes = span["attributes"].as_array().into_iter().flatten();
            by_trace
                .entry(span["traceId"].as_str().unwrap_or(""))
                .or_default()
                .push(Raw {
                    id: span["spanId"].as_str().unwrap_or(""),
                    parent: span["parentSpanId"].as_str().unwrap_or(""),
                    name: span["name"].as_str().unwrap_or(""),
                    whose: whose.trim().to_owned(),
                    start: nanos("startTimeUnixNano"),
                    end: nanos("endTimeUnixNano"),
                    critical: attributes.any(|it| it["key"] == "wavetank.critical_path_ms"),
                    failed: span["status"]["code"] == 2,
                });
        }
    }
    let mut requests: Vec<(&str, i128)> = by_trace
        .iter()
        .filter_map(|(id, spans)| {
            let root = spans.iter().find(|span| span.parent.is_empty())?;
            Some((*id, root.end - root.start))
        })
        .collect();
    requests.sort_by_key(|(id, took)| (-took, *id));
    let slowest = requests.iter().take(WATERFALLS);
    slowest.map(|(id, _)| waterfall(id, &by_trace[id])).collect()
}

fn waterfall(id: &str, spans: &[Raw]) -> Waterfall {
    let root = spans.iter().find(|span| span.parent.is_empty()).unwrap_or(&spans[0]);
    let whole = (root.end - root.start).max(1) as f64;
    let mut order: Vec<(usize, &Raw)> = Vec::new();
    // Children after their parents, in order of time; the stack holds what is still to be told.
    let mut stack = vec![(0, root)];
    while let Some((depth, span)) = stack.pop() {
        order.push((depth, span));
        let mut children: Vec<&Raw> = spans
            .iter()
            .filter(|it| it.parent == span.id && !span.id.is_empty())
            .collect();
        children.sort_by_key(|it| (it.start, it.id));
        if depth < 30 {
            stack.extend(children.into_iter().rev().map(|child| (depth + 1, child)));
        }
    }
    let told = order.iter().take(SPANS_MOST).map(|(depth, span)| {
        let left = (span.start - root.start) as f64 / whole;
        let width = (span.end - span.start) as f64 / whole;
        Span {
            name: span.name.to_owned(),
            whose: span.whose.clone(),
            depth: (*depth).min(8),
            left: format!("{:.2}", 100.0 * left.clamp(0.0, 1.0)),
            width: format!("{:.2}", 100.0 * width.clamp(0.0, 1.0 - left.clamp(0.0, 1.0))),
            ms: format!("{} ms", short((span.end - span.start) as f64 / 1e6, 3)),
            critical: span.critical,
            failed: span.failed,
        }
    });
    Waterfall {
        title: format!("{}: {} ms (trace {id})", root.name, short(whole / 1e6, 3)),
        spans: told.collect(),
        left_out: order.len().saturating_sub(SPANS_MOST),
    }
}
