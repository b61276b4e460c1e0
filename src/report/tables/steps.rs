//! `joins.csv`: what came of steps that are more than time.

use super::events::table;
use crate::probe::Pool;
use crate::report::table::{Schema, Table, Value, column};

pub const JOINS: Schema = Schema {
    name: "joins",
    about: "One row for each `parallel` step that joins by `first`, `quorum` or `partial`, or has a timeout.",
    columns: &[
        column("replication", "Which run, from 0."),
        column("step", "`service/operation/step`."),
        column("joins", "How often it was over in measured time."),
        column("failed", "Of these, failed: too few branches succeeded, or too late."),
        column("timed_out", "Of these, over because its time was up."),
        column(
            "missing_share",
            "Share of branches that had not succeeded when it was over.",
        ),
    ],
};

pub fn joins(pool: &Pool) -> Table {
    table(
        pool,
        &JOINS,
        |record| record.steps.joins.len(),
        |record, at| {
            let it = &record.steps.joins[at];
            let share = (it.branches > 0).then(|| Value::measured(it.missing as f64 / it.branches as f64));
            vec![
                Value::count(record.replication.into()),
                Value::text(&it.name),
                Value::count(it.joins),
                Value::count(it.failed),
                Value::count(it.timed_out),
                Value::or_missing(share),
            ]
        },
    )
}
