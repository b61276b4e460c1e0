//! Scenarios that differ from another in a value: `--set`, `--vary` and `experiment.compare`.
//!
//! A value is put into the tree at a path, and the tree is then a scenario like any other: what is wrong with it is found
//! and placed in the same way. A path must lead somewhere that the language knows. Several paths under
//! `experiment.compare` change together, variant by variant, so they must name the same variants; `--vary` of several
//! paths makes every combination.

use super::conform::{Unknown, known_path};
use super::diagnostic::{Code, Diagnostic, Diagnostics, nearest};
use super::path::{self, Step};
use super::source::Place;
use super::tree::{Key, Node, Value};
use super::{Scenario, schema, yaml};

/// The name of a variant, and its values by path.
pub(super) type NamedValues = (String, Vec<(Key, Node)>);

impl Scenario {
    /// The same scenario with another value at a path: `scenario.with("services.web.desired_count", "6")`.
    ///
    /// Errors: if the path leads nowhere, or the value is not YAML.
    pub fn with(&self, path: &str, value: &str) -> Result<Scenario, Diagnostics> {
        let mut changed = self.clone();
        let file = changed.sources.add(format!("--set {path}"), value);
        let (node, problems) = yaml::parse(&changed.sources, file);
        let place = Place {
            file,
            start: 0,
            end: value.len() as u32,
        };
        let node = match node {
            Some(node) if problems.is_empty() => node,
            _ => return Err(Diagnostics::new(problems, changed.sources)),
        };
        match changed.put(path, node, place) {
            Ok(()) => Ok(changed),
            Err(problem) => Err(Diagnostics::new(vec![*problem], changed.sources)),
        }
    }

    /// Whether the scenario says anything at a path: `scenario.says("experiment.stress")`.
    pub fn says(&self, path: &str) -> bool {
        path::parse(path).is_some_and(|steps| self.tree.find(&steps).is_some())
    }

    /// Every combination of the values, each named by its values: `[("a", "x"), …]` in the order given, the last path
    /// varying fastest.
    pub fn vary(&self, paths: &[(String, Vec<String>)]) -> Result<Vec<(String, Scenario)>, Diagnostics> {
        let mut made = vec![(String::new(), self.clone())];
        for (path, values) in paths {
            let mut next = Vec::new();
            for (name, scenario) in &made {
                for value in values {
                    let name = if name.is_empty() {
                        value.clone()
                    } else {
                        format!("{name}, {value}")
                    };
                    next.push((name, scenario.with(path, value)?));
                }
            }
            made = next;
        }
        Ok(made)
    }

    /// What `experiment.compare` describes; empty if it is not there. Each variant is a scenario without `compare`.
    ///
    /// Errors: if the block is wrong itself, or a path leads nowhere. What is wrong with a variant shows when it is
    /// resolved.
    pub fn variants(&self) -> Result<Vec<(String, Scenario)>, Diagnostics> {
        let steps = [Step::Key("experiment".to_owned()), Step::Key("compare".to_owned())];
        let Some(Node {
            value: Value::Map(paths),
            ..
        }) = self.tree.find(&steps)
        else {
            return Ok(Vec::new());
        };
        let mut base = self.clone();
        base.forget("compare");
        let mut problems = Vec::new();
        let mut variants = Vec::new();
        for (name, values) in self.named_values(paths)? {
            let mut variant = base.clone();
            for (path, value) in values {
                if let Err(problem) = variant.put(&path.text, value, path.place) {
                    problems.push(*problem);
                }
            }
            variants.push((name, variant));
        }
        if problems.is_empty() {
            Ok(variants)
        } else {
            Err(Diagnostics::new(problems, self.sources.clone()))
        }
    }

