//! `wavetank report` from outside: an old folder is told again, and what is no folder of results is refused.

use assert_cmd::Command;
use std::fs;

/// Small and quick: one Fargate service behind the implied balancer, a minute of traffic.
const HELLO: &str = "\
services: { web: { cpu: 1 vCPU, memory: 2 GiB, desired_count: 2, operations: { get: [{ cpu: 20ms }] } } }
traffic: { users: { to: web, rate: 20/s } }
duration: 1m
experiment: { replications: 3 }
";

fn wavetank(folder: &tempfile::TempDir, arguments: &[&str]) -> Command {
    let mut command = Command::cargo_bin("wavetank").expect("cargo builds the binary for its tests");
    command.current_dir(folder.path()).env("NO_COLOR", "1").args(arguments);
    command
}

/// A folder `out` of results, and beside it the scenario.
fn results() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    fs::write(folder.path().join("scenario.yaml"), HELLO).expect("the folder is ours");
    wavetank(&folder, &["run", "scenario.yaml", "--out", "out"])
        .assert()
        .code(0);
    folder
}

#[test]
fn a_folder_told_again_gives_the_same_page() {
    let place = results();
    let page = fs::read(place.path().join("out/report.html")).expect("run writes it");
    let told = wavetank(&place, &["report", "out", "--out", "again.html"])
        .assert()
        .code(0);
    let said = String::from_utf8_lossy(&told.get_output().stdout).into_owned();
    assert_eq!(said, "wrote again.html\n");
    assert!(page == fs::read(place.path().join("again.html")).expect("it was just written"));
    fs::remove_file(place.path().join("out/report.html")).expect("it is there");
    wavetank(&place, &["report", "out"]).assert().code(0);
    assert!(page == fs::read(place.path().join("out/report.html")).expect("it was just written"));
}

#[test]
fn a_folder_without_results_gets_no_page_and_neither_does_its_neighbour() {
    let place = results();
    fs::remove_file(place.path().join("out/report.html")).expect("it is there");
    fs::remove_file(place.path().join("out/timeline.csv")).expect("it is there");
    fs::create_dir(place.path().join("empty")).expect("the folder is ours");
    let told = wavetank(&place, &["report", "out", "empty", "nowhere"])
        .assert()
        .code(2);
    let said = String::from_utf8_lossy(&told.get_output().stderr).into_owned();
    assert!(said.contains("WT1162") && said.contains("out/timeline.csv"), "{said}");
    assert_eq!(said.matches("error[WT1160]").count(), 2, "{said}");
    assert!(!place.path().join("out/report.html").exists() && !place.path().join("empty/report.html").exists());
}
