//! The command line from outside: exit statuses, what is written and what is not, and equal bytes.

use assert_cmd::Command;
use std::fs;
use std::path::{Path, PathBuf};

/// Small and quick: one Fargate service behind the implied balancer, a minute of traffic.
const HELLO: &str = "\
services: { web: { cpu: 1 vCPU, memory: 2 GiB, desired_count: 2, operations: { get: [{ cpu: 20ms }] } } }
traffic: { users: { to: web, rate: 20/s } }
duration: 1m
experiment: { replications: 3 }
";

/// A folder of its own for each test, with a scenario in it.
struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    fn with(scenario: &str) -> Place {
        let place = Place {
            folder: tempfile::tempdir().expect("a temporary folder"),
        };
        fs::write(place.path("scenario.yaml"), scenario).expect("the folder is ours");
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn wavetank(&self, arguments: &[&str]) -> Command {
        let mut command = Command::cargo_bin("wavetank").expect("cargo builds the binary for its tests");
        command
            .current_dir(self.folder.path())
            .env("NO_COLOR", "1")
            .args(arguments);
        command
    }

    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.folder.path()).expect("the folder is ours");
        let mut names: Vec<_> = entries
            .map(|entry| entry.expect("readable").file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }
}

/// Every file below a folder with its bytes, by path.
fn contents(folder: &Path) -> Vec<(String, Vec<u8>)> {
    fn walk(root: &Path, folder: &Path, found: &mut Vec<(String, Vec<u8>)>) {
        for entry in fs::read_dir(folder).expect("readable") {
            let path = entry.expect("readable").path();
            if path.is_dir() {
                walk(root, &path, found);
            } else {
                let name = path
                    .strip_prefix(root)
                    .expect("walked from the root")
                    .to_string_lossy()
                    .into_owned();
                found.push((name, fs::read(&path).expect("readable")));
            }
        }
    }
    let mut found = Vec::new();
    walk(folder, folder, &mut found);
    found.sort();
    found
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("UTF-8")
}

#[test]
fn a_run_leaves_its_tables_charts_and_summary_and_says_where() {
    let place = Place::with(HELLO);
    let output = place
        .wavetank(&["run", "scenario.yaml"])
        .assert()
        .code(0)
        .get_output()
        .clone();
    let written: Vec<String> = contents(&place.path("results/scenario"))
        .into_iter()
        .map(|(name, _)| name)
        .collect();
    for name in [
        "manifest.json",
        "summary.json",
        "summary.csv",
        "timeline.csv",
        "events.csv",
        "cost.csv",
    ] {
        assert!(
            written.iter().any(|file| file == name),
            "{name} is missing from {written:?}"
        );
    }
    assert!(written.iter().any(|file| file.ends_with(".svg")) && written.iter().any(|file| file.ends_with(".png")));
    let said = text(&output.stderr) + &text(&output.stdout);
    for name in &written {
        let file = Path::new(name)
            .file_name()
            .expect("a file")
            .to_string_lossy()
            .into_owned();
        assert!(said.contains(&file), "{name} was written and not mentioned in:\n{said}");
    }
}

#[test]
fn the_number_of_threads_does_not_reach_a_byte() {
    let place = Place::with(HELLO);
    for threads in ["1", "2", "5"] {
        place
            .wavetank(&["run", "scenario.yaml", "--threads", threads, "--out", threads])
            .assert()
            .code(0);
    }
    let [one, two, five] = ["1", "2", "5"].map(|threads| contents(&place.path(threads)));
    for other in [two, five] {
        assert_eq!(one.len(), other.len());
        for ((name, bytes), (other_name, other_bytes)) in one.iter().zip(&other) {
            assert_eq!(name, other_name);
            assert!(bytes == other_bytes, "{name} differs between numbers of threads");
        }
    }
}

#[test]
fn another_seed_is_another_world() {
    let place = Place::with(HELLO);
    for seed in ["1", "2"] {
        place
            .wavetank(&["run", "scenario.yaml", "--seed", seed, "--out", seed])
            .assert()
            .code(0);
    }
    let [one, two] = ["1", "2"].map(|seed| fs::read(place.path(seed).join("summary.csv")).expect("written"));
    assert_ne!(one, two);
}

