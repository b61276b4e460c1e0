//! `timeline.csv`: what was seen in each window of measured time, by class, service and dependency.

use super::label;
use super::summary::failures;
use crate::blueprint::{ClassIx, DependencyIx, ServiceIx};
use crate::probe::Pool;
use crate::probe::timeline::{RequestWindow, ServiceWindow};
use crate::report::table::{Schema, Table, Value, column};

pub const TIMELINE: Schema = Schema {
    name: "timeline",
    about: "One row for each window and class, service or dependency (one of the three is filled in). Requests count in \
            the window of their arrival and are summed over runs; levels are means over the window and over runs.",
    columns: &[
        column("time_s", "Start of the window, in seconds from the end of the warm-up."),
        column("window_s", "Width of the window."),
        column("class", "Request class, or `all`."),
        column("service", "Service."),
        column("dependency", "Dependency."),
        column("offered", "Requests that arrived, over all runs."),
        column("served", "Of these, answered well."),
        column("failed", "Of these, not: the sum of the columns that follow."),
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
        column(
            "p50_ms",
            "Percentiles of the latency of the served ones of all runs, within 1.6 %.",
        ),
        column("p95_ms", ""),
        column("p99_ms", ""),
        column("desired", "Tasks that the service should run."),
        column("pending", "Tasks in PROVISIONING, PENDING or ACTIVATING."),
        column("running", "Tasks in RUNNING."),
        column("healthy", "Of these, healthy."),
        column("stopping", "Tasks in DEACTIVATING, STOPPING or DEPROVISIONING."),
        column("cpu_percent", "CPU used over CPU reserved by running servers."),
        column("queued", "Requests waiting when the window ended."),
        column("in_service", "Requests being worked on when the window ended."),
    ],
};

const REQUEST_COLUMNS: usize = 16;
const LEVEL_COLUMNS: usize = 6;

pub fn timeline(pool: &Pool) -> Table {
    let mut table = Table::new(&TIMELINE);
    let Some(first) = pool.records.first() else {
        return table;
    };
    let end = pool.blueprint.measured_from() + pool.measured();
    for window in 0..pool.windows_seen() {
        let (from, to) = first.timeline.windows().bounds(window);
        let to = to.min(end);
        let time = [Value::time(pool.blueprint, from), Value::span(to.since(from))];
        let mut push = |names: [Value; 3], figures: Vec<Value>| {
            table.push(time.iter().cloned().chain(names).chain(figures).collect());
        };
        let mut all = RequestWindow::default();
        for class in (0..pool.blueprint.classes.len()).map(ClassIx::from_usize) {
            let sum = requests(pool, class, window);
            push(
                [label::class(pool.blueprint, class), Value::Missing, Value::Missing],
                request_row(&sum),
            );
            all.add(&sum);
        }
        push([Value::text("all"), Value::Missing, Value::Missing], request_row(&all));
        for service in (0..pool.blueprint.services.len()).map(ServiceIx::from_usize) {
            let names = [Value::Missing, label::service(pool.blueprint, service), Value::Missing];
            push(names, service_row(pool, service, window));
        }
        for dependency in (0..pool.blueprint.dependencies.len()).map(DependencyIx::from_usize) {
            let names = [
                Value::Missing,
                Value::Missing,
                label::dependency(pool.blueprint, dependency),
            ];
            push(names, dependency_row(pool, dependency, window));
        }
    }
    table
}

/// Of all runs.
pub fn requests(pool: &Pool, class: ClassIx, window: usize) -> RequestWindow {
    let mut sum = RequestWindow::default();
    for record in pool.records {
        sum.add(&record.timeline.class(class)[window]);
    }
    sum
}

fn request_row(window: &RequestWindow) -> Vec<Value> {
    let mut row = vec![
        Value::count(window.offered()),
        Value::count(window.served()),
        Value::count(window.offered() - window.served()),
    ];
    row.extend(failures().map(|outcome| Value::count(u64::from(window.outcomes[outcome as usize]))));
    row.extend([0.5, 0.95, 0.99].map(|quantile| {
        Value::or_missing(
            window
                .latencies
                .quantile(quantile)
                .map(|latency| Value::measured(latency.millis())),
        )
    }));
    row.extend(vec![Value::Missing; LEVEL_COLUMNS + 2]);
    row
}

fn service_row(pool: &Pool, service: ServiceIx, window: usize) -> Vec<Value> {
    let mean = |of: &dyn Fn(&ServiceWindow) -> Option<f64>| {
        let seen = pool
            .records
            .iter()
            .filter_map(|record| of(&record.timeline.service(service)[window]));
        Value::or_missing(mean_of(seen).map(Value::measured))
    };
    let level = |of: fn(&ServiceWindow) -> u64| mean(&|window| window.mean(of));
    let mut row = vec![Value::Missing; REQUEST_COLUMNS];
    row.extend([
        level(|window| window.desired),
        level(|window| window.pending),
        level(|window| window.running),
        level(|window| window.healthy),
        level(|window| window.stopping),
        mean(&|window| window.cpu_utilization().map(|share| 100.0 * share)),
        mean(&|window| Some(window.queued as f64)),
        mean(&|window| Some(window.in_service as f64)),
    ]);
    row
}

fn dependency_row(pool: &Pool, dependency: DependencyIx, window: usize) -> Vec<Value> {
    let seen = || {
        pool.records
            .iter()
            .map(|record| &record.timeline.dependency(dependency)[window])
    };
    let mut row = vec![Value::Missing; REQUEST_COLUMNS + LEVEL_COLUMNS];
    let queued = mean_of(seen().map(|sample| sample.queued as f64));
    let in_service = mean_of(seen().map(|sample| sample.in_service as f64));
    row.extend([queued, in_service].map(|mean| Value::or_missing(mean.map(Value::measured))));
    row
}

/// `None` of nothing.
pub fn mean_of(values: impl Iterator<Item = f64>) -> Option<f64> {
    let (count, sum) = values.fold((0u32, 0.0), |(count, sum), value| (count + 1, sum + value));
    (count > 0).then(|| sum / f64::from(count))
}
