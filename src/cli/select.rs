//! From arguments to blueprints: files are found, changed as `--set` says, varied as `--vary` says, and resolved.
//!
//! Nothing is run unless everything is right: all problems of all files are told at once, and then the answer is
//! `None`.

mod stress;
mod together;

pub use stress::{Stressful, stressful};
pub use together::together;

use super::Status;
use super::arguments::{Changes, Format};
use super::terminal::Terminal;
use crate::experiment::Variant;
use crate::report::provenance::{Provenance, Said};
use crate::report::tables;
use crate::scenario::{Diagnostics, ResultTables, Scenario, Style, split_values};
use anyhow::Context;
use serde_json::json;
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
    /// What the variants are.
    pub variants_are: VariantsAre,
    /// What repeats this, and of what.
    pub provenance: Provenance,
    /// What it says, given and filled in.
    pub said: Said,
}

/// Where variants come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VariantsAre {
    /// One scenario with other values: its objectives are those of the scenario as written.
    Changes,
    /// Scenarios of their own, whose objectives are all to be met.
    Files,
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
            if file
                .extension()
                .is_some_and(|extension| extension == "yaml" || extension == "yml")
            {
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
    if let Err(why) = check_arguments(files, changes, vary) {
        terminal.complain(&format!("error: {why}"));
        return Ok(None);
    }
    let mut selected = Vec::new();
    let mut findings = Findings::new(terminal);
    let mut status = Status::Good;
    for file in files {
        let found = match one(file, changes, vary) {
            Ok((scenario, warnings)) => {
                selected.push(scenario);
                warnings
            }
            Err(problems) => {
                status = Status::Wrong;
                problems
            }
        };
        findings.of(file, &found);
    }
    findings.end(status);
    Ok((status == Status::Good).then_some(selected))
}

/// Tells what was found in one file, if anything was.
pub fn tell(terminal: &Terminal, file: &Path, found: &Diagnostics, status: Status) {
    let mut findings = Findings::new(terminal);
    findings.of(file, found);
    findings.end(status);
}

/// What is found in files on its way to whoever reads it: people at once, programs in one piece at the end.
struct Findings<'a> {
    terminal: &'a Terminal,
    told: Vec<serde_json::Value>,
}

impl<'a> Findings<'a> {
    fn new(terminal: &'a Terminal) -> Self {
        let told = Vec::new();
        Findings { terminal, told }
    }

    fn of(&mut self, file: &Path, found: &Diagnostics) {
        match self.terminal.format {
            Format::Text | Format::Markdown => complain(self.terminal, found),
            Format::Json if found.is_empty() => {}
            Format::Json => self.told.push(verdict(file, found, None)),
        }
    }

    /// With what the command ends with.
    fn end(self, status: Status) {
        if !self.told.is_empty() {
            self.terminal.complain(&verdicts(self.told, status).to_string());
        }
    }
}

/// What is wrong with a scenario as programs read it, the same from every command.
pub fn verdict(file: &Path, found: &Diagnostics, resolved: Option<&str>) -> serde_json::Value {
    json!({
        "file": file.display().to_string(),
        "errors": found.errors(),
        "warnings": found.warnings(),
        "diagnostics": found.to_json(),
        "resolved": resolved,
    })
}

/// The verdicts on several scenarios, with what [`super::check`] ends with.
pub fn verdicts(scenarios: Vec<serde_json::Value>, status: Status) -> serde_json::Value {
    json!({ "scenarios": scenarios, "status": status as u8 })
}

/// What is wrong with the arguments themselves, whatever the scenario.
pub fn check_arguments(files: &[PathBuf], changes: &Changes, vary: &[String]) -> Result<(), String> {
    if files.is_empty() {
        return Err("there are no scenario files in what was given".to_owned());
    }
    for setting in changes.set.iter().chain(vary) {
        if setting
            .split_once('=')
            .is_none_or(|(path, value)| path.is_empty() || value.is_empty())
        {
            return Err(format!(
                "`{setting}` is not of the form path=value, such as services.web.desired_count=5"
            ));
        }
    }
    for setting in vary {
        let values = split_values(setting.split_once('=').map_or("", |(_, values)| values));
        let repeated = values
            .iter()
            .enumerate()
            .any(|(at, value)| values[..at].contains(value));
        if values.len() < 2 || repeated || values.iter().any(String::is_empty) {
            return Err(format!(
                "`{setting}` does not give two or more different values, separated by commas"
            ));
        }
    }
    Ok(())
}

