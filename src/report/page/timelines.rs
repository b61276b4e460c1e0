//! What users felt and what each service was like, over time, on one scale with the events that changed the world.

use super::plot::{Drawn, Kind, Line, Mark, Plot, Stroke, Tone};
use super::results::{Results, Row};
use crate::report::chart::axis::Axis;
use crate::report::words::{duration, short};
use serde::Serialize;
use std::collections::BTreeMap;

/// Services and dependencies that get charts, those in most trouble first; the others are rows of a table.
const CHARTED_MOST: usize = 12;
/// Of these, unfolded from the start.
const OPEN_MOST: usize = 3;
/// Rows of the table of services.
const ROWS_MOST: usize = 200;
/// Classes with a line of their own.
const CLASSES_MOST: usize = 6;
/// Points of a line: a timeline has at most 240 windows, and a folder of another make no more than it shows.
const POINTS_MOST: usize = 480;

#[derive(Serialize)]
pub struct Timelines {
    pub marks: Vec<Mark>,
    pub marks_left_out: usize,
    pub plots: Vec<Drawn>,
    pub services: Vec<Service>,
    pub others: Vec<Other>,
    pub others_left_out: usize,
    pub windows: String,
}

#[derive(Serialize)]
pub struct Service {
    name: String,
    kind: &'static str,
    words: String,
    open: bool,
    plots: Vec<Drawn>,
}

/// A service in a row.
#[derive(Serialize)]
pub struct Other {
    name: String,
    kind: &'static str,
    words: String,
}

/// The windows of one class, service or dependency.
pub struct Track<'a> {
    rows: Vec<Row<'a>>,
    runs: f64,
}

impl<'a> Track<'a> {
    pub fn times(&self) -> Vec<f64> {
        self.rows.iter().filter_map(|row| row.number("time_s")).collect()
    }

    pub fn rows(&self) -> &[Row<'a>] {
        &self.rows
    }

    /// A column as it stands.
    pub fn level(&self, column: &str) -> Vec<Option<f64>> {
        self.rows.iter().map(|row| row.number(column)).collect()
    }

    /// A count as a rate in one run.
    pub fn rate(&self, column: &str) -> Vec<Option<f64>> {
        let rate = |row: &Row| Some(row.number(column)? / row.number("window_s")?.max(1e-9) / self.runs);
        self.rows.iter().map(rate).collect()
    }

    pub fn highest(&self, column: &str) -> f64 {
        self.level(column).into_iter().flatten().fold(0.0, f64::max)
    }

    pub fn lowest(&self, column: &str) -> Option<f64> {
        self.level(column).into_iter().flatten().reduce(f64::min)
    }
}

/// All windows by what they are of.
pub struct Tracks<'a> {
    pub classes: Vec<(&'a str, Track<'a>)>,
    pub services: Vec<(&'a str, Track<'a>)>,
    pub dependencies: Vec<(&'a str, Track<'a>)>,
}

impl<'a> Tracks<'a> {
    pub fn of(results: &'a Results) -> Tracks<'a> {
        let runs = results.replications().max(1) as f64;
        let by = |column: &str| {
            let mut order: Vec<&'a str> = Vec::new();
            let mut rows: BTreeMap<&'a str, Vec<Row<'a>>> = BTreeMap::new();
            for row in results.sheet("timeline").rows() {
                let name = row.text(column);
                if name.is_empty() {
                    continue;
                }
                let list = rows.entry(name).or_default();
                if list.is_empty() {
                    order.push(name);
                }
                list.push(row);
            }
            order
                .into_iter()
                .map(|name| {
                    let rows = rows.remove(name).unwrap_or_default();
                    let every = rows.len().div_ceil(POINTS_MOST).max(1);
                    let rows = rows.into_iter().step_by(every).collect();
                    (name, Track { rows, runs })
                })
                .collect()
        };
        Tracks {
            classes: by("class"),
            services: by("service"),
            dependencies: by("dependency"),
        }
    }

    /// Of all requests together.
    pub fn all(&self) -> Option<&Track<'a>> {
        self.classes
            .iter()
            .find(|(name, _)| *name == "all")
            .map(|(_, track)| track)
    }

    /// The classes themselves.
    pub fn own_classes(&self) -> impl Iterator<Item = &(&'a str, Track<'a>)> {
        self.classes.iter().filter(|(name, _)| *name != "all")
    }
}

