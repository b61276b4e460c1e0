//! The headline figures with their intervals, and what more runs would buy.

use super::results::{Results, Row};
use crate::report::words::{aligned, count, counted, duration, share, short};
use serde::Serialize;

/// Classes with a row; the others are in `summary.csv`.
const CLASSES_MOST: usize = 40;
/// Services with a row of CPU.
const SERVICES_MOST: usize = 60;

#[derive(Serialize)]
pub struct Headline {
    tiles: Vec<Tile>,
    classes: Vec<Vec<Cell>>,
    classes_left_out: usize,
    cpu: Vec<Share>,
    cpu_left_out: usize,
    why_failed: Vec<Share>,
}

/// One figure in large letters.
#[derive(Serialize)]
struct Tile {
    label: &'static str,
    value: String,
    /// `± 0.3`, or why there is none.
    spread: String,
    bad: bool,
    broad: bool,
}

#[derive(Serialize, Clone)]
struct Cell {
    value: String,
    spread: String,
}

/// A share as a bar.
#[derive(Serialize)]
struct Share {
    name: String,
    percent: String,
    words: String,
}

const PERCENTILES: [(&str, &str); 4] = [
    ("p50", "p50_ms"),
    ("p95", "p95_ms"),
    ("p99", "p99_ms"),
    ("p99.9", "p99_9_ms"),
];

pub fn headline(results: &Results) -> Headline {
    let summary = results.sheet("summary");
    let all = summary.rows().find(|row| row.text("class") == "all");
    let mut tiles = Vec::new();
    if let Some(all) = &all {
        let failed = all.number("failed").unwrap_or(0.0);
        tiles.push(Tile {
            label: "served",
            value: all.number("availability").map_or("–".to_owned(), share),
            spread: match failed {
                0.0 => format!("none of {} failed", count(all.number("offered").unwrap_or(0.0) as u64)),
                failed => format!(
                    "{} of {} failed",
                    count(failed as u64),
                    count(all.number("offered").unwrap_or(0.0) as u64)
                ),
            },
            bad: all.number("availability").is_some_and(|it| it < 0.999),
            broad: false,
        });
        for (label, column) in PERCENTILES {
            let cell = figure(all, column);
            tiles.push(Tile {
                label,
                value: format!("{} ms", cell.value),
                spread: cell.spread,
                bad: false,
                broad: false,
            });
        }
        let cell = figure(all, "throughput_per_s");
        tiles.push(Tile {
            label: "throughput",
            value: format!("{}/s", cell.value),
            spread: cell.spread,
            bad: false,
            broad: false,
        });
    }
    if let Some(total) = results.sheet("cost").rows().find(|row| row.text("item") == "total") {
        tiles.push(cost(&total, results));
    }
    let rows: Vec<Row> = summary.rows().collect();
    // With one class, the row of all of them says the same again.
    let rows = if rows.len() == 2 { &rows[..1] } else { &rows[..] };
    let classes: Vec<Vec<Cell>> = rows.iter().take(CLASSES_MOST).map(class).collect();
    let cpu: Vec<&serde_json::Value> = results.summary["cpu"].as_array().into_iter().flatten().collect();
    Headline {
        tiles,
        classes_left_out: rows.len() - classes.len(),
        classes,
        cpu: cpu.iter().take(SERVICES_MOST).filter_map(|json| used(json)).collect(),
        cpu_left_out: cpu.len().saturating_sub(SERVICES_MOST),
        why_failed: why_failed(results),
    }
}

fn cost(total: &Row, results: &Results) -> Tile {
    let hours = results.duration_s() / 3600.0;
    let half = total.number("cost_usd_low").zip(total.number("cost_usd_high"));
    let half = half.map_or(String::new(), |(low, high)| {
        format!(" ± {}", short((high - low) / 2.0 / hours, 1))
    });
    let money = |column: &str, digits| total.number(column).map_or("–".to_owned(), |usd| short(usd, digits));
    Tile {
        label: "cost",
        value: format!("{} USD/h", money("cost_usd_per_hour", 3)),
        spread: format!(
            "{}{} USD a month, {} USD a million requests",
            half.trim_start().to_owned() + if half.is_empty() { "" } else { "; " },
            money("cost_usd_per_month", 3),
            money("cost_usd_per_million_requests", 3)
        ),
        bad: false,
        broad: true,
    }
}

/// A figure and half its interval.
fn figure(row: &Row, column: &str) -> Cell {
    let value = row.number(column).map_or("–".to_owned(), |value| aligned(value, 3));
    Cell {
        value,
        spread: half_width(row, column).map_or(String::new(), |half| spread(half, row.number(column))),
    }
}

/// What is finer than the value is told tells nothing.
fn spread(half: f64, value: Option<f64>) -> String {
    match value {
        Some(value) if half < 0.0005 * value => "± under 0.1 %".to_owned(),
        _ => format!("± {}", short(half, 1)),
    }
}

fn half_width(row: &Row, column: &str) -> Option<f64> {
    let (low, high) = (
        row.number(&format!("{column}_low"))?,
        row.number(&format!("{column}_high"))?,
    );
    Some((high - low) / 2.0)
}

fn class(row: &Row) -> Vec<Cell> {
    let plain = |value: String| Cell {
        value,
        spread: String::new(),
    };
    let mut cells = vec![
        plain(row.text("class").to_owned()),
        plain(count(row.number("offered").unwrap_or(0.0) as u64)),
    ];
    let half = half_width(row, "availability").map_or(String::new(), |half| format!("± {} %", short(100.0 * half, 1)));
    cells.push(Cell {
        value: row.number("availability").map_or("–".to_owned(), share),
        spread: half,
    });
    cells.push(figure(row, "mean_ms"));
    cells.extend(PERCENTILES.map(|(_, column)| figure(row, column)));
    cells
}