    /// Paths with named values, turned round: each name with what it puts where, in the order of the first path.
    ///
    /// Errors: if the paths do not have the same names.
    pub(super) fn named_values(&self, paths: &[(Key, Node)]) -> Result<Vec<NamedValues>, Diagnostics> {
        let Some((_, first)) = paths.first() else {
            return Ok(Vec::new());
        };
        let names: Vec<&str> = first.entries().iter().map(|(key, _)| key.text.as_str()).collect();
        let mut named: Vec<NamedValues> = names.iter().map(|name| ((*name).to_owned(), Vec::new())).collect();
        let mut problems = Vec::new();
        for (path, values) in paths {
            let entries = values.entries();
            let mine: Vec<&str> = entries.iter().map(|(key, _)| key.text.as_str()).collect();
            let mut sorted = (mine.clone(), names.clone());
            sorted.0.sort_unstable();
            sorted.1.sort_unstable();
            if sorted.0 != sorted.1 {
                let message = format!("`{}` has the variants {}", path.text, list(&mine));
                let diagnostic = Diagnostic::new(Code::VariantsDiffer, path.place, message);
                problems.push(diagnostic.expected(format!("the same as the first path: {}", list(&names))));
                continue;
            }
            for (key, value) in entries {
                let (_, puts) = named
                    .iter_mut()
                    .find(|(name, _)| *name == key.text)
                    .expect("the names are the same");
                puts.push((path.clone(), value.clone()));
            }
        }
        if problems.is_empty() {
            Ok(named)
        } else {
            Err(Diagnostics::new(problems, self.sources.clone()))
        }
    }

    /// Takes a key of `experiment` out.
    pub(super) fn forget(&mut self, forgotten: &str) {
        if let Value::Map(sections) = &mut self.tree.value
            && let Some((_, experiment)) = sections.iter_mut().find(|(key, _)| key.text == "experiment")
            && let Value::Map(entries) = &mut experiment.value
        {
            entries.retain(|(key, _)| key.text != forgotten);
        }
    }

    /// Puts a value at a path that the language knows.
    pub(super) fn put(&mut self, path: &str, value: Node, place: Place) -> Result<(), Box<Diagnostic>> {
        let unknown = |message: String| Diagnostic::new(Code::UnknownPath, place, message);
        let Some(steps) = path::parse(path) else {
            let problem = unknown(format!("`{path}` is not a path"));
            return Err(Box::new(
                problem.expected("keys joined by dots, like `services.web.desired_count`"),
            ));
        };
        if let Err(Unknown { at, known }) = known_path(schema::json_schema(), &self.tree, &steps) {
            let step = path::display(&steps[at..=at]);
            let before = path::display(&steps[..at]);
            let message = if before.is_empty() {
                format!("the path `{path}` leads nowhere: there is no `{step}`")
            } else {
                format!("the path `{path}` leads nowhere: `{before}` has no `{step}`")
            };
            let problem = unknown(message);
            let known: Vec<&str> = known.iter().map(String::as_str).collect();
            return Err(Box::new(match nearest(&step, known.iter().copied()) {
                Some(near) => problem.hint(format!("did you mean `{near}`?")),
                None if known.is_empty() => problem,
                None => problem.expected(format!("one of {}", list(&known))),
            }));
        }
        self.tree.set(&steps, value).map_err(|at| {
            let before = path::display(&steps[..at]);
            Box::new(unknown(format!(
                "the path `{path}` leads nowhere: `{before}` has nothing inside"
            )))
        })
    }
}

fn list(names: &[&str]) -> String {
    let shown: Vec<String> = names.iter().take(14).map(|name| format!("`{name}`")).collect();
    if shown.is_empty() {
        "none".to_owned()
    } else {
        shown.join(", ")
    }
}

/// Splits the values of `--vary path=a,b` at the commas that stand outside brackets and quotes.
pub fn split_values(text: &str) -> Vec<String> {
    let mut values = vec![String::new()];
    let mut depth = 0_usize;
    let mut quote = None;
    for c in text.chars() {
        match (c, quote) {
            (_, Some(open)) if c == open => quote = None,
            (_, Some(_)) => {}
            ('"' | '\'', None) => quote = Some(c),
            ('[' | '{', None) => depth += 1,
            (']' | '}', None) => depth = depth.saturating_sub(1),
            (',', None) if depth == 0 => {
                values.push(String::new());
                continue;
            }
            _ => {}
        }
        values.last_mut().expect("there is always one").push(c);
    }
    values.into_iter().map(|value| value.trim().to_owned()).collect()
}

#[cfg(test)]
mod tests;
