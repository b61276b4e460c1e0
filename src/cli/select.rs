//! From arguments to blueprints: files are found, changed as `--set` says, varied as `--vary` says, and resolved.
//!
//! Nothing is run unless everything is right: all problems of all files are told at once, and then the answer is
//! `None`.

use super::arguments::Changes;
use super::terminal::Terminal;
use crate::experiment::Variant;
use crate::scenario::{Diagnostics, Scenario, Style};
use anyhow::{Context, bail};
use std::path::{Path, PathBuf};

/// A scenario that is right, and everything that is to be run of it.
pub struct Selected {
    /// As given.
    pub file: String,
    pub name: String,
    /// The variants that are compared come first; last, unless it is one of them, the scenario as written.
    pub variants: Vec<Variant>,
    /// Position of the scenario as written.
    pub as_written: usize,
    /// How many variants are compared; 0 without variants.
    pub compared: usize,
    /// What repeats this.
    pub command: String,
    /// The scenario's own text, for the manifest.
    pub text: String,
}

impl Selected {
    pub fn as_written(&self) -> &Variant {
        &self.variants[self.as_written]
    }

    /// Where its results go unless `--out` says otherwise.
    pub fn folder(&self) -> String {
        format!("results/{}", folder_name(&self.name))
    }
}

/// The files that are meant: a folder stands for the YAML files in it (not in its folders), in order of name.
pub fn files(given: &[PathBuf]) -> anyhow::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for path in given {
        if !path.is_dir() {
            files.push(path.clone());
            continue;
        }
        let reading = || format!("cannot list {}", path.display());
        let mut inside = Vec::new();
        for entry in std::fs::read_dir(path).with_context(reading)? {
            let file = entry.with_context(reading)?.path();
            if file.extension().is_some_and(|extension| extension == "yaml" || extension == "yml") {
                inside.push(file);
            }
        }
        inside.sort();
        files.append(&mut inside);
    }
    Ok(files)
}

/// Loads and resolves every file. `None` if something is wrong, after all of it has been told.
pub fn load(
    terminal: &Terminal,
    files: &[PathBuf],
    changes: &Changes,
    vary: &[String],
) -> anyhow::Result<Option<Vec<Selected>>> {
    let mut selected = Vec::new();
    let mut wrong = files.is_empty();
    if wrong {
        terminal.complain("error: there are no scenario files in what was given");
    }
    for file in files {
        match one(file, changes, vary) {
            Ok((scenario, warnings)) => {
                complain(terminal, &warnings);
                selected.push(scenario);
            }
            Err(problems) => {
                complain(terminal, &problems);
                wrong = true;
            }
        }
    }
    Ok((!wrong).then_some(selected))
}
