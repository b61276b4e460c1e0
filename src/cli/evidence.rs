//! The results tables as expectations see them.
//!
//! Expectations stand below the report that makes the tables; here the two meet. A table of one run is built by the
//! same builder from that run's record alone.

use crate::experiment::expect::{Evidence, Grid, Seen};
use crate::experiment::{Comparison, Outcome};
use crate::probe::{Judgement, Pool};
use crate::report::table::{Table, Value};
use crate::report::tables;

/// What the runs of a scenario have left.
pub struct Results<'a> {
    outcome: &'a Outcome,
    comparison: Option<&'a Comparison>,
    judgements: Vec<Judgement>,
}

impl<'a> Results<'a> {
    pub fn new(outcome: &'a Outcome, comparison: Option<&'a Comparison>) -> Self {
        let judgements = Pool::new(&outcome.blueprint, &outcome.records).judge();
        Results {
            outcome,
            comparison,
            judgements,
        }
    }
}

impl Evidence for Results<'_> {
    fn table(&self, name: &str) -> Option<Grid> {
        let table = match (name, self.comparison) {
            ("comparison", comparison) => tables::comparison::comparison(comparison?),
            _ => tables::one(&Pool::new(&self.outcome.blueprint, &self.outcome.records), name)?,
        };
        Some(grid(&table))
    }

    fn table_of_run(&self, name: &str, run: usize) -> Option<Grid> {
        let record = std::slice::from_ref(&self.outcome.records[run]);
        tables::one(&Pool::new(&self.outcome.blueprint, record), name).map(|table| grid(&table))
    }

    fn runs(&self) -> usize {
        self.outcome.records.len()
    }

    fn table_names(&self) -> Vec<String> {
        let compared = self.comparison.map(|_| "comparison");
        tables::SCHEMAS
            .iter()
            .map(|schema| schema.name)
            .chain(compared)
            .map(str::to_owned)
            .collect()
    }

    fn verdict(&self, objective: &str) -> Option<&'static str> {
        let named = |at: &usize| self.outcome.blueprint.objectives[*at].name == objective;
        (0..self.judgements.len())
            .find(named)
            .map(|at| self.judgements[at].verdict.name())
    }
}

fn grid(table: &Table) -> Grid {
    let seen = |value: &Value| match value {
        Value::Text(text) => Seen::Text(text.clone()),
        Value::Integer(integer) => Seen::Number(*integer as f64),
        Value::Number(number) => Seen::Number(*number),
        Value::Missing => Seen::Nothing,
    };
    Grid {
        columns: table
            .schema
            .columns
            .iter()
            .map(|column| column.name.to_owned())
            .collect(),
        rows: table.rows.iter().map(|row| row.iter().map(seen).collect()).collect(),
    }
}
