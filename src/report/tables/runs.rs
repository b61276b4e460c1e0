//! `runs.csv`, a row for each run of a sweep, and `points.csv`, a row for each point.
//!
//! Between the first columns and the figures stand columns that are not listed here: those of the swept paths
//! ([`crate::report::sweep::Layout`]). A run's figures are kept exactly until they are written.

use crate::blueprint::{Blueprint, ServiceIx};
use crate::experiment::compare::Figure;
use crate::probe::{Estimate, RunRecord, estimate};
use crate::report::table::{Column, Schema, Value, column};
use crate::report::tables::summary::{PERCENTILES, failures};
use crate::units::MicroUsd;

/// The swept paths' columns stand behind so many of a run's or a point's.
pub const RUNS_BEFORE_PATHS: usize = 2;
pub const POINTS_BEFORE_PATHS: usize = 1;

/// Those of a run's figures that the charts and the summary speak of.
pub const RESPONSES: [&str; 3] = ["p99_ms", "failed_share", "cost_usd_per_hour"];

pub const RUNS: Schema = Schema {
    name: "runs",
    about: "One row for each run of a sweep, `runs.parquet` the same with types. Behind `replication` stands a column for \
            each swept path, called by the path, with the value as it was written; where all values of a path are \
            quantities, a second column holds them as numbers, its unit behind the path: `_s`, `_mib`, `_vcpu`, `_per_s`, \
            `_share`, `_factor`, `_mib_per_s`, `_bytes`, `_usd`, `_intervals`. Figures are those of the run alone, over \
            all request classes.",
    columns: &[
        column("point", "Which point, from 0."),
        column(
            "replication",
            "Which run of it, from 0. Equal replications of all points met the same luck.",
        ),
        column(
            "ended_early",
            "Why a limit ended the run before its time; empty: it did not.",
        ),
        column(
            "offered",
            "Requests that clients wanted answered (first attempts) in measured time.",
        ),
        column("served", "Of these, answered well."),
        column("degraded", "Of the served, answered with something left out."),
        column(
            "failed",
            "Of the offered, not served: the sum of the columns that follow.",
        ),
        column("failed_client_error", "As in summary.csv."),
        column("failed_server_error", ""),
        column("failed_timed_out", ""),
        column("failed_refused", ""),
        column("failed_fixed_response", ""),
        column("failed_redirected", ""),
        column("failed_bad_gateway_502", ""),
        column("failed_unavailable_503", ""),
        column("failed_gateway_timeout_504", ""),
        column("failed_unfinished", ""),
        column("attempts", "Attempts that clients made, retries included."),
        column(
            "tasks_max",
            "Most tasks of all services running at once in measured time.",
        ),
        column("measured_s", "How much of the measured time was simulated."),
        column("failed_share", "failed / offered."),
        column("mean_ms", "Mean latency of served requests."),
        column("p50_ms", "Percentiles of the latency of served requests."),
        column("p95_ms", ""),
        column("p99_ms", ""),
        column("p99_9_ms", ""),
        column("max_ms", "Highest latency of a served request."),
        column("throughput_per_s", "Requests served a second of measured time."),
        column(
            "tasks_mean",
            "Tasks of all services running, on average over measured time.",
        ),
        column("cpu_utilization", "CPU used over CPU reserved, all services together."),
        column("cost_usd", "What the measured time costs."),
        column("cost_usd_per_hour", "The same by the hour."),
        column(
            "deployment_duration_s",
            "From the start of a deployment to its end, the mean over those that ended; empty without one.",
        ),
        column(
            "detection_time_s",
            "From the start of a deployment until a breaker or an alarm decided against it.",
        ),
        column(
            "roll_back_time_s",
            "From that decision until the old revision was back.",
        ),
        column(
            "new_revision_requests",
            "Attempts that the revisions being deployed answered while they were.",
        ),
        column("new_revision_errors", "Of these, answered 5xx or cut off."),
        column(
            "errors_above_old",
            "Of these, more than the revisions before would have made.",
        ),
        column(
            "lowest_healthy_tasks",
            "The lowest number of healthy tasks of a service while it was deployed.",
        ),
        column(
            "below_desired_task_s",
            "Task-seconds of healthy tasks below the desired count, over all deployments.",
        ),
        column(
            "peak_extra_tasks",
            "Most tasks above the desired count in one deployment.",
        ),
        column(
            "extra_cost_usd",
            "What tasks above the desired count cost, over all deployments.",
        ),
    ],
};

