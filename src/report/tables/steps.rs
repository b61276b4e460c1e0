//! `joins.csv` and `caches.csv`: what came of steps that are more than time.

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

pub const CACHES: Schema = Schema {
    name: "caches",
    about: "One row for each cache, over all of its tasks.",
    columns: &[
        column("replication", "Which run, from 0."),
        column(
            "cache",
            "Its name, or the step that looks into it: `service/operation/step`.",
        ),
        column("looks", "How often somebody looked into it in measured time."),
        column("hits", "Of these, found something."),
        column(
            "coalesced",
            "Of these, found nothing and waited for somebody who fetched it already.",
        ),
        column("misses", "Of these, found nothing and fetched it."),
        column("fills", "How often something that had been fetched was kept."),
        column("hit_ratio", "Hits over looks."),
    ],
};

pub fn caches(pool: &Pool) -> Table {
    table(
        pool,
        &CACHES,
        |record| record.steps.caches.len(),
        |record, at| {
            let it = &record.steps.caches[at];
            let ratio = (it.looks > 0).then(|| Value::measured(it.hits as f64 / it.looks as f64));
            vec![
                Value::count(record.replication.into()),
                Value::text(&it.name),
                Value::count(it.looks),
                Value::count(it.hits),
                Value::count(it.coalesced),
                Value::count(it.looks - it.hits - it.coalesced),
                Value::count(it.fills),
                Value::or_missing(ratio),
            ]
        },
    )
}
