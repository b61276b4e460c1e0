//! The simulator against queueing theory: small systems whose answers are known exactly.
//!
//! Each file under `tests/theory` says where its numbers come from, and expects each twice: its interval covers the
//! exact value, and it lies near it, for an interval that covers everything proves nothing. Seeds differ, so that the
//! files are independent evidence. Sharper and longer ones are under `scenarios/theory`, for `wavetank test`.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::thread::available_parallelism;
use wavetank::cli::{Results, run_once};
use wavetank::experiment::expect::{Finding, check};
use wavetank::experiment::{Cancel, Plan, Variant, Workers};
use wavetank::scenario::{Scenario, Style};

/// Service times as the files write them, and the same 3 % longer.
const SLOWER: &[(&str, &str)] = &[
    ("mean: 1s }", "mean: 1.03s }"),
    ("mean: 1s,", "mean: 1.03s,"),
    ("wait: 1s }", "wait: 1.03s }"),
    ("833.333333ms", "858.333333ms"),
    ("mean: 20ms", "mean: 20.6ms"),
    // Fewer runs are enough to notice.
    ("replications: 20", "replications: 10"),
];

fn files() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/theory");
    let entries = std::fs::read_dir(folder).expect("the folder is there");
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.expect("it reads").path()).collect();
    files.sort();
    assert!(files.len() >= 12, "most of the theory is gone: {files:?}");
    files
}

/// What becomes of the expectations of a file if `change` is made to its text.
fn findings(file: &Path, change: impl Fn(String) -> String) -> Vec<Finding> {
    let text = change(std::fs::read_to_string(file).expect("it reads"));
    let folder = file.parent().expect("a file is in a folder");
    let scenario = Scenario::parse(&file.display().to_string(), text, folder)
        .unwrap_or_else(|wrong| panic!("{}", wrong.render(Style::Plain)));
    let (blueprint, found) = scenario.resolve();
    let blueprint = blueprint.unwrap_or_else(|| panic!("{}", found.render(Style::Plain)));
    let plan = Plan {
        replications: blueprint.replications,
        most: blueprint.replications,
        variants: &[Variant {
            name: blueprint.name.clone(),
            blueprint,
        }],
    };
    let workers = Workers::new(available_parallelism().unwrap_or(NonZeroUsize::MIN));
    let outcomes = plan.perform(&workers, &Cancel::default(), run_once, |_| true, |_, _| {});
    check(&outcomes[0].blueprint.expectations, &Results::new(&outcomes[0], None))
}

#[test]
fn what_theory_says_is_seen() {
    let mut wrong = String::new();
    for file in files() {
        let findings = findings(&file, |text| text);
        assert!(!findings.is_empty(), "{} expects nothing", file.display());
        for finding in findings.iter().filter(|finding| !finding.passed()) {
            let (path, line) = (file.display(), finding.line);
            let (expected, seen, place) = (&finding.expected, &finding.seen, &finding.place);
            wrong.push_str(&format!(
                "{path}:{line}: expected {expected}\n  seen {seen}\n  in {place}\n"
            ));
        }
    }
    assert!(wrong.is_empty(), "the simulator and queueing theory disagree\n{wrong}");
}

/// A simulator whose service is 3 % too slow does not pass: each file alone would notice.
#[test]
fn a_simulator_that_is_a_little_wrong_is_noticed() {
    for file in files() {
        let slowed = |text: String| {
            let slow = SLOWER
                .iter()
                .fold(text.clone(), |text, (written, slower)| text.replace(written, slower));
            let slowed = SLOWER[..SLOWER.len() - 1]
                .iter()
                .any(|(written, _)| text.contains(written));
            assert!(slowed, "nothing in {} is slowed", file.display());
            slow
        };
        let findings = findings(&file, slowed);
        assert!(
            findings.iter().any(|finding| !finding.passed()),
            "{} does not notice 3 %: {findings:#?}",
            file.display()
        );
    }
}
