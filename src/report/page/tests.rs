use super::*;
use crate::blueprint::Blueprint;
use crate::probe::Pool;
use crate::report::provenance::{Manifest, Provenance};
use crate::report::{sample, summary, tables};
use crate::scenario::Code;
use std::borrow::Cow;
use std::collections::BTreeSet;

/// What a run of the shop leaves behind, as far as the page reads it.
fn folder(shop: &Blueprint, runs: u32) -> Files<'static> {
    let records = sample::runs(shop, runs);
    let pool = Pool::new(shop, &records);
    let provenance = Provenance {
        command: "wavetank run scenarios/online-shop.yaml".into(),
        scenario: "scenarios/online-shop.yaml".into(),
        scenario_hash: "0123456789abcdef".into(),
        settings: vec![],
    };
    let mut files: Files = tables::all(&pool)
        .into_iter()
        .map(|table| (format!("{}.csv", table.schema.name), Cow::Owned(table.to_csv())))
        .collect();
    let summary = serde_json::to_vec(&summary::json(&pool, &provenance)).expect("keys are strings");
    files.insert(results::SUMMARY.into(), Cow::Owned(summary));
    files.insert(
        results::SCENARIO.into(),
        Cow::Borrowed(b"# <b>as written</b>\nduration: 2h\n"),
    );
    let names = files.keys().cloned().collect();
    let manifest = Manifest::new(&provenance, shop, records.len(), names);
    files.insert(results::MANIFEST.into(), Cow::Owned(manifest.to_json()));
    files
}

fn text(files: &Files) -> String {
    String::from_utf8(page("results/shop", files).expect("the folder is whole")).expect("UTF-8")
}

fn codes(files: &Files) -> Vec<Code> {
    let found = page("results/shop", files).expect_err("something is wrong with it");
    assert!(found.render(crate::scenario::Style::Plain).contains("results/shop"));
    found.iter().map(|problem| problem.code).collect()
}

/// What stands between tags, so that words of attributes and scripts do not count.
fn words(page: &str) -> String {
    let body = &page[page.find("<body>").expect("a body")..page.find("<script>").expect("a script")];
    let mut words = String::new();
    let mut within = false;
    for letter in body.chars() {
        within |= letter == '<';
        if !within {
            words.push(letter);
        }
        within &= letter != '>';
    }
    words
}

#[test]
fn the_verdict_comes_first_and_the_blocks_follow_in_order() {
    let page = text(&folder(&sample::shop(), 3));
    let blocks = [
        "verdict",
        "story",
        "headline",
        "timelines",
        "events",
        "time",
        "distribution",
        "cost",
        "precision",
        "honesty",
        "provenance",
    ];
    let places = blocks.map(|id| {
        let found = page.find(&format!("<section id=\"{id}\">"));
        found
            .or_else(|| page.find(&format!("<header id=\"{id}\">")))
            .unwrap_or_else(|| panic!("{id} is missing"))
    });
    assert!(places.is_sorted(), "{places:?}");
    let words = words(&page).replace("&#x2f;", "/");
    for said in [
        "Not met",
        "deployment of checkout",
        "Users felt it",
        "wavetank run scenarios/online-shop.yaml",
    ] {
        assert!(words.contains(said), "{said}");
    }
}

#[test]
fn nothing_in_the_page_asks_the_network_and_the_policy_forbids_it() {
    let page = text(&folder(&sample::shop(), 1));
    assert!(page.contains(
        "content=\"default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:\""
    ));
    for asking in [
        "src=\"",
        "<link rel=\"stylesheet\"",
        "@import",
        "url(",
        "fetch(",
        "XMLHttpRequest",
    ] {
        assert!(!page.contains(asking), "{asking}");
    }
}

