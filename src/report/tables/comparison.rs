//! `comparison.csv`: how the variants of an experiment differ, figure by figure.

use crate::experiment::Comparison;
use crate::report::table::{Schema, Table, Value, column};

pub const COMPARISON: Schema = Schema {
    name: "comparison",
    about: "One row for each figure and pair of variants, written when an experiment compares. Differences are taken \
            run by run between replications that drew the same luck.",
    columns: &[
        column(
            "figure",
            "What is compared, with its unit: `failed_share`, `p99_ms`, `cost_usd_per_hour`, `deployment_duration_s`, …",
        ),
        column(
            "class",
            "Request class; `all` for all of them, or if the figure is not about requests.",
        ),
        column("base", "The variant compared with."),
        column("variant", "The variant."),
        column("base_value", "Mean over the paired runs."),
        column("variant_value", "Likewise."),
        column("difference", "Variant minus base, the mean over the paired runs."),
        column(
            "difference_low",
            "Its interval over runs. All intervals of the table hold together at 95 % (Bonferroni).",
        ),
        column("difference_high", ""),
        column("pairs", "Replications in which both variants have the figure."),
        column(
            "finding",
            "`<variant> better`, `within noise`, `no difference`, `different`, `too few runs`, or `no winner: shares \
             served differ` for a latency where the variants did not serve the same share.",
        ),
    ],
};

pub fn comparison(comparison: &Comparison) -> Table {
    let mut table = Table::new(&COMPARISON);
    for row in &comparison.rows {
        table.push(vec![
            Value::text(row.figure.name()),
            Value::text(row.class.as_deref().unwrap_or("all")),
            Value::text(&row.base),
            Value::text(&row.variant),
            Value::measured(row.base_mean),
            Value::measured(row.variant_mean),
            Value::measured(row.difference),
            Value::or_missing(row.interval.map(|interval| Value::measured(interval.low))),
            Value::or_missing(row.interval.map(|interval| Value::measured(interval.high))),
            Value::count(row.pairs as u64),
            Value::Text(row.words()),
        ]);
    }
    table
}
