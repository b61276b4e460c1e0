//! `objectives.csv`: each objective's verdict, window by window.

use super::label;
use crate::blueprint::{Measure, Objective, Scope};
use crate::experiment::verdict::runs_to_decide;
use crate::probe::verdict::{self, WindowJudgement};
use crate::probe::{Pool, Precision};
use crate::report::table::{Schema, Table, Value, column};

pub const OBJECTIVES: Schema = Schema {
    name: "objectives",
    about: "One row for each objective over the whole run (scope `whole`, `during` or `every`: its worst window), then \
            one for each window of those with several.",
    columns: &[
        column("objective", "Name of the objective."),
        column("class", "Request class that it is about, or `all`."),
        column(
            "measure",
            "`p99_ms` (or another percentile), `mean_ms`, `availability` or `cost_usd_per_hour`.",
        ),
        column(
            "scope",
            "`whole`, `during`, `every`, or `window` for a row about one window.",
        ),
        column(
            "from_s",
            "Start of the window that decides, in seconds from the end of the warm-up.",
        ),
        column("to_s", "Its end."),
        column(
            "verdict",
            "`met`, `not met` or `undecided` (the interval straddles the bound).",
        ),
        column(
            "value",
            "The measure's value over all runs; empty if nothing was served.",
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
            "error_budget_burnt",
            "For availability: failures over the failures allowed; 1 is all of it.",
        ),
        column("windows", "Windows in which requests came."),
        column("windows_met", "Of these, met."),
        column("replications", "Runs."),
        column(
            "replications_met",
            "Runs that met it in every window by their own values.",
        ),
        column(
            "replications_to_decide",
            "Of an undecided row: runs that would probably decide it if the figures stayed as they are; empty if the value \
             lies on its bound.",
        ),
        column("note", "Why there is no interval."),
    ],
};

pub fn objectives(pool: &Pool) -> Table {
    let mut table = Table::new(&OBJECTIVES);
    for (at, (objective, judgement)) in pool.blueprint.objectives.iter().zip(pool.judge()).enumerate() {
        let counts = [
            judgement.windows,
            judgement.windows_met,
            judgement.runs,
            judgement.runs_met,
        ];
        let counts = counts.map(|count| Value::count(count as u64));
        table.push(row(pool, objective, scope(objective.scope), &judgement.worst, counts));
        if judgement.windows > 1 {
            let none = || [Value::Missing, Value::Missing, Value::Missing, Value::Missing];
            for window in pool.judge_windows(at, objective) {
                table.push(row(pool, objective, "window", &window, none()));
            }
        }
    }
    table
}

/// Name of a measure as it stands in the tables.
pub fn measure(measure: &Measure) -> String {
    match measure {
        Measure::Latency { quantile, .. } => {
            let percent = crate::report::table::significant(quantile * 100.0, 9)
                .to_string()
                .replace('.', "_");
            format!("p{percent}_ms")
        }
        Measure::MeanLatency { .. } => "mean_ms".to_owned(),
        Measure::Availability { .. } => "availability".to_owned(),
        Measure::CostPerHour { .. } => "cost_usd_per_hour".to_owned(),
    }
}

const fn scope(scope: Scope) -> &'static str {
    match scope {
        Scope::Whole => "whole",
        Scope::During(..) => "during",
        Scope::Every(_) => "every",
    }
}

fn row(
    pool: &Pool,
    objective: &Objective,
    scope: &'static str,
    window: &WindowJudgement,
    counts: [Value; 4],
) -> Vec<Value> {
    let number = |number: Option<f64>| Value::or_missing(number.map(Value::measured));
    let interval = window.judged.and_then(|judged| judged.interval());
    let mut row = vec![
        Value::text(&objective.name),
        objective
            .class
            .map_or_else(|| Value::text("all"), |class| label::class(pool.blueprint, class)),
        Value::Text(measure(&objective.measure)),
        Value::text(scope),
        Value::Number(window.from_s),
        Value::Number(window.to_s),
        Value::text(window.verdict.name()),
        number(window.value),
        Value::measured(window.bound),
        number(window.judged.map(|judged| judged.value)),
        number(interval.map(|(low, _)| low)),
        number(interval.map(|(_, high)| high)),
        number(window.margin),
        number(budget_burnt(objective, window)),
    ];
    row.extend(counts);
    let decisive = runs_to_decide(window, pool.records.len());
    row.push(Value::or_missing(decisive.map(|runs| Value::count(u64::from(runs)))));
    row.push(match window.precision() {
        Some(Precision::Between { .. }) => Value::Missing,
        Some(precision) => Value::text(precision.note()),
        None if window.value.is_none() => Value::text("nothing served"),
        None => Value::Missing,
    });
    row
}

/// Share of the error budget that is gone; `None` if the objective is not about availability, or allows no failure.
pub fn budget_burnt(objective: &Objective, window: &WindowJudgement) -> Option<f64> {
    let Measure::Availability { at_least } = objective.measure else {
        return None;
    };
    let allowed = 1.0 - at_least.get();
    let failed = 1.0 - window.value?;
    (allowed > 0.0).then(|| failed / allowed)
}

/// For captions: the bound in words, `p99 ≤ 400 ms`.
pub fn bound_in_words(objective: &Objective) -> String {
    let number = |number: f64| crate::report::table::significant(number, 6);
    match objective.measure {
        Measure::Latency { quantile, at_most } => {
            format!("p{} ≤ {} ms", number(quantile * 100.0), number(at_most.millis()))
        }
        Measure::MeanLatency { at_most } => format!("mean ≤ {} ms", number(at_most.millis())),
        Measure::Availability { at_least } => format!("≥ {} % served", number(at_least.get() * 100.0)),
        Measure::CostPerHour { at_most_usd } => format!("cost ≤ {} USD an hour", number(at_most_usd)),
    }
}

/// For captions: value and unit.
pub fn value_in_words(objective: &Objective, value: f64) -> String {
    match objective.measure {
        Measure::Availability { .. } => format!("{} %", crate::report::table::significant(value * 100.0, 5)),
        _ => format!(
            "{} {}",
            crate::report::table::significant(value, 4),
            verdict::unit(&objective.measure)
        ),
    }
}
