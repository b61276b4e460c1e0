//! `summary.csv`: one row for each request class and one for all; `breakdown.csv`: who answered them, from where.

use super::label;
use crate::blueprint::{ClassIx, RevisionIx, ServiceIx, ZoneIx};
use crate::probe::pool::{Latencies, Requests};
use crate::probe::{Cell, Estimate, Pool};
use crate::report::table::{Column, Schema, Table, Value, column};
use crate::sim::observation::Outcome;
use std::collections::BTreeMap;

/// The percentiles that are written, as name and quantile.
pub const PERCENTILES: [(&str, f64); 4] = [("p50_ms", 0.5), ("p95_ms", 0.95), ("p99_ms", 0.99), ("p99_9_ms", 0.999)];

pub const SUMMARY: Schema = Schema {
    name: "summary",
    about: "One row for each request class, and `all`. Requests count if they arrived in measured time.",
    columns: &[
        column("class", "Request class, or `all`."),
        column("replications", "Runs that the figures are over."),
        column(
            "offered",
            "Requests that clients wanted answered (first attempts), over all runs.",
        ),
        column("served", "Of these, answered well."),
        column(
            "degraded",
            "Of the served, answered with something left out, there or below: an optional step in a brown-out, a call whose \
             fallback ran, a branch that a partial join went on without.",
        ),
        column(
            "failed",
            "Of the offered, not served: the sum of the columns that follow. offered = served + failed.",
        ),
        column("failed_client_error", "Answered 4xx by the target."),
        column("failed_server_error", "Answered 5xx by the target."),
        column("failed_timed_out", "Given up by the client after its timeout."),
        column(
            "failed_refused",
            "Connection refused or reset, or no task to connect to, without a balancer.",
        ),
        column("failed_fixed_response", "Answered by a balancer's fixed response."),
        column(
            "failed_redirected",
            "Sent elsewhere by a balancer's redirect; following it would be another request.",
        ),
        column("failed_bad_gateway_502", "Answered 502 by the balancer."),
        column("failed_unavailable_503", "Answered 503 by the balancer."),
        column("failed_gateway_timeout_504", "Answered 504 by the balancer."),
        column("failed_unfinished", "Still in flight when the run ended."),
        column("availability", "served / offered."),
        column("availability_low", "Its 95 % interval over runs."),
        column("availability_high", ""),
        column(
            "mean_ms",
            "Mean latency of served requests, retries and pauses included.",
        ),
        column("mean_ms_low", "Its 95 % interval over runs."),
        column("mean_ms_high", ""),
        column("p50_ms", "Median latency of the served requests of all runs together."),
        column(
            "p50_ms_low",
            "95 % interval over runs; empty under 10 runs or 100 requests beyond the percentile.",
        ),
        column("p50_ms_high", ""),
        column("p95_ms", "95th percentile, likewise."),
        column("p95_ms_low", ""),
        column("p95_ms_high", ""),
        column("p99_ms", "99th percentile, likewise."),
        column("p99_ms_low", ""),
        column("p99_ms_high", ""),
        column("p99_9_ms", "99.9th percentile, likewise."),
        column("p99_9_ms_low", ""),
        column("p99_9_ms_high", ""),
        column("max_ms", "Highest latency of a served request."),
        column(
            "throughput_per_s",
            "Requests served a second of measured time, in one run.",
        ),
        column("throughput_per_s_low", "Its 95 % interval over runs."),
        column("throughput_per_s_high", ""),
        column(
            "attempts_per_request",
            "Attempts that clients made for each request; 1 without retries.",
        ),
        column("note", "Which figures have no interval, and why."),
    ],
};

pub const BREAKDOWN: Schema = Schema {
    name: "breakdown",
    about: "Requests by who gave the last answer: one row for each class, service, revision and zone, and for each of \
            these alone (the others empty).",
    columns: &[
        column("class", "Request class; empty: all."),
        column(
            "service",
            "Service of the task that answered; `none`: no task did; empty: all.",
        ),
        column(
            "revision",
            "Revision of that service: 1 runs at the start, deployments add one each; empty: all.",
        ),
        column("zone", "Zone of that task; empty: all."),
        column("answered", "Requests, over all runs."),
        column("served", "Of these, answered well."),
        column("failed", "Of these, not."),
        column("mean_ms", "Mean latency of the served ones."),
        column("p50_ms", "Percentiles of the latency of the served ones."),
        column("p95_ms", ""),
        column("p99_ms", ""),
        column("p99_9_ms", ""),
    ],
};

/// A row for each class, then `all`, which is there even if there is only one class: scripts look for it.
pub fn summary(pool: &Pool) -> Table {
    let mut table = Table::new(&SUMMARY);
    for (at, class) in pool.blueprint.classes.iter().enumerate() {
        table.push(summary_row(
            &class.name,
            pool,
            &pool.requests(Some(ClassIx::from_usize(at))),
        ));
    }
    table.push(summary_row("all", pool, &pool.requests(None)));
    table
}

fn summary_row(name: &str, pool: &Pool, requests: &Requests) -> Vec<Value> {
    let outcomes = requests.outcomes();
    let mut notes = Notes::default();
    let mut row = vec![
        Value::text(name),
        Value::count(pool.records.len() as u64),
        Value::count(outcomes.offered()),
        Value::count(outcomes.served()),
        Value::count(requests.degraded()),
        Value::count(outcomes.failed()),
    ];
    row.extend(failures().map(|outcome| Value::count(outcomes.of(outcome))));
    row.extend(notes.figure("availability", requests.availability()));
    row.extend(notes.figure("mean_ms", requests.mean_ms()));
    for (name, quantile) in PERCENTILES {
        row.extend(notes.figure(name, requests.latencies().quantile_ms(quantile)));
    }
    row.push(Value::or_missing(
        requests
            .latencies()
            .pooled()
            .max()
            .map(|max| Value::measured(max.millis())),
    ));
    row.extend(notes.figure("throughput_per_s", requests.throughput()));
    row.push(Value::or_missing(
        requests.attempts().map(|attempts| Value::measured(attempts.value)),
    ));
    row.push(notes.into_value());
    row
}

