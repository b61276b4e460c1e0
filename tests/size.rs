//! `wavetank size` from outside: what it says, what it writes, and how it ends.

use assert_cmd::Command;
use std::fs;
use std::path::Path;

/// A task that is asked for more than it has is too slow; two are enough, and a queue tells them apart in a minute.
const WEB: &str = "\
cluster: { availability_zones: [us-east-1a, us-east-1b] }
services: { web: { cpu: 1 vCPU, memory: 2 GiB, desired_count: 2, operations: { get: [{ cpu: 50ms }] } } }
traffic: { users: { to: web, rate: 24/s, timeout: 5s } }
duration: 1m
objectives: [{ name: quick, latency: { p90: 400ms } }]
experiment:
  replications: 5
  size:
    at_most: 20
    over: { services.web.desired_count: [1, 2, 3], services.web.memory: [2 GiB, 9 GiB] }
";

fn wavetank(folder: &Path, arguments: &[&str]) -> Command {
    fs::write(folder.join("web.yaml"), WEB).expect("the folder is ours");
    let mut command = Command::cargo_bin("wavetank").expect("cargo builds the binary for its tests");
    command.current_dir(folder).env("NO_COLOR", "1").args(arguments);
    command
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("UTF-8")
}

#[test]
fn the_cheapest_is_named_with_what_was_not_tried_and_the_bytes_do_not_depend_on_threads() {
    let place = folder();
    let one = wavetank(place.path(), &["size", "web.yaml", "--threads", "1"])
        .assert()
        .code(0);
    let told = text(&one.get_output().stdout);
    assert!(
        told.contains("CHEAPEST") && told.contains("desired_count=2, memory=2 GiB"),
        "{told}"
    );
    // Fargate has no 9 GiB beside 1 vCPU.
    assert!(told.contains("Not tried") && told.contains("WT0407"), "{told}");
    assert!(
        told.contains("wavetank run web.yaml --set 'services.web.desired_count=2'"),
        "{told}"
    );
    assert!(told.lines().all(|line| line.chars().count() <= 80), "{told}");
    let results = place.path().join("results/web-size");
    let names = [
        "candidates.csv",
        "candidate_objectives.csv",
        "size.json",
        "frontier.svg",
        "frontier.png",
        "manifest.json",
    ];
    let before: Vec<Vec<u8>> = names.map(|name| fs::read(results.join(name)).expect(name)).into();
    wavetank(place.path(), &["size", "web.yaml", "--threads", "2", "--quiet"])
        .assert()
        .code(0);
    let after: Vec<Vec<u8>> = names.map(|name| fs::read(results.join(name)).expect(name)).into();
    assert!(before == after, "two threads write other bytes than one");
}

#[test]
fn programs_and_pull_requests_read_the_same_answer() {
    let place = folder();
    let run = wavetank(place.path(), &["size", "web.yaml", "--format", "json"])
        .assert()
        .code(0);
    let json: serde_json::Value = serde_json::from_slice(&run.get_output().stdout).expect("JSON");
    assert_eq!(json["winner"]["settings"]["services.web.desired_count"], "2");
    assert_eq!(json["candidates"].as_array().expect("rows").len(), 3);
    let run = wavetank(place.path(), &["size", "web.yaml", "--format", "markdown"])
        .assert()
        .code(0);
    let told = text(&run.get_output().stdout);
    assert!(
        told.starts_with("### web: 3 candidates") && told.contains("| **winner** |"),
        "{told}"
    );
}

#[test]
fn nothing_good_enough_is_status_1_and_nothing_decided_is_status_4() {
    let place = folder();
    let none = wavetank(
        place.path(),
        &["size", "web.yaml", "--set", "objectives[0].latency.p90=40ms"],
    )
    .assert()
    .code(1);
    let told = text(&none.get_output().stdout);
    assert!(told.contains("NONE MEETS") && told.contains("nearest"), "{told}");
    // Two runs of each say little about the two cheaper ones.
    let mean = "objectives=[{ name: mean, latency: { mean: 70ms } }]";
    let few = [
        "size",
        "web.yaml",
        "--replications",
        "2",
        "--set",
        "experiment.size.at_most=2",
        "--set",
        mean,
    ];
    let open = wavetank(place.path(), &few).assert().code(4);
    let told = text(&open.get_output().stdout)
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ");
    assert!(told.contains("is undecided after 2 runs each"));
}

#[test]
fn wrong_choices_are_status_2_and_write_nothing() {
    let place = folder();
    for (arguments, code) in [
        (&["--over", "services.web.desired_cuont=1,2"][..], "WT0211"),
        (&["--over", "services.web.desired_count=2,2"], "WT1124"),
        (&["--through", "zone_los"], "WT0205"),
        (&["--set", "objectives=[]"], "WT1126"),
        (&["--set", "experiment.size={}"], "WT1121"),
        (&["--set", "experiment.size.candidates_at_most=2"], "WT1125"),
        (&["--set", "experiment.replications=1"], "WT0506"),
    ] {
        let arguments = [&["size", "web.yaml"], arguments].concat();
        let run = wavetank(place.path(), &arguments).assert().code(2);
        let told = text(&run.get_output().stderr);
        assert!(told.contains(code), "{arguments:?}: {told}");
    }
    wavetank(place.path(), &["size", "web.yaml", "--over", "x"])
        .assert()
        .code(2);
    assert!(!place.path().join("results").exists());
}