pub const POINTS: Schema = Schema {
    name: "points",
    about: "One row for each point of a sweep, over its replications, with columns for the swept paths behind `point` as \
            in runs.csv. Shares and the mean latency are of all requests of all runs together; every other figure, \
            percentiles too, is the mean over the runs of each run's own. Intervals hold 95 % and are empty under two \
            runs, or if all runs agree. Points met the same luck: to compare two, take the differences run by run.",
    columns: &[
        column("point", "Which point, from 0."),
        column("replications", "Runs that the figures are over."),
        column("ended_early", "Of these, ended by a limit before their time."),
        column(
            "offered",
            "Requests that clients wanted answered (first attempts), over all runs.",
        ),
        column("served", "Of these, answered well."),
        column("failed", "Of the offered, not served."),
        column("failed_share", "failed / offered."),
        column("failed_share_low", "Its 95 % interval over runs."),
        column("failed_share_high", ""),
        column("mean_ms", "Mean latency of served requests."),
        column("mean_ms_low", "Its 95 % interval over runs."),
        column("mean_ms_high", ""),
        column(
            "p50_ms",
            "Mean over the runs of the run's median latency of served requests.",
        ),
        column("p50_ms_low", "Its 95 % interval over runs."),
        column("p50_ms_high", ""),
        column("p95_ms", "Likewise, 95th percentile."),
        column("p95_ms_low", ""),
        column("p95_ms_high", ""),
        column("p99_ms", "Likewise, 99th percentile."),
        column("p99_ms_low", ""),
        column("p99_ms_high", ""),
        column("p99_9_ms", "Likewise, 99.9th percentile."),
        column("p99_9_ms_low", ""),
        column("p99_9_ms_high", ""),
        column("max_ms", "Mean over the runs of the run's highest latency."),
        column("max_ms_low", ""),
        column("max_ms_high", ""),
        column("throughput_per_s", "Requests served a second of measured time."),
        column("throughput_per_s_low", "Its 95 % interval over runs."),
        column("throughput_per_s_high", ""),
        column("tasks_mean", "Tasks running, on average over measured time."),
        column("tasks_mean_low", "Its 95 % interval over runs."),
        column("tasks_mean_high", ""),
        column("cpu_utilization", "CPU used over CPU reserved, mean over the runs."),
        column("cpu_utilization_low", "Its 95 % interval over runs."),
        column("cpu_utilization_high", ""),
        column("cost_usd_per_hour", "What an hour costs."),
        column("cost_usd_per_hour_low", "Its 95 % interval over runs."),
        column("cost_usd_per_hour_high", ""),
        column(
            "deployment_duration_s",
            "As in runs.csv, mean over the runs that have it.",
        ),
        column("deployment_duration_s_low", "Its 95 % interval over runs."),
        column("deployment_duration_s_high", ""),
        column("new_revision_errors", "Likewise."),
        column("new_revision_errors_low", ""),
        column("new_revision_errors_high", ""),
        column("lowest_healthy_tasks", "Likewise."),
        column("lowest_healthy_tasks_low", ""),
        column("lowest_healthy_tasks_high", ""),
    ],
};

/// What a column's cells are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Text,
    Count,
    Number,
}

/// What the cells of a column of [`RUNS`] are.
pub fn kind(column: &Column) -> Kind {
    match column.name {
        "ended_early" => Kind::Text,
        "point" | "replication" | "offered" | "served" | "degraded" | "failed" | "attempts" | "tasks_max" => {
            Kind::Count
        }
        // A share of them is a number, and so is what is measured.
        name if name.starts_with("failed_") && name != "failed_share" => Kind::Count,
        _ => Kind::Number,
    }
}

/// The columns of [`RUNS`] that a run fills: all but those before the swept paths.
pub fn figures() -> &'static [Column] {
    &RUNS.columns[RUNS_BEFORE_PATHS..]
}