#[test]
fn a_wrong_scenario_is_status_2_and_writes_nothing() {
    let place = Place::with("servcies: {}\nduration: 10\n");
    let output = place
        .wavetank(&["run", "scenario.yaml"])
        .assert()
        .code(2)
        .get_output()
        .clone();
    let said = text(&output.stderr);
    assert!(said.contains("servcies") && said.contains("scenario.yaml:1"), "{said}");
    assert!(
        said.contains("duration") || said.contains("scenario.yaml:2"),
        "every problem at once:\n{said}"
    );
    assert_eq!(place.names(), ["scenario.yaml"]);
}

#[test]
fn an_expectation_of_a_table_or_column_that_is_not_there_is_wrong_before_anything_runs() {
    let place = Place::with(&format!(
        "{HELLO}expect:\n  - {{ table: sumary.csv, column: p99_ms, at_most: 1 }}\n  - {{ table: summary.csv, where: {{ clas: all }}, column: p98_ms, at_most: 1 }}\n"
    ));
    for command in ["check", "test", "run"] {
        let output = place
            .wavetank(&[command, "scenario.yaml"])
            .assert()
            .code(2)
            .get_output()
            .clone();
        let said = text(&output.stderr);
        for word in [
            "`sumary`",
            "did you mean `summary`?",
            "`clas`",
            "did you mean `class`?",
            "`p98_ms`",
            "scenario.yaml:6",
        ] {
            assert!(said.contains(word), "{word}:\n{said}");
        }
    }
    assert_eq!(place.names(), ["scenario.yaml"]);
}

#[test]
fn programs_read_the_same_object_from_check_and_from_complaints() {
    let place = Place::with("servcies: {}\nduration: 10\n");
    let read = |command: &str| {
        let output = place
            .wavetank(&["--format", "json", command, "scenario.yaml"])
            .assert()
            .code(2)
            .get_output()
            .clone();
        let from = if command == "check" {
            output.stdout
        } else {
            output.stderr
        };
        serde_json::from_slice::<serde_json::Value>(&from).expect("JSON and nothing else")
    };
    let checked = read("check");
    assert_eq!(checked["scenarios"][0]["diagnostics"][0]["code"], "WT0201");
    assert_eq!(checked["status"], 2);
    assert_eq!(read("run"), checked);
    assert_eq!(read("test"), checked);
}

#[test]
fn one_wrong_scenario_among_several_stops_all_of_them() {
    let place = Place::with(HELLO);
    fs::write(place.path("wrong.yaml"), "duration: soon\n").expect("the folder is ours");
    place.wavetank(&["run", "scenario.yaml", "wrong.yaml"]).assert().code(2);
    assert_eq!(place.names(), ["scenario.yaml", "wrong.yaml"]);
}

#[test]
fn wrong_arguments_are_status_2() {
    let place = Place::with(HELLO);
    for arguments in [
        &["run"][..],
        &["walk", "scenario.yaml"],
        &["run", "scenario.yaml", "--threads", "0"],
        &["run", "scenario.yaml", "--replications", "0"],
        &["run", "scenario.yaml", "--set", "nonsense"],
        &["run", "scenario.yaml", "--set", "services.nobody.desired_count=2"],
        &["run", "absent.yaml"],
        &["explain", "no-such-code"],
    ] {
        place.wavetank(arguments).assert().code(2);
    }
    assert_eq!(place.names(), ["scenario.yaml"]);
}

#[test]
fn a_folder_that_cannot_be_written_is_status_3() {
    let place = Place::with(HELLO);
    // A file where a folder is needed stops even the superuser.
    fs::write(place.path("taken"), "").expect("the folder is ours");
    let out = place.path("taken").join("results");
    let out = out.to_str().expect("UTF-8");
    let output = place
        .wavetank(&["run", "scenario.yaml", "--out", out])
        .assert()
        .code(3)
        .get_output()
        .clone();
    assert!(text(&output.stderr).contains("taken"), "{}", text(&output.stderr));
    assert_eq!(place.names(), ["scenario.yaml", "taken"]);
}

