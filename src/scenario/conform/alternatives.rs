//! Values that may take one of several forms: words, `{ name: … }`, or a short and a long form.
//!
//! Which form is meant is decided by the kind of the value or by its key alone, never by trying, so that a problem
//! inside the form that was meant is reported as what it is.

use super::{Walker, later, one_of_words, types};
use crate::scenario::diagnostic::{Code, Problems, nearest};
use crate::scenario::path::{Path, Step};
use crate::scenario::tree::{Node, Value};
use serde_json::{Map, Value as Json};

impl Walker<'_> {
    /// A short and a long form.
    pub(super) fn any_of(
        &self,
        branches: &[Json],
        within: &str,
        node: &Node,
        path: &Path,
        problems: &mut Problems,
    ) -> Option<Json> {
        let fits = |branch: &&Json| {
            let kinds = self.kinds(branch);
            match &node.value {
                Value::Map(_) => kinds.contains(&"object"),
                Value::List(_) => kinds.contains(&"array"),
                _ => kinds.iter().any(|kind| !matches!(*kind, "object" | "array")),
            }
        };
        match branches.iter().find(fits) {
            Some(branch) => self.value(branch, within, node, path, problems),
            None => {
                let expected = branches
                    .iter()
                    .map(|branch| self.describe(branch))
                    .collect::<Vec<_>>()
                    .join(", or ");
                problems.report_with(
                    Code::WrongKind,
                    path,
                    format!("{} stands here", node.kind()),
                    |diagnostic| diagnostic.expected(expected),
                );
                problems.poison(path);
                None
            }
        }
    }

    /// A word, or a map with one key that says which form follows.
    pub(super) fn one_of(
        &self,
        branches: &[Json],
        within: &str,
        node: &Node,
        path: &Path,
        problems: &mut Problems,
    ) -> Option<Json> {
        let known = names(branches);
        match &node.value {
            Value::Map(entries) if branches.iter().any(|branch| types(branch) == ["object"]) => {
                match entries.as_slice() {
                    [(key, value)] => {
                        let here = path.key(&key.text);
                        let inside = branches
                            .iter()
                            .find_map(|branch| branch.get("properties")?.get(&key.text));
                        let Some(inside) = inside else {
                            if words(branches).contains(&key.text.as_str()) {
                                let message = format!("`{}` has nothing inside", key.text);
                                problems.report_with(Code::WrongKind, &here, message, |diagnostic| {
                                    diagnostic.hint(format!("write just `{}`", key.text))
                                });
                                problems.poison(path);
                            } else {
                                self.unknown_key(within, &key.text, key.place, known, &here, problems);
                                problems.poison(path);
                            }
                            return None;
                        };
                        let found = self
                            .value(inside, within, value, &here, problems)
                            .unwrap_or_else(|| self.stand_in(inside));
                        Some(Json::Object(Map::from_iter([(key.text.clone(), found)])))
                    }
                    _ => {
                        let message = match entries.len() {
                            0 => "nothing is chosen here".to_owned(),
                            _ => {
                                let keys: Vec<String> =
                                    entries.iter().map(|(key, _)| format!("`{}`", key.text)).collect();
                                format!("{} stand together here", keys.join(" and "))
                            }
                        };
                        problems.report_with(Code::NotExactlyOne, path, message, |diagnostic| {
                            diagnostic.expected(one_of_words(&known))
                        });
                        problems.poison(path);
                        None
                    }
                }
            }
            // AWS writes some switches as the words `true` and `false`.
            Value::Bool(yes) if words(branches).contains(&if *yes { "true" } else { "false" }) => {
                Some(Json::String(yes.to_string()))
            }
            Value::Text(word) => {
                if words(branches).contains(&word.as_str()) {
                    return Some(Json::String(word.clone()));
                }
                if known.contains(&word.as_str()) {
                    problems.report_with(Code::WrongKind, path, format!("`{word}` needs more"), |diagnostic| {
                        diagnostic.expected(format!("`{word}: …` with its own values inside"))
                    });
                } else if let Some(advice) = later::advice(within, word) {
                    if !problems.is_poisoned(path) {
                        problems.push(later::diagnostic(word, advice, node.place));
                    }
                } else {
                    problems.report_with(
                        Code::UnknownWord,
                        path,
                        format!("`{word}` is not known here"),
                        |diagnostic| {
                            let diagnostic = diagnostic.expected(one_of_words(&known));
                            match nearest(word, known.iter().copied()) {
                                Some(near) => diagnostic.hint(format!("did you mean `{near}`?")),
                                None => diagnostic,
                            }
                        },
                    );
                }
                problems.poison(path);
                None
            }
            _ => {
                problems.report_with(
                    Code::WrongKind,
                    path,
                    format!("{} stands here", node.kind()),
                    |diagnostic| diagnostic.expected(one_of_words(&known)),
                );
                problems.poison(path);
                None
            }
        }
    }

    /// JSON's names of the kinds that a schema takes.
    fn kinds<'a>(&'a self, schema: &'a Json) -> Vec<&'a str> {
        let (schema, _) = self.resolve(schema, "");
        for name in ["anyOf", "oneOf"] {
            if let Some(branches) = schema.get(name).and_then(Json::as_array) {
                return branches.iter().flat_map(|branch| self.kinds(branch)).collect();
            }
        }
        types(schema)
    }
}

