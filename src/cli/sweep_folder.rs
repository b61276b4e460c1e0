//! The folder of a sweep: a manifest that is written once, and parts that are there whole or not at all.
//!
//! Several processes may write into one folder at once, also from several machines that number their processes alike:
//! what is not yet in its place carries the shard's name. A process that is killed leaves at most such a file, which the
//! next start of the same shard removes.

use super::interrupt;
use crate::experiment::sweep::{Cut, Shard};
use crate::report::sweep::Run;
use crate::report::sweep::manifest::{Difference, Manifest, Unfit};
use crate::report::sweep::part::{self, Damage};
use crate::scenario::source::{Place, Sources};
use crate::scenario::{Code, Diagnostic, Diagnostics};
use anyhow::Context;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

const MANIFEST: &str = "manifest.json";
/// Folder of the parts.
pub const PARTS: &str = "parts";

pub struct SweepFolder {
    path: PathBuf,
}

/// What is found in the place of a part.
pub enum Found {
    Missing,
    Whole(Vec<Run>),
    Damaged(Damage),
}

/// What is wrong with a file, pointing at the beginning of it.
pub fn problem(path: &Path, code: Code, message: impl Into<String>) -> (Diagnostic, Sources) {
    let mut sources = Sources::default();
    let file = sources.add(path.display().to_string(), "");
    let place = Place { file, start: 0, end: 0 };
    (Diagnostic::new(code, place, message), sources)
}

/// One problem as all that was found.
pub fn alone((diagnostic, sources): (Diagnostic, Sources)) -> Diagnostics {
    Diagnostics::new(vec![diagnostic], sources)
}

