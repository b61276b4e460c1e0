//! The files of a results folder, read again.
//!
//! A page is made of what stands in the folder and of nothing else, whether the folder has just been made or is a year
//! old. What is wrong with it is told all at once, each problem at its file and line; what an earlier version did not
//! write yet is left out of the page.

use super::needed::{Needed, Runs, Since, TABLES};
use crate::report::provenance::FORMAT;
use crate::scenario::source::{Place, Sources};
use crate::scenario::{Code, Diagnostic, Diagnostics};
use serde_json::Value as Json;
use std::collections::BTreeMap;
use std::path::Path;

/// Files by their names in the folder.
pub type Files<'a> = BTreeMap<String, std::borrow::Cow<'a, [u8]>>;

pub const MANIFEST: &str = "manifest.json";
pub const SUMMARY: &str = "summary.json";
pub const SCENARIO: &str = "scenario.yaml";
pub const RESOLVED: &str = "scenario.resolved.yaml";
pub const TRACES: &str = "traces.otlp.json";

/// Every file that the page reads, as far as the folder has it.
pub fn names() -> impl Iterator<Item = String> {
    let others = [MANIFEST, SUMMARY, SCENARIO, RESOLVED, TRACES].map(str::to_owned);
    others
        .into_iter()
        .chain(TABLES.iter().map(|needed| format!("{}.csv", needed.table)))
}

/// A table as it stands in its file.
#[derive(Clone, Debug, Default)]
pub struct Sheet {
    columns: Vec<String>,
    rows: Vec<csv::StringRecord>,
    /// Rows of the file, kept or not.
    pub total: usize,
}

/// One row of a [`Sheet`].
#[derive(Clone, Copy, Debug)]
pub struct Row<'a> {
    sheet: &'a Sheet,
    cells: &'a csv::StringRecord,
}

impl Sheet {
    pub fn rows(&self) -> impl DoubleEndedIterator<Item = Row<'_>> {
        self.rows.iter().map(|cells| Row { sheet: self, cells })
    }

    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    pub fn len(&self) -> usize {
        self.rows.len()
    }
}

impl<'a> Row<'a> {
    /// # Panics
    /// If the column is none that [`TABLES`] names, which is a bug.
    pub fn text(&self, column: &str) -> &'a str {
        let at = self.sheet.columns.iter().position(|name| name == column);
        let at = at.unwrap_or_else(|| panic!("the page reads {column} without having asked for it"));
        &self.cells[at]
    }

    /// `None`: an empty cell.
    pub fn number(&self, column: &str) -> Option<f64> {
        let text = self.text(column);
        (!text.is_empty()).then(|| text.parse().expect("numbers were checked when the table was read"))
    }
}

/// What the page is made of.
pub struct Results {
    pub manifest: Json,
    pub summary: Json,
    sheets: BTreeMap<&'static str, Sheet>,
    pub scenario: Option<String>,
    pub resolved: Option<String>,
    pub traces: Option<Json>,
}

impl Results {
    pub fn sheet(&self, table: &str) -> &Sheet {
        &self.sheets[table]
    }

    /// How long was measured, in seconds.
    pub fn duration_s(&self) -> f64 {
        self.manifest["duration_s"].as_f64().unwrap_or(0.0)
    }

    pub fn replications(&self) -> usize {
        self.manifest["replications"].as_u64().unwrap_or(0) as usize
    }

    pub fn name(&self) -> &str {
        self.manifest["name"].as_str().unwrap_or("")
    }
}

/// Reads the folder's files; `folder` is what it is called in complaints.
///
/// Errors: everything that is wrong, at once.
pub fn read(folder: &str, files: &Files) -> Result<Results, Diagnostics> {
    let mut reader = Reader {
        folder,
        files,
        sources: Sources::new(folder),
        problems: Vec::new(),
        listed: Vec::new(),
    };
    let manifest = reader.manifest();
    if !reader.problems.is_empty() {
        return Err(Diagnostics::new(reader.problems, reader.sources));
    }
    let summary = reader.json(SUMMARY, Since::TheFormat).unwrap_or(Json::Null);
    let sheets = TABLES
        .iter()
        .map(|needed| (needed.table, reader.sheet(needed).unwrap_or_default()))
        .collect();
    let scenario = reader.text(SCENARIO);
    let resolved = reader.text(RESOLVED);
    let traces = reader.json(TRACES, Since::Later);
    if !reader.problems.is_empty() {
        return Err(Diagnostics::new(reader.problems, reader.sources));
    }
    Ok(Results {
        manifest,
        summary,
        sheets,
        scenario,
        resolved,
        traces,
    })
}

