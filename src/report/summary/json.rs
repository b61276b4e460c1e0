//! `summary.json`: the summary for programs.
//!
//! Versioned by `format`: keys are added without changing it, a key that goes or changes its meaning changes it. Rows
//! have the columns of the tables of the same names, so that `docs/results.md` explains both.

use super::{verdicts, warnings};
use crate::probe::Pool;
use crate::report::assumptions;
use crate::report::provenance::{FORMAT, Provenance};
use crate::report::tables;
use serde_json::{Value, json};

pub fn json(pool: &Pool, provenance: &Provenance) -> Value {
    let blueprint = pool.blueprint;
    let table = |name: &str| tables::one(pool, name).expect("a table of this name").to_json();
    json!({
        "format": FORMAT,
        "wavetank": env!("CARGO_PKG_VERSION"),
        "name": blueprint.name,
        "question": blueprint.question,
        "command": provenance.command,
        "scenario_hash": provenance.scenario_hash,
        "seed": blueprint.seed,
        "replications": pool.records.len(),
        "replications_asked": blueprint.replications,
        "warm_up_s": blueprint.warm_up.seconds(),
        "truncated_s": blueprint.transient.cut.seconds(),
        "not_stationary": blueprint.transient.too_long.is_some(),
        "duration_s": blueprint.duration.seconds(),
        "verdicts": verdicts::json(pool),
        "objectives": table("objectives"),
        "summary": table("summary"),
        "cpu": cpu(pool),
        "cost": table("cost"),
        "deployments": table("deployments"),
        "deployment_summary": table("deployment_summary"),
        "skew": table("skew"),
        "failures": table("failures"),
        "time": table("time"),
        "recovery": table("recovery"),
        "stability": table("stability"),
        "calls": table("calls"),
        "amplification": table("amplification"),
        "warnings": warnings::all(pool),
        "model_left_at_default": assumptions::left_at_default(blueprint),
    })
}

fn cpu(pool: &Pool) -> Value {
    let services = pool.blueprint.services.iter().enumerate().map(|(at, service)| {
        let used = pool.cpu_utilization(crate::blueprint::ServiceIx::from_usize(at));
        let interval = used.and_then(|used| used.interval());
        let percent = |share: Option<f64>| share.map(|share| crate::report::table::significant(100.0 * share, 6));
        json!({
            "service": service.name,
            "cpu_percent": percent(used.map(|used| used.value)),
            "cpu_percent_low": percent(interval.map(|interval| interval.0)),
            "cpu_percent_high": percent(interval.map(|interval| interval.1)),
        })
    });
    Value::Array(services.collect())
}