/// One file, with all its variants.
fn one(file: &Path, changes: &Changes, vary: &[String]) -> Result<(Selected, Diagnostics), Diagnostics> {
    let scenario = changed(file, changes)?;
    let (blueprint, mut found) = scenario.resolve();
    let varied = if vary.is_empty() {
        scenario.variants()
    } else {
        scenario.vary(&combinations(vary))
    };
    let mut variants = Vec::new();
    match varied {
        Ok(varied) => {
            for (name, variant) in varied {
                let (blueprint, more) = variant.resolve();
                found = found.merge(more);
                variants.extend(blueprint.map(|blueprint| (Variant { name, blueprint }, variant)));
            }
        }
        Err(more) => found = found.merge(more),
    }
    let Some(blueprint) = blueprint.filter(|_| !found.has_errors()) else {
        return Err(found);
    };
    let name = blueprint.name.clone();
    let provenance = Provenance {
        command: command(file, changes, vary),
        scenario: file.display().to_string(),
        scenario_hash: scenario.hash(),
        settings: changes.set.iter().chain(vary).cloned().collect(),
    };
    let said = said(&scenario)?;
    let plain = scenario.with("experiment.compare", "{}")?.resolved_text()?;
    let as_written = variants
        .iter()
        .position(|(_, variant)| variant.resolved_text().is_ok_and(|text| text == plain));
    let mut variants: Vec<Variant> = variants.into_iter().map(|(variant, _)| variant).collect();
    let compared = variants.len();
    let as_written = as_written.unwrap_or_else(|| {
        variants.push(Variant {
            name: name.clone(),
            blueprint,
        });
        compared
    });
    let file = file.display().to_string();
    Ok((
        Selected {
            file,
            name,
            variants,
            as_written,
            compared,
            variants_are: VariantsAre::Changes,
            provenance,
            said,
        },
        found,
    ))
}

fn said(scenario: &Scenario) -> Result<Said, Diagnostics> {
    Ok(Said {
        written: scenario.text().to_owned(),
        resolved: scenario.resolved_text()?,
        values: scenario.values()?,
    })
}

/// The scenario of a file as the arguments change it.
pub fn changed(file: &Path, changes: &Changes) -> Result<Scenario, Diagnostics> {
    let mut scenario = Scenario::load(file)?.expecting_of(ResultTables::new(tables::names()));
    for (path, value) in settings(changes) {
        scenario = scenario.with(&path, &value)?;
    }
    Ok(scenario)
}

/// `--vary` arguments as paths and values.
fn combinations(vary: &[String]) -> Vec<(String, Vec<String>)> {
    let pairs = vary
        .iter()
        .map(|setting| setting.split_once('=').unwrap_or((setting, "")));
    pairs
        .map(|(path, values)| (path.to_owned(), split_values(values)))
        .collect()
}

/// `--set`, `--seed`, `--replications` and `--precision` as paths and values.
fn settings(changes: &Changes) -> Vec<(String, String)> {
    let split = |setting: &String| {
        let (path, value) = setting.split_once('=').unwrap_or((setting, ""));
        (path.to_owned(), value.to_owned())
    };
    let seed = changes.seed.map(|seed| ("seed".to_owned(), seed.to_string()));
    let replications = changes
        .replications
        .map(|count| ("experiment.replications".to_owned(), count.to_string()));
    let precision = changes
        .precision
        .as_ref()
        .map(|share| ("experiment.precision.half_width".to_owned(), share.clone()));
    // It comes first, so that `--set` may say more about it.
    let settings = precision.into_iter().chain(changes.set.iter().map(split));
    settings.chain(seed).chain(replications).collect()
}