struct Reader<'a> {
    folder: &'a str,
    files: &'a Files<'a>,
    sources: Sources,
    problems: Vec<Diagnostic>,
    /// What the manifest says is there.
    listed: Vec<String>,
}

impl Reader<'_> {
    fn path(&self, name: &str) -> String {
        Path::new(self.folder).join(name).display().to_string()
    }

    /// A place in a file of which there is nothing to show.
    fn nowhere(&mut self, name: &str) -> Place {
        let path = self.path(name);
        let file = self.sources.add(path, "");
        Place { file, start: 0, end: 0 }
    }

    fn damaged(&mut self, name: &str, place: Option<Place>, message: String) {
        let place = place.unwrap_or_else(|| self.nowhere(name));
        self.problems.push(
            Diagnostic::new(Code::DamagedResults, place, message)
                .hint("run the scenario again: the same command writes the same files"),
        );
    }

    fn manifest(&mut self) -> Json {
        let Some(bytes) = self.files.get(MANIFEST) else {
            let place = self.nowhere("");
            let message = format!("`{}` holds no results: there is no `{MANIFEST}` in it", self.folder);
            self.problems.push(
                Diagnostic::new(Code::NotAResultsFolder, place, message)
                    .expected("a folder that `wavetank run` or `wavetank compare` has written")
                    .hint("`wavetank run scenario.yaml --out DIR` writes one"),
            );
            return Json::Null;
        };
        let manifest: Json = match serde_json::from_slice(bytes) {
            Ok(manifest) => manifest,
            Err(error) => {
                self.damaged(MANIFEST, None, format!("`{MANIFEST}` is not JSON: {error}"));
                return Json::Null;
            }
        };
        let command = manifest["command"].as_str().unwrap_or("");
        let verb = command.split_whitespace().nth(1).unwrap_or("");
        let place = self.nowhere(MANIFEST);
        if !matches!(verb, "run" | "compare") || manifest["duration_s"].as_f64().is_none() {
            let what = if verb.is_empty() {
                "another program".to_owned()
            } else {
                format!("`wavetank {verb}`")
            };
            self.problems.push(
                Diagnostic::new(
                    Code::ResultsOfAnotherCommand,
                    place,
                    format!("these are results of {what}, which have no page"),
                )
                .expected("results of `wavetank run` or `wavetank compare`")
                .hint(
                    "its own tables and charts stand in the folder; `wavetank run` on one of its points makes a page",
                ),
            );
            return manifest;
        }
        if manifest["format"].as_u64() != Some(u64::from(FORMAT)) {
            let of = manifest["format"]
                .as_u64()
                .map_or("unknown".to_owned(), |it| it.to_string());
            let by = manifest["wavetank"].as_str().unwrap_or("of unknown version");
            self.problems.push(
                Diagnostic::new(
                    Code::OtherResultsFormat,
                    place,
                    format!(
                        "the folder has format {of}, written by wavetank {by}; this is wavetank {} for format {FORMAT}",
                        env!("CARGO_PKG_VERSION")
                    ),
                )
                .hint(format!(
                    "tell it with wavetank {by}, or run the scenario again: `{command}`"
                )),
            );
        }
        let names = manifest["files"].as_array().into_iter().flatten();
        self.listed = names.filter_map(|name| name.as_str()).map(str::to_owned).collect();
        manifest
    }

    /// The bytes of a file that ought to be there.
    fn bytes(&mut self, name: &str, since: Since) -> Option<&[u8]> {
        let listed = self.listed.iter().any(|listed| listed == name);
        if !self.files.contains_key(name) {
            if listed || since == Since::TheFormat {
                let place = self.nowhere(name);
                let why = if listed {
                    "the manifest lists it"
                } else {
                    "every such folder has one"
                };
                self.problems.push(
                    Diagnostic::new(Code::MissingResults, place, format!("`{name}` is missing: {why}"))
                        .hint("run the scenario again: the same command writes the same files"),
                );
            }
            return None;
        }
        // What the manifest does not list is another run's, or the user's.
        if !listed {
            return None;
        }
        self.files.get(name).map(|bytes| &**bytes)
    }

    fn json(&mut self, name: &str, since: Since) -> Option<Json> {
        let bytes = self.bytes(name, since)?.to_vec();
        match serde_json::from_slice(&bytes) {
            Ok(json) => Some(json),
            Err(error) => {
                self.damaged(name, None, format!("`{name}` is not JSON: {error}"));
                None
            }
        }
    }

    fn text(&mut self, name: &str) -> Option<String> {
        let bytes = self.bytes(name, Since::Later)?.to_vec();
        let text = String::from_utf8(bytes);
        if text.is_err() {
            self.damaged(name, None, format!("`{name}` is not UTF-8"));
        }
        text.ok()
    }

    fn sheet(&mut self, needed: &Needed) -> Option<Sheet> {
        let name = format!("{}.csv", needed.table);
        let bytes = self.bytes(&name, needed.since)?.to_vec();
        match sheet(needed, &bytes) {
            Ok(sheet) => Some(sheet),
            Err(Damage { line, message }) => {
                let text = String::from_utf8_lossy(&bytes).into_owned();
                let path = self.path(&name);
                let file = self.sources.add(path, text);
                let source = self.sources.file(file);
                let start = source.byte_at(line, 1);
                let (words, begin) = source.line_at(start);
                let place = Place {
                    file,
                    start: begin as u32,
                    end: (begin + words.len()) as u32,
                };
                self.damaged(&name, Some(place), format!("`{name}`: {message}"));
                None
            }
        }
    }
}

