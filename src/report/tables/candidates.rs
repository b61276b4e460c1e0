//! `candidates.csv` and `candidate_objectives.csv`: what a search for the cheapest candidate has found.

use super::cost::HOURS_PER_MONTH;
use crate::experiment::size::procedure::{Standing, Status};
use crate::experiment::size::{Found, Seen, Sizing};
use crate::report::table::{Schema, Table, Value, column};

pub const CANDIDATES: Schema = Schema {
    name: "candidates",
    about: "One row for each candidate of `wavetank size`, in the order of the values.",
    columns: &[
        column("candidate", "Its name: what was chosen."),
        column("settings", "The same as `path=value`, joined by `; `, for `--set`."),
        column(
            "status",
            "`winner`; `dearer` (shown not to be cheaper than the winner by more than the indifference zone), \
             `infeasible` (shown to miss an objective), or `undecided`.",
        ),
        column(
            "meets",
            "Whether it meets every objective in every situation by the search's runs: `yes`, `no`, or `undecided` \
             (also if it was not run through all).",
        ),
        column("runs", "Runs of the scenario as written."),
        column("runs_of_what_ifs", "Runs in each what-if."),
        column("fresh_runs", "Runs in each situation that confirmed it."),
        column("cost_usd_per_hour", "As written, the mean over the search's runs."),
        column(
            "cost_usd_per_hour_low",
            "Its 95 % interval; empty if there is one run, or all agree.",
        ),
        column("cost_usd_per_hour_high", ""),
        column("cost_usd_per_month", "730 such hours."),
        column(
            "dearer_usd_per_hour",
            "Its cost less the winner's, run by run on the same luck.",
        ),
        column(
            "dearer_usd_per_hour_low",
            "Its interval; those of all candidates hold together at the confidence asked for (Bonferroni).",
        ),
        column("dearer_usd_per_hour_high", ""),
        column("worst_objective", "What comes nearest to a miss, or misses by most."),
        column("worst_situation", "And when."),
        column(
            "worst_strain",
            "Of it, the share that is used of what is allowed (slow or failed requests, latency, money); above 1 it is \
             missed; empty if nothing was served.",
        ),
    ],
};

pub const CANDIDATE_OBJECTIVES: Schema = Schema {
    name: "candidate_objectives",
    about: "One row for each candidate of `wavetank size`, situation that it was run in, and objective: by fresh runs for \
            a candidate that has them.",
    columns: &[
        column("candidate", "Its name."),
        column("situation", "`as written`, or the what-if."),
        column("objective", "Name of the objective."),
        column("verdict", "`met`, `not met` or `undecided`, at 95 % each."),
        column(
            "value",
            "As in `objectives.csv`, of the window that decides; empty if nothing was served.",
        ),
        column("bound", "What it was to keep to."),
        column(
            "judged",
            "What is compared: for a percentile the share of served requests within the bound, else the value.",
        ),
        column("judged_low", "Its 95 % interval over runs."),
        column("judged_high", ""),
        column(
            "margin",
            "How far the judged figure is on the good side; negative on the bad side.",
        ),
        column(
            "strain",
            "The share that is used of what is allowed; above 1 it is missed.",
        ),
        column("replications", "Runs."),
        column("replications_met", "Runs that met it by their own values."),
        column("note", "`cut short` if a limit ended a run."),
    ],
};

/// The name of a status in tables.
pub const fn status(status: Status) -> &'static str {
    match status {
        Status::Winner => "winner",
        Status::Dearer => "dearer",
        Status::Infeasible => "infeasible",
        Status::Undecided => "undecided",
    }
}

/// What was chosen, as `path=value`.
pub fn settings(found: &Found) -> impl Iterator<Item = String> {
    found.settings.iter().map(|(path, value)| format!("{path}={value}"))
}

pub fn candidates(sizing: &Sizing) -> Table {
    let mut table = Table::new(&CANDIDATES);
    let number = |number: Option<f64>| Value::or_missing(number.map(Value::measured));
    for found in &sizing.found {
        let cost = found.cost.map(|cost| cost.value);
        let interval = found.cost.and_then(|cost| cost.interval());
        let worst = found.worst();
        let settings: Vec<String> = settings(found).collect();
        table.push(vec![
            Value::text(&found.name),
            Value::Text(settings.join("; ")),
            Value::text(status(found.status)),
            Value::text(match found.standing {
                Standing::Feasible => "yes",
                Standing::Infeasible => "no",
                Standing::Undecided => "undecided",
            }),
            Value::count(found.runs as u64),
            Value::count(found.runs_of_what_ifs as u64),
            Value::count(found.fresh as u64),
            number(cost),
            number(interval.map(|(low, _)| low)),
            number(interval.map(|(_, high)| high)),
            number(cost.map(|cost| cost * HOURS_PER_MONTH)),
            number(found.dearer.map(|dearer| dearer.estimate)),
            number(found.dearer.map(|dearer| dearer.low)),
            number(found.dearer.map(|dearer| dearer.high)),
            Value::or_missing(worst.map(|worst| Value::text(&sizing.objectives[worst.objective].name))),
            Value::or_missing(worst.map(|worst| Value::text(&sizing.situations[worst.situation]))),
            number(worst.map(|worst| worst.strain)),
        ]);
    }
    table
}

pub fn candidate_objectives(sizing: &Sizing) -> Table {
    let mut table = Table::new(&CANDIDATE_OBJECTIVES);
    for found in &sizing.found {
        for seen in &found.seen {
            table.push(seen_row(sizing, found, seen));
        }
    }
    table
}

fn seen_row(sizing: &Sizing, found: &Found, seen: &Seen) -> Vec<Value> {
    let number = |number: Option<f64>| Value::or_missing(number.map(Value::measured));
    let worst = &seen.judgement.worst;
    let interval = worst.judged.and_then(|judged| judged.interval());
    vec![
        Value::text(&found.name),
        Value::text(&sizing.situations[seen.situation]),
        Value::text(&sizing.objectives[seen.objective].name),
        Value::text(worst.verdict.name()),
        number(worst.value),
        Value::measured(worst.bound),
        number(worst.judged.map(|judged| judged.value)),
        number(interval.map(|(low, _)| low)),
        number(interval.map(|(_, high)| high)),
        number(worst.margin),
        Value::measured(seen.strain),
        Value::count(seen.judgement.runs as u64),
        Value::count(seen.judgement.runs_met as u64),
        if seen.cut_short {
            Value::text("cut short")
        } else {
            Value::Missing
        },
    ]
}
