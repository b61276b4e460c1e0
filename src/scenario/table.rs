//! CSV files that a scenario names: traces, rates by the minute, measured times.
//!
//! They are written by machines and hold plain numbers and names, so a comma always separates; quotes are taken off.
//! The first line is a header unless its first cell is a number. Everything wrong is reported with its line.

use super::diagnostic::{Code, Diagnostic};
use super::path::Path;
use super::resolve::Context;
use super::source::{MAX_TABLE_BYTES, Place, ReadProblem, SourceFile};

/// The cells of a file by line.
pub(super) struct Table {
    file: u16,
    text: std::sync::Arc<str>,
    pub header: Vec<String>,
    /// Where each row stands in the text.
    rows: Vec<(u32, u32)>,
}

/// More wrong rows than this are not listed.
const MAX_REPORTED: usize = 5;

/// Reads a file beside the scenario; what is wrong with it is reported at `path`.
pub(super) fn read(cx: &mut Context, name: &str, path: &Path) -> Option<Table> {
    if cx.problems.is_poisoned(path) {
        return None;
    }
    let file = match cx.sources.read(name, MAX_TABLE_BYTES) {
        Ok(file) => file,
        Err(problem) => {
            let (code, message) = read_problem(name, &problem);
            cx.report(code, path, message);
            return None;
        }
    };
    let SourceFile { text, .. } = cx.sources.file(file).clone();
    let mut rows = Vec::new();
    // Spreadsheets begin their files with a byte order mark.
    let mut start = if text.starts_with('\u{feff}') {
        '\u{feff}'.len_utf8()
    } else {
        0
    };
    for line in text[start..].split_inclusive('\n') {
        let content = line.trim_end_matches(['\n', '\r']);
        if !content.trim().is_empty() {
            rows.push((start as u32, (start + content.len()) as u32));
        }
        start += line.len();
    }
    let mut table = Table {
        file,
        text,
        header: Vec::new(),
        rows,
    };
    let Some(&first) = table.rows.first() else {
        cx.report(Code::EmptyFile, path, format!("`{name}` is empty"));
        return None;
    };
    let cells: Vec<String> = table.cells(first).map(|(cell, _)| cell.to_owned()).collect();
    if cells[0].parse::<f64>().is_err() {
        table.rows.remove(0);
        table.header = cells;
    }
    if table.rows.is_empty() {
        cx.report(Code::EmptyFile, path, format!("`{name}` has a header and no rows"));
        return None;
    }
    Some(table)
}

/// What to say about a file that could not be taken.
pub(super) fn read_problem(name: &str, problem: &ReadProblem) -> (Code, String) {
    match problem {
        ReadProblem::Unreadable(why) => (Code::UnreadableFile, format!("`{name}` cannot be read: {why}")),
        ReadProblem::TooLarge { bytes, limit } => (
            Code::FileTooLarge,
            format!("`{name}` has {bytes} bytes; at most {limit} are read"),
        ),
        ReadProblem::NotUtf8 { at } => (Code::NotUtf8, format!("`{name}` is not UTF-8 from byte {at} on")),
    }
}

impl Table {
    pub fn column(&self, name: &str) -> Option<usize> {
        self.header.iter().position(|column| column == name)
    }

    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// The cells of a row with their places.
    fn cells(&self, (start, end): (u32, u32)) -> impl Iterator<Item = (&str, Place)> {
        let line = &self.text[start as usize..end as usize];
        let mut at = start;
        line.split(',').map(move |cell| {
            let place = Place {
                file: self.file,
                start: at,
                end: at + cell.len() as u32,
            };
            at = place.end + 1;
            (cell.trim().trim_matches('"'), place)
        })
    }

    /// A cell and its place; the place of the row if it has no such cell.
    pub fn cell(&self, row: usize, column: usize) -> Result<(&str, Place), Place> {
        let (start, end) = self.rows[row];
        self.cells((start, end)).nth(column).ok_or(Place {
            file: self.file,
            start,
            end,
        })
    }

    /// A column of numbers that are finite and not negative; `None` if one is not, which is then reported.
    pub fn numbers(&self, cx: &mut Context, column: usize) -> Option<Vec<f64>> {
        let mut wrong = 0;
        let mut numbers = Vec::with_capacity(self.len());
        for row in 0..self.len() {
            let (place, message) = match self.cell(row, column) {
                Ok((cell, place)) => match cell.parse::<f64>() {
                    Ok(number) if number.is_finite() && number >= 0.0 => {
                        numbers.push(number);
                        continue;
                    }
                    _ => (place, format!("`{cell}` is not a number that can stand here")),
                },
                Err(place) => (place, format!("this row has no column {}", column + 1)),
            };
            wrong += 1;
            if wrong <= MAX_REPORTED {
                let diagnostic = Diagnostic::new(Code::MalformedTable, place, message);
                cx.problems
                    .push(diagnostic.expected("a finite number that is not negative"));
            }
        }
        (wrong == 0).then_some(numbers)
    }
}
