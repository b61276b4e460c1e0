//! `wavetank gallery`: the results that are committed beside the scenarios, written or compared byte by byte.
//!
//! Only what is small is committed: tables and SVG. Each scenario's expectations are held on the way, so that CI runs
//! everything once.

use super::Status;
use super::arguments::Gallery;
use super::folder::{File, Folder};
use super::interrupt;
use super::progress::Progress;
use super::results;
use super::select;
use super::simulate;
use super::terminal::Terminal;
use super::test;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// A file longer than this is not committed.
const BYTES_MOST: usize = 256 * 1024;

pub fn gallery(terminal: &Terminal, gallery: &Gallery) -> anyhow::Result<Status> {
    let files = select::files(&gallery.scenarios)?;
    let Some(selected) = select::load(terminal, &files, &Default::default(), &[])? else {
        return Ok(Status::Wrong);
    };
    let cancel = interrupt::watch();
    let workers = simulate::workers(gallery.effort.threads);
    let mut status = Status::Good;
    for scenario in selected {
        let path = gallery.out.join(select::folder_name(&scenario.name));
        let (file, command, folder) = (
            scenario.file.clone(),
            scenario.provenance.command.clone(),
            scenario.folder(),
        );
        let mut progress = Progress::new(terminal, &scenario.name);
        let simulated = simulate::perform(&scenario, &workers, &cancel, |done, of| progress.is_at(done, of));
        progress.end();
        if cancel.requested() {
            return Ok(Status::Interrupted);
        }
        for finding in test::findings(&simulated).iter().filter(|finding| !finding.passed()) {
            terminal.say(&test::failure(&file, finding, &command, &folder));
            status = status.and(Status::NotMet);
        }
        let small = small(results::tables_and_drawings(&simulated, &workers));
        if gallery.check {
            for difference in differences(&path, &small)? {
                terminal.say(&difference);
                status = status.and(Status::NotMet);
            }
        } else {
            clear(&path, &small)?;
            let written = Folder::open(&path)?.write(&small)?;
            terminal.mention(&format!("wrote {} files to {}", written.len(), path.display()));
        }
    }
    if gallery.check && status == Status::Good {
        terminal.mention("the committed results are those of this version, to the byte");
    }
    Ok(status)
}

fn small(files: Vec<File>) -> Vec<File> {
    files
        .into_iter()
        .filter(|file| file.bytes.len() <= BYTES_MOST)
        .collect()
}

/// What differs between a folder and the files that it should hold, a sentence each.
fn differences(folder: &Path, files: &[File]) -> anyhow::Result<Vec<String>> {
    let mut differences = Vec::new();
    for file in files {
        let path = folder.join(&file.name);
        match fs::read(&path) {
            Ok(bytes) if bytes == file.bytes => {}
            Ok(bytes) => differences.push(format!("{}: {}", path.display(), first_difference(&bytes, &file.bytes))),
            Err(_) => differences.push(format!("{}: is missing", path.display())),
        }
    }
    for name in left_over(folder, files)? {
        differences.push(format!("{}: is no longer written", folder.join(name).display()));
    }
    Ok(differences)
}

fn first_difference(kept: &[u8], made: &[u8]) -> String {
    let (kept, made) = (String::from_utf8_lossy(kept), String::from_utf8_lossy(made));
    let lines = kept.lines().zip(made.lines()).enumerate();
    let differing = lines
        .filter(|(_, (kept, made))| kept != made)
        .map(|(at, (kept, made))| {
            let shorten = |line: &str| line.chars().take(160).collect::<String>();
            format!(
                "differs first in line {}:\n  committed  {}\n  now        {}",
                at + 1,
                shorten(kept),
                shorten(made)
            )
        });
    differing
        .into_iter()
        .next()
        .unwrap_or_else(|| "has another length".to_owned())
}

/// Files in the folder and its folders that do not belong there any more. What only `wavetank run` writes (pictures,
/// large tables) is not the gallery's and may lie there.
fn left_over(folder: &Path, files: &[File]) -> anyhow::Result<Vec<String>> {
    let mut found = BTreeSet::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(inside) = folders.pop() {
        let Ok(entries) = fs::read_dir(&inside) else { continue };
        for entry in entries {
            let path = entry?.path();
            match path.strip_prefix(folder) {
                Ok(_) if path.is_dir() => folders.push(path),
                Ok(name) if is_ours(&path) => {
                    found.insert(name.to_string_lossy().replace('\\', "/"));
                }
                _ => {}
            }
        }
    }
    for file in files {
        found.remove(&file.name);
    }
    Ok(found.into_iter().collect())
}

/// Whether the gallery might have written it.
fn is_ours(path: &Path) -> bool {
    let kind = path
        .extension()
        .is_some_and(|extension| extension == "csv" || extension == "svg");
    kind && fs::metadata(path).is_ok_and(|data| data.len() <= BYTES_MOST as u64)
}

/// Removes what is no longer written.
fn clear(folder: &Path, files: &[File]) -> anyhow::Result<()> {
    for name in left_over(folder, files)? {
        fs::remove_file(folder.join(name))?;
    }
    Ok(())
}
