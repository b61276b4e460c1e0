//! `wavetank check`: everything that is wrong with scenarios, and what they mean with every default filled in.

use super::Status;
use super::arguments::{Check, Format};
use super::select;
use super::terminal::Terminal;
use crate::scenario::Diagnostics;
use std::path::Path;

pub fn check(terminal: &Terminal, check: &Check) -> anyhow::Result<Status> {
    let files = select::files(&check.scenarios)?;
    if let Err(why) = select::check_arguments(&files, &check.changes, &[]) {
        terminal.complain(&format!("error: {why}"));
        return Ok(Status::Wrong);
    }
    let mut status = Status::Good;
    let mut told = Vec::new();
    for file in &files {
        let (diagnostics, resolved) = match select::changed(file, &check.changes) {
            Ok(scenario) => (
                scenario.check(),
                check.resolved.then(|| scenario.resolved_text().ok()).flatten(),
            ),
            Err(problems) => (problems, None),
        };
        if diagnostics.has_errors() {
            status = Status::Wrong;
        }
        match terminal.format {
            Format::Text | Format::Markdown => tell(terminal, file, &diagnostics, resolved.as_deref()),
            Format::Json => told.push(select::verdict(file, &diagnostics, resolved.as_deref())),
        }
    }
    if terminal.format == Format::Json {
        terminal.say_json(&select::verdicts(told, status));
    }
    Ok(status)
}

fn tell(terminal: &Terminal, file: &Path, diagnostics: &Diagnostics, resolved: Option<&str>) {
    select::complain(terminal, diagnostics);
    match resolved {
        Some(yaml) => terminal.say(yaml),
        None if !diagnostics.has_errors() => {
            let warnings = match diagnostics.warnings() {
                0 => String::new(),
                1 => " with 1 warning".to_owned(),
                count => format!(" with {count} warnings"),
            };
            terminal.say(&format!("{}: right{warnings}", file.display()));
        }
        None => {}
    }
}
