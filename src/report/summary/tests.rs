//! The summary of the made-up shop, as a reader sees it.

use super::*;
use crate::report::provenance::Provenance;
use crate::report::sample;

fn plain(text: &str) -> String {
    anstream::adapter::strip_str(text).to_string()
}

#[test]
fn verdicts_come_first_and_nothing_is_wider_than_a_terminal() {
    let shop = sample::shop();
    let runs = sample::runs(&shop, 3);
    let text = plain(&text(
        &Pool::new(&shop, &runs),
        None,
        "wavetank run scenarios/online-shop.yaml --seed 1",
    ));
    insta::assert_snapshot!(text);
    for line in text.lines() {
        assert!(line.chars().count() <= WIDTH, "too wide: {line}");
    }
}

#[test]
fn one_run_is_said_to_be_one() {
    let shop = sample::shop();
    let runs = sample::runs(&shop, 1);
    let text = plain(&text(&Pool::new(&shop, &runs), None, "wavetank run x.yaml"));
    assert!(
        text.contains("1 run of 2 h") && text.contains("one run: nothing here has an interval"),
        "{text}"
    );
    assert!(!text.contains('±'), "{text}");
}

#[test]
fn the_summary_for_programs_says_what_the_tables_say() {
    let shop = sample::shop();
    let runs = sample::runs(&shop, 2);
    let pool = Pool::new(&shop, &runs);
    let provenance = Provenance {
        command: "wavetank run x.yaml".into(),
        scenario: "x.yaml".into(),
        scenario_hash: "h".into(),
        settings: vec![],
    };
    let json = json(&pool, &provenance);
    let offered: u64 = runs.iter().map(|run| run.class_totals(None).outcomes.offered()).sum();
    let all = json["summary"]
        .as_array()
        .expect("rows")
        .last()
        .expect("the row of all")
        .clone();
    assert_eq!(
        (all["class"].as_str(), all["offered"].as_u64()),
        (Some("all"), Some(offered))
    );
    assert_eq!(json["objectives"][1]["verdict"], "not met");
    assert_eq!(json["format"], 1);
}