/// What is wrong with a table.
struct Damage {
    /// From 1.
    line: usize,
    message: String,
}

fn sheet(needed: &Needed, bytes: &[u8]) -> Result<Sheet, Damage> {
    let torn = |error: &csv::Error| Damage {
        line: error.position().map_or(1, |position| position.line() as usize),
        message: match error.kind() {
            csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
                format!("a row of {len} cells where the head has {expected_len}")
            }
            csv::ErrorKind::Utf8 { .. } => "a row that is not UTF-8".to_owned(),
            _ => "a row that cannot be read".to_owned(),
        },
    };
    let mut reader = csv::Reader::from_reader(bytes);
    let columns: Vec<String> = reader
        .headers()
        .map_err(|error| torn(&error))?
        .iter()
        .map(str::to_owned)
        .collect();
    let wanted = needed.words.iter().chain(needed.numbers);
    let absent: Vec<&str> = wanted
        .copied()
        .filter(|name| !columns.iter().any(|column| column == name))
        .collect();
    if !absent.is_empty() {
        let message = format!("there is no column {}", absent.join(", "));
        return Err(Damage { line: 1, message });
    }
    let numbers: Vec<usize> = (0..columns.len())
        .filter(|&at| needed.numbers.contains(&columns[at].as_str()))
        .collect();
    let of_run = columns.iter().position(|column| column == "replication");
    let mut sheet = Sheet {
        columns,
        ..Sheet::default()
    };
    let mut row = csv::StringRecord::new();
    let mut first_run: Option<String> = None;
    while reader.read_record(&mut row).map_err(|error| torn(&error))? {
        sheet.total += 1;
        for &at in &numbers {
            let number = row[at].parse::<f64>();
            if !row[at].is_empty() && !number.is_ok_and(f64::is_finite) {
                return Err(Damage {
                    line: row.position().map_or(1, |position| position.line() as usize),
                    message: format!("`{}` in {} is no number", &row[at], sheet.columns[at]),
                });
            }
        }
        if let (Runs::First, Some(at)) = (needed.runs, of_run) {
            let first = first_run.get_or_insert_with(|| row[at].to_owned());
            if *first != row[at] {
                continue;
            }
        }
        sheet.rows.push(row.clone());
    }
    Ok(sheet)
}
