//! Sweeps from outside: what is killed goes on and loses nothing, what is shared out comes together to the byte, and
//! nothing that does not belong together is mixed.

use assert_cmd::Command;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

/// Runs of some twenty requests: 12 points of 5 runs in 15 parts.
const SHOP: &str = "\
name: shop
services: { web: { cpu: 1 vCPU, memory: 2 GiB, desired_count: 2, operations: { get: [{ cpu: 20ms }] } } }
traffic: { users: { to: web, rate: 20/s } }
duration: 1s
experiment:
  replications: 5
  sweep:
    grid: { services.web.desired_count: [2, 3, 4], services.web.cpu: [512, 1 vCPU] }
    latin_hypercube: { points: 2, over: { traffic.users.rate: { from: 10/s, to: 20/s } } }
";

struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    fn new() -> Place {
        let place = Place {
            folder: tempfile::tempdir().expect("a temporary folder"),
        };
        fs::write(place.path("shop.yaml"), SHOP).expect("the folder is ours");
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

    fn sweep(&self, out: &str, more: &[&str]) -> assert_cmd::assert::Assert {
        let mut arguments = vec!["sweep", "shop.yaml", "--runs-per-part", "4", "--out", out];
        arguments.extend(more);
        self.wavetank(&arguments).assert()
    }

    /// What is said on standard error by a command that is wrong.
    fn refused(&self, arguments: &[&str]) -> String {
        let output = self.wavetank(arguments).assert().code(2).get_output().clone();
        String::from_utf8(output.stderr).expect("UTF-8")
    }
}

/// Every file below a folder with its bytes, by path.
fn contents(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).expect("readable") {
            let path = entry.expect("readable").path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(folder).expect("walked from the root");
                found.push((name.display().to_string(), fs::read(&path).expect("readable")));
            }
        }
    }
    found.sort();
    found
}

fn assert_same(one: &Path, other: &Path) {
    let (one, other) = (contents(one), contents(other));
    let names = |files: &[(String, Vec<u8>)]| files.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
    assert_eq!(names(&one), names(&other));
    for ((name, bytes), (_, other)) in one.iter().zip(&other) {
        assert!(bytes == other, "{name} differs");
    }
}

fn parts(folder: &Path) -> usize {
    let Ok(entries) = fs::read_dir(folder.join("parts")) else {
        return 0;
    };
    let names = entries.map(|entry| entry.expect("readable").file_name().to_string_lossy().into_owned());
    names.filter(|name| name.starts_with("part-")).count()
}

#[test]
fn a_sweep_leaves_a_row_for_each_run_and_for_each_point() {
    let place = Place::new();
    let output = place.sweep("out", &[]).code(0).get_output().clone();
    let runs = fs::read_to_string(place.path("out/runs.csv")).expect("written");
    let points = fs::read_to_string(place.path("out/points.csv")).expect("written");
    assert_eq!((runs.lines().count(), points.lines().count()), (1 + 60, 1 + 12));
    let header = runs.lines().next().expect("a header");
    assert!(
        header.starts_with(
            "point,replication,services.web.desired_count,services.web.cpu,services.web.cpu_vcpu,\
             traffic.users.rate,traffic.users.rate_per_s,ended_early,offered,"
        ),
        "{header}"
    );
    let said = String::from_utf8(output.stdout).expect("UTF-8") + &String::from_utf8_lossy(&output.stderr);
    for file in ["manifest.json", "runs.csv", "points.csv", "effects.svg", "effects.png"] {
        assert!(place.path("out").join(file).is_file(), "{file}");
        assert!(
            file == "manifest.json" || said.contains(file),
            "{file} was not mentioned:\n{said}"
        );
    }
    assert!(said.lines().all(|line| line.chars().count() <= 80), "{said}");
}

#[test]
fn the_number_of_threads_does_not_reach_a_byte() {
    let place = Place::new();
    for threads in ["1", "2", "5"] {
        place.sweep(threads, &["--threads", threads]).code(0);
    }
    assert_same(&place.path("1"), &place.path("2"));
    assert_same(&place.path("1"), &place.path("5"));
}

