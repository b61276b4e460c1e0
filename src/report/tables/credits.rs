//! `credits.csv`: CPU credits of burstable instances.

use super::events::table;
use super::label;
use crate::probe::Pool;
use crate::report::table::{Schema, Table, Value, column};

pub const CREDITS: Schema = Schema {
    name: "credits",
    about: "One row for each window of the timeline and each instance of a T family, at its end or that of the instance. A \
            credit is a vCPU at full use for a minute.",
    columns: &[
        column("replication", "Which run, from 0."),
        column("time_s", "In seconds from the end of the warm-up."),
        column("auto_scaling_group", "By its capacity provider's name."),
        column("instance", "Its number, as in `instances.csv`."),
        column("cpu_credit_balance", "Credits that it has saved."),
        column("cpu_credit_usage", "Credits used since the row before."),
        column(
            "cpu_surplus_credit_balance",
            "Credits borrowed in `unlimited` mode and not paid back.",
        ),
        column(
            "cpu_surplus_credits_charged",
            "Credits borrowed beyond what a day earns since the row before, which are paid for at once.",
        ),
        column(
            "vcpus",
            "What the instance gives: fewer than it has while credits are out in `standard` mode.",
        ),
    ],
};

pub fn credits(pool: &Pool) -> Table {
    table(
        pool,
        &CREDITS,
        |record| record.credits.len(),
        |record, at| {
            let it = &record.credits[at];
            vec![
                Value::count(record.replication.into()),
                Value::time(pool.blueprint, it.at),
                label::group(pool.blueprint, it.group),
                Value::count(it.instance.into()),
                Value::measured(it.balance),
                Value::measured(it.used),
                Value::measured(it.surplus),
                Value::measured(it.charged),
                Value::measured(it.ceiling),
            ]
        },
    )
}
