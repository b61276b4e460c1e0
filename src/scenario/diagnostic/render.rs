//! Diagnostics as people read them: the line of the file, what is wrong with it, and what to do.
//!
//! Laid out by `annotate-snippets` as rustc does. Long lines of the file are cut around the place so that they stay within
//! the columns that there are.

use super::{Diagnostic, Diagnostics, Severity};
use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

/// Columns where nothing is known of the reader; wider lines are hard to read anyway.
pub const WIDTH: usize = 100;
/// More problems than this are counted, not shown.
const MAX_SHOWN: usize = 100;

/// Whether the text carries terminal colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    Plain,
    Coloured,
}

impl Diagnostics {
    /// All problems and a last line that counts them, in [`WIDTH`] columns; empty if there are none.
    pub fn render(&self, style: Style) -> String {
        self.render_within(style, WIDTH)
    }

    /// The same for a terminal of so many columns.
    pub fn render_within(&self, style: Style, columns: usize) -> String {
        if self.is_empty() {
            return String::new();
        }
        let renderer = match style {
            Style::Plain => Renderer::plain(),
            Style::Coloured => Renderer::styled(),
        }
        .term_width(columns);
        let mut text = String::new();
        for diagnostic in self.iter().take(MAX_SHOWN) {
            text.push_str(&self.render_one(diagnostic, &renderer, columns));
            text.push_str("\n\n");
        }
        if self.len() > MAX_SHOWN {
            text.push_str(&format!("… and {} more\n\n", self.len() - MAX_SHOWN));
        }
        text.push_str(&self.count());
        text.push('\n');
        text
    }

    fn render_one(&self, diagnostic: &Diagnostic, renderer: &Renderer, columns: usize) -> String {
        let level = match diagnostic.code.severity() {
            Severity::Error => Level::ERROR,
            Severity::Warning => Level::WARNING,
        };
        let file = self.sources().file(diagnostic.place.file);
        let place = diagnostic.place.first_line(self.sources());
        // Only the line itself is handed over: laying out a large file for each problem would take for ever.
        let (line, start) = file.line_at(place.start as usize);
        let (number, _) = self.sources().line_and_column(place);
        let range = (place.start as usize - start).min(line.len())..(place.end as usize - start).min(line.len());
        // Beside the place if it fits there, else on a line of its own.
        let expected = diagnostic.expected.as_ref().map(|what| format!("expected {what}"));
        let gutter = number.to_string().len() + " |  ".len();
        let before = gutter + line[..range.end].chars().count() + 1;
        let (beside, below) = match expected {
            Some(expected) if before + expected.chars().count() > columns => (None, Some(expected)),
            expected => (expected, None),
        };
        let annotation = AnnotationKind::Primary.span(range).label(beside);
        let title = level
            .primary_title(diagnostic.message.as_str())
            .id(diagnostic.code.as_str());
        let snippet = Snippet::source(line)
            .line_start(number as usize)
            .path(file.name.as_str())
            .annotation(annotation);
        let mut first = title.element(snippet);
        if let Some(expected) = &below {
            first = first.element(Level::NOTE.message(expected.as_str()));
        }
        let mut groups = vec![first];
        if let Some(hint) = &diagnostic.hint {
            groups.push(Group::with_title(Level::HELP.secondary_title(hint.as_str())));
        }
        renderer.render(&groups)
    }

    fn count(&self) -> String {
        let of = |count: usize, word: &str| match count {
            0 => None,
            1 => Some(format!("1 {word}")),
            _ => Some(format!("{count} {word}s")),
        };
        let parts: Vec<String> = [of(self.errors(), "error"), of(self.warnings(), "warning")]
            .into_iter()
            .flatten()
            .collect();
        let first = self.iter().next().map_or("", |diagnostic| diagnostic.code.as_str());
        format!("{}; `wavetank explain {first}` says more", parts.join(", "))
    }
}