#[test]
fn names_are_words_and_never_markup() {
    let mut shop = sample::shop();
    shop.name = "<script>alert(1)</script>".into();
    shop.classes[0].name = "\"><img src=x onerror=alert(2)>".into();
    shop.services[0].name = "</script><script>alert(3)</script>".into();
    shop.objectives[0].name = "<b>objective</b> & 'more'".into();
    let page = text(&folder(&shop, 2));
    // Two scripts are ours; what else opens or closes one would be a name's.
    assert_eq!(page.matches("<script").count(), 2);
    assert_eq!(page.matches("</script").count(), 2);
    for markup in ["<img", "<b>objective", "onerror=alert(2)>"] {
        assert!(!page.contains(markup), "{markup}");
    }
    assert!(page.contains("&lt;b&gt;as written"));
}

#[test]
fn every_chart_says_what_it_shows_and_has_its_numbers_beside_it() {
    let page = text(&folder(&sample::shop(), 2));
    let charts = page.matches("<figure class=\"plot\"").count();
    assert!(charts >= 8, "{charts}");
    assert_eq!(page.matches("role=\"img\" aria-label=\"").count(), charts);
    assert!(!page.contains("aria-label=\"\""));
    assert_eq!(page.matches("<details class=\"data\">").count(), charts);
}

#[test]
fn the_same_files_give_the_same_bytes() {
    let shop = sample::shop();
    assert_eq!(text(&folder(&shop, 2)), text(&folder(&shop, 2)));
}

#[test]
fn everything_that_is_wrong_with_a_folder_is_told_at_once() {
    let whole = folder(&sample::shop(), 1);
    let mut wrong = whole.clone();
    wrong.remove("timeline.csv");
    wrong.insert(results::SUMMARY.into(), Cow::Borrowed(b"{ \"format\": 1,"));
    let text = String::from_utf8(whole["cost.csv"].to_vec()).expect("UTF-8");
    wrong.insert(
        "cost.csv".into(),
        Cow::Owned(text.replace("total,,,,", "total,,,,a lot").into_bytes()),
    );
    let recovery = String::from_utf8(whole["recovery.csv"].to_vec()).expect("UTF-8");
    wrong.insert(
        "recovery.csv".into(),
        Cow::Owned(recovery.replace("came_back,", "came,").into_bytes()),
    );
    let found = codes(&wrong);
    let damaged = found.iter().filter(|code| **code == Code::DamagedResults).count();
    assert_eq!((found.len(), damaged), (4, 3), "{found:?}");
    assert!(found.contains(&Code::MissingResults));
}

#[test]
fn what_an_earlier_version_did_not_write_is_left_out() {
    let mut files = folder(&sample::shop(), 1);
    files.remove("distribution.csv");
    let mut manifest: serde_json::Value = serde_json::from_slice(&files[results::MANIFEST]).expect("JSON");
    let names = manifest["files"].as_array_mut().expect("a list");
    names.retain(|name| name != "distribution.csv");
    files.insert(results::MANIFEST.into(), Cow::Owned(manifest.to_string().into_bytes()));
    assert!(text(&files).contains("this folder has no distribution.csv"));
}

#[test]
fn other_folders_are_refused_by_what_they_are() {
    assert_eq!(codes(&Files::new()), [Code::NotAResultsFolder]);
    let with = |change: &dyn Fn(&mut serde_json::Value)| {
        let mut files = folder(&sample::shop(), 1);
        let mut manifest: serde_json::Value = serde_json::from_slice(&files[results::MANIFEST]).expect("JSON");
        change(&mut manifest);
        files.insert(results::MANIFEST.into(), Cow::Owned(manifest.to_string().into_bytes()));
        files
    };
    let later = with(&|manifest| {
        manifest["format"] = 999.into();
        manifest["wavetank"] = "7.0.0".into();
    });
    assert_eq!(codes(&later), [Code::OtherResultsFormat]);
    let said = page("results/shop", &later)
        .expect_err("refused")
        .render(crate::scenario::Style::Plain);
    assert!(said.contains("7.0.0"), "{said}");
    let sweep = with(&|manifest| manifest["command"] = "wavetank sweep x.yaml".into());
    assert_eq!(codes(&sweep), [Code::ResultsOfAnotherCommand]);
}

