//! `levels.csv`, `shocks.csv` and `branches.csv`: what `wavetank stress` saw, load by load.

use crate::experiment::stress::branches::Way;
use crate::experiment::stress::{Branch, Level, Shocked, Stressed};
use crate::probe::Estimate;
use crate::report::table::{Schema, Table, Value, column};
use crate::stats::Interval;

pub const LEVELS: Schema = Schema {
    name: "levels",
    about: "One row for each constant load that `wavetank stress` measured, in order of load. Latency is that of served \
            requests: read it beside `failed_share`.",
    columns: &[
        column("load", "A multiple of the scenario's traffic, whose peak is load 1."),
        column("runs", "Replications."),
        column("cut_short", "Of these, ended by a limit."),
        column(
            "verdict",
            "On the objectives, or on the share served where there are none: `met`, `not met` or `undecided`.",
        ),
        column("offered_per_s", "Requests a second."),
        column("offered_per_s_low", ""),
        column("offered_per_s_high", ""),
        column(
            "goodput_per_s",
            "Requests a second that were served, within the client's timeout.",
        ),
        column("goodput_per_s_low", ""),
        column("goodput_per_s_high", ""),
        column("failed_share", "Failed over offered."),
        column("failed_share_low", ""),
        column("failed_share_high", ""),
        column("mean_ms", "Mean latency."),
        column("mean_ms_low", ""),
        column("mean_ms_high", ""),
        column("p50_ms", "Of the pooled requests."),
        column("p50_ms_low", ""),
        column("p50_ms_high", ""),
        column("p95_ms", "Likewise."),
        column("p95_ms_low", ""),
        column("p95_ms_high", ""),
        column("p99_ms", "Likewise."),
        column("p99_ms_low", ""),
        column("p99_ms_high", ""),
        column(
            "attempts_per_request",
            "Attempts of the clients for each request: above 1 they retry.",
        ),
        column("attempts_per_request_low", ""),
        column("attempts_per_request_high", ""),
        column("busiest_service", "The service that uses most of its CPU."),
        column("cpu_share", "CPU that it used over what it reserved."),
        column("cpu_share_low", ""),
        column("cpu_share_high", ""),
        column(
            "power",
            "Goodput over mean latency, in requests a second for each ms: its maximum is the knee.",
        ),
    ],
};

pub const SHOCKS: Schema = Schema {
    name: "shocks",
    about: "One row for each load that `wavetank stress` shocked. A run stays down if it is not back in the \
            band of `stability.csv` and serves less in its last ten windows than before the shock.",
    columns: &[
        column(
            "load",
            "A multiple of the scenario's traffic, before and after the shock.",
        ),
        column("runs", "Replications."),
        column("known", "Of these, those of which it is known whether they came back."),
        column(
            "stay_down",
            "Of the known ones, those that did not come back within the time given.",
        ),
        column(
            "stay_down_share",
            "Their share, with the exact interval of a proportion (Clopper and Pearson).",
        ),
        column("stay_down_share_low", ""),
        column("stay_down_share_high", ""),
        column(
            "back_after_s",
            "From the end of the shock, the mean over the runs that came back.",
        ),
        column("back_after_s_low", ""),
        column("back_after_s_high", ""),
        column("served_before", "Served over offered before the shock."),
        column("served_end", "In the last ten windows."),
        column(
            "attempts_per_request_before",
            "Attempts of clients and calls for each request before the shock.",
        ),
        column("attempts_per_request_end", "In the last ten windows."),
        column(
            "loop",
            "What likely keeps most of the runs down that stay down, as in `stability.csv`.",
        ),
    ],
};

pub const BRANCHES: Schema = Schema {
    name: "branches",
    about: "One row for each load of the ramp of `wavetank stress`, which it comes to on the way up and again on the way down; \
            of each stop the second half. Without memory both ways are alike.",
    columns: &[
        column("load", "A multiple of the scenario's traffic."),
        column("runs", "Replications."),
        column("up_goodput_per_s", "Requests a second that were served, on the way up."),
        column("up_goodput_per_s_low", ""),
        column("up_goodput_per_s_high", ""),
        column("down_goodput_per_s", "On the way down."),
        column("down_goodput_per_s_low", ""),
        column("down_goodput_per_s_high", ""),
        column("up_served_share", "Served over offered, on the way up."),
        column("down_served_share", "On the way down."),
        column("up_mean_ms", "Mean latency of served requests, on the way up."),
        column("down_mean_ms", "On the way down."),
        column("up_p99_ms", "Of the pooled requests, to 3 %; on the way up."),
        column("down_p99_ms", "On the way down."),
        column(
            "lost_share",
            "Served share on the way up less that on the way down, the mean over runs.",
        ),
        column("lost_share_low", ""),
        column("lost_share_high", ""),
        column(
            "differing_share",
            "Share of the runs that serve less on the way down, by a twentieth of what is offered or more, with the exact \
             interval of a proportion.",
        ),
        column("differing_share_low", ""),
        column("differing_share_high", ""),
    ],
};