/// What a run fills, exactly: a value for each of [`figures`].
pub fn of_run(blueprint: &Blueprint, record: &RunRecord) -> Vec<Value> {
    let totals = record.class_totals(None);
    let (outcomes, served) = (totals.outcomes, totals.outcomes.served());
    let latencies = record.latencies(None);
    let mut row = vec![
        Value::or_missing(record.ended_early.as_ref().map(Value::text)),
        Value::count(outcomes.offered()),
        Value::count(served),
        Value::count(totals.degraded),
        Value::count(outcomes.failed()),
    ];
    row.extend(failures().map(|outcome| Value::count(outcomes.of(outcome))));
    row.push(Value::count(totals.attempts));
    row.push(Value::count(tasks_max(blueprint, record)));
    let figure = |figure: Figure| exact(figure.of(blueprint, record, None));
    row.push(Value::span(record.measured));
    row.push(figure(Figure::FailedShare));
    row.push(figure(Figure::MeanLatency));
    row.extend(PERCENTILES.map(|(_, quantile)| exact(latencies.quantile(quantile).map(|latency| latency.millis()))));
    row.push(exact(latencies.max().map(|latency| latency.millis())));
    let measured = record.measured.seconds();
    row.push(exact((measured > 0.0).then(|| served as f64 / measured)));
    row.push(exact(tasks_mean(record, blueprint)));
    row.push(exact(cpu_utilization(record, blueprint)));
    let cost = record
        .cost
        .iter()
        .fold(MicroUsd::default(), |sum, line| sum + line.amount);
    row.push(Value::Number(cost.usd()));
    let named = |column: &Column| Figure::ALL.into_iter().find(|figure| figure.name() == column.name);
    row.extend(figures()[row.len()..].iter().map(|column| {
        let known = named(column).expect("the last columns are figures of comparisons");
        figure(known)
    }));
    row
}

fn exact(number: Option<f64>) -> Value {
    number
        .filter(|number| number.is_finite())
        .map_or(Value::Missing, Value::Number)
}

/// Most tasks running at once in measured time.
fn tasks_max(blueprint: &Blueprint, record: &RunRecord) -> u64 {
    let from = blueprint.measured_from();
    let to = from + record.measured;
    let mut changes = Vec::new();
    for task in &record.tasks {
        let Some(running) = task.running.filter(|running| *running < to) else {
            continue;
        };
        let end = task.stopping.or(task.stopped);
        if end.is_some_and(|end| end <= from) {
            continue;
        }
        changes.push((running.max(from), 1_i64));
        changes.extend(end.map(|end| (end, -1)));
    }
    // At one instant, what stops makes way for what starts.
    changes.sort_unstable();
    let running = changes.into_iter().scan(0, |running, (_, change)| {
        *running += change;
        Some(*running)
    });
    running.max().unwrap_or(0).max(0) as u64
}

fn tasks_mean(record: &RunRecord, blueprint: &Blueprint) -> Option<f64> {
    let services = (0..blueprint.services.len()).map(ServiceIx::from_usize);
    let means = services.filter_map(|service| {
        let windows = record.timeline.service(service);
        let covered: u64 = windows.iter().map(|window| window.covered).sum();
        let running: u128 = windows.iter().map(|window| u128::from(window.running)).sum();
        (covered > 0).then(|| running as f64 / covered as f64)
    });
    means.reduce(|sum, mean| sum + mean)
}

fn cpu_utilization(record: &RunRecord, blueprint: &Blueprint) -> Option<f64> {
    let services = (0..blueprint.services.len()).map(ServiceIx::from_usize);
    let windows = services.flat_map(|service| record.timeline.service(service));
    let (used, reserved) = windows.fold((0_u128, 0_u128), |(used, reserved), window| {
        (
            used + u128::from(window.cpu_used),
            reserved + u128::from(window.cpu_reserved),
        )
    });
    (reserved > 0).then(|| used as f64 / reserved as f64)
}

/// The runs of one point, as they come.
#[derive(Clone, Debug, Default)]
pub struct PointSums {
    runs: Vec<Vec<Value>>,
}

impl PointSums {
    pub fn add(&mut self, figures: Vec<Value>) {
        self.runs.push(figures);
    }

    pub fn is_empty(&self) -> bool {
        self.runs.is_empty()
    }

    /// A value for each column of [`POINTS`] behind the swept paths.
    pub fn into_row(self) -> Vec<Value> {
        let count = |name: &str| -> f64 { self.column(name).flatten().sum() };
        let ended = self.runs.iter().filter(|run| run[0] != Value::Missing).count();
        let mut row = vec![
            Value::count(self.runs.len() as u64),
            Value::count(ended as u64),
            Value::count(count("offered") as u64),
            Value::count(count("served") as u64),
            Value::count(count("failed") as u64),
        ];
        let columns = &POINTS.columns[POINTS_BEFORE_PATHS + row.len()..];
        for column in columns.iter().step_by(3) {
            row.extend(cells(self.estimate(column.name)));
        }
        row
    }

