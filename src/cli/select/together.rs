//! `wavetank compare` of several files: each is a variant, the first is what the others are compared with.

use super::{Findings, Selected, VariantsAre, changed, folder_name, quoted_command};
use crate::blueprint::Blueprint;
use crate::cli::Status;
use crate::cli::arguments::Changes;
use crate::cli::terminal::Terminal;
use crate::experiment::Variant;
use crate::report::provenance::Provenance;
use crate::scenario::{Diagnostics, Scenario};
use std::path::{Path, PathBuf};

/// Loads and resolves all files as one selection. `None` if something is wrong, after all of it has been told.
pub fn together(terminal: &Terminal, files: &[PathBuf], changes: &Changes) -> anyhow::Result<Option<Vec<Selected>>> {
    let twice = files.iter().enumerate().find(|(at, file)| files[..*at].contains(file));
    let why = match twice {
        Some((_, file)) => Err(format!(
            "`{}` is given twice: there is nothing to compare",
            file.display()
        )),
        None => super::check_arguments(files, changes, &[]),
    };
    if let Err(why) = why {
        terminal.complain(&format!("error: {why}"));
        return Ok(None);
    }
    let mut resolved: Vec<(Scenario, Blueprint)> = Vec::new();
    let mut findings = Findings::new(terminal);
    let mut status = Status::Good;
    for file in files {
        let found = match one(file, changes) {
            Ok((scenario, blueprint, mut found)) => {
                if let Some((base, bases)) = resolved.first() {
                    found = found.merge(scenario.beside(base, &blueprint, bases));
                }
                if found.has_errors() {
                    status = Status::Wrong;
                }
                resolved.push((scenario, blueprint));
                found
            }
            Err(found) => {
                status = Status::Wrong;
                found
            }
        };
        findings.of(file, &found);
    }
    findings.end(status);
    Ok((status == Status::Good).then(|| vec![selected(files, changes, resolved)]))
}

fn one(file: &Path, changes: &Changes) -> Result<(Scenario, Blueprint, Diagnostics), Diagnostics> {
    let scenario = changed(file, changes)?.with("experiment.compare", "{}")?;
    let (blueprint, found) = scenario.resolve();
    match blueprint {
        Some(blueprint) => Ok((scenario, blueprint, found)),
        None => Err(found),
    }
}

fn selected(files: &[PathBuf], changes: &Changes, resolved: Vec<(Scenario, Blueprint)>) -> Selected {
    let names = names(files, &resolved);
    let hashes: Vec<String> = resolved.iter().map(|(scenario, _)| scenario.hash()).collect();
    let paths: Vec<&Path> = files.iter().map(PathBuf::as_path).collect();
    let shown: Vec<String> = paths.iter().map(|path| path.display().to_string()).collect();
    let said = super::said(&resolved[0].0).expect("what has been resolved resolves");
    let base = &resolved[0].1;
    let (seed, replications, precision) = (base.seed, base.replications, base.precision.clone());
    let variants: Vec<Variant> = names
        .iter()
        .zip(resolved)
        .map(|(name, (_, blueprint))| Variant {
            name: name.clone(),
            blueprint: Blueprint {
                seed,
                replications,
                precision: precision.clone(),
                ..blueprint
            },
        })
        .collect();
    let name = match names.as_slice() {
        [first, second] => format!("{first} against {second}"),
        [first, others @ ..] => format!("{first} against {} others", others.len()),
        [] => unreachable!("a selection has files"),
    };
    Selected {
        file: shown[0].clone(),
        name,
        compared: variants.len(),
        variants,
        as_written: 0,
        variants_are: VariantsAre::Files,
        said,
        provenance: Provenance {
            command: quoted_command("compare", &paths, changes, Vec::new()),
            scenario: shown.join(", "),
            scenario_hash: hashes.join("+"),
            settings: changes.set.clone(),
        },
    }
}

/// The scenarios' names; if two have the same, their files', and if these are the same too, their paths.
fn names(files: &[PathBuf], resolved: &[(Scenario, Blueprint)]) -> Vec<String> {
    let own: Vec<String> = resolved.iter().map(|(_, blueprint)| blueprint.name.clone()).collect();
    let stems = files
        .iter()
        .map(|file| file.file_stem().unwrap_or_default().to_string_lossy().into_owned());
    let paths = files.iter().map(|file| file.display().to_string());
    // As folders they must differ too.
    let differ = |names: &Vec<String>| {
        let mut folders: Vec<String> = names.iter().map(|name| folder_name(name)).collect();
        folders.sort();
        folders.windows(2).all(|pair| pair[0] != pair[1])
    };
    let choices = [own, stems.collect(), paths.collect()];
    let last = choices[2].clone();
    choices.into_iter().find(differ).unwrap_or(last)
}
