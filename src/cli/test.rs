//! `wavetank test`: runs scenarios and holds their results against their `expect:` blocks.
//!
//! What it finds is told on the terminal, as JSON, as Markdown for the summary of a CI job, and as JUnit's XML, which CI
//! servers show test by test.

use super::Status;
use super::arguments::{Format, Test};
use super::evidence::Results;
use super::folder::{self, Folder};
use super::interrupt;
use super::progress::Progress;
use super::select::{self, Selected};
use super::simulate::{self, Simulated};
use super::terminal::Terminal;
use crate::experiment::expect::{self, Finding, Outcome};
use crate::experiment::replicate::conduct;
use crate::experiment::{Cancel, Workers};
use crate::report::summary::markdown::table;
use crate::report::words::counted;
use serde_json::json;
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::{Mutex, MutexGuard};

pub fn test(terminal: &Terminal, test: &Test) -> anyhow::Result<Status> {
    let files = select::files(&test.scenarios)?;
    let Some(selected) = select::load(terminal, &files, &test.changes, &[])? else {
        return Ok(Status::Wrong);
    };
    if let Some(path) = &test.junit {
        // Now and not after an hour of simulation.
        Folder::open(
            path.parent()
                .filter(|parent| !parent.as_os_str().is_empty())
                .unwrap_or(Path::new(".")),
        )?;
    }
    let cancel = interrupt::watch();
    let mut status = Status::Good;
    let mut tested = Vec::new();
    all(terminal, &selected, test.effort.threads, &cancel, |one| {
        status = status.and(one.status());
        if terminal.format == Format::Text {
            one.tell(terminal);
        }
        tested.push(one);
    });
    if cancel.requested() {
        status = status.and(Status::Interrupted);
    }
    match terminal.format {
        Format::Text => {}
        Format::Markdown => terminal.say_plain(&markdown(&tested)),
        Format::Json => {
            let scenarios: Vec<_> = tested.iter().map(Tested::json).collect();
            terminal.say_json(&json!({ "scenarios": scenarios, "status": status as u8 }));
        }
    }
    if let Some(path) = &test.junit {
        folder::write_whole(path, junit(&tested).as_bytes())?;
        terminal.mention(&format!("wrote {}", path.display()));
    }
    Ok(status)
}

/// One scenario held against its expectations.
struct Tested {
    file: String,
    /// What repeats the runs and writes what the expectations speak of.
    command: String,
    folder: String,
    runs: usize,
    /// Before all runs were made; then nothing is found.
    interrupted: bool,
    findings: Vec<Finding>,
}

/// Tests scenarios several at a time, so that no core waits for the last run of one; `tell` hears of them in their order.
fn all(
    terminal: &Terminal,
    selected: &[Selected],
    threads: Option<NonZeroUsize>,
    cancel: &Cancel,
    mut tell: impl FnMut(Tested),
) {
    let workers = simulate::workers(threads);
    let name = match selected {
        [one] => one.name.clone(),
        several => counted(several.len(), "scenario"),
    };
    let watch = Watch::new(Progress::new(terminal, &name), selected);
    let test = |at: usize| {
        let scenario = &selected[at];
        one(scenario, &workers, cancel, |done, of| watch.is_at(at, done, of))
    };
    // These only wait: the runs of all scenarios share the workers.
    conduct(selected.len(), workers.count(), cancel, test, |_, one| {
        watch.aside(|| tell(one));
    });
    watch.end();
}

fn one(scenario: &Selected, workers: &Workers, cancel: &Cancel, progress: impl FnMut(usize, usize)) -> Tested {
    let tested = |runs: usize, findings: Vec<Finding>| Tested {
        file: scenario.file.clone(),
        command: scenario.provenance.command.clone(),
        folder: scenario.folder(),
        runs,
        interrupted: false,
        findings,
    };
    // A scenario that expects nothing has passed when it is right.
    if !has_expectations(scenario) {
        return tested(0, Vec::new());
    }
    let simulated = simulate::perform(scenario, workers, cancel, progress);
    let runs = simulated.as_written().records.len();
    if simulated.as_written().was_interrupted() {
        // What too few runs say about it is not what was asked.
        return Tested {
            interrupted: true,
            ..tested(runs, Vec::new())
        };
    }
    tested(runs, findings(&simulated))
}

fn has_expectations(scenario: &Selected) -> bool {
    !scenario.as_written().blueprint.expectations.is_empty()
}

/// The progress of several scenarios as one.
struct Watch<'a>(Mutex<(Progress<'a>, Vec<(usize, usize)>)>);

impl<'a> Watch<'a> {
    fn new(progress: Progress<'a>, selected: &[Selected]) -> Self {
        let runs = |scenario| match has_expectations(scenario) {
            true => (0, simulate::runs(scenario)),
            false => (0, 0),
        };
        Watch(Mutex::new((progress, selected.iter().map(runs).collect())))
    }

