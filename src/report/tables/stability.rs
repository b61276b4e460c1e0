//! `stability.csv` and `recovery.csv`: whether the system comes back after what befell it.

use crate::blueprint::Blueprint;
use crate::probe::stability::{Seen, Stability, Standing, attempts_per_request, stability};
use crate::probe::{Estimate, Pool, estimate};
use crate::report::table::{Schema, Table, Value, column};
use crate::stats::interval::Interval;
use crate::stats::proportion::clopper_pearson;
use crate::units::Span;

pub const STABILITY: Schema = Schema {
    name: "stability",
    about: "One row for each run that something befell in measured time: a fault, a deployment, a spike of traffic. A window \
            of the timeline is *in the band* if it serves its requests as before the first of them (5 % less, or three \
            standard deviations), with at most twice the mean latency. The system is back at the first window in the band \
            of which at least eight of the next ten are, too, if eight of the last ten of the run are.",
    columns: &[
        column("replication", "Which run, from 0."),
        column("trigger", "What befell it."),
        column(
            "from_s",
            "When the first of these began, in seconds from the end of the warm-up.",
        ),
        column("to_s", "When the last of these was over."),
        column(
            "verdict",
            "`unharmed` (never left the band), `back`, `stays_down`, or `not_known` (the trigger lasts until the end, or \
             nothing came before it).",
        ),
        column("back_after_s", "From the end of the trigger, to the window."),
        column("goodput_back_after_s", "By what was served alone."),
        column("latency_back_after_s", "By the latency of what was served alone."),
        column("availability_before", "Before the trigger."),
        column("availability_end", "In the last ten windows."),
        column("mean_ms_before", "Mean latency of served requests before the trigger."),
        column("mean_ms_end", "In the last ten windows."),
        column(
            "attempts_per_request_before",
            "Attempts that clients and calls sent for each offered request before the trigger.",
        ),
        column("attempts_per_request_end", "In the last ten windows."),
        column(
            "loop",
            "Of a run that stays down, what likely keeps it there: `retries`, `cold_cache`, `no_connections`, `wasted_work`, \
             `unhealthy_tasks`, `scaled_in`, `turned_away`, `queue`, `cpu` or `unknown`.",
        ),
        column("evidence", "What was measured in the last ten windows."),
    ],
};

pub const RECOVERY: Schema = Schema {
    name: "recovery",
    about: "One row: how likely the system comes back. Empty if nothing befell it.",
    columns: &[
        column("runs", "Runs whose verdict is known."),
        column("came_back", "Of these, `back` or `unharmed`."),
        column(
            "came_back_share",
            "Their share, with the exact interval of a proportion (Clopper and Pearson).",
        ),
        column("came_back_share_low", ""),
        column("came_back_share_high", ""),
        column("back_after_s", "Mean over the runs that came back."),
        column("back_after_s_low", "Its 95 % interval over runs."),
        column("back_after_s_high", ""),
        column("goodput_back_after_s", "The same, by what was served alone."),
        column("loop", "What most of the runs that stay down have for a cause."),
    ],
};

/// How each run stands; runs that nothing befell are left out.
pub fn of_runs(pool: &Pool) -> Vec<(u32, Stability)> {
    let runs = pool.records.iter();
    runs.filter_map(|record| Some((record.replication, stability(pool.blueprint, record)?)))
        .collect()
}

pub fn stability_table(pool: &Pool) -> Table {
    let mut table = Table::new(&STABILITY);
    for (replication, it) in of_runs(pool) {
        table.push(row(pool.blueprint, replication, &it));
    }
    table
}

fn row(blueprint: &Blueprint, replication: u32, it: &Stability) -> Vec<Value> {
    let span = |span: Option<Span>| Value::or_missing(span.map(Value::span));
    let number = |number: Option<f64>| Value::or_missing(number.map(Value::measured));
    let availability = |seen: &Seen| (seen.offered > 0).then(|| seen.served as f64 / seen.offered as f64);
    let mean = |seen: &Seen| (seen.served > 0).then(|| seen.latency_sum as f64 / seen.served as f64 / 1e6);
    let evidence: Vec<&str> = it.evidence.iter().map(|(_, words)| words.as_str()).collect();
    vec![
        Value::count(replication.into()),
        Value::text(it.trigger.names.join("; ")),
        Value::time(blueprint, it.trigger.from),
        Value::time(blueprint, it.trigger.to),
        Value::text(it.standing.name()),
        span(it.back_after),
        span(it.goodput_back_after),
        span(it.latency_back_after),
        number(availability(&it.before)),
        number(availability(&it.end)),
        number(mean(&it.before)),
        number(mean(&it.end)),
        number(attempts_per_request(&it.before)),
        number(attempts_per_request(&it.end)),
        Value::text(it.evidence.first().map_or("", |(kind, _)| kind.name())),
        Value::text(evidence.join("; ")),
    ]
}

/// Of all runs together.
pub struct Recovery {
    pub came_back: u64,
    pub share: Interval,
    /// `None` if none came back, or all were unharmed.
    pub after_s: Option<Estimate>,
    pub goodput_after_s: Option<Estimate>,
    pub cause: Option<&'static str>,
}

/// `None` if no run has a verdict.
pub fn recovery(pool: &Pool, runs: &[(u32, Stability)]) -> Option<Recovery> {
    let known: Vec<&Stability> = runs
        .iter()
        .map(|(_, it)| it)
        .filter(|it| it.standing != Standing::NotKnown)
        .collect();
    let down = known.iter().filter(|it| it.standing == Standing::StaysDown).count();
    let came_back = (known.len() - down) as u64;
    let mean = |span: fn(&Stability) -> Option<Span>| {
        let backs = known.iter().filter(|it| matches!(it.standing, Standing::Back { .. }));
        let seconds: Vec<f64> = backs.filter_map(|it| span(it)).map(Span::seconds).collect();
        estimate::mean(&seconds, pool.level)
    };
    let mut causes: Vec<&'static str> = known
        .iter()
        .filter_map(|it| it.evidence.first().map(|(kind, _)| kind.name()))
        .collect();
    causes.sort_unstable();
    let cause = causes.chunk_by(|a, b| a == b).max_by_key(|same| same.len());
    Some(Recovery {
        came_back,
        share: clopper_pearson(came_back, known.len() as u64, pool.level)?,
        after_s: mean(|it| it.back_after),
        goodput_after_s: mean(|it| it.goodput_back_after),
        cause: cause.map(|same| same[0]),
    })
}

pub fn recovery_table(pool: &Pool) -> Table {
    let mut table = Table::new(&RECOVERY);
    let Some(it) = recovery(pool, &of_runs(pool)) else {
        return table;
    };
    let interval = it.after_s.and_then(|after| after.interval());
    let number = |number: Option<f64>| Value::or_missing(number.map(Value::measured));
    table.push(vec![
        Value::count(it.share.n),
        Value::count(it.came_back),
        Value::measured(it.share.estimate),
        Value::measured(it.share.low),
        Value::measured(it.share.high),
        number(it.after_s.map(|after| after.value)),
        number(interval.map(|(low, _)| low)),
        number(interval.map(|(_, high)| high)),
        number(it.goodput_after_s.map(|after| after.value)),
        Value::text(it.cause.unwrap_or("")),
    ]);
    table
}
