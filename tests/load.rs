//! `wavetank stress` and `wavetank compare` of several files, from outside.

use assert_cmd::Command;
use std::fs;
use std::path::Path;

fn wavetank(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::cargo_bin("wavetank").expect("cargo builds the binary for its tests");
    command.current_dir(folder).env("NO_COLOR", "1").args(arguments);
    command
}

fn place(files: &[(&str, String)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (name, text) in files {
        fs::write(folder.path().join(name), text).expect("the folder is ours");
    }
    folder
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("it speaks UTF-8")
}

/// One worker of 10 ms, whose capacity is 100/s, at this rate, with an objective on the mean.
fn queue(name: &str, rate: u32, more: &str) -> String {
    format!(
        "name: {name}\n\
         services: {{ q: {{ load_balancers: [], runtime: {{ thread_pool: {{ workers: 1 }} }}, \
         operations: {{ get: [{{ wait: {{ exponential: {{ mean: 10ms }} }} }}] }} }} }}\n\
         cluster: {{ network: none }}\n\
         traffic: {{ customers: {{ to: q, rate: {rate}/s, timeout: 2s }} }}\n\
         objectives: [{{ name: quick, latency: {{ mean: 50ms }} }}]\n{more}"
    )
}

const BRIEF: &str = "duration: 10s\nexperiment: { replications: 4, stress: { levels: 4, hold: 10s, warm_up: 1s, ramp_hold: 4s, resolution: 20%, \
                     shock: { lasting: 1s, recovery: 20s } } }\n";

#[test]
fn a_stressed_scenario_answers_by_its_status_and_leaves_equal_bytes_on_any_number_of_threads() {
    let files = [
        ("fits.yaml", queue("fits", 40, BRIEF)),
        ("not.yaml", queue("not", 120, BRIEF)),
    ];
    let place = place(&files);
    for (file, status, threads, out) in [
        ("fits.yaml", 0, "1", "one"),
        ("fits.yaml", 0, "3", "three"),
        ("not.yaml", 1, "1", "not"),
    ] {
        // The mean of M/M/1 is 50 ms at 80/s: load 2 of the one, two thirds of the other.
        let seen = wavetank(place.path(), &["stress", file, "--threads", threads, "--out", out])
            .assert()
            .code(status);
        let told = text(&seen.get_output().stdout);
        for word in ["Capacity", "Knee", "Fragile", "Saturation", "Ramp", "Repeat"] {
            assert!(told.contains(word), "{told}");
        }
        assert!(told.lines().all(|line| line.chars().count() <= 80), "{told}");
        assert!(told.contains("Fragile      no load found"), "{told}");
    }
    for name in [
        "levels.csv",
        "shocks.csv",
        "branches.csv",
        "summary.json",
        "manifest.json",
        "stress_hysteresis.png",
    ] {
        let of = |out: &str| fs::read(place.path().join(out).join(name)).expect("it was written");
        assert!(of("one") == of("three"), "{name} depends on the number of threads");
    }
    let json: serde_json::Value =
        serde_json::from_slice(&fs::read(place.path().join("one/summary.json")).expect("written")).expect("JSON");
    let capacity = |end: &str| json["capacity"][end].as_f64().expect("a load");
    assert!(
        capacity("met_to") < 2.0 && capacity("not_met_from") > 2.0,
        "{}",
        json["capacity"]
    );
}

#[test]
fn wrong_loads_are_told_all_at_once_and_nothing_is_written() {
    let place = place(&[("fits.yaml", queue("fits", 40, BRIEF))]);
    let wrong = [
        "stress",
        "fits.yaml",
        "--from",
        "2",
        "--to",
        "1",
        "--load",
        "customer",
        "--levels",
        "2",
    ];
    let seen = wavetank(place.path(), &wrong).assert().code(2);
    let told = text(&seen.get_output().stderr);
    for word in ["WT1140", "WT1141", "did you mean `customers`?", "WT0208"] {
        assert!(told.contains(word), "{word}: {told}");
    }
    assert!(!place.path().join("results").exists());
}

#[test]
fn files_are_compared_on_the_same_luck_and_all_their_objectives_count() {
    let plain = |rate, duration: &str| {
        queue(
            "queue",
            rate,
            &format!("duration: {duration}\nexperiment: {{ replications: 6 }}\n"),
        )
        .replace("50ms", "25ms")
    };
    let files = [
        ("main.yaml", plain(50, "20s")),
        ("branch.yaml", plain(50, "20s").replace("10ms", "15ms")),
        (
            "same.yaml",
            plain(50, "20s").replace("name: queue\n", "name: other\nseed: 7\n"),
        ),
        ("long.yaml", plain(50, "40s")),
        ("busy.yaml", plain(97, "20s").replace("customers", "guests")),
    ];
    let place = place(&files);
    // Names that are the same give way to the files'. M/M/1 at 50/s: 20 ms, and 60 ms with services of 15 ms.
    let seen = wavetank(
        place.path(),
        &["compare", "main.yaml", "branch.yaml", "--format", "markdown"],
    )
    .assert()
    .code(1);
    let told = text(&seen.get_output().stdout);
    assert!(
        told.starts_with("**branch against main: worse in mean latency"),
        "{told}"
    );
    assert!(
        told.contains("| branch | **not met** | quick |") && told.contains("| main | **met** | quick |"),
        "{told}"
    );
    assert!(place.path().join("results/main-against-branch/comparison.csv").exists());
    // Another seed gives way to the first's: the same world twice.
    let seen = wavetank(place.path(), &["compare", "main.yaml", "same.yaml"])
        .assert()
        .code(0);
    assert!(text(&seen.get_output().stderr).contains("WT1152"));
    assert!(
        text(&seen.get_output().stdout).contains("The same"),
        "{}",
        text(&seen.get_output().stdout)
    );
    let refused = wavetank(place.path(), &["compare", "main.yaml", "long.yaml", "--out", "none"])
        .assert()
        .code(2);
    assert!(text(&refused.get_output().stderr).contains("WT1150") && !place.path().join("none").exists());
    // A variant that serves another number of requests is compared by shares and means of its own.
    let seen = wavetank(place.path(), &["compare", "main.yaml", "branch.yaml", "busy.yaml"])
        .assert()
        .code(1);
    assert!(text(&seen.get_output().stderr).contains("WT1153"));
    let table = fs::read_to_string(place.path().join("results/main-against-2-others/comparison.csv")).expect("written");
    assert_eq!(
        table.lines().filter(|line| line.starts_with("mean_ms,all,")).count(),
        3,
        "{table}"
    );
}

#[test]
fn what_cannot_be_compared_is_refused() {
    let place = place(&[
        ("a.yaml", queue("a", 40, "duration: 10s\n")),
        ("b.yaml", queue("b", 40, "duration: 10s\n")),
    ]);
    wavetank(place.path(), &["compare", "a.yaml", "a.yaml"])
        .assert()
        .code(2);
    let vary = [
        "compare",
        "a.yaml",
        "b.yaml",
        "--vary",
        "traffic.customers.rate=1/s,2/s",
    ];
    wavetank(place.path(), &vary).assert().code(2);
    assert!(!place.path().join("results").exists());
}