/// What repeats this on the command line.
fn command(file: &Path, changes: &Changes, vary: &[String]) -> String {
    let vary = vary.iter().map(|vary| ("--vary", vary.clone()));
    quoted_command("run", &[file], changes, vary.collect())
}

/// What repeats a subcommand on one file, with options of its own behind those of all.
pub fn repeating(verb: &str, file: &Path, changes: &Changes, own: Vec<(&str, String)>) -> String {
    quoted_command(verb, &[file], changes, own)
}

/// The same for any command, with its own options.
fn quoted_command(verb: &str, files: &[&Path], changes: &Changes, own: Vec<(&str, String)>) -> String {
    let mut words = vec![format!("wavetank {verb}")];
    words.extend(files.iter().map(|file| quoted(&file.display().to_string())));
    for (option, value) in options(changes).into_iter().chain(own) {
        words.push(format!("{option} {}", quoted(&value)));
    }
    words.join(" ")
}

/// The options that say these changes, with their values.
pub fn options(changes: &Changes) -> Vec<(&'static str, String)> {
    let settings = changes.set.iter().map(|setting| ("--set", setting.clone()));
    let seed = changes.seed.map(|seed| ("--seed", seed.to_string()));
    let replications = changes.replications.map(|count| ("--replications", count.to_string()));
    let precision = changes.precision.iter().map(|share| ("--precision", share.clone()));
    settings.chain(seed).chain(replications).chain(precision).collect()
}

/// As a shell takes it as one word.
pub fn quoted(word: &str) -> String {
    let plain = |letter: char| letter.is_alphanumeric() || "-_./=:,%+@".contains(letter);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

/// A name as a folder: letters, digits, dots and hyphens.
pub fn folder_name(name: &str) -> String {
    let safe = |letter: char| letter.is_alphanumeric() || matches!(letter, '.' | '_' | '-');
    let text: String = name
        .chars()
        .map(|letter| if safe(letter) { letter } else { '-' })
        .collect();
    let text = text.trim_matches(|letter| letter == '.' || letter == '-').to_owned();
    if text.is_empty() { "scenario".to_owned() } else { text }
}

/// Tells all problems as people read them.
pub fn complain(terminal: &Terminal, diagnostics: &Diagnostics) {
    if diagnostics.is_empty() {
        return;
    }
    let style = if terminal.colors_complaints() {
        Style::Coloured
    } else {
        Style::Plain
    };
    terminal.complain(&diagnostics.render_within(style, terminal.columns()));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_that_mean_nothing_are_refused() {
        let file = [PathBuf::from("a.yaml")];
        let refused = |set: &[&str], vary: &[&str]| {
            let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
            let changes = Changes {
                set: owned(set),
                ..Changes::default()
            };
            check_arguments(&file, &changes, &owned(vary)).is_err()
        };
        assert!(!refused(&["a=1"], &["b=1,2"]));
        for set in ["a", "=1", "a="] {
            assert!(refused(&[set], &[]), "{set}");
        }
        for vary in ["b", "b=1", "b=1,1", "b=1,,2"] {
            assert!(refused(&[], &[vary]), "{vary}");
        }
        assert!(check_arguments(&[], &Changes::default(), &[]).is_err());
    }

    #[test]
    fn the_command_survives_a_shell() {
        let changes = Changes {
            set: vec!["a.b={ c: 'd' }".into()],
            seed: Some(7),
            replications: None,
            precision: Some("5%".into()),
        };
        let command = command(Path::new("my shop.yaml"), &changes, &["x.y=1,2".into()]);
        assert_eq!(
            command,
            r"wavetank run 'my shop.yaml' --set 'a.b={ c: '\''d'\'' }' --seed 7 --precision 5% --vary x.y=1,2"
        );
    }

    #[test]
    fn names_become_folders_that_stay_where_they_are() {
        assert_eq!(folder_name("online-shop"), "online-shop");
        assert_eq!(folder_name("../../etc/passwd"), "etc-passwd");
        assert_eq!(folder_name("black friday: what if?"), "black-friday--what-if");
        assert_eq!(folder_name("…"), "scenario");
    }
}
