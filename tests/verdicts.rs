//! `wavetank test` for CI pipelines: verdicts that more runs would bring, JUnit's XML and Markdown, from outside.

use assert_cmd::Command;
use std::fs;
use std::path::Path;
use std::process::Output;

/// Waits at four fifths of the capacity vary so much that two runs decide nothing about their mean.
const QUEUE: &str = "\
services:
  web:
    cpu: 1 vCPU
    memory: 2 GiB
    desired_count: 1
    operations: { get: [{ cpu: { exponential: { mean: 40ms } } }] }
traffic: { users: { to: web, rate: 20/s } }
duration: 20s
warm_up: 5s
experiment: { replications: 2 }
objectives:
  - { name: quick, latency: { mean: 160ms } }
expect:
  - { objective: quick, is: met }
  - { table: summary.csv, where: { class: users }, column: offered, at_least: 1 }
  - { table: summary.csv, where: { class: users }, column: failed, at_least: 1 }
";

fn wavetank(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::cargo_bin("wavetank").expect("cargo builds the binary for its tests");
    command.current_dir(folder).arg("--quiet").args(arguments);
    command.output().expect("it starts")
}

fn place(text: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    fs::write(folder.path().join("queue.yaml"), text).expect("the folder is ours");
    folder
}

fn said(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).expect("UTF-8")
}

#[test]
fn a_verdict_that_more_runs_would_bring_is_undecided_and_not_failed() {
    let (only_verdict, _) = QUEUE.split_once("  - { table").expect("tables come after the verdict");
    let place = place(only_verdict);
    let output = wavetank(place.path(), &["test", "queue.yaml", "--format", "json"]);
    assert_eq!(output.status.code(), Some(4), "{}", said(&output));
    let told: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let finding = &told["scenarios"][0]["expectations"][0];
    assert_eq!(finding["passed"], false);
    assert_eq!(finding["undecided"], true);
}

#[test]
fn every_expectation_is_a_case_of_junit_and_what_does_not_hold_a_row_of_markdown() {
    let place = place(QUEUE);
    let arguments = ["test", "queue.yaml", "--junit", "ci/found.xml", "--format", "markdown"];
    let output = wavetank(place.path(), &arguments);
    assert_eq!(
        output.status.code(),
        Some(1),
        "what failed weighs more than what is open"
    );
    let xml = fs::read_to_string(place.path().join("ci/found.xml")).expect("it is written");
    let count = |what: &str| xml.matches(what).count();
    assert_eq!(
        [count("<testcase "), count("<failure "), count("<error ")],
        [3, 1, 1],
        "{xml}"
    );
    assert!(xml.contains("tests=\"3\"") && xml.contains("queue.yaml"), "{xml}");
    let markdown = said(&output);
    assert!(
        markdown.starts_with("### 1 of 3 expectations hold in 1 scenario\n"),
        "{markdown}"
    );
    let rows = |word: &str| {
        markdown
            .lines()
            .filter(|line| line.starts_with(&format!("| {word} |")))
            .count()
    };
    assert_eq!(
        [rows("failed"), rows("undecided"), rows("passed")],
        [1, 1, 0],
        "{markdown}"
    );
}

#[test]
fn a_report_that_cannot_be_written_is_said_before_anything_runs() {
    let place = place(QUEUE);
    let output = wavetank(place.path(), &["test", "queue.yaml", "--junit", "queue.yaml/found.xml"]);
    assert_eq!(output.status.code(), Some(3));
    assert!(output.stdout.is_empty());
}

#[test]
fn a_command_without_results_refuses_markdown() {
    let place = place(QUEUE);
    let output = wavetank(place.path(), &["check", "queue.yaml", "--format", "markdown"]);
    assert_eq!(output.status.code(), Some(2));
}