#[test]
fn an_objective_that_is_missed_is_status_1() {
    let place = Place::with(&format!(
        "{HELLO}objectives: [{{ name: impossible, latency: {{ p50: 1ms }} }}]\n"
    ));
    let output = place
        .wavetank(&["run", "scenario.yaml"])
        .assert()
        .code(1)
        .get_output()
        .clone();
    let said = text(&output.stdout);
    assert!(said.contains("NOT MET    impossible"), "{said}");
}

#[test]
fn an_expectation_that_fails_says_what_was_seen_and_how_to_see_it() {
    let expecting = |bound: &str| {
        format!(
            "{HELLO}expect:\n  - {{ table: summary.csv, where: {{ class: all }}, column: availability, {bound} }}\n"
        )
    };
    let place = Place::with(&expecting("at_least: 0.5"));
    place.wavetank(&["test", "scenario.yaml"]).assert().code(0);
    let place = Place::with(&expecting("at_most: 0.5"));
    let output = place
        .wavetank(&["test", "scenario.yaml"])
        .assert()
        .code(1)
        .get_output()
        .clone();
    let said = text(&output.stdout);
    for part in [
        "scenario.yaml:6",
        "at most 0.5",
        "seen      1",
        "summary.csv, class = all",
        "wavetank run scenario.yaml",
    ] {
        assert!(said.contains(part), "`{part}` is missing from:\n{said}");
    }
    assert_eq!(place.names(), ["scenario.yaml"], "a test writes nothing");
}

#[test]
fn a_test_speaks_json() {
    let place = Place::with(HELLO);
    let output = place
        .wavetank(&["test", "scenario.yaml", "--format", "json"])
        .assert()
        .code(0)
        .get_output()
        .clone();
    let said: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON and nothing else");
    assert_eq!(said["scenarios"][0]["file"], "scenario.yaml");
}

#[test]
fn check_tells_the_resolved_scenario_which_is_right_itself() {
    let place = Place::with(HELLO);
    place.wavetank(&["check", "scenario.yaml"]).assert().code(0);
    let output = place
        .wavetank(&["check", "--resolved", "scenario.yaml"])
        .assert()
        .code(0)
        .get_output()
        .clone();
    fs::write(place.path("resolved.yaml"), &output.stdout).expect("the folder is ours");
    place.wavetank(&["check", "resolved.yaml"]).assert().code(0);
    let again = place
        .wavetank(&["check", "--resolved", "resolved.yaml"])
        .assert()
        .code(0)
        .get_output()
        .clone();
    // The name is the file's where the scenario gives none, so it was filled in the first time.
    assert_eq!(
        text(&again.stdout),
        text(&output.stdout),
        "resolving twice is resolving once"
    );
}

#[test]
fn variants_are_compared_on_the_same_luck() {
    let place = Place::with(HELLO);
    let vary = "services.web.desired_count=2,2";
    place
        .wavetank(&["run", "scenario.yaml", "--vary", vary, "--out", "same"])
        .assert()
        .code(2);
    let vary = "services.web.desired_count=2,3";
    place
        .wavetank(&["compare", "scenario.yaml", "--vary", vary, "--out", "out"])
        .assert()
        .code(0);
    let table = text(&fs::read(place.path("out/comparison.csv")).expect("written"));
    assert!(
        table.contains("failed_share,all") && table.contains("no difference"),
        "{table}"
    );
    assert!(
        table.contains("cost_usd_per_hour") && table.contains("2 better"),
        "three tasks cost more:\n{table}"
    );
}

#[test]
fn schema_and_explain_answer() {
    let place = Place::with(HELLO);
    let output = place.wavetank(&["schema"]).assert().code(0).get_output().clone();
    let schema: serde_json::Value = serde_json::from_slice(&output.stdout).expect("a JSON Schema");
    assert!(schema["properties"]["services"].is_object());
    place.wavetank(&["explain"]).assert().code(0);
}