    /// Of a scenario, so many runs of so many are done.
    fn is_at(&self, scenario: usize, done: usize, of: usize) {
        let mut state = self.lock();
        let (progress, each) = &mut *state;
        each[scenario] = (done, of);
        progress.is_at(
            each.iter().map(|(done, _)| done).sum(),
            each.iter().map(|(_, of)| of).sum(),
        );
    }

    /// Lets words onto the terminal, between two pictures of the progress.
    fn aside(&self, speak: impl FnOnce()) {
        self.lock().0.aside(speak);
    }

    fn end(self) {
        self.0.into_inner().expect("nobody panics while watching").0.end();
    }

    fn lock(&self) -> MutexGuard<'_, (Progress<'a>, Vec<(usize, usize)>)> {
        self.0.lock().expect("nobody panics while watching")
    }
}

/// What became of every expectation of a scenario.
pub fn findings(simulated: &Simulated) -> Vec<Finding> {
    let outcome = simulated.as_written();
    let evidence = Results::new(outcome, simulated.comparison.as_ref());
    expect::check(&outcome.blueprint.expectations, &evidence)
}

/// A table of what did not pass, under what did.
fn markdown(tested: &[Tested]) -> String {
    let findings = || tested.iter().flat_map(|one| &one.findings);
    let (total, passed) = (
        findings().count(),
        findings().filter(|finding| finding.passed()).count(),
    );
    let rows = tested.iter().flat_map(|one| {
        one.failed().map(move |finding| {
            vec![
                word(finding.outcome).to_owned(),
                format!("{}:{}", one.file, finding.line),
                finding.text.clone(),
                finding.expected.clone(),
                finding.seen.clone(),
            ]
        })
    });
    let header = ["", "where", "expectation", "expected", "seen"];
    format!(
        "### {passed} of {total} expectations hold in {}\n{}",
        counted(tested.len(), "scenario"),
        table(&header, header.len(), rows.collect())
    )
}

const fn word(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Passed => "passed",
        Outcome::Failed => "failed",
        Outcome::Undecided => "undecided",
    }
}

/// A suite for each scenario, a case for each expectation. How long they took is left out: it is the machine's affair.
fn junit(tested: &[Tested]) -> String {
    let mut report = quick_junit::Report::new("wavetank");
    for one in tested {
        let mut suite = quick_junit::TestSuite::new(one.file.clone());
        for finding in &one.findings {
            let kind = match finding.outcome {
                Outcome::Passed => None,
                Outcome::Failed => Some(quick_junit::NonSuccessKind::Failure),
                // Not wrong, but nobody could say that it is right.
                Outcome::Undecided => Some(quick_junit::NonSuccessKind::Error),
            };
            let status = kind.map_or_else(quick_junit::TestCaseStatus::success, |kind| {
                let mut status = quick_junit::TestCaseStatus::non_success(kind);
                status
                    .set_type(word(finding.outcome))
                    .set_message(format!("expected {}, seen {}", finding.expected, finding.seen))
                    .set_description(failure(&one.file, finding, &one.command, &one.folder));
                status
            });
            let name = format!("line {}: {}", finding.line, finding.text);
            let mut case = quick_junit::TestCase::new(name, status);
            case.set_classname(one.file.clone());
            suite.add_test_case(case);
        }
        report.add_test_suite(suite);
    }
    report.to_string().expect("XML is written into memory")
}

/// A failed expectation: what was expected, what was seen, where, and the command that shows it.
pub fn failure(file: &str, finding: &Finding, command: &str, folder: &str) -> String {
    format!(
        "{file}:{}: {}\n  expected  {}\n  seen      {}\n  in        {folder}/{}\n  shown by  {command}",
        finding.line, finding.text, finding.expected, finding.seen, finding.place
    )
}

impl Tested {
    fn failed(&self) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(|finding| !finding.passed())
    }

    fn status(&self) -> Status {
        self.failed().fold(Status::Good, |status, finding| {
            status.and(match finding.outcome {
                Outcome::Undecided => Status::Undecided,
                _ => Status::NotMet,
            })
        })
    }

    fn tell(&self, terminal: &Terminal) {
        for finding in self.failed() {
            terminal.say(&failure(&self.file, finding, &self.command, &self.folder));
        }
        let (total, failed) = (self.findings.len(), self.failed().count());
        terminal.say(&match total {
            _ if self.interrupted => format!(
                "{}: interrupted after {}, not judged",
                self.file,
                counted(self.runs, "run")
            ),
            0 => format!("{}: expects nothing", self.file),
            _ => format!(
                "{}: {} of {total} expectations hold ({} runs)",
                self.file,
                total - failed,
                self.runs
            ),
        });
    }

    fn json(&self) -> serde_json::Value {
        let findings: Vec<_> = self
            .findings
            .iter()
            .map(|finding| {
                json!({
                    "passed": finding.passed(),
                    "undecided": finding.outcome == Outcome::Undecided,
                    "line": finding.line,
                    "text": finding.text,
                    "expected": finding.expected,
                    "seen": finding.seen,
                    "place": finding.place,
                })
            })
            .collect();
        json!({ "file": self.file, "runs": self.runs, "interrupted": self.interrupted, "command": self.command, "expectations": findings })
    }
}
