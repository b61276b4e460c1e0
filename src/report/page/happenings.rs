//! The table of events of the first run: what changed the world, scaling with its cause.

use super::results::{Results, Row};
use crate::report::words::duration;
use serde::Serialize;

/// Rows of the table.
const ROWS_MOST: usize = 200;

#[derive(Serialize)]
pub struct Happenings {
    rows: Vec<Happening>,
    /// `first 200 of 13,402; all in events.csv`.
    said: String,
}

#[derive(Serialize)]
struct Happening {
    at: String,
    kind: String,
    what: String,
    why: String,
    grave: bool,
}

/// How much an event tells, or none if it is the same story at more length.
#[derive(PartialEq, Eq, PartialOrd, Ord, Clone, Copy)]
enum Weight {
    /// Changes the world, or decides to.
    Decision,
    /// A consequence.
    Consequence,
}

pub fn happenings(results: &Results) -> Happenings {
    let events = results.sheet("events");
    let told: Vec<(usize, Weight, Row)> = events
        .rows()
        .enumerate()
        .filter_map(|(at, row)| Some((at, weight(&row)?, row)))
        .collect();
    let mut kept: Vec<&(usize, Weight, Row)> = told.iter().collect();
    // Decisions before consequences, then those that came first; told in order of time.
    kept.sort_by_key(|(at, weight, _)| (*weight, *at));
    kept.truncate(ROWS_MOST);
    kept.sort_by_key(|(at, ..)| *at);
    let rows: Vec<Happening> = kept.iter().map(|(_, _, row)| happening(row)).collect();
    let count = |count: usize| crate::report::words::count(count as u64);
    let said = format!(
        "{} of the {} events of the first run, decisions first; all {} of all runs are in events.csv.",
        count(rows.len()),
        count(events.len()),
        count(events.total)
    );
    Happenings { rows, said }
}

fn weight(row: &Row) -> Option<Weight> {
    // What stands since before measured time has not happened in it.
    if row.text("reason").contains("stands since") {
        return None;
    }
    let to = row.text("to");
    match row.text("kind") {
        "fault" | "scaling" | "deployment" | "release" | "auto_scaling_group" => Some(Weight::Decision),
        "alarm" if row.text("from") == "INSUFFICIENT_DATA" && to == "OK" => None,
        "alarm" | "skew" => Some(Weight::Decision),
        "target" if matches!(to, "unhealthy" | "healthy") && !row.text("from").is_empty() => Some(Weight::Consequence),
        "task" if matches!(to, "STOPPED" | "RUNNING") => Some(Weight::Consequence),
        "container" | "instance" | "service" | "load_balancer" => Some(Weight::Consequence),
        _ => None,
    }
}

fn happening(row: &Row) -> Happening {
    let (kind, service, from, to) = (row.text("kind"), row.text("service"), row.text("from"), row.text("to"));
    let mut what = service.to_owned();
    let mut add = |words: &str| {
        if !words.is_empty() {
            if !what.is_empty() {
                what.push(' ');
            }
            what.push_str(words);
        }
    };
    if !row.text("task").is_empty() {
        add(&format!("task {}", row.text("task")));
    }
    match (from.is_empty(), to.is_empty()) {
        (false, false) => add(&format!("{from} → {to}")),
        (true, false) => add(to),
        _ => {}
    }
    let zone = row.text("zone");
    if !zone.is_empty() {
        add(&format!("in {zone}"));
    }
    Happening {
        at: duration(row.number("time_s").unwrap_or(0.0).max(0.0)),
        kind: kind.replace('_', " "),
        what,
        why: row.text("reason").to_owned(),
        grave: matches!(
            to,
            "unhealthy" | "ALARM" | "begins" | "ROLLBACK_IN_PROGRESS" | "ROLLED_BACK" | "FAILED"
        ),
    }
}