#[test]
fn the_page_reads_only_tables_that_are_written() {
    let written: BTreeSet<&str> = tables::names()
        .map(|(name, _)| name)
        .chain([tables::values::VALUES.name])
        .collect();
    for needed in &needed::TABLES {
        assert!(written.contains(needed.table), "{}", needed.table);
    }
}

/// A day of 50 services in 30 classes, with ten thousand events: as the tables of such a run have it, without the run.
fn day_of_fifty_services() -> Files<'static> {
    let mut files = folder(&sample::shop(), 1);
    let mut manifest: serde_json::Value = serde_json::from_slice(&files[results::MANIFEST]).expect("JSON");
    manifest["duration_s"] = 86_400.0.into();
    files.insert(results::MANIFEST.into(), Cow::Owned(manifest.to_string().into_bytes()));
    let head = |name: &str| {
        let schema = tables::SCHEMAS
            .iter()
            .find(|schema| schema.name == name)
            .expect("a table");
        schema.columns.iter().map(|column| column.name).collect::<Vec<_>>()
    };
    let write = |name: &str, rows: &mut dyn Iterator<Item = Vec<(&'static str, String)>>| {
        let columns = head(name);
        let mut text = columns.join(",");
        for row in rows {
            let cell = |column: &&str| {
                row.iter()
                    .find(|(name, _)| name == column)
                    .map_or("", |(_, value)| value)
            };
            let cells: Vec<&str> = columns.iter().map(cell).collect();
            text.push_str(&format!("\n{}", cells.join(",")));
        }
        Cow::Owned((text + "\n").into_bytes())
    };
    // Numbers that look measured: six digits that never repeat, and so compress as badly as real ones.
    let number = |seed: usize| format!("{}", 1.0 + (seed * 7919 % 99_991) as f64 / 97.0);
    let mut windows = (0..240usize).flat_map(|window| {
        let time = move || vec![("time_s", (window * 360).to_string()), ("window_s", "360".to_owned())];
        let classes = (0..31usize).map(move |class| {
            let mut row = time();
            row.push((
                "class",
                if class == 30 {
                    "all".to_owned()
                } else {
                    format!("class-{class}")
                },
            ));
            row.extend([
                ("offered", "36000".to_owned()),
                ("served", "35000".to_owned()),
                ("failed", "1000".to_owned()),
            ]);
            let columns = ["p50_ms", "p95_ms", "p99_ms", "failed_server_error", "failed_timed_out"];
            row.extend(columns.map(|name| (name, number(window * 31 + class))));
            row
        });
        let services = (0..50usize).map(move |service| {
            let mut row = time();
            row.push(("service", format!("service-{service}")));
            let columns = [
                "desired",
                "pending",
                "running",
                "healthy",
                "cpu_percent",
                "queued",
                "in_service",
            ];
            row.extend(columns.map(|name| (name, number(window * 50 + service))));
            row
        });
        classes.chain(services)
    });
    files.insert("timeline.csv".into(), write("timeline", &mut windows));
    let mut events = (0..10_000usize).map(|at| {
        vec![
            ("time_s", format!("{}", at as f64 * 8.64)),
            ("replication", "0".to_owned()),
            ("kind", if at % 40 == 0 { "fault" } else { "task" }.to_owned()),
            ("service", format!("service-{}", at % 50)),
            ("task", at.to_string()),
            ("to", if at % 40 == 0 { "begins" } else { "STOPPED" }.to_owned()),
            (
                "reason",
                format!(
                    "task_crash of service-{} for a reason that takes a line to tell",
                    at % 50
                ),
            ),
        ]
    });
    files.insert("events.csv".into(), write("events", &mut events));
    files
}

#[test]
fn a_day_of_fifty_services_is_a_page_of_less_than_two_megabytes() {
    let page = text(&day_of_fifty_services());
    assert!(page.len() < 2_000_000, "{} bytes", page.len());
    assert!(page.contains("200 of the 10,000 events of the first run"));
    // The twelve in most trouble have charts, the others a row.
    assert_eq!(page.matches("<details class=\"service\"").count(), 12);
    assert!((0..50).all(|service| page.contains(&format!("service-{service}"))));
}
