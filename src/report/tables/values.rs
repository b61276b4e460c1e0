//! `values.csv`: what the scenario says, given or filled in.

use crate::report::table::{Schema, Table, Value, column};
use crate::scenario::{Origin, ResolvedValue};

pub const VALUES: Schema = Schema {
    name: "values",
    about: "One row for each value of the scenario with every default filled in.",
    columns: &[
        column(
            "key",
            "Where it stands in the scenario, such as `services.web.desired_count`.",
        ),
        column("value", "What it is."),
        column(
            "source",
            "`given` by the scenario, a task definition or `--set`; or `default`.",
        ),
    ],
};

pub fn values(values: &[ResolvedValue]) -> Table {
    let mut table = Table::new(&VALUES);
    for value in values {
        let source = match value.origin {
            Origin::Given => "given",
            Origin::Default => "default",
        };
        table.push(vec![
            Value::text(&value.path),
            Value::text(&value.value),
            Value::text(source),
        ]);
    }
    table
}
