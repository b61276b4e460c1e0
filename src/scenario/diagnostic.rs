//! What is wrong with a scenario: code, place, what was expected, and a hint.
//!
//! A [`Diagnostic`] points at a place; [`Diagnostics`] is all that was found in one go, with the sources, so that it can
//! be printed ([`render`]) or handed to a machine ([`Diagnostics::to_json`]). Nothing here decides what is wrong.

use super::path::{Path, Step};
use super::source::{Place, Sources};
use super::tree::Node;
use std::collections::BTreeSet;

mod codes;
mod render;

pub use codes::{Code, Severity, UnknownCode};
pub use render::{Style, WIDTH};

/// One problem.
#[derive(Clone, Debug, PartialEq)]
pub struct Diagnostic {
    pub code: Code,
    pub place: Place,
    /// What is wrong, with the offending names in backquotes.
    pub message: String,
    /// What may stand there instead.
    pub expected: Option<String>,
    /// What to do about it.
    pub hint: Option<String>,
}

impl Diagnostic {
    pub fn new(code: Code, place: Place, message: impl Into<String>) -> Self {
        Diagnostic {
            code,
            place,
            message: message.into(),
            expected: None,
            hint: None,
        }
    }

    pub fn expected(mut self, expected: impl Into<String>) -> Self {
        self.expected = Some(expected.into());
        self
    }

    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Adds the hint "did you mean …?" if one of the known words is near.
    pub fn did_you_mean<'a>(self, word: &str, known: impl IntoIterator<Item = &'a str>) -> Self {
        match nearest(word, known) {
            Some(near) => self.hint(format!("did you mean `{near}`?")),
            None => self,
        }
    }
}

/// The known word that is most like the given one, if any is like it at all.
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let lower = word.to_lowercase();
    known
        .into_iter()
        .map(|candidate| (strsim::jaro_winkler(&lower, &candidate.to_lowercase()), candidate))
        .filter(|(likeness, _)| *likeness >= 0.8)
        // The first of equals wins, so that the answer does not depend on how `max_by` treats ties.
        .reduce(|best, next| if next.0 > best.0 { next } else { best })
        .map(|(_, candidate)| candidate)
}

/// So many problems get a hint; a file with more of them has one cause.
const MAX_HINTED: usize = 100;

/// Collects problems of one tree by path.
///
/// A path under which the form was already found wrong is *poisoned*: what a check finds there is a consequence and is
/// dropped, because a stand-in value took the place of what was written.
pub struct Problems<'t> {
    tree: &'t Node,
    poisoned: BTreeSet<Vec<Step>>,
    list: Vec<Diagnostic>,
}

impl<'t> Problems<'t> {
    pub fn new(tree: &'t Node) -> Self {
        Problems {
            tree,
            poisoned: BTreeSet::new(),
            list: Vec::new(),
        }
    }