#[test]
fn quiet_means_results_only() {
    let place = Place::with(HELLO);
    let output = place
        .wavetank(&["run", "--quiet", "scenario.yaml"])
        .assert()
        .code(0)
        .get_output()
        .clone();
    assert_eq!(text(&output.stderr), "");
}

#[cfg(unix)]
#[test]
fn an_interrupted_run_keeps_what_is_finished() {
    let place = Place::with(HELLO);
    let binary = assert_cmd::cargo::cargo_bin("wavetank");
    let mut child = std::process::Command::new(binary)
        .current_dir(place.folder.path())
        .args([
            "run",
            "scenario.yaml",
            "--replications",
            "100000",
            "--threads",
            "1",
            "--out",
            "out",
        ])
        .stderr(std::process::Stdio::null())
        .stdout(std::process::Stdio::null())
        .spawn()
        .expect("the binary starts");
    // The folder is opened just before the first run; a run takes a fraction of a second.
    while !place.path("out").exists() {
        assert!(
            child.try_wait().expect("it is ours").is_none(),
            "it ended before it was interrupted"
        );
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    std::thread::sleep(std::time::Duration::from_secs(4));
    let sent = std::process::Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status()
        .expect("kill runs");
    assert!(sent.success());
    let ended = child.wait().expect("it ends");
    assert_eq!(ended.code(), Some(0));
    let manifest = fs::read(place.path("out/manifest.json")).expect("written");
    let manifest: serde_json::Value = serde_json::from_slice(&manifest).expect("JSON");
    let done = manifest["replications"].as_u64().expect("a number");
    assert!((1..100_000).contains(&done), "{done} runs were finished");
    assert_eq!(manifest["replications_asked"], 100_000);
}

/// Where the system has a device that is always full.
#[cfg(target_os = "linux")]
#[test]
fn a_result_that_cannot_be_said_is_a_failure_of_the_world() {
    let full = std::fs::OpenOptions::new()
        .write(true)
        .open("/dev/full")
        .expect("there on Linux");
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_wavetank"))
        .arg("schema")
        .stdout(full)
        .output()
        .expect("it starts");
    assert_eq!(output.status.code(), Some(3));
    assert!(
        text(&output.stderr).contains("standard output"),
        "{}",
        text(&output.stderr)
    );
}

#[test]
fn a_run_that_a_limit_ends_does_not_exit_as_if_nothing_were() {
    let place = tempfile::tempdir().expect("a temporary folder");
    let scenario = "services: { web: { cpu: 1 vCPU, memory: 2 GiB, desired_count: 1, load_balancers: [], operations: \
                    { get: [{ cpu: 1s }] } } }\ntraffic: { u: { to: web, rate: 20000/s } }\nduration: 1h\n\
                    experiment: { replications: 1 }\n";
    std::fs::write(place.path().join("unbounded.yaml"), scenario).expect("written");
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_wavetank"))
        .args(["run", "unbounded.yaml", "--out", "out"])
        .current_dir(place.path())
        .output()
        .expect("it starts");
    let said = text(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{said}{}", text(&output.stderr));
    assert!(said.contains("a limit ended 1 of 1 run"), "{said}");

    // The last window tells the queue that ended the run: all of a million requests but the 200 that have a worker.
    let timeline = std::fs::read_to_string(place.path().join("out/timeline.csv")).expect("it is written");
    let mut rows = timeline.lines().map(|line| line.split(',').collect::<Vec<_>>());
    let header = rows.next().expect("a header");
    let column = |name: &str| header.iter().position(|each| *each == name).expect("it is there");
    let last = rows
        .rfind(|row| row[column("service")] == "web" && !row[column("running")].is_empty())
        .expect("the service has windows");
    let number = |name: &str| last[column(name)].parse::<f64>().expect("a number");
    assert_eq!(number("in_service"), 200.0);
    assert!(number("queued") > 990_000.0, "{}", number("queued"));
}