/// The words and keys that may be chosen from.
pub(super) fn names(branches: &[Json]) -> Vec<&str> {
    branches
        .iter()
        .flat_map(|branch| {
            let keys = branch.get("properties").and_then(Json::as_object);
            names_of(branch)
                .into_iter()
                .chain(keys.into_iter().flat_map(|keys| keys.keys().map(String::as_str)))
        })
        .collect()
}

fn words(branches: &[Json]) -> Vec<&str> {
    branches.iter().flat_map(names_of).collect()
}

/// The words of a schema that consists of words.
pub(super) fn names_of(schema: &Json) -> Vec<&str> {
    let one = schema.get("const").and_then(Json::as_str);
    super::strings(schema.get("enum")).into_iter().chain(one).collect()
}

/// A step of a path that the language does not know.
pub(in crate::scenario) struct Unknown {
    /// Position of the step.
    pub at: usize,
    /// What may stand there.
    pub known: Vec<String>,
}

/// Whether a path leads to something that the language knows. Keys of maps that are the user's own (services, target
/// groups, …) must exist already, unless the path ends with one.
pub(in crate::scenario) fn known_path(schema: &Json, tree: &Node, steps: &[Step]) -> Result<(), Unknown> {
    let empty = Map::new();
    let walker = Walker {
        definitions: schema.get("$defs").and_then(Json::as_object).unwrap_or(&empty),
    };
    let mut candidates = vec![schema];
    let mut here = Some(tree);
    for (at, step) in steps.iter().enumerate() {
        let flat: Vec<&Json> = candidates.iter().flat_map(|schema| walker.flatten(schema)).collect();
        let existing = here.map(|node| {
            node.entries()
                .iter()
                .map(|(key, _)| key.text.clone())
                .collect::<Vec<_>>()
        });
        let last = at + 1 == steps.len();
        let next: Vec<&Json> = match step {
            Step::Key(key) => {
                let exists = last || existing.iter().flatten().any(|name| name == key);
                let named = flat.iter().filter_map(|schema| schema.get("properties")?.get(key));
                let own = flat
                    .iter()
                    .filter_map(|schema| schema.get("additionalProperties"))
                    .filter(|_| exists);
                named
                    .chain(own)
                    .filter(|schema| **schema != Json::Bool(false))
                    .collect()
            }
            Step::At(position) => {
                let exists =
                    here.is_some_and(|node| matches!(&node.value, Value::List(items) if *position < items.len()));
                flat.iter()
                    .filter_map(|schema| schema.get("items"))
                    .filter(|_| exists)
                    .collect()
            }
        };
        if next.is_empty() {
            let keys = flat.iter().filter_map(|schema| schema.get("properties")?.as_object());
            let known = keys
                .flat_map(|keys| keys.keys().cloned())
                .chain(existing.into_iter().flatten());
            let mut known: Vec<String> = known.collect();
            known.sort_unstable();
            known.dedup();
            return Err(Unknown { at, known });
        }
        candidates = next;
        here = here.and_then(|node| node.find(std::slice::from_ref(step)));
    }
    Ok(())
}

impl Walker<'_> {
    /// The alternatives of a schema, with references followed.
    fn flatten<'a>(&'a self, schema: &'a Json) -> Vec<&'a Json> {
        let (schema, _) = self.resolve(schema, "");
        for name in ["anyOf", "oneOf"] {
            if let Some(branches) = schema.get(name).and_then(Json::as_array) {
                return branches.iter().flat_map(|branch| self.flatten(branch)).collect();
            }
        }
        vec![schema]
    }
}