pub fn timelines(results: &Results, tracks: &Tracks, marks: Vec<Mark>, marks_left_out: usize) -> Timelines {
    let seconds = results.duration_s();
    let x = Axis::of_time(seconds);
    let mut plots = Vec::new();
    if let Some(all) = tracks.all() {
        plots.extend([load(all, &x), latency(all, &x), failures(all, &x)]);
        plots.push(by_class(tracks, &x));
    }
    let drawn = |plots: Vec<Option<Plot>>| -> Vec<Drawn> {
        let plots = plots.into_iter().flatten().filter(Plot::has_ink);
        plots.map(|plot| plot.draw(&marks)).collect()
    };
    let mut parts: Vec<(f64, &'static str, &str, &Track)> = Vec::new();
    parts.extend(
        tracks
            .services
            .iter()
            .map(|(name, it)| (trouble(it), "service", *name, it)),
    );
    parts.extend(
        tracks
            .dependencies
            .iter()
            .map(|(name, it)| (trouble(it), "dependency", *name, it)),
    );
    // A stable sort: equals stay in the order of the scenario.
    parts.sort_by(|one, other| other.0.total_cmp(&one.0));
    let (charted, rest) = parts.split_at(parts.len().min(CHARTED_MOST));
    let services = charted.iter().enumerate().map(|(at, (_, kind, name, track))| Service {
        name: (*name).to_owned(),
        kind,
        words: in_words(kind, track),
        open: at < OPEN_MOST,
        plots: drawn(of_part(kind, name, track, &x)),
    });
    let services = services.collect();
    let others = rest.iter().take(ROWS_MOST).map(|(_, kind, name, track)| Other {
        name: (*name).to_owned(),
        kind,
        words: in_words(kind, track),
    });
    let others: Vec<Other> = others.collect();
    let windows = tracks.all().map_or(String::new(), |all| {
        let width = all.rows.first().and_then(|row| row.number("window_s")).unwrap_or(0.0);
        format!("{} windows of {}", all.rows.len(), duration(width))
    });
    Timelines {
        plots: drawn(plots),
        services,
        others_left_out: rest.len() - others.len(),
        others,
        windows,
        marks,
        marks_left_out,
    }
}

/// How much a service suffers: what waits at it, then how busy it is, then how many of its tasks are missing.
fn trouble(track: &Track) -> f64 {
    let missing = track
        .rows
        .iter()
        .filter_map(|row| Some((row.number("desired")? - row.number("healthy")?) / row.number("desired")?.max(1.0)))
        .fold(0.0, f64::max);
    10.0 * libm::log10(1.0 + track.highest("queued")) + track.highest("cpu_percent").min(100.0) / 10.0 + 10.0 * missing
}

fn in_words(kind: &str, track: &Track) -> String {
    let mut parts = Vec::new();
    if kind == "service" {
        let desired = track.highest("desired");
        let healthy = track.lowest("healthy").unwrap_or(0.0);
        parts.push(format!(
            "healthy {} of {}",
            short(healthy.floor(), 3),
            short(desired, 3)
        ));
        parts.push(format!("CPU up to {} %", short(track.highest("cpu_percent"), 2)));
    }
    parts.push(format!("up to {} waiting", short(track.highest("queued"), 3)));
    if kind == "dependency" {
        parts.push(format!("up to {} in service", short(track.highest("in_service"), 3)));
    }
    parts.join(", ")
}

fn line(name: &str, tone: Tone, stroke: Stroke, values: Vec<Option<f64>>) -> Line {
    Line {
        name: name.to_owned(),
        tone,
        stroke,
        values,
    }
}

fn highest(lines: &[Line]) -> f64 {
    lines
        .iter()
        .flat_map(|line| &line.values)
        .flatten()
        .copied()
        .fold(0.0, f64::max)
}

fn lowest(lines: &[Line]) -> f64 {
    let values = lines.iter().flat_map(|line| &line.values).flatten().copied();
    values.filter(|value| *value > 0.0).fold(f64::INFINITY, f64::min)
}

fn timeline(title: &str, alt: String, x: &Axis, y: Axis, at: Vec<f64>, lines: Vec<Line>) -> Plot {
    Plot {
        title: title.to_owned(),
        alt,
        x: x.clone(),
        y,
        lines,
        at,
        file: "timeline.csv",
        kind: Kind::Timeline,
    }
}

fn load(all: &Track, x: &Axis) -> Option<Plot> {
    let mut lines = vec![
        line("served", Tone::Nth(0), Stroke::Line, all.rate("served")),
        line("offered", Tone::Faint, Stroke::Line, all.rate("offered")),
    ];
    if all.highest("failed") > 0.0 {
        lines.insert(0, line("failed", Tone::Bad, Stroke::Line, all.rate("failed")));
    }
    let most = highest(&lines);
    let alt = format!(
        "Requests offered, served and failed a second over time; at most {} a second.",
        short(most, 3)
    );
    let y = Axis::from_zero("requests a second", most);
    Some(timeline("Load", alt, x, y, all.times(), lines))
}

fn latency(all: &Track, x: &Axis) -> Option<Plot> {
    let lines = vec![
        line("p99", Tone::Bad, Stroke::Line, all.level("p99_ms")),
        line("p95", Tone::Nth(3), Stroke::Line, all.level("p95_ms")),
        line("p50", Tone::Nth(0), Stroke::Line, all.level("p50_ms")),
    ];
    let (least, most) = (lowest(&lines), highest(&lines));
    let alt = format!(
        "Percentiles of the latency of served requests over time; p99 at most {} ms.",
        short(all.highest("p99_ms"), 3)
    );
    let y = Axis::of_latency(if least.is_finite() { least } else { 1.0 }, most);
    Some(timeline("Latency of served requests", alt, x, y, all.times(), lines))
}

/// Outcomes that are failures, by the columns of the timeline, and what people call them.
const FAILURES: [(&str, &str); 10] = [
    ("failed_server_error", "5xx by target"),
    ("failed_timed_out", "client timeout"),
    ("failed_unavailable_503", "503 by balancer"),
    ("failed_bad_gateway_502", "502 by balancer"),
    ("failed_gateway_timeout_504", "504 by balancer"),
    ("failed_refused", "connection refused"),
    ("failed_client_error", "4xx by target"),
    ("failed_fixed_response", "fixed response"),
    ("failed_redirected", "redirected"),
    ("failed_unfinished", "unfinished"),
];

fn failures(all: &Track, x: &Axis) -> Option<Plot> {
    let seen = FAILURES.iter().filter(|(column, _)| all.highest(column) > 0.0);
    let lines: Vec<Line> = seen
        .take(CLASSES_MOST)
        .enumerate()
        .map(|(at, (column, name))| {
            let tone = if at == 0 { Tone::Bad } else { Tone::Nth(at - 1) };
            line(name, tone, Stroke::Line, all.rate(column))
        })
        .collect();
    let most = highest(&lines);
    let names: Vec<&str> = lines.iter().map(|line| line.name.as_str()).collect();
    let alt = format!("Failed requests a second by reason over time: {}.", names.join(", "));
    let y = Axis::from_zero("failed a second", most);
    Some(timeline("Failures by reason", alt, x, y, all.times(), lines))
}

/// The share served of each class, or its p99 if all are served.
fn by_class(tracks: &Tracks, x: &Axis) -> Option<Plot> {
    let classes: Vec<_> = tracks.own_classes().take(CLASSES_MOST).collect();
    if classes.len() < 2 {
        return None;
    }
    let at = classes[0].1.times();
    let lines: Vec<Line> = classes
        .iter()
        .enumerate()
        .map(|(at, (name, track))| line(name, Tone::Nth(at), Stroke::Line, track.level("p99_ms")))
        .collect();
    let (least, most) = (lowest(&lines), highest(&lines));
    let y = Axis::of_latency(if least.is_finite() { least } else { 1.0 }, most);
    let alt = "The 99th percentile of latency of each request class over time.".to_owned();
    Some(timeline("p99 by request class", alt, x, y, at, lines))
}

fn of_part(kind: &str, name: &str, track: &Track, x: &Axis) -> Vec<Option<Plot>> {
    let at = track.times();
    let mut plots = Vec::new();
    if kind == "service" {
        let lines = vec![
            line("healthy", Tone::Nth(2), Stroke::Step, track.level("healthy")),
            line("running", Tone::Nth(0), Stroke::Step, track.level("running")),
            line("pending", Tone::Nth(3), Stroke::Step, track.level("pending")),
            line("desired", Tone::Faint, Stroke::Dashed, track.level("desired")),
        ];
        let y = Axis::of_counts("tasks", highest(&lines));
        let alt = format!("Tasks of {name} over time: desired, pending, running and healthy.");
        plots.push(Some(timeline("Tasks", alt, x, y, at.clone(), lines)));
        let lines = vec![line("CPU", Tone::Nth(0), Stroke::Line, track.level("cpu_percent"))];
        let y = Axis::from_zero("% of reserved", highest(&lines).max(100.0));
        let alt = format!(
            "CPU that {name} uses of what it reserves over time; at most {} %.",
            short(track.highest("cpu_percent"), 3)
        );
        plots.push(Some(timeline("CPU", alt, x, y, at.clone(), lines)));
    }
    let lines = vec![
        line("waiting", Tone::Bad, Stroke::Line, track.level("queued")),
        line("in service", Tone::Nth(0), Stroke::Line, track.level("in_service")),
    ];
    let y = Axis::from_zero("requests", highest(&lines));
    let alt = format!(
        "Requests waiting and in service at {name} over time; at most {} wait.",
        short(track.highest("queued"), 3)
    );
    plots.push(Some(timeline("Queue", alt, x, y, at, lines)));
    plots
}