    pub fn tree(&self) -> &'t Node {
        self.tree
    }

    /// Takes a problem that already has its place.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        self.list.push(diagnostic);
    }

    pub fn extend(&mut self, diagnostics: Vec<Diagnostic>) {
        self.list.extend(diagnostics);
    }

    /// Notes a problem at a path, unless the path is poisoned.
    pub fn report(&mut self, code: Code, path: &Path, message: impl Into<String>) {
        self.report_with(code, path, message, |diagnostic| diagnostic);
    }

    /// The same, with more to say.
    pub fn report_with(
        &mut self,
        code: Code,
        path: &Path,
        message: impl Into<String>,
        more: impl FnOnce(Diagnostic) -> Diagnostic,
    ) {
        // That something is missing may be because it was wrong in form and taken out.
        let absence = matches!(
            code,
            Code::NotExactlyOne | Code::MissingKey | Code::DistributionParameters
        );
        let consequence = absence && self.has_poison_inside(path);
        if !consequence && !self.is_poisoned(path) {
            let diagnostic = Diagnostic::new(code, self.tree.place_of(path), message);
            // Looking for near names among thousands, thousands of times, would take minutes that nobody reads.
            let enough = self.list.len() >= MAX_HINTED;
            self.list.push(if enough { diagnostic } else { more(diagnostic) });
        }
    }

    /// From now on nothing is reported at or below this path.
    pub fn poison(&mut self, path: &Path) {
        self.poisoned.insert(path.steps());
    }

    pub fn poison_steps(&mut self, path: Vec<Step>) {
        self.poisoned.insert(path);
    }

    pub fn is_poisoned(&self, path: &Path) -> bool {
        let steps = path.steps();
        (0..=steps.len()).any(|length| self.poisoned.contains(&steps[..length]))
    }

    /// Whether an entry of what stands at a path is poisoned.
    fn has_poison_inside(&self, path: &Path) -> bool {
        let steps = path.steps();
        self.poisoned
            .range(steps.clone()..)
            .take_while(|poisoned| poisoned.starts_with(&steps))
            .any(|poisoned| poisoned.len() == steps.len() + 1)
    }

    pub fn has_errors(&self) -> bool {
        self.list
            .iter()
            .any(|diagnostic| diagnostic.code.severity() == Severity::Error)
    }

    pub fn into_list(self) -> Vec<Diagnostic> {
        self.list
    }
}

/// All problems of a scenario, in the order of their places, each once.
#[derive(Clone, Debug, Default)]
pub struct Diagnostics {
    list: Vec<Diagnostic>,
    sources: Sources,
}

impl Diagnostics {
    pub fn new(mut list: Vec<Diagnostic>, sources: Sources) -> Self {
        list.sort_by_key(|diagnostic| (diagnostic.place, diagnostic.code));
        list.dedup();
        Diagnostics { list, sources }
    }

    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    pub fn len(&self) -> usize {
        self.list.len()
    }

    pub fn has_errors(&self) -> bool {
        self.errors() > 0
    }

    pub fn errors(&self) -> usize {
        self.iter()
            .filter(|diagnostic| diagnostic.code.severity() == Severity::Error)
            .count()
    }

    pub fn warnings(&self) -> usize {
        self.len() - self.errors()
    }

    pub fn iter(&self) -> impl Iterator<Item = &Diagnostic> {
        self.list.iter()
    }

    pub fn sources(&self) -> &Sources {
        &self.sources
    }

    /// Both lists, over the sources of whichever has read more.
    pub fn merge(self, other: Diagnostics) -> Diagnostics {
        let sources = if other.sources.files().len() > self.sources.files().len() {
            other.sources
        } else {
            self.sources
        };
        Diagnostics::new(self.list.into_iter().chain(other.list).collect(), sources)
    }

    /// For machines: one object a problem, with `code`, `severity`, `file`, `line`, `column`, `message`, `expected`,
    /// `hint`.
    pub fn to_json(&self) -> serde_json::Value {
        self.list
            .iter()
            .map(|diagnostic| {
                let (line, column) = self.sources.line_and_column(diagnostic.place);
                serde_json::json!({
                    "code": diagnostic.code.as_str(),
                    "severity": match diagnostic.code.severity() {
                        Severity::Error => "error",
                        Severity::Warning => "warning",
                    },
                    "file": self.sources.file(diagnostic.place.file).name,
                    "line": line,
                    "column": column,
                    "message": diagnostic.message,
                    "expected": diagnostic.expected,
                    "hint": diagnostic.hint,
                })
            })
            .collect()
    }
}

/// What `wavetank explain` prints: the page of a code and a scenario that yields it, as Markdown.
pub fn explain(code: Code) -> String {
    let mut text = code.page().to_owned();
    if let Some(example) = code.example() {
        let example = String::from_utf8_lossy(example);
        text.push_str(&format!("\n## Example\n\n```yaml\n{}\n```\n", example.trim_end()));
    }
    text
}
