//! `wavetank test`: runs scenarios and holds their results against their `expect:` blocks.

use super::Status;
use super::arguments::{Format, Test};
use super::evidence::Results;
use super::interrupt;
use super::select::{self, Selected};
use super::simulate::{self, Simulated};
use super::terminal::Terminal;
use crate::experiment::Cancel;
use crate::experiment::expect::{self, Finding};
use serde_json::json;

pub fn test(terminal: &Terminal, test: &Test) -> anyhow::Result<Status> {
    let files = select::files(&test.scenarios)?;
    let Some(selected) = select::load(terminal, &files, &test.changes, &[])? else {
        return Ok(Status::Wrong);
    };
    let cancel = interrupt::watch();
    let threads = simulate::threads(test.effort.threads);
    let mut status = Status::Good;
    let mut report = Vec::new();
    for scenario in selected {
        let tested = one(terminal, scenario, threads, &cancel);
        status = status.and(tested.status());
        match terminal.format {
            Format::Text => tested.tell(terminal),
            Format::Json => report.push(tested.json()),
        }
        if cancel.requested() {
            status = status.and(Status::Interrupted);
            break;
        }
    }
    if terminal.format == Format::Json {
        terminal.say_json(&json!({ "scenarios": report, "status": status as u8 }));
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
    findings: Vec<Finding>,
}

fn one(terminal: &Terminal, scenario: Selected, threads: std::num::NonZeroUsize, cancel: &Cancel) -> Tested {
    let (file, command, folder) = (
        scenario.file.clone(),
        scenario.provenance.command.clone(),
        scenario.folder(),
    );
    // A scenario that expects nothing has passed when it is right.
    if scenario.as_written().blueprint.expectations.is_empty() {
        return Tested {
            file,
            command,
            folder,
            runs: 0,
            findings: Vec::new(),
        };
    }
    let simulated = simulate::perform(terminal, scenario, threads, cancel);
    Tested {
        file,
        command,
        folder,
        runs: simulated.as_written().records.len(),
        findings: findings(&simulated),
    }
}

/// What became of every expectation of a scenario.
pub fn findings(simulated: &Simulated) -> Vec<Finding> {
    let outcome = simulated.as_written();
    let evidence = Results::new(outcome, simulated.comparison.as_ref());
    expect::check(&outcome.blueprint.expectations, &evidence)
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
        self.findings.iter().filter(|finding| !finding.passed)
    }

    fn status(&self) -> Status {
        if self.failed().next().is_none() {
            Status::Good
        } else {
            Status::NotMet
        }
    }

    fn tell(&self, terminal: &Terminal) {
        for finding in self.failed() {
            terminal.say(&failure(&self.file, finding, &self.command, &self.folder));
        }
        let (total, failed) = (self.findings.len(), self.failed().count());
        terminal.say(&match total {
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
                    "passed": finding.passed,
                    "line": finding.line,
                    "text": finding.text,
                    "expected": finding.expected,
                    "seen": finding.seen,
                    "place": finding.place,
                })
            })
            .collect();
        json!({ "file": self.file, "runs": self.runs, "command": self.command, "expectations": findings })
    }
}
