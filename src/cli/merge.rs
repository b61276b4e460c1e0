//! `wavetank merge`: the parts of a sweep, wherever they were made, as the folder that one process would have left.

use super::Status;
use super::arguments::Merge;
use super::select;
use super::sweep_folder::{Found, SweepFolder, alone, problem};
use super::sweep_tables;
use super::terminal::Terminal;
use crate::experiment::sweep::{Cut, Shard};
use crate::report::sweep::manifest::{Difference, Manifest};
use crate::scenario::source::Sources;
use crate::scenario::{Code, Diagnostic, Diagnostics};
use std::path::Path;

/// More missing parts than this are counted and not named.
const NAMED: usize = 12;

pub fn merge(terminal: &Terminal, merge: &Merge) -> anyhow::Result<Status> {
    let out = SweepFolder::new(&merge.out);
    // What an earlier merge has left in the target is as good as any.
    let mut folders: Vec<SweepFolder> = merge.folders.iter().map(|path| SweepFolder::new(path)).collect();
    if out.manifest_path().exists() && !merge.folders.contains(&merge.out) {
        folders.push(SweepFolder::new(&merge.out));
    }
    let refuse = |problems: &[Diagnostics]| {
        for problems in problems {
            select::tell(terminal, &merge.folders[0], problems, Status::Wrong);
        }
        Ok(Status::Wrong)
    };
    let manifest = match common(&folders)? {
        Ok(manifest) => manifest,
        Err(problems) => return refuse(&problems),
    };
    let cut = manifest.cut().expect("a manifest that was read has a cut");
    let chosen = match choose(&folders, &manifest, &cut)? {
        Ok(chosen) => chosen,
        Err(problems) => return refuse(&problems),
    };
    out.begin(&manifest, Shard::WHOLE)?;
    out.tidy(Shard::WHOLE)?;
    sweep_tables::finish(terminal, &out, &manifest, |part| {
        let folder = &folders[chosen[part as usize]];
        let Found::Whole(rows) = folder.part(&manifest.identity, &cut, part)? else {
            anyhow::bail!("{} was altered meanwhile", folder.part_path(part).display());
        };
        if !out.part_path(part).exists() {
            out.write_part(&manifest.identity, part, &rows, Shard::WHOLE)?;
        }
        Ok(rows)
    })?;
    Ok(Status::Good)
}

/// The manifest that all folders have.
fn common(folders: &[SweepFolder]) -> anyhow::Result<Result<Manifest, Vec<Diagnostics>>> {
    let mut first: Option<Manifest> = None;
    let mut problems = Vec::new();
    for folder in folders {
        match (folder.manifest()?, &first) {
            (Ok(None), _) => {
                let message = "there is no manifest of a sweep";
                let (problem, sources) = problem(&folder.manifest_path(), Code::DamagedManifest, message);
                problems.push(alone((
                    problem.expected("a folder that `wavetank sweep` has written to"),
                    sources,
                )));
            }
            (Ok(Some(manifest)), None) => first = Some(manifest),
            (Ok(Some(manifest)), Some(known)) => {
                problems.extend(known.differs(&manifest).map(|difference| mixture(folder, difference)));
            }
            (Err(more), _) => problems.push(more),
        }
    }
    Ok(first.filter(|_| problems.is_empty()).ok_or(problems))
}

fn mixture(folder: &SweepFolder, difference: Difference) -> Diagnostics {
    let (code, message) = match difference {
        Difference::Scenario => (
            Code::SweepOfAnotherScenario,
            "this is a sweep of another scenario than the first folder's".to_owned(),
        ),
        Difference::Settings(key, first, this) => (
            Code::SweepOfOtherSettings,
            format!("this sweep has {key}: {this}, and the first folder's {key}: {first}"),
        ),
    };
    let (problem, sources) = problem(&folder.manifest_path(), code, message);
    alone((problem.hint("merge the parts of one sweep only"), sources))
}

/// For each part, the folder to take it from.
fn choose(
    folders: &[SweepFolder],
    manifest: &Manifest,
    cut: &Cut,
) -> anyhow::Result<Result<Vec<usize>, Vec<Diagnostics>>> {
    let mut chosen: Vec<Option<usize>> = vec![None; cut.parts() as usize];
    let mut problems: Vec<Diagnostics> = Vec::new();
    for (at, folder) in folders.iter().enumerate() {
        for part in folder.parts()? {
            let path = folder.part_path(part);
            let Some(slot) = chosen.get_mut(part as usize) else {
                problems.push(damaged(&path, "the sweep has no part of this number"));
                continue;
            };
            match folder.part(&manifest.identity, cut, part)? {
                Found::Missing => {}
                Found::Damaged(why) => problems.push(damaged(&path, &why.to_string())),
                Found::Whole(_) => match *slot {
                    None => *slot = Some(at),
                    Some(other) => {
                        let other = folders[other].part_path(part);
                        if std::fs::read(&path)? != std::fs::read(&other)? {
                            let message = format!("{} holds other rows for the same part", other.display());
                            problems.push(alone(problem(&path, Code::PartsDiffer, message)));
                        }
                    }
                },
            }
        }
    }
    let missing: Vec<usize> = (0..chosen.len()).filter(|part| chosen[*part].is_none()).collect();
    // A part that is damaged is there, and has been told.
    if problems.is_empty() && !missing.is_empty() {
        problems.push(alone(gap(folders, manifest, &missing)));
    }
    Ok(if problems.is_empty() {
        Ok(chosen.into_iter().flatten().collect())
    } else {
        Err(problems)
    })
}

fn damaged(path: &Path, why: &str) -> Diagnostics {
    let (problem, sources) = problem(path, Code::DamagedPart, format!("this part cannot be trusted: {why}"));
    let hint = "start the sweep again on its folder: it makes damaged parts again and nothing else";
    alone((problem.hint(hint), sources))
}

fn gap(folders: &[SweepFolder], manifest: &Manifest, missing: &[usize]) -> (Diagnostic, Sources) {
    let named: Vec<String> = missing.iter().take(NAMED).map(usize::to_string).collect();
    let more = match missing.len() - named.len() {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let message = format!(
        "{} of {} parts are missing: {}{more}",
        missing.len(),
        manifest.parts,
        named.join(", ")
    );
    let (problem, sources) = problem(&folders[0].manifest_path(), Code::MissingParts, message);
    let hint = format!(
        "make them with `{} --out {}`, which leaves alone what is there",
        manifest.command,
        folders[0].path().display()
    );
    (problem.hint(hint), sources)
}