#[test]
fn what_is_killed_goes_on_where_it_was_and_ends_with_the_same_bytes() {
    let place = Place::new();
    // Long enough that it can be killed in between: 60 runs of 2,000 requests.
    let long = ["--set", "duration=100s"];
    place.sweep("whole", &long).code(0);
    let mut interrupted = 0;
    for (at, moment) in [0, 1, 3, 6, 9, 12].into_iter().enumerate() {
        let mut child = std::process::Command::new(assert_cmd::cargo::cargo_bin("wavetank"))
            .current_dir(place.folder.path())
            .args([
                "sweep",
                "shop.yaml",
                "--runs-per-part",
                "4",
                "--out",
                "killed",
                "--quiet",
            ])
            .args(long)
            .args(["--threads", if at % 2 == 0 { "1" } else { "2" }])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("it starts");
        let kept = place.path("killed").join("parts");
        let before = if kept.is_dir() { contents(&kept) } else { Vec::new() };
        let patience = Instant::now() + Duration::from_secs(120);
        while parts(&place.path("killed")) < moment.max(before.len()) && Instant::now() < patience {
            std::thread::sleep(Duration::from_millis(2));
            if child.try_wait().expect("it is ours").is_some() {
                break;
            }
        }
        child.kill().expect("it can be killed");
        let ended = child.wait().expect("it is ours");
        interrupted += usize::from(!ended.success());
        // Nothing that was finished is lost, or other than it was.
        let after = if kept.is_dir() { contents(&kept) } else { Vec::new() };
        for part in before.iter().filter(|(name, _)| !name.starts_with('.')) {
            assert!(after.contains(part), "{} is gone", part.0);
        }
    }
    assert!(interrupted >= 4, "only {interrupted} of 6 were killed before their end");
    place.sweep("killed", &long).code(0);
    assert_same(&place.path("whole"), &place.path("killed"));
}

#[test]
fn a_sweep_that_is_whole_is_not_done_again() {
    let place = Place::new();
    place.sweep("out", &[]).code(0);
    let before = contents(&place.path("out"));
    let times = |folder: &Path| {
        let entries = fs::read_dir(folder.join("parts")).expect("readable");
        let mut times: Vec<_> = entries
            .map(|entry| entry.and_then(|entry| entry.metadata()?.modified()).expect("readable"))
            .collect();
        times.sort();
        times
    };
    let written = times(&place.path("out"));
    place.sweep("out", &[]).code(0);
    assert_eq!(times(&place.path("out")), written);
    assert_eq!(contents(&place.path("out")), before);
}

#[test]
fn shards_come_together_to_the_bytes_of_the_whole() {
    let place = Place::new();
    place.sweep("whole", &[]).code(0);
    // Two write into one folder, the third elsewhere and on other threads.
    place.sweep("a", &["--shard", "1/3"]).code(0);
    place.sweep("a", &["--shard", "3/3", "--threads", "2"]).code(0);
    place.sweep("b", &["--shard", "2/3", "--threads", "1"]).code(0);
    assert!(!place.path("a/runs.csv").exists());
    place.wavetank(&["merge", "a", "b", "--out", "merged"]).assert().code(0);
    assert_same(&place.path("whole"), &place.path("merged"));
    // Again, and in place.
    place.wavetank(&["merge", "merged", "--out", "merged"]).assert().code(0);
    place.wavetank(&["merge", "b", "a", "--out", "b"]).assert().code(0);
    assert_same(&place.path("whole"), &place.path("merged"));
    assert_same(&place.path("whole"), &place.path("b"));
}

#[test]
fn a_gap_is_refused_with_the_parts_that_are_missing_and_what_makes_them() {
    let place = Place::new();
    place.sweep("a", &["--shard", "1/3"]).code(0);
    place.sweep("a", &["--shard", "2/3"]).code(0);
    let said = place.refused(&["merge", "a", "--out", "merged"]);
    for words in [
        "WT1117",
        "5 of 15 parts are missing: 2, 5, 8, 11, 14",
        "wavetank sweep shop.yaml --runs-per-part 4 --out a",
    ] {
        assert!(said.contains(words), "{words}:\n{said}");
    }
    assert!(!place.path("merged").exists());
    place.sweep("a", &[]).code(0);
    place.wavetank(&["merge", "a", "--out", "merged"]).assert().code(0);
}

#[test]
fn a_damaged_part_is_refused_by_merge_and_made_again_by_sweep() {
    let place = Place::new();
    place.sweep("out", &[]).code(0);
    let before = contents(&place.path("out"));
    let part = place.path("out/parts/part-000007.csv");
    let text = fs::read_to_string(&part).expect("written");
    for damaged in [
        text.replacen("1000", "1001", 1),
        text[..text.len() / 2].to_owned(),
        String::new(),
    ] {
        let damaged = if damaged == text {
            text.replacen(",0,", ",1,", 1)
        } else {
            damaged
        };
        fs::write(&part, damaged).expect("the folder is ours");
        let said = place.refused(&["merge", "out", "--out", "merged"]);
        assert!(said.contains("WT1116") && said.contains("part-000007.csv"), "{said}");
        assert!(!place.path("merged").exists());
        let output = place.sweep("out", &["--quiet"]).code(0).get_output().clone();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(said.contains("part-000007.csv is damaged and is made again"), "{said}");
        assert_eq!(contents(&place.path("out")), before);
    }
}

