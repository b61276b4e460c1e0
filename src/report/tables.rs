//! Every file of rows that a run leaves behind, built from the records of its replications.
//!
//! One module for each family of tables; a schema (name, columns and what they mean) stands beside the builder that
//! fills it, and [`docs`] prints the schemas as `docs/results.md`. Times are on the user's clock: 0 is the end of the
//! warm-up.

pub mod attempts;
pub mod candidates;
pub mod comparison;
pub mod cost;
pub mod credits;
pub mod cross_checks;
pub mod deployments;
pub mod distribution;
pub mod docs;
pub mod events;
pub mod failures;
pub mod journeys;
pub mod label;
pub mod objectives;
pub mod queues;
pub mod runs;
pub mod skew;
pub mod stability;
pub mod steps;
pub mod stress;
pub mod summary;
pub mod time;
pub mod timeline;
pub mod values;

use super::table::{Schema, Table};
use crate::probe::Pool;

/// The tables of one run, in the order in which a reader wants them.
pub const SCHEMAS: [&Schema; 26] = [
    &summary::SUMMARY,
    &distribution::DISTRIBUTION,
    &objectives::OBJECTIVES,
    &summary::BREAKDOWN,
    &failures::FAILURES,
    &journeys::JOURNEYS,
    &attempts::CALLS,
    &attempts::AMPLIFICATION,
    &time::TIME,
    &stability::RECOVERY,
    &stability::STABILITY,
    &timeline::TIMELINE,
    &events::EVENTS,
    &deployments::DEPLOYMENTS,
    &deployments::DEPLOYMENT_SUMMARY,
    &deployments::DEPLOYMENT_STEPS,
    &skew::SKEW,
    &steps::JOINS,
    &steps::CACHES,
    &queues::QUEUES,
    &events::SCALING,
    &events::TASKS,
    &events::INSTANCES,
    &credits::CREDITS,
    &cost::COST,
    &cross_checks::CROSS_CHECKS,
];

/// Every table that an expectation may speak of, with its columns: those of a run and the comparison of several.
pub fn names() -> impl Iterator<Item = (&'static str, Vec<&'static str>)> {
    let columns = |schema: &'static Schema| schema.columns.iter().map(|column| column.name).collect();
    SCHEMAS
        .into_iter()
        .chain([&comparison::COMPARISON])
        .map(move |schema| (schema.name, columns(schema)))
}

/// All tables of one run, in the order of [`SCHEMAS`].
pub fn all(pool: &Pool) -> Vec<Table> {
    SCHEMAS
        .iter()
        .map(|schema| one(pool, schema.name).expect("every schema has its builder"))
        .collect()
}

/// The table of that name. `None` if there is no such table.
pub fn one(pool: &Pool, name: &str) -> Option<Table> {
    let table = match name {
        "summary" => summary::summary(pool),
        "distribution" => distribution::distribution(pool),
        "objectives" => objectives::objectives(pool),
        "breakdown" => summary::breakdown(pool),
        "failures" => failures::failures(pool),
        "journeys" => journeys::journeys(pool),
        "calls" => attempts::calls(pool),
        "amplification" => attempts::amplification(pool),
        "time" => time::time(pool),
        "recovery" => stability::recovery_table(pool),
        "stability" => stability::stability_table(pool),
        "timeline" => timeline::timeline(pool),
        "events" => events::events(pool),
        "deployments" => deployments::deployments(pool),
        "deployment_summary" => deployments::deployment_summary(pool),
        "deployment_steps" => deployments::deployment_steps(pool),
        "skew" => skew::skew(pool),
        "joins" => steps::joins(pool),
        "caches" => steps::caches(pool),
        "queues" => queues::queues(pool),
        "scaling" => events::scaling(pool),
        "tasks" => events::tasks(pool),
        "instances" => events::instances(pool),
        "credits" => credits::credits(pool),
        "cost" => cost::cost(pool),
        "cross_checks" => cross_checks::cross_checks(pool),
        _ => return None,
    };
    Some(table)
}

#[cfg(test)]
mod tests;