/// All outcomes but `served`, in the order of the columns.
pub fn failures() -> impl Iterator<Item = Outcome> {
    Outcome::ALL.into_iter().filter(|outcome| *outcome != Outcome::Served)
}

/// Collects why figures have no interval: `p99_ms: too few runs`.
#[derive(Default)]
pub struct Notes(BTreeMap<&'static str, Vec<&'static str>>);

impl Notes {
    /// Value, low and high.
    pub fn figure(&mut self, name: &'static str, estimate: Option<Estimate>) -> [Value; 3] {
        let Some(estimate) = estimate else {
            return [Value::Missing, Value::Missing, Value::Missing];
        };
        let [low, high] = match estimate.interval() {
            Some((low, high)) => [Value::measured(low), Value::measured(high)],
            None => {
                self.0.entry(estimate.precision.note()).or_default().push(name);
                [Value::Missing, Value::Missing]
            }
        };
        [Value::measured(estimate.value), low, high]
    }

    pub fn into_value(self) -> Value {
        let lines: Vec<String> = self
            .0
            .into_iter()
            .map(|(why, names)| format!("{why}: {}", names.join(", ")))
            .collect();
        if lines.is_empty() {
            Value::Missing
        } else {
            Value::Text(lines.join("; "))
        }
    }
}

/// What a row of `breakdown.csv` is about; `None`: all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Slice {
    class: Option<ClassIx>,
    service: Option<Answerer>,
    revision: Option<RevisionIx>,
    zone: Option<ZoneIx>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Answerer {
    Service(ServiceIx),
    Nobody,
}

impl Slice {
    fn finest(cell: &Cell) -> Slice {
        Slice {
            class: Some(cell.class),
            service: Some(
                cell.served_by
                    .map_or(Answerer::Nobody, |by| Answerer::Service(by.service)),
            ),
            revision: cell.served_by.map(|by| by.revision),
            zone: cell.served_by.map(|by| by.zone),
        }
    }

    /// The finest slice of a cell and those that leave all but one side open.
    fn all_of(cell: &Cell) -> impl Iterator<Item = Slice> {
        let finest = Slice::finest(cell);
        let service = Slice {
            service: finest.service,
            ..Slice::default()
        };
        // A revision means nothing without its service.
        let revision = Slice {
            revision: finest.revision,
            ..service
        };
        let zone = Slice {
            zone: finest.zone,
            ..Slice::default()
        };
        let mut slices = vec![service, revision, zone, finest];
        slices.retain(|slice| *slice != Slice::default());
        slices.dedup();
        slices.into_iter()
    }

    fn contains(&self, cell: &Cell) -> bool {
        let finest = Slice::finest(cell);
        fn open<T: PartialEq>(mine: &Option<T>, theirs: &Option<T>) -> bool {
            mine.is_none() || mine == theirs
        }
        open(&self.class, &finest.class)
            && open(&self.service, &finest.service)
            && open(&self.revision, &finest.revision)
            && open(&self.zone, &finest.zone)
    }
}

pub fn breakdown(pool: &Pool) -> Table {
    let mut table = Table::new(&BREAKDOWN);
    let cells = || pool.records.iter().flat_map(|record| &record.cells);
    let mut slices: Vec<Slice> = cells().flat_map(Slice::all_of).collect();
    slices.sort();
    slices.dedup();
    for slice in slices {
        table.push(breakdown_row(pool, &slice));
    }
    table
}

fn breakdown_row(pool: &Pool, slice: &Slice) -> Vec<Value> {
    let cells = || {
        pool.records
            .iter()
            .flat_map(|record| &record.cells)
            .filter(|cell| slice.contains(cell))
    };
    let served: u64 = cells().map(|cell| cell.served).sum();
    let failed: u64 = cells().map(|cell| cell.failed).sum();
    let latencies: Latencies = pool.latencies(|cell| slice.contains(cell));
    let service = match slice.service {
        Some(Answerer::Service(service)) => label::service(pool.blueprint, service),
        Some(Answerer::Nobody) => Value::text("none"),
        None => Value::Missing,
    };
    let mut row = vec![
        Value::or_missing(slice.class.map(|class| label::class(pool.blueprint, class))),
        service,
        Value::or_missing(slice.revision.map(label::revision)),
        Value::or_missing(slice.zone.map(|zone| label::zone(pool.blueprint, zone))),
        Value::count(served + failed),
        Value::count(served),
        Value::count(failed),
        Value::or_missing(
            latencies
                .pooled()
                .mean_seconds()
                .map(|mean| Value::measured(mean * 1e3)),
        ),
    ];
    row.extend(PERCENTILES.map(|(_, quantile)| {
        Value::or_missing(
            latencies
                .quantile_ms(quantile)
                .map(|estimate| Value::measured(estimate.value)),
        )
    }));
    row
}

/// The columns of `summary.csv` that hold a figure with an interval: name, and where value, low and high stand.
pub fn figures() -> impl Iterator<Item = (&'static str, usize)> {
    let columns: &'static [Column] = SUMMARY.columns;
    columns.iter().enumerate().filter_map(move |(at, column)| {
        let low = columns.get(at + 1)?;
        (low.name.strip_suffix("_low") == Some(column.name)).then_some((column.name, at))
    })
}
