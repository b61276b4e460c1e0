//! The files that a scenario is read from, and places in them.
//!
//! Every file that is read (the scenario, task definitions, CSV files, and the values of `--set` as files of their own)
//! is kept whole, so that any later floor can point at a line of it. A [`Place`] is a range of bytes; lines and columns
//! are computed only when something is printed. What the text means is not known here.

use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Larger files are refused: a scenario is written by people.
pub const MAX_BYTES: u64 = 4 * 1024 * 1024;
/// Traces and rate profiles are written by machines and may be larger.
pub const MAX_TABLE_BYTES: u64 = 256 * 1024 * 1024;

/// A range of bytes in one of the [`Sources`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    pub file: u16,
    pub start: u32,
    pub end: u32,
}

/// One file, or one argument of the command line.
#[derive(Clone, Debug)]
pub struct SourceFile {
    /// As the user named it.
    pub name: String,
    pub text: Arc<str>,
    /// The byte at which each line begins.
    lines: Arc<[u32]>,
}

impl SourceFile {
    /// Position in `lines` of the line that holds a byte.
    fn line_of(&self, byte: usize) -> usize {
        self.lines.partition_point(|start| *start as usize <= byte) - 1
    }

    /// The byte at a line and a column of bytes, both from 1; the last one if the text ends before.
    pub fn byte_at(&self, line: usize, column: usize) -> usize {
        let start = self
            .lines
            .get(line.saturating_sub(1))
            .map_or(0, |start| *start as usize);
        let at = (start + column.saturating_sub(1)).min(self.text.len().saturating_sub(1));
        (0..=at).rev().find(|at| self.text.is_char_boundary(*at)).unwrap_or(0)
    }

    /// The line that holds a byte, without its end, and where it begins.
    pub fn line_at(&self, byte: usize) -> (&str, usize) {
        let line = self.line_of(byte);
        let start = self.lines[line] as usize;
        let end = self.lines.get(line + 1).map_or(self.text.len(), |next| *next as usize);
        (self.text[start..end].trim_end_matches(['\n', '\r']), start)
    }
}

/// All that was read for one scenario; cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    files: Vec<SourceFile>,
    /// Relative file names in the scenario are meant from here.
    pub directory: PathBuf,
}

/// Why a file could not be taken.
#[derive(Debug, PartialEq, Eq)]
pub enum ReadProblem {
    /// The operating system's words.
    Unreadable(String),
    TooLarge {
        bytes: u64,
        limit: u64,
    },
    /// The byte at which the text stops being UTF-8.
    NotUtf8 {
        at: usize,
    },
}

impl Sources {
    pub fn new(directory: impl Into<PathBuf>) -> Self {
        Sources {
            files: Vec::new(),
            directory: directory.into(),
        }
    }

    /// Takes a text that is already in memory and returns its number.
    pub fn add(&mut self, name: impl Into<String>, text: impl Into<Arc<str>>) -> u16 {
        let text: Arc<str> = text.into();
        let ends = text
            .bytes()
            .enumerate()
            .filter(|(_, byte)| *byte == b'\n')
            .map(|(at, _)| at as u32 + 1);
        let lines = std::iter::once(0).chain(ends).collect();
        self.files.push(SourceFile {
            name: name.into(),
            text,
            lines,
        });
        u16::try_from(self.files.len() - 1).expect("a scenario names far fewer than 65,536 files")
    }

    /// Reads a file of at most `limit` bytes. `relative` names are meant from the scenario's directory.
    pub fn read(&mut self, relative: &str, limit: u64) -> Result<u16, ReadProblem> {
        let text = read_text(&self.directory.join(relative), limit)?;
        Ok(self.add(relative, text))
    }

    pub fn file(&self, file: u16) -> &SourceFile {
        &self.files[usize::from(file)]
    }

    pub fn files(&self) -> &[SourceFile] {
        &self.files
    }

    /// Line and column (both from 1, in characters) of the beginning of a place.
    pub fn line_and_column(&self, place: Place) -> (u32, u32) {
        let file = self.file(place.file);
        let start = floor_boundary(&file.text, place.start as usize);
        let line = file.line_of(start);
        let column = file.text[file.lines[line] as usize..start].chars().count() + 1;
        (line as u32 + 1, column as u32)
    }

    /// What stands at a place.
    pub fn slice(&self, place: Place) -> &str {
        let text = &self.file(place.file).text;
        let start = floor_boundary(text, place.start as usize);
        let end = floor_boundary(text, place.end as usize).max(start);
        &text[start..end]
    }
}

impl Place {
    /// The part of this place that lies on its first line; at least one character if the line has one.
    pub fn first_line(self, sources: &Sources) -> Place {
        let text = &sources.file(self.file).text;
        let start = floor_boundary(text, self.start as usize);
        let line_end = text[start..].find('\n').map_or(text.len(), |at| start + at);
        let end = floor_boundary(text, self.end as usize).clamp(start, line_end);
        Place {
            file: self.file,
            start: start as u32,
            end: end as u32,
        }
    }
}

/// Reads a file whole, if it is UTF-8 and not larger than `limit`.
pub fn read_text(path: &Path, limit: u64) -> Result<String, ReadProblem> {
    use std::io::Read;
    let unreadable = |error: std::io::Error| ReadProblem::Unreadable(error.to_string());
    let file = std::fs::File::open(path).map_err(unreadable)?;
    let mut bytes = Vec::new();
    // One byte more than the limit tells "too large" from "just fits", also for files that have no length (pipes).
    file.take(limit + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > limit {
        let length = std::fs::metadata(path).map_or(bytes.len() as u64, |meta| meta.len());
        return Err(ReadProblem::TooLarge { bytes: length, limit });
    }
    String::from_utf8(bytes).map_err(|error| ReadProblem::NotUtf8 {
        at: error.utf8_error().valid_up_to(),
    })
}

fn floor_boundary(text: &str, mut at: usize) -> usize {
    at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_lines_and_columns_in_characters() {
        let mut sources = Sources::default();
        let file = sources.add("a", "één: 1\ntwo: 2\n");
        let at = |start| {
            sources.line_and_column(Place {
                file,
                start,
                end: start,
            })
        };
        assert_eq!(at(0), (1, 1));
        assert_eq!(at(5), (1, 4)); // two characters of two bytes lie before it
        assert_eq!(at(9), (2, 1));
    }

    #[test]
    fn a_place_past_the_end_points_at_the_end() {
        let mut sources = Sources::default();
        let file = sources.add("a", "x");
        assert_eq!(sources.slice(Place { file, start: 7, end: 9 }), "");
    }
}