impl SweepFolder {
    pub fn new(path: &Path) -> Self {
        SweepFolder { path: path.to_owned() }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    pub fn manifest_path(&self) -> PathBuf {
        self.path.join(MANIFEST)
    }

    pub fn part_path(&self, part: u32) -> PathBuf {
        self.path.join(PARTS).join(part::file_name(part))
    }

    /// The manifest that is there. `None` if there is none, and no parts either.
    ///
    /// Errors: if it cannot be trusted, is of another version, or is missing beside parts.
    pub fn manifest(&self) -> anyhow::Result<Result<Option<Manifest>, Diagnostics>> {
        let path = self.manifest_path();
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let parts = self.path.join(PARTS);
                return Ok(if parts.is_dir() && fs::read_dir(&parts)?.next().is_some() {
                    let (problem, sources) =
                        problem(&path, Code::DamagedManifest, "the manifest of these parts is missing");
                    Err(alone((problem.hint("take it from another shard's folder"), sources)))
                } else {
                    Ok(None)
                });
            }
            Err(error) => return Err(error).with_context(|| format!("cannot read {}", path.display())),
        };
        Ok(Manifest::read(&bytes).map(Some).map_err(|unfit| {
            alone(match unfit {
                Unfit::Damaged(why) => {
                    let (problem, sources) = problem(
                        &path,
                        Code::DamagedManifest,
                        format!("this manifest cannot be trusted: {why}"),
                    );
                    (
                        problem.hint("begin anew in another folder; nothing was touched"),
                        sources,
                    )
                }
                Unfit::OtherVersion(key, theirs, mine) => {
                    let message = format!("this sweep was begun under {key} {theirs}");
                    let (problem, sources) = problem(&path, Code::SweepOfAnotherVersion, message);
                    let problem = problem.expected(format!("{key} {mine}"));
                    (
                        problem.hint("finish it with that version, or begin anew in another folder"),
                        sources,
                    )
                }
            })
        }))
    }

    /// Why a sweep cannot go on in this folder, if it holds another one.
    pub fn foreign(&self, there: &Manifest, wanted: &Manifest) -> Option<Diagnostics> {
        let path = self.manifest_path();
        Some(alone(match there.differs(wanted)? {
            Difference::Scenario => {
                let message = "the scenario is not what it was when this sweep was begun";
                let (problem, sources) = problem(&path, Code::SweepOfAnotherScenario, message);
                (problem.hint("bring it back, or begin anew in another folder"), sources)
            }
            Difference::Settings(key, theirs, mine) => {
                let message = format!("this folder holds a sweep with {key}: {theirs}");
                let (problem, sources) = problem(&path, Code::SweepOfOtherSettings, message);
                let problem = problem.expected(format!("{key}: {mine}"));
                (
                    problem.hint(format!(
                        "go on with `{}`, or begin anew in another folder",
                        there.command
                    )),
                    sources,
                )
            }
        }))
    }

    /// Makes the folder and writes the manifest, unless it is there.
    pub fn begin(&self, manifest: &Manifest, shard: Shard) -> anyhow::Result<()> {
        let parts = self.path.join(PARTS);
        fs::create_dir_all(&parts).with_context(|| format!("cannot make the folder {}", parts.display()))?;
        if !self.manifest_path().exists() {
            place(&self.manifest_path(), shard, &manifest.to_json())?;
        }
        Ok(())
    }

    /// Removes what a killed process of this shard has left half written.
    pub fn tidy(&self, shard: Shard) -> anyhow::Result<()> {
        for folder in [self.path.clone(), self.path.join(PARTS)] {
            let Ok(entries) = fs::read_dir(&folder) else { continue };
            for entry in entries {
                let path = entry
                    .with_context(|| format!("cannot list {}", folder.display()))?
                    .path();
                let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
                if name.starts_with('.') && name.ends_with(&ending(shard)) {
                    // Whoever removed it before has done the work.
                    let _ = fs::remove_file(&path);
                }
            }
        }
        Ok(())
    }

    pub fn part(&self, sweep: &str, cut: &Cut, part: u32) -> anyhow::Result<Found> {
        let path = self.part_path(part);
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Found::Missing),
            Err(error) => return Err(error).with_context(|| format!("cannot read {}", path.display())),
        };
        Ok(match part::read(sweep, part, &bytes) {
            Ok(rows) if holds(&rows, cut, part) => Found::Whole(rows),
            Ok(_) => Found::Damaged(Damage::WrongRows),
            Err(damage) => Found::Damaged(damage),
        })
    }

    pub fn write_part(&self, sweep: &str, part: u32, rows: &[Run], shard: Shard) -> anyhow::Result<()> {
        place(&self.part_path(part), shard, &part::write(sweep, part, rows))
    }

    /// The numbers of the parts of which there is a file, by name alone.
    pub fn parts(&self) -> anyhow::Result<Vec<u32>> {
        let folder = self.path.join(PARTS);
        let mut found = Vec::new();
        match fs::read_dir(&folder) {
            Ok(entries) => {
                for entry in entries {
                    let entry = entry.with_context(|| format!("cannot list {}", folder.display()))?;
                    found.extend(part::number(&entry.file_name().to_string_lossy()));
                }
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(error).with_context(|| format!("cannot list {}", folder.display())),
        }
        found.sort_unstable();
        Ok(found)
    }
}

/// Whether these are the runs of a part.
fn holds(rows: &[Run], cut: &Cut, part: u32) -> bool {
    let wanted = cut.runs_of(part).map(|run| cut.place(run));
    rows.len() == wanted.len()
        && rows
            .iter()
            .zip(wanted)
            .all(|(row, place)| (row.point, row.replication) == (place.point, place.replication))
}

/// What ends the name of a file that is not yet in its place.
fn ending(shard: Shard) -> String {
    format!(".{}-of-{}.tmp", shard.number(), shard.of())
}

/// Beside its place, where a file is written before it is moved there.
pub fn beside(path: &Path, shard: Shard) -> PathBuf {
    let name = path.file_name().expect("files have names").to_string_lossy();
    path.with_file_name(format!(".{name}{}", ending(shard)))
}

/// Writes a file, whole or not at all.
pub fn place(path: &Path, shard: Shard, bytes: &[u8]) -> anyhow::Result<()> {
    let _whole = interrupt::hold();
    let beside = beside(path, shard);
    let written = fs::File::create(&beside).and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&beside, path)
    });
    if written.is_err() {
        let _ = fs::remove_file(&beside);
    }
    written.with_context(|| format!("cannot write {}", path.display()))
}
