//! The tables of the made-up shop: goldens of the small ones, and that the large ones add up.

use super::*;
use crate::probe::{Pool, Toll};
use crate::report::sample;
use crate::report::table::Value;

fn csv(table: &Table) -> String {
    String::from_utf8(table.to_csv()).expect("CSV is UTF-8")
}

#[test]
fn deployments_are_told_in_one_row_and_step_by_step() {
    let shop = sample::shop();
    let runs = sample::runs(&shop, 1);
    let pool = Pool::new(&shop, &runs);
    insta::assert_snapshot!("deployments", csv(&deployments::deployments(&pool)));
    insta::assert_snapshot!("deployment_steps", csv(&deployments::deployment_steps(&pool)));
}

#[test]
fn objectives_have_a_row_each_and_one_for_each_window() {
    let shop = sample::shop();
    let runs = sample::runs(&shop, 1);
    let table = objectives::objectives(&Pool::new(&shop, &runs));
    // Three objectives, one of them in 24 windows.
    assert_eq!(table.rows.len(), 3 + 24);
    let shown = Table {
        rows: table.rows[..4].to_vec(),
        ..table
    };
    insta::assert_snapshot!("objectives", csv(&shown));
}

#[test]
fn what_extra_tasks_cost_is_their_time_at_fargates_price() {
    let shop = sample::shop();
    let runs = sample::runs(&shop, 1);
    let table = deployments::deployments(&Pool::new(&shop, &runs));
    let at = table.column("extra_cost_usd").expect("a column");
    // 500 vCPU-s and 1,000 GiB-s at 0.04048 and 0.004445 USD an hour: 0.005622 + 0.001235.
    assert_eq!(table.rows[0][at], Value::Number(0.00685694));
}

#[test]
fn errors_above_the_old_revisions_are_those_it_would_not_have_made() {
    // The old one failed 3 of 10,000 before; of the new one's 480 it would have failed 0.144, where 117 failed.
    let shop = sample::shop();
    let runs = sample::runs(&shop, 1);
    let above = Toll::ErrorsAboveOld.of(&shop, &runs[0].deployments[0]);
    assert!((above.expect("both were counted") - 116.856).abs() < 1e-9, "{above:?}");
}

#[test]
fn the_peak_of_extra_tasks_costs_their_price_of_an_hour() {
    // Four tasks of half a vCPU and 1 GiB: 4 × (0.5 × 0.04048 + 0.004445).
    let shop = sample::shop();
    let runs = sample::runs(&shop, 1);
    let peak = Toll::PeakExtraCost.of(&shop, &runs[0].deployments[0]);
    assert!((peak.expect("it runs on Fargate") - 0.09874).abs() < 1e-12, "{peak:?}");
}

#[test]
fn a_deployment_has_a_row_for_each_figure_over_the_runs_that_have_it() {
    let shop = sample::shop();
    let runs = sample::runs(&shop, 3);
    let pool = Pool::new(&shop, &runs);
    let table = deployments::deployment_summary(&pool);
    insta::assert_snapshot!("deployment_summary", csv(&table));
}

#[test]
fn the_timeline_and_the_breakdown_add_up_to_the_summary() {
    let shop = sample::shop();
    let runs = sample::runs(&shop, 2);
    let pool = Pool::new(&shop, &runs);
    let number = |table: &Table, row: &[Value], column: &str| {
        row[table.column(column).expect("a column")]
            .as_number()
            .expect("a number") as u64
    };
    let summary = one(&pool, "summary").expect("a table");
    let timeline = one(&pool, "timeline").expect("a table");
    let breakdown = one(&pool, "breakdown").expect("a table");
    for row in &summary.rows {
        let of = |column: &str| number(&summary, row, column);
        let class = &row[0];
        assert_eq!(of("offered"), of("served") + of("failed"));
        let at = timeline.column("class").expect("a column");
        for column in ["offered", "served", "failed", "failed_gateway_timeout_504"] {
            let windows = timeline.rows.iter().filter(|row| row[at] == *class);
            let sum: u64 = windows.map(|row| number(&timeline, row, column)).sum();
            assert_eq!(sum, of(column), "{column} of {class:?}");
        }
        let finest = |row: &&Vec<Value>| row[0] == *class && row[1] != Value::Missing;
        let answered = breakdown
            .rows
            .iter()
            .filter(finest)
            .map(|row| number(&breakdown, row, "answered"));
        let answered: u64 = answered.sum();
        assert!(*class == Value::text("all") || answered == of("offered"), "{class:?}");
    }
}

#[test]
fn the_columns_of_failures_are_the_outcomes_in_their_order() {
    for (schema, first) in [(&summary::SUMMARY, 6), (&timeline::TIMELINE, 8)] {
        for (at, outcome) in summary::failures().enumerate() {
            assert_eq!(schema.columns[first + at].name, format!("failed_{}", outcome.name()));
        }
    }
}

#[test]
fn every_schema_has_its_builder_and_every_table_its_schema() {
    let shop = sample::shop();
    let runs = sample::runs(&shop, 1);
    let tables = all(&Pool::new(&shop, &runs));
    let names: Vec<&str> = tables.iter().map(|table| table.schema.name).collect();
    let schemas: Vec<&str> = SCHEMAS.iter().map(|schema| schema.name).collect();
    assert_eq!(names, schemas);
    assert!(one(&Pool::new(&shop, &runs), "nonsense").is_none());
}
