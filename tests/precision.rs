//! Runs that go on until figures are known closely enough, from outside.

use assert_cmd::Command;
use serde_json::Value;
use std::fs;
use std::path::Path;

/// One queue at four fifths of its capacity: the mean waits in it vary from run to run.
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
";

/// The exit status and what `--format json` says.
fn run(folder: &Path, arguments: &[&str]) -> (i32, Value) {
    let mut command = Command::cargo_bin("wavetank").expect("cargo builds the binary for its tests");
    command.current_dir(folder).args(["--format", "json", "--quiet"]);
    let output = command.args(arguments).output().expect("it starts");
    let told = serde_json::from_slice(&output.stdout).unwrap_or(Value::Null);
    (output.status.code().expect("no signal"), told)
}

fn place(text: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    fs::write(folder.path().join("scenario.yaml"), text).expect("the folder is ours");
    folder
}

/// The half-width of the mean, as a share of it, from its interval in the summary.
fn half_width_of_mean(told: &Value) -> f64 {
    let rows = told["summary"].as_array().expect("rows");
    let all = rows.last().expect("the row of all classes");
    let number = |column: &str| all[column].as_f64().expect("a number");
    0.5 * (number("mean_ms_high") - number("mean_ms_low")) / number("mean_ms")
}

#[test]
fn runs_double_until_the_half_width_is_as_small_as_was_asked() {
    let place = place(QUEUE);
    let asked = [
        "run",
        "scenario.yaml",
        "--precision",
        "15%",
        "--set",
        "experiment.precision.of=[mean_ms]",
    ];
    let (status, told) = run(place.path(), &asked);
    assert_eq!(status, 0);
    let runs = told["replications"].as_u64().expect("a number");
    assert!([20, 40, 80, 160].contains(&runs), "{runs} is ten times a power of two");
    let reached = half_width_of_mean(&told);
    assert!(reached <= 0.15, "{reached} after {runs} runs");
    // What is told is what the tables say.
    let said = told["precision"]["figures"][0]["half_width"]
        .as_f64()
        .expect("a number");
    assert!((said / reached - 1.0).abs() < 0.01, "{said} against {reached}");
    // One look before, it was not enough, and these are the same runs.
    let half = (runs / 2).to_string();
    let (_, before) = run(
        place.path(),
        &["run", "scenario.yaml", "--replications", &half, "--out", "before"],
    );
    assert!(half_width_of_mean(&before) > 0.15);
    // The number of threads is no part of it.
    let alone = [&asked[..], &["--threads", "1", "--out", "alone"]].concat();
    assert_eq!(run(place.path(), &alone).1["replications"], runs);
}

#[test]
fn what_the_most_runs_do_not_reach_is_undecided_and_says_how_many_would() {
    let place = place(QUEUE);
    let arguments = [
        "run",
        "scenario.yaml",
        "--precision",
        "1%",
        "--set",
        "experiment.precision.at_most=15",
        "--set",
        "experiment.precision.of=[mean_ms]",
    ];
    let (status, told) = run(place.path(), &arguments);
    assert_eq!(status, 4);
    assert_eq!(told["replications"], 15, "the last look is at the most");
    assert_eq!(told["precision"]["reached"], false);
    let needed = told["precision"]["runs_needed"].as_f64().expect("a number");
    let expected = 15.0 * (half_width_of_mean(&told) / 0.01).powi(2);
    assert!((needed / expected - 1.0).abs() < 0.01, "{needed} against {expected}");
}

#[test]
fn of_variants_it_is_their_difference_that_is_to_be_precise() {
    let place = place(QUEUE);
    let (status, told) = run(
        place.path(),
        &[
            "compare",
            "scenario.yaml",
            "--vary",
            "services.web.desired_count=1,2",
            "--precision",
            "40%",
        ],
    );
    assert_eq!(status, 0);
    let rows = told["comparison"].as_array().expect("rows");
    for figure in ["mean_ms", "p99_ms"] {
        let row = rows
            .iter()
            .find(|row| row["figure"] == figure && row["class"] == "all")
            .expect("it is compared");
        let number = |column: &str| row[column].as_f64().expect("a number");
        let half = 0.5 * (number("difference_high") - number("difference_low"));
        assert!(half <= 0.4 * number("base_value"), "{row}");
    }
}

#[test]
fn a_precision_that_cannot_be_reached_is_refused_with_everything_that_is_wrong() {
    let wrong = format!("{QUEUE}experiment: {{ precision: {{ half_width: 0%, of: [objectives], at_most: 5 }} }}\n");
    let place = place(&wrong);
    let (status, told) = run(place.path(), &["check", "scenario.yaml"]);
    assert_eq!(status, 2);
    let text = told.to_string();
    for path in ["no number of runs", "at most 5 runs", "has none"] {
        assert!(text.contains(path), "{path} is missing from {text}");
    }
}
