//! What the answer rests on, and where it comes from.

use super::results::Results;
use crate::report::words::{count, short};
use serde::Serialize;

/// Values that are listed; the others are in `values.csv`.
const VALUES_MOST: usize = 300;
/// A scenario longer than this is not embedded whole.
const TEXT_MOST: usize = 200_000;

#[derive(Serialize)]
pub struct Honesty {
    warnings: Vec<String>,
    given: String,
    defaulted: String,
    values: Vec<[String; 2]>,
    values_left_out: usize,
    model: Vec<String>,
    checks: Vec<Check>,
    not_modelled: &'static str,
}

#[derive(Serialize)]
struct Check {
    law: String,
    place: String,
    measured: String,
    expected: String,
    verdict: String,
    class: &'static str,
}

pub fn honesty(results: &Results) -> Honesty {
    let texts = |key: &str| -> Vec<String> {
        let list = results.summary[key].as_array().into_iter().flatten();
        list.filter_map(|it| it.as_str()).map(str::to_owned).collect()
    };
    let values = results.sheet("values");
    let given = values.rows().filter(|row| row.text("source") == "given").count();
    let left: Vec<[String; 2]> = values
        .rows()
        .filter(|row| row.text("source") != "given")
        .map(|row| [row.text("key").to_owned(), row.text("value").to_owned()])
        .collect();
    let told = |measured: &str, number: Option<f64>| {
        format!(
            "{measured} {}",
            number.map_or("–".to_owned(), |number| short(number, 4))
        )
    };
    let checks = results.sheet("cross_checks").rows().map(|row| Check {
        law: row.text("law").to_owned(),
        place: row.text("where").to_owned(),
        measured: told(row.text("measured_of"), row.number("measured")),
        expected: told(row.text("expected_of"), row.number("expected")),
        verdict: row.text("verdict").to_owned(),
        class: if row.text("verdict").starts_with("holds") {
            "good"
        } else {
            "doubt"
        },
    });
    Honesty {
        warnings: texts("warnings"),
        given: count(given as u64),
        defaulted: count(left.len() as u64),
        values_left_out: left.len().saturating_sub(VALUES_MOST),
        values: left.into_iter().take(VALUES_MOST).collect(),
        model: texts("model_left_at_default"),
        checks: checks.collect(),
        not_modelled: "Memory in use is simulated where a service says what its requests take of it; no table holds it over \
                       time, so there is no chart of it. Tasks are placed and billed by what they reserve.",
    }
}

#[derive(Serialize)]
pub struct Origin {
    rows: Vec<[String; 2]>,
    command: String,
    scenario: Option<String>,
    cut: bool,
    resolved: Option<String>,
}

pub fn origin(results: &Results) -> Origin {
    let manifest = &results.manifest;
    let text = |key: &str| match &manifest[key] {
        serde_json::Value::String(text) => text.clone(),
        serde_json::Value::Null => "–".to_owned(),
        other => other.to_string(),
    };
    let settings = manifest["settings"].as_array().into_iter().flatten();
    let settings: Vec<&str> = settings.filter_map(|it| it.as_str()).collect();
    let mut rows = vec![
        ["wavetank".to_owned(), text("wavetank")],
        ["scenario".to_owned(), text("scenario")],
        ["scenario's hash".to_owned(), text("scenario_hash")],
        ["seed".to_owned(), text("seed")],
        ["generator contract".to_owned(), text("generator_contract")],
        ["format of results".to_owned(), text("format")],
    ];
    if !settings.is_empty() {
        rows.push(["settings".to_owned(), settings.join("  ")]);
    }
    let cut = |text: &Option<String>| {
        text.as_ref()
            .map(|text| text.chars().take(TEXT_MOST).collect::<String>())
    };
    Origin {
        rows,
        command: text("command"),
        scenario: cut(&results.scenario),
        cut: results
            .scenario
            .as_ref()
            .is_some_and(|text| text.chars().count() > TEXT_MOST),
        resolved: cut(&results.resolved),
    }
}
