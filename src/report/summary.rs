//! The summary of a run for the terminal: what a tired engineer understands in ten seconds.
//!
//! Verdicts come first, each with how far it is from its bound; then what users felt, beside the share that was served;
//! what it cost; one line for each deployment; and what to be careful about. No line is longer than 80 columns. Colours
//! are ANSI sequences that the terminal's stream strips where they are not wanted.

mod comparison;
mod figures;
mod json;
pub mod markdown;
mod precision;
mod ranking;
pub mod size;
mod stability;
mod stories;
pub mod stress;
mod verdicts;
pub mod warnings;

pub use comparison::{comparison, verdicts as comparison_verdicts};
pub use json::json;
pub use precision::json as precision_json;

use super::words::{counted, duration};
use crate::experiment::precision::Reached;
use crate::probe::Pool;

/// Columns of the narrowest terminal that is served well.
const WIDTH: usize = 80;

/// Everything but the comparison, which has a text of its own, and the paths written.
pub fn text(pool: &Pool, reached: Option<&Reached>, command: &str) -> String {
    let blueprint = pool.blueprint;
    let mut text = format!(
        "{}: {} of {}, seed {}\n",
        style::bold(&blueprint.name),
        counted(pool.records.len(), "run"),
        duration(blueprint.duration.seconds()),
        blueprint.seed
    );
    if pool.records.is_empty() {
        return text;
    }
    for section in [
        verdicts::section(pool),
        figures::section(pool),
        stability::section(pool) + &stories::section(pool),
        warnings::section(pool),
        reached.map_or(String::new(), precision::text),
    ] {
        if !section.is_empty() {
            text.push('\n');
            text.push_str(&section);
        }
    }
    text + &repeat(command)
}

/// The verdicts on the objectives of one of several scenarios; a line that says so if it has none.
pub fn verdicts_of(name: &str, pool: &Pool) -> String {
    let runs = format!(
        "{} of {}",
        counted(pool.records.len(), "run"),
        duration(pool.blueprint.duration.seconds())
    );
    let objectives = verdicts::section(pool);
    let none = if objectives.is_empty() { ", no objectives" } else { "" };
    format!("{}: {runs}{none}\n{objectives}", style::bold(name))
}

/// How closely the figures are known that the runs went on for.
pub fn precision_reached(reached: &Reached) -> String {
    precision::text(reached)
}

/// What repeats it.
pub fn repeat(command: &str) -> String {
    format!("\n{}", labelled("Repeat", command))
}

/// A label and what it says, wrapped to the width under itself.
fn labelled(label: &str, words: &str) -> String {
    const INDENT: usize = 13;
    let mut text = String::new();
    let mut line = format!("{label:<INDENT$}");
    let mut width = INDENT;
    for word in words.split_whitespace() {
        let length = style::width(word);
        if width + length > WIDTH && width > INDENT {
            text.push_str(line.trim_end());
            text.push('\n');
            line = " ".repeat(INDENT);
            width = INDENT;
        }
        line.push_str(word);
        line.push(' ');
        width += length + 1;
    }
    text.push_str(line.trim_end());
    text.push('\n');
    text
}

/// ANSI sequences. What is written goes through a stream that strips them where they are not wanted.
mod style {
    fn wrapped(text: &str, code: &str) -> String {
        format!("\x1b[{code}m{text}\x1b[0m")
    }
    pub fn bold(text: &str) -> String {
        wrapped(text, "1")
    }
    pub fn good(text: &str) -> String {
        wrapped(text, "32")
    }
    pub fn bad(text: &str) -> String {
        wrapped(text, "1;31")
    }
    pub fn doubtful(text: &str) -> String {
        wrapped(text, "33")
    }
    /// Characters that are seen.
    pub fn width(text: &str) -> usize {
        let mut hidden = false;
        let seen = text.chars().filter(|c| {
            hidden |= *c == '\x1b';
            let shows = !hidden;
            hidden &= *c != 'm';
            shows
        });
        seen.count()
    }
}

#[cfg(test)]
mod tests;
