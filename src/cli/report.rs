//! `wavetank report`: the page of a folder of results, made again from its files.

use super::Status;
use super::arguments::{Format, Report};
use super::folder;
use super::select::{complain, verdict, verdicts};
use super::terminal::Terminal;
use crate::report::page::{self, Files, results};
use std::borrow::Cow;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

pub fn report(terminal: &Terminal, report: &Report) -> anyhow::Result<Status> {
    if report.out.is_some() && report.folders.len() > 1 {
        terminal.complain(
            "error: `--out` names one file, and there are several folders: leave it out, and each gets its own",
        );
        return Ok(Status::Wrong);
    }
    let mut pages: Vec<(PathBuf, Vec<u8>)> = Vec::new();
    let mut told = Vec::new();
    for folder in &report.folders {
        match page::page(&folder.display().to_string(), &files(folder)?) {
            Ok(bytes) => {
                let path = report.out.clone().unwrap_or_else(|| folder.join(page::NAME));
                pages.push((path, bytes));
            }
            Err(found) => match terminal.format {
                Format::Json => told.push(verdict(folder, &found, None)),
                Format::Text | Format::Markdown => {
                    complain(terminal, &found);
                    told.push(serde_json::Value::Null);
                }
            },
        }
    }
    // Nothing is written unless every folder can be told.
    if !told.is_empty() {
        if terminal.format == Format::Json {
            terminal.complain(&verdicts(told, Status::Wrong).to_string());
        }
        return Ok(Status::Wrong);
    }
    let mut written = Vec::new();
    for (path, bytes) in &pages {
        folder::write_whole(path, bytes)?;
        written.push(path.display().to_string());
    }
    match terminal.format {
        Format::Json => terminal.say_json(&serde_json::json!({ "pages": written })),
        Format::Text | Format::Markdown => written.iter().for_each(|path| terminal.say(&format!("wrote {path}"))),
    }
    Ok(Status::Good)
}

/// The files that a page is made of, as far as they are there.
fn files(folder: &Path) -> anyhow::Result<Files<'static>> {
    let mut files = Files::new();
    for name in results::names() {
        let path = folder.join(&name);
        match fs::read(&path) {
            Ok(bytes) => {
                files.insert(name, Cow::Owned(bytes));
            }
            // The page says what is missing, and whether it matters.
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {}
            Err(error) => return Err(anyhow::Error::new(error).context(format!("cannot read {}", path.display()))),
        }
    }
    Ok(files)
}