/// Those that there are, in the order in which a reader wants them.
pub fn all(stressed: &Stressed) -> Vec<Table> {
    let mut levels = Table::new(&LEVELS);
    stressed.levels.iter().for_each(|level| levels.push(of_level(level)));
    let mut tables = vec![levels];
    if let Some(shocks) = &stressed.shocks {
        let mut table = Table::new(&SHOCKS);
        shocks.loads.iter().for_each(|shocked| table.push(of_shocked(shocked)));
        tables.push(table);
    }
    if let Some(branches) = &stressed.branches {
        let mut table = Table::new(&BRANCHES);
        branches
            .loads
            .iter()
            .for_each(|branch| table.push(of_branch(branch, branches.runs)));
        tables.push(table);
    }
    tables
}

/// The value and both ends of its interval, empty where there is none.
fn spread(estimate: Option<Estimate>) -> [Value; 3] {
    let interval = estimate.and_then(|it| it.interval());
    let number = |number: Option<f64>| Value::or_missing(number.map(Value::measured));
    [
        number(estimate.map(|it| it.value)),
        number(interval.map(|it| it.0)),
        number(interval.map(|it| it.1)),
    ]
}

fn proportion(share: Option<Interval>) -> [Value; 3] {
    let number = |number: Option<f64>| Value::or_missing(number.map(Value::measured));
    [
        number(share.map(|it| it.estimate)),
        number(share.map(|it| it.low)),
        number(share.map(|it| it.high)),
    ]
}

fn value(estimate: Option<Estimate>) -> Value {
    Value::or_missing(estimate.map(|it| Value::measured(it.value)))
}

fn of_level(level: &Level) -> Vec<Value> {
    let mut row = vec![
        Value::Number(level.load),
        Value::count(level.runs.len() as u64),
        Value::count(level.cut_short as u64),
        Value::text(level.verdict.name()),
    ];
    for estimate in [
        level.offered,
        level.served,
        level.failed,
        level.mean_ms,
        level.p50_ms,
        level.p95_ms,
        level.p99_ms,
        level.attempts,
    ] {
        row.extend(spread(estimate));
    }
    let busiest = level.busiest.as_ref();
    row.push(Value::text(busiest.map_or("", |(service, _)| service.as_str())));
    row.extend(spread(busiest.map(|(_, used)| *used)));
    row.push(Value::measured(level.power()));
    row
}

fn of_shocked(shocked: &Shocked) -> Vec<Value> {
    let mut row = vec![
        Value::Number(shocked.load),
        Value::count(shocked.runs as u64),
        Value::count(shocked.known),
        Value::count(shocked.down),
    ];
    row.extend(proportion(shocked.down_share));
    row.extend(spread(shocked.back_after_s));
    row.extend([
        value(shocked.served_before),
        value(shocked.served_end),
        value(shocked.attempts_before),
        value(shocked.attempts_end),
        Value::text(shocked.cause.unwrap_or("")),
    ]);
    row
}

fn of_branch(branch: &Branch, runs: usize) -> Vec<Value> {
    let p99 = |way: &Way| Value::or_missing(way.p99_ms.map(Value::measured));
    let (up, down) = (&branch.up, &branch.down);
    let mut row = vec![Value::Number(branch.load), Value::count(runs as u64)];
    row.extend(spread(up.served));
    row.extend(spread(down.served));
    row.extend([
        value(up.served_share),
        value(down.served_share),
        value(up.mean_ms),
        value(down.mean_ms),
        p99(up),
        p99(down),
    ]);
    row.extend(spread(branch.lost));
    row.extend(proportion(branch.differing));
    row
}
