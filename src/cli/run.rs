//! `wavetank run` and `wavetank compare`: simulates, writes everything, and says how it stands.

use super::Status;
use super::arguments::{Format, Run};
use super::folder::Folder;
use super::interrupt;
use super::progress::Progress;
use super::results::{self, VARIANTS};
use super::select::{self, Selected};
use super::simulate::{self, Simulated};
use super::terminal::Terminal;
use crate::experiment::precision::Reached;
use crate::experiment::{Outcome, verdict};
use crate::probe::{Pool, Verdict};
use std::path::{Path, PathBuf};

/// `wavetank run`.
pub fn run(terminal: &Terminal, run: &Run) -> anyhow::Result<Status> {
    let files = select::files(&run.scenarios)?;
    match select::load(terminal, &files, &run.changes, &run.vary)? {
        Some(selected) => do_all(terminal, run, selected),
        None => Ok(Status::Wrong),
    }
}

/// `wavetank compare`: of one scenario in variants, or of several files.
pub fn compare(terminal: &Terminal, run: &Run) -> anyhow::Result<Status> {
    let files = select::files(&run.scenarios)?;
    if files.len() < 2 {
        return self::run(terminal, run);
    }
    match select::together(terminal, &files, &run.changes)? {
        Some(selected) => do_all(terminal, run, selected),
        None => Ok(Status::Wrong),
    }
}

fn do_all(terminal: &Terminal, run: &Run, selected: Vec<Selected>) -> anyhow::Result<Status> {
    let cancel = interrupt::watch();
    let workers = simulate::workers(run.effort.threads);
    let several = selected.len() > 1;
    let mut status = Status::Good;
    let mut told = Vec::new();
    for scenario in selected {
        let path = folder(run.out.as_ref(), &scenario, several);
        // Now and not after an hour of simulation.
        let folder = Folder::open(&path)?;
        let (provenance, said) = (scenario.provenance.clone(), scenario.said.clone());
        let name = scenario.name.clone();
        let mut progress = Progress::new(terminal, &name);
        let simulated = simulate::perform(&scenario, &workers, &cancel, |done, of| progress.is_at(done, of));
        progress.end();
        if simulated.as_written().records.is_empty() {
            folder.discard();
            terminal.complain(&format!(
                "{name}: interrupted before any run was finished; nothing was written"
            ));
            return Ok(Status::Interrupted);
        }
        let written = folder.write(&results::everything(&simulated, &provenance, &said, &workers));
        match terminal.format {
            Format::Text => terminal.say(&results::summary_text(&simulated, &provenance)),
            Format::Markdown => terminal.say_plain(&results::summary_markdown(&simulated, &provenance)),
            Format::Json => told.push(results::summary_json(&simulated, &provenance)),
        }
        match written {
            Ok(written) => terminal.mention(&told_paths(&path, &written)),
            // What was computed has been told; only the files are missing.
            Err(error) => {
                terminal.complain(&format!("error: {error:#}"));
                status = status.and(Status::WorldFailed);
            }
        }
        status = status.and(standing(&simulated));
        if cancel.requested() {
            break;
        }
    }
    match (terminal.format, told.len(), several) {
        (Format::Text | Format::Markdown, ..) => {}
        (Format::Json, 1, false) => terminal.say_json(&told[0]),
        (Format::Json, ..) => terminal.say_json(&told.into()),
    }
    Ok(status)
}

/// `--out` itself for one scenario, a folder in it for each of several.
fn folder(out: Option<&PathBuf>, scenario: &Selected, several: bool) -> PathBuf {
    match out {
        Some(out) if several => out.join(select::folder_name(&scenario.name)),
        Some(out) => out.clone(),
        None => scenario.folder().into(),
    }
}

/// What the objectives of the scenario as written come to, or of all files that are compared.
fn standing(simulated: &Simulated) -> Status {
    let precise = simulated.reached.as_ref().is_none_or(Reached::enough);
    let of_outcome = |outcome: &Outcome| {
        let judgements = Pool::new(&outcome.blueprint, &outcome.records).judge();
        match verdict::overall(&judgements, &outcome.records) {
            Verdict::Met if precise => Status::Good,
            // The objectives are met, but what else was asked for is not known as closely as it was to be.
            Verdict::Met => Status::Undecided,
            Verdict::Undecided => Status::Undecided,
            Verdict::NotMet => Status::NotMet,
        }
    };
    simulated
        .judged()
        .iter()
        .map(of_outcome)
        .fold(Status::Good, Status::and)
}

/// The folder, and under it the names of what was written into it, in lines of up to 80 columns. Variants have the same
/// tables each, so one name stands for them.
pub fn told_paths(folder: &Path, written: &[PathBuf]) -> String {
    let names = written.iter().map(|path| path.strip_prefix(folder).unwrap_or(path));
    let (variants, own): (Vec<&Path>, Vec<&Path>) = names.partition(|name| name.starts_with(VARIANTS));
    let mut names: Vec<String> = own.iter().map(|name| name.display().to_string()).collect();
    let mut folders: Vec<_> = variants.iter().filter_map(|name| name.components().nth(1)).collect();
    folders.dedup();
    names.extend(
        folders
            .iter()
            .map(|variant| format!("{VARIANTS}/{}/*.csv", variant.as_os_str().display())),
    );
    let mut text = format!("wrote {} files to {}/", written.len(), folder.display());
    let mut width = usize::MAX;
    for name in names {
        let length = name.chars().count() + 1;
        if width.saturating_add(length) > 80 {
            text.push_str("\n ");
            width = 1;
        }
        text.push(' ');
        text.push_str(&name);
        width += length;
    }
    text
}