fn used(json: &serde_json::Value) -> Option<Share> {
    let percent = json["cpu_percent"].as_f64()?;
    let half = json["cpu_percent_low"].as_f64().zip(json["cpu_percent_high"].as_f64());
    let half = half.map_or(String::new(), |(low, high)| {
        format!(" ± {}", short((high - low) / 2.0, 1))
    });
    Some(Share {
        name: json["service"].as_str().unwrap_or("").to_owned(),
        percent: format!("{:.1}", percent.clamp(0.0, 100.0)),
        words: format!("{}{half} %", short(percent, 2)),
    })
}

/// The most frequent ways to fail, in the words of `failures.csv`.
fn why_failed(results: &Results) -> Vec<Share> {
    let mut rows: Vec<Row> = results.sheet("failures").rows().collect();
    let requests = |row: &Row| row.number("requests").unwrap_or(0.0);
    let total: f64 = rows.iter().map(requests).sum();
    rows.sort_by(|one, other| requests(other).total_cmp(&requests(one)));
    rows.iter()
        .take(6)
        .map(|row| {
            let spaced = |column: &str| row.text(column).replace('_', " ");
            let place = row.text("where");
            let at = if place.is_empty() {
                String::new()
            } else {
                format!(" at {place}")
            };
            let (outcome, reason) = (spaced("outcome"), spaced("reason"));
            // Some reasons say what came of it.
            let what = match reason.starts_with(&outcome) {
                true => reason,
                false => format!("{outcome}, {reason}"),
            };
            Share {
                name: format!("{}: {what}{at}", row.text("class")),
                percent: format!("{:.1}", 100.0 * requests(row) / total),
                words: format!(
                    "{} ({} of all failures)",
                    count(requests(row) as u64),
                    share(requests(row) / total)
                ),
            }
        })
        .collect()
}

#[derive(Serialize)]
pub struct Precision {
    runs: String,
    warm_up: String,
    asked: Option<String>,
    /// Figure, value, half-width now and at more runs.
    rows: Vec<Vec<String>>,
    head: Vec<String>,
    /// Why some have none.
    note: String,
}

/// Runs so many times as many as now.
const MORE: [u64; 3] = [2, 4, 10];

pub fn precision(results: &Results) -> Precision {
    let runs = results.replications();
    let asked_runs = results.manifest["replications_asked"].as_u64().unwrap_or(0) as usize;
    let warm_up = results.manifest["warm_up_s"].as_f64().unwrap_or(0.0);
    let mut rows = Vec::new();
    let mut note = String::new();
    if let Some(all) = results.sheet("summary").rows().find(|row| row.text("class") == "all") {
        note = all.text("note").to_owned();
        let figures = [("served", "availability"), ("mean", "mean_ms")]
            .into_iter()
            .chain(PERCENTILES)
            .chain([("throughput", "throughput_per_s")]);
        for (label, column) in figures {
            let (Some(value), Some(half)) = (all.number(column), half_width(&all, column)) else {
                continue;
            };
            let (value, half, unit) = match column {
                "availability" => (100.0 * value, 100.0 * half, " %"),
                "throughput_per_s" => (value, half, "/s"),
                _ => (value, half, " ms"),
            };
            let shrunk = MORE.map(|times| format!("± {}", short(half / (times as f64).sqrt(), 2)));
            let mut row = vec![
                label.to_owned(),
                format!("{}{unit}", short(value, 4)),
                format!("± {}", short(half, 2)),
            ];
            row.extend(shrunk);
            rows.push(row);
        }
    }
    let mut head = vec!["figure".to_owned(), "value".to_owned(), counted(runs, "run")];
    head.extend(MORE.map(|times| counted(runs * times as usize, "run")));
    let goal = &results.summary["precision"];
    Precision {
        runs: if runs < asked_runs {
            format!(
                "{} of {asked_runs} asked for: the rest was interrupted",
                counted(runs, "run")
            )
        } else {
            counted(runs, "run")
        },
        warm_up: cut(warm_up, results.manifest["truncated_s"].as_f64().unwrap_or(0.0)),
        asked: goal["asked"].as_f64().map(|asked| {
            let reached = goal["reached"].as_bool().unwrap_or(false);
            let needed = goal["runs_needed"].as_u64().filter(|_| !reached);
            format!(
                "Asked for ± {} %: {}{}.",
                short(100.0 * asked, 2),
                if reached { "reached" } else { "not reached" },
                needed.map_or(String::new(), |needed| format!(
                    ", about {} would do",
                    counted(needed as usize, "run")
                ))
            )
        }),
        rows,
        head,
        note,
    }
}

/// What of the simulated time is not measured.
fn cut(warm_up_s: f64, truncated_s: f64) -> String {
    let warm_up = if warm_up_s > 0.0 {
        format!(
            "{} of warm-up lie before the first moment and are not measured",
            duration(warm_up_s)
        )
    } else {
        "No warm-up was asked for".to_owned()
    };
    if truncated_s > 0.0 {
        format!(
            "{warm_up}; {} more were cut, because the runs had not settled (MSER-5).",
            duration(truncated_s)
        )
    } else {
        format!("{warm_up}; nothing more was cut.")
    }
}
