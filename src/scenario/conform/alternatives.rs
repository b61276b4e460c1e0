//! Values that may take one of several forms: words, `{ name: … }`, or a short and a long form.
//!
//! Which form is meant is decided by the kind of the value or by its key alone, never by trying, so that a problem
//! inside the form that was meant is reported as what it is.

use super::{Walker, later, one_of_words, types};
use crate::scenario::diagnostic::{Code, Problems, nearest};
use crate::scenario::path::Path;
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
                let expected = branches.iter().map(|branch| self.describe(branch)).collect::<Vec<_>>().join(", or ");
                problems.report_with(Code::WrongKind, path, format!("{} stands here", node.kind()), |diagnostic| {
                    diagnostic.expected(expected)
                });
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
            Value::Map(entries) if branches.iter().any(|branch| types(branch) == ["object"]) => match entries.as_slice() {
                [(key, value)] => {
                    let here = path.key(&key.text);
                    let inside = branches.iter().find_map(|branch| branch.get("properties")?.get(&key.text));
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
                    let found = self.value(inside, within, value, &here, problems).unwrap_or_else(|| self.stand_in(inside));
                    Some(Json::Object(Map::from_iter([(key.text.clone(), found)])))
                }
                _ => {
                    let message = match entries.len() {
                        0 => "nothing is chosen here".to_owned(),
                        _ => {
                            let keys: Vec<String> = entries.iter().map(|(key, _)| format!("`{}`", key.text)).collect();
                            format!("{} stand together here", keys.join(" and "))
                        }
                    };
                    problems.report_with(Code::NotExactlyOne, path, message, |diagnostic| {
                        diagnostic.expected(one_of_words(&known))
                    });
                    problems.poison(path);
                    None
                }
            },
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
                    problems.report_with(Code::UnknownWord, path, format!("`{word}` is not known here"), |diagnostic| {
                        let diagnostic = diagnostic.expected(one_of_words(&known));
                        match nearest(word, known.iter().copied()) {
                            Some(near) => diagnostic.hint(format!("did you mean `{near}`?")),
                            None => diagnostic,
                        }
                    });
                }
                problems.poison(path);
                None
            }
            _ => {
                problems.report_with(Code::WrongKind, path, format!("{} stands here", node.kind()), |diagnostic| {
                    diagnostic.expected(one_of_words(&known))
                });
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
            names_of(branch).into_iter().chain(keys.into_iter().flat_map(|keys| keys.keys().map(String::as_str)))
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