#[test]
fn a_sweep_of_another_scenario_seed_or_version_is_left_alone() {
    let place = Place::new();
    place.sweep("out", &["--shard", "1/5"]).code(0);
    let before = contents(&place.path("out"));
    let arguments = ["sweep", "shop.yaml", "--runs-per-part", "4", "--out", "out"];
    let with = |more: &[&str]| place.refused(&[&arguments[..], more].concat());
    for (more, code, words) in [
        (&["--seed", "2"][..], "WT1114", "seed: 1"),
        (&["--replications", "6"], "WT1114", "replications: 5"),
        (&["--set", "duration=2s"], "WT1114", "--set: none"),
        (
            &["--grid", "services.web.desired_count=2,3"],
            "WT1114",
            "points: 12 points",
        ),
        (&["--runs-per-part", "5"], "WT1114", "runs per part: 4"),
    ] {
        let more: Vec<&str> = more.to_vec();
        let said = if more[0] == "--runs-per-part" {
            place.refused(&["sweep", "shop.yaml", "--out", "out", "--runs-per-part", "5"])
        } else {
            with(&more)
        };
        assert!(said.contains(code) && said.contains(words), "{more:?}:\n{said}");
    }
    fs::write(place.path("shop.yaml"), SHOP.replace("20ms", "21ms")).expect("the folder is ours");
    assert!(with(&[]).contains("WT1113"));
    fs::write(place.path("shop.yaml"), SHOP).expect("the folder is ours");
    assert_eq!(contents(&place.path("out")), before);

    let manifest = place.path("out/manifest.json");
    let text = fs::read_to_string(&manifest).expect("written");
    let altered = [
        (text.replace("\"wavetank\": \"", "\"wavetank\": \"0."), "WT1112"),
        (
            text.replace("\"generator_contract\": ", "\"generator_contract\": 9"),
            "WT1112",
        ),
        (text.replace("\"seed\": 1", "\"seed\": 2"), "WT1115"),
        (text.replace("\"kind\": \"sweep\"", "\"kind\": \"run\""), "WT1115"),
        (text[..100].to_owned(), "WT1115"),
    ];
    for (altered, code) in altered {
        fs::write(&manifest, &altered).expect("the folder is ours");
        for said in [with(&[]), place.refused(&["merge", "out", "--out", "merged"])] {
            assert!(said.contains(code), "{code}:\n{said}");
        }
        assert_eq!(fs::read_to_string(&manifest).expect("readable"), altered);
    }
    fs::remove_file(&manifest).expect("the folder is ours");
    assert!(with(&[]).contains("WT1115"));
}

#[test]
fn what_does_not_belong_together_is_not_merged() {
    let place = Place::new();
    place.sweep("a", &["--shard", "1/2"]).code(0);
    place.sweep("b", &["--shard", "2/2", "--seed", "2"]).code(0);
    fs::create_dir(place.path("empty")).expect("the folder is ours");
    let said = place.refused(&["merge", "a", "b", "empty", "--out", "merged"]);
    assert!(said.contains("WT1114") && said.contains("seed: 2"), "{said}");
    assert!(
        said.contains("WT1115") && said.contains("empty/manifest.json"),
        "every problem at once:\n{said}"
    );
    // A part from elsewhere, put where it does not belong.
    fs::copy(
        place.path("b/parts/part-000001.csv"),
        place.path("a/parts/part-000001.csv"),
    )
    .expect("copied");
    let said = place.refused(&["merge", "a", "--out", "merged"]);
    assert!(
        said.contains("WT1116") && said.contains("belongs to another sweep"),
        "{said}"
    );
    assert!(!place.path("merged").exists());
}

#[test]
fn a_shard_that_does_not_exist_is_status_2_with_all_that_is_wrong_beside_it() {
    let place = Place::new();
    for shard in ["0/3", "4/3", "1/0", "half"] {
        let said = place.refused(&[
            "sweep",
            "shop.yaml",
            "--shard",
            shard,
            "--grid",
            "services.web.desired_cout=1,2",
        ]);
        assert!(
            said.contains("WT1111") && said.contains("did you mean `desired_count`?"),
            "{said}"
        );
    }
    assert!(!place.path("results").exists());
}

#[test]
fn programs_read_the_points_of_a_sweep() {
    let place = Place::new();
    let output = place
        .sweep("out", &["--format", "json", "--quiet"])
        .code(0)
        .get_output()
        .clone();
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    let told: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON and nothing else");
    assert_eq!(told["points"].as_array().map(Vec::len), Some(12));
    assert_eq!(told["points"][11]["values"]["services.web.desired_count"], "4");
    assert_eq!(told["points"][11]["replications"], 5);
    let output = place
        .sweep("out", &["--format", "markdown", "--quiet"])
        .code(0)
        .get_output()
        .clone();
    let said = String::from_utf8(output.stdout).expect("UTF-8");
    assert!(
        said.contains("| point | `services.web.desired_count` | `services.web.cpu` |"),
        "{said}"
    );
}
