//! `skew.csv`: calls between revisions that do not understand each other.

use super::events::table;
use super::label;
use crate::probe::Pool;
use crate::report::table::{Schema, Table, Value, column};

pub const SKEW: Schema = Schema {
    name: "skew",
    about: "One row for each pair of revisions that met in measured time although one needs another revision of the \
            other's service.",
    columns: &[
        column("replication", "Which run, from 0."),
        column("caller", "Service that calls."),
        column("caller_revision", "Revision of its tasks that called."),
        column("callee", "Service that is called."),
        column("callee_revision", "Revision of its tasks that were called."),
        column("calls", "Attempts of the first that reached the second."),
        column("failed", "Of these, not understood: answered 5xx, or never."),
        column(
            "first_s",
            "When the first of these came, in seconds from the end of the warm-up.",
        ),
        column("last_s", "When the last one came."),
    ],
};

pub fn skew(pool: &Pool) -> Table {
    table(
        pool,
        &SKEW,
        |record| record.skew.len(),
        |record, at| {
            let it = &record.skew[at];
            let seen = |at| Value::or_missing((it.failed > 0).then(|| Value::time(pool.blueprint, at)));
            vec![
                Value::count(record.replication.into()),
                label::service(pool.blueprint, it.caller.0),
                label::revision(it.caller.1),
                label::service(pool.blueprint, it.callee.0),
                label::revision(it.callee.1),
                Value::count(it.calls),
                Value::count(it.failed),
                seen(it.first),
                seen(it.last),
            ]
        },
    )
}