    /// The figure over the runs that have it.
    pub fn estimate(&self, name: &str) -> Option<Estimate> {
        // A run counts by its requests where the figure is of requests.
        let weight = match name {
            "failed_share" => Some("offered"),
            "mean_ms" => Some("served"),
            _ => None,
        };
        const LEVEL: f64 = 0.95;
        match weight {
            Some(weight) => {
                let pairs = self.column(name).zip(self.column(weight));
                let runs: Vec<(f64, f64)> = pairs
                    .filter_map(|(figure, weight)| Some((figure? * weight?, weight?)))
                    .collect();
                let estimate = estimate::ratio(&runs, LEVEL);
                if name == "failed_share" {
                    estimate.map(Estimate::as_share)
                } else {
                    estimate
                }
            }
            None => {
                let values: Vec<f64> = self.column(name).flatten().collect();
                estimate::mean(&values, LEVEL)
            }
        }
    }

    fn column(&self, name: &str) -> impl Iterator<Item = Option<f64>> {
        let at = figures().iter().position(|column| column.name == name);
        let at = at.expect("points.csv tells figures of runs.csv");
        self.runs.iter().map(move |run| run[at].as_number())
    }
}

fn cells(estimate: Option<Estimate>) -> [Value; 3] {
    let Some(estimate) = estimate else {
        return [Value::Missing, Value::Missing, Value::Missing];
    };
    let (low, high) = estimate.interval().unzip();
    let cell = |number: Option<f64>| number.map_or(Value::Missing, Value::measured);
    [Value::measured(estimate.value), cell(low), cell(high)]
}

/// The response of a run by which points are told apart, of [`RESPONSES`].
pub fn response(figures_of_run: &[Value], name: &str) -> Option<f64> {
    let at = figures().iter().position(|column| column.name == name)?;
    figures_of_run[at].as_number()
}

/// Reads what [`of_run`] made back from its cells. `None` if a cell is not of its column's kind.
pub fn parse<'c>(cells: impl Iterator<Item = &'c str>) -> Option<Vec<Value>> {
    let mut cells = cells;
    let mut row = Vec::with_capacity(figures().len());
    for column in figures() {
        let cell = cells.next()?;
        row.push(match kind(column) {
            _ if cell.is_empty() => Value::Missing,
            Kind::Text => Value::text(cell),
            Kind::Count => Value::Integer(cell.parse().ok()?),
            Kind::Number => Value::Number(cell.parse().ok()?),
        });
    }
    cells.next().is_none().then_some(row)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probe::Pool;
    use crate::report::sample;

    #[test]
    fn a_run_fills_each_column_with_its_kind_and_reads_back() {
        let shop = sample::shop();
        for record in &sample::runs(&shop, 3) {
            let row = of_run(&shop, record);
            assert_eq!(row.len(), figures().len());
            for (column, value) in figures().iter().zip(&row) {
                let fits = matches!(
                    (kind(column), value),
                    (_, Value::Missing)
                        | (Kind::Text, Value::Text(_))
                        | (Kind::Count, Value::Integer(_))
                        | (Kind::Number, Value::Number(_))
                );
                assert!(fits, "{}: {value:?}", column.name);
            }
            let cells: Vec<String> = row.iter().map(Value::cell).collect();
            assert_eq!(parse(cells.iter().map(String::as_str)), Some(row));
        }
    }

    #[test]
    fn a_points_figures_are_those_of_the_summary_where_they_are_of_requests() {
        let shop = sample::shop();
        let records = sample::runs(&shop, 4);
        let mut sums = PointSums::default();
        records.iter().for_each(|record| sums.add(of_run(&shop, record)));
        let pool = Pool::new(&shop, &records);
        let summary = pool.requests(None);
        let of = |name: &str| sums.estimate(name).expect("there are requests");
        // Equal up to rounding: the mean is multiplied out again.
        let near = |a: f64, b: f64| (a - b).abs() <= 1e-9 * b.abs();
        let (mean, share) = (
            summary.mean_ms().expect("served"),
            summary.availability().expect("offered"),
        );
        assert!(near(of("mean_ms").value, mean.value));
        let ((low, high), (summary_low, summary_high)) = (
            of("mean_ms").interval().expect("four runs"),
            mean.interval().expect("four runs"),
        );
        assert!(near(low, summary_low) && near(high, summary_high));
        assert!(near(1.0 - of("failed_share").value, share.value));
    }

    #[test]
    fn every_figure_of_a_point_is_one_of_its_runs_with_its_interval() {
        let row = PointSums::default().into_row();
        assert_eq!(row.len(), POINTS.columns.len() - POINTS_BEFORE_PATHS);
        for triple in POINTS.columns[6..].chunks(3) {
            let [figure, low, high] = triple else {
                panic!("in threes")
            };
            assert!(
                figures().iter().any(|column| column.name == figure.name),
                "{}",
                figure.name
            );
            assert_eq!(low.name, format!("{}_low", figure.name));
            assert_eq!(high.name, format!("{}_high", figure.name));
        }
    }
}
