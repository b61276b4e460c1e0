//! Holds a tree against the language's schema and reports everything about its form that is wrong, at once.
//!
//! The JSON Schema that `schemars` makes of the types in [`super::schema`] is walked beside the tree. What is wrong is
//! reported where it stands and replaced: an optional value is left out, a needed one gets a harmless stand-in, and its
//! path is poisoned so that later checks do not speak of it. What comes back therefore always reads into the types, and
//! the meaning of the good parts can still be checked. No semantic knowledge lives here.

use super::diagnostic::{Code, Problems, nearest};
use super::path::Path;
use super::quantity::{Flaw, Kind};
use super::tree::{self, Node, Value};
use serde_json::{Map, Value as Json};

mod alternatives;
mod later;

pub(super) use alternatives::{Unknown, known_path};

/// The tree as JSON that reads into [`super::schema::Scenario`].
pub fn conform(schema: &Json, tree: &Node, problems: &mut Problems) -> Json {
    let empty = Map::new();
    let walker = Walker {
        definitions: schema.get("$defs").and_then(Json::as_object).unwrap_or(&empty),
    };
    let root = Path::Root;
    let found = walker.value(schema, "Scenario", tree, &root, problems);
    found.unwrap_or_else(|| walker.stand_in(schema))
}

struct Walker<'s> {
    definitions: &'s Map<String, Json>,
}

impl<'s> Walker<'s> {
    /// Follows references. `within` becomes the name of the definition arrived at.
    fn resolve<'a>(&self, mut schema: &'a Json, mut within: &'a str) -> (&'a Json, &'a str)
    where
        's: 'a,
    {
        while let Some(reference) = schema.get("$ref").and_then(Json::as_str) {
            let name = reference.rsplit('/').next().expect("a split has a last part");
            let Some(next) = self.definitions.get(name) else { break };
            schema = next;
            within = name;
        }
        (schema, within)
    }

    /// The value as JSON; `None` if it is wrong, which has then been reported and poisoned.
    fn value(&self, schema: &Json, within: &str, node: &Node, path: &Path, problems: &mut Problems) -> Option<Json> {
        let (schema, within) = self.resolve(schema, within);
        if let Some(branches) = schema.get("anyOf").and_then(Json::as_array) {
            return self.any_of(branches, within, node, path, problems);
        }
        if let Some(branches) = schema.get("oneOf").and_then(Json::as_array) {
            return self.one_of(branches, within, node, path, problems);
        }
        if schema.get("enum").is_some() || schema.get("const").is_some() {
            return self.one_of(std::slice::from_ref(schema), within, node, path, problems);
        }
        match (types(schema).as_slice(), &node.value) {
            ([], _) => Some(node.to_json()),
            (["object"], Value::Map(_)) => Some(self.object(schema, within, node, path, problems)),
            (["array"], Value::List(items)) => self.list(schema, within, items, path, problems),
            (["boolean"], Value::Bool(yes)) => Some(Json::Bool(*yes)),
            (["integer" | "number"], Value::Number(text)) => self.number(schema, text, path, problems),
            (types, Value::Number(_) | Value::Text(_))
                if schema.get("format").is_some() && types.contains(&"string") =>
            {
                self.quantity(schema, node, path, problems)
            }
            (types, Value::Text(text)) if types.contains(&"string") => Some(Json::String(text.clone())),
            (types, Value::Number(_)) if types.contains(&"number") => Some(node.to_json()),
            (types, Value::Bool(_)) if types.contains(&"boolean") => Some(node.to_json()),
            _ => self.wrong_kind(schema, node, path, problems),
        }
    }

    fn object(&self, schema: &Json, within: &str, node: &Node, path: &Path, problems: &mut Problems) -> Json {
        let properties = schema.get("properties").and_then(Json::as_object);
        let others = schema
            .get("additionalProperties")
            .filter(|others| others.is_object() || **others == Json::Bool(true));
        let required: Vec<&str> = strings(schema.get("required"));
        let mut result = Map::new();
        // A key that is needed and was misspelt is one problem, not two.
        let mut meant = Vec::new();
        for (key, value) in node.entries() {
            let here = path.key(&key.text);
            match properties.and_then(|known| known.get(&key.text)).or(others) {
                Some(expected) => {
                    let found = self.value(expected, within, value, &here, problems);
                    let needed = required.contains(&key.text.as_str()) || others.is_some();
                    if let Some(found) = found.or_else(|| needed.then(|| self.stand_in(expected))) {
                        result.insert(key.text.clone(), found);
                    }
                }
                None => {
                    let known: Vec<&str> = properties
                        .map(|known| known.keys().map(String::as_str).collect())
                        .unwrap_or_default();
                    meant.extend(nearest(&key.text, known.iter().copied()));
                    self.unknown_key(within, &key.text, key.place, known, &here, problems);
                }
            }
        }
        // Nor is it blamed on anything else that the key is not there.
        for name in meant.iter().filter(|name| node.get(name).is_none()) {
            problems.poison(&path.key(name));
        }
        for name in required {
            if node.get(name).is_none() {
                let expected = &properties.expect("required keys are described")[name];
                let missing = path.key(name);
                if !meant.contains(&name) {
                    problems.report_with(Code::MissingKey, &missing, missing_text(path, name), |diagnostic| {
                        diagnostic.expected(format!("the key `{name}`: {}", self.describe(expected)))
                    });
                }
                problems.poison(&missing);
                result.insert(name.to_owned(), self.stand_in(expected));
            }
        }
        Json::Object(result)
    }

    fn unknown_key(
        &self,
        within: &str,
        key: &str,
        place: super::source::Place,
        known: Vec<&str>,
        path: &Path,
        problems: &mut Problems,
    ) {
        let diagnostic = match later::advice(within, key) {
            Some(advice) => later::diagnostic(key, advice, place),
            None => {
                let diagnostic = super::diagnostic::Diagnostic::new(
                    Code::UnknownKey,
                    place,
                    format!("`{key}` is not a key that is known here"),
                );
                match nearest(key, known.iter().copied()) {
                    Some(near) => diagnostic.hint(format!("did you mean `{near}`?")),
                    None if key == "<<" => diagnostic.hint("YAML 1.2 has no merge keys; use an alias or write it out"),
                    None => diagnostic.expected(one_of_words(&known)),
                }
            }
        };
        if !problems.is_poisoned(path) {
            problems.push(diagnostic);
        }
        problems.poison(path);
    }

    fn list(&self, schema: &Json, within: &str, items: &[Node], path: &Path, problems: &mut Problems) -> Option<Json> {
        let prefix = schema.get("prefixItems").and_then(Json::as_array);
        let bound = |name| schema.get(name).and_then(Json::as_u64).map(|length| length as usize);
        let low = bound("minItems").unwrap_or(0);
        let high = bound("maxItems").unwrap_or(usize::MAX);
        if items.len() < low || items.len() > high {
            let expected = if low == high {
                format!("{low} values")
            } else {
                format!("at least {low} values")
            };
            problems.report_with(
                Code::WrongLength,
                path,
                format!("`{path}` has {} values", items.len()),
                |diagnostic| diagnostic.expected(expected),
            );
            problems.poison(path);
            return None;
        }
        let anything = Json::Bool(true);
        let schema_of = |at: usize| {
            prefix
                .and_then(|prefix| prefix.get(at))
                .or_else(|| schema.get("items"))
                .unwrap_or(&anything)
        };
        let read = |(at, item): (usize, &Node)| {
            let expected = schema_of(at);
            let here = path.at(at);
            self.value(expected, within, item, &here, problems)
                .unwrap_or_else(|| self.stand_in(expected))
        };
        Some(Json::Array(items.iter().enumerate().map(read).collect()))
    }

    fn number(&self, schema: &Json, text: &str, path: &Path, problems: &mut Problems) -> Option<Json> {
        let whole = types(schema) == ["integer"];
        let format = schema.get("format").and_then(Json::as_str);
        let low = schema.get("minimum").and_then(Json::as_f64);
        let high = schema.get("maximum").and_then(Json::as_f64).or(match format {
            Some("uint32") => Some(f64::from(u32::MAX)),
            _ => None,
        });
        let number = tree::number(text);
        let value = number.as_ref().and_then(serde_json::Number::as_f64);
        let problem = match value {
            None => Some("is not a finite number"),
            Some(_) if whole && !number.as_ref().is_some_and(|number| number.is_u64() || number.is_i64()) => {
                Some("is not a whole number")
            }
            Some(value) if low.is_some_and(|low| value < low) && value < 0.0 => Some("is negative"),
            Some(value) if low.is_some_and(|low| value < low) => Some("is too small"),
            Some(value) if high.is_some_and(|high| value > high) => Some("is too large"),
            Some(_) => None,
        };
        let Some(problem) = problem else {
            return number.map(Json::Number);
        };
        let expected = self.describe(schema);
        problems.report_with(Code::OutOfRange, path, format!("`{text}` {problem}"), |diagnostic| {
            diagnostic.expected(expected)
        });
        problems.poison(path);
        None
    }

    fn quantity(&self, schema: &Json, node: &Node, path: &Path, problems: &mut Problems) -> Option<Json> {
        let name = schema.get("format").and_then(Json::as_str).unwrap_or_default();
        let text = node.scalar().expect("only scalars get here");
        let Some(kind) = Kind::by_name(name) else {
            return Some(Json::String(text.to_owned()));
        };
        let flaw = match kind.check(text) {
            Ok(()) => return Some(Json::String(text.to_owned())),
            Err(flaw) => flaw,
        };
        let (code, message) = match flaw {
            Flaw::NoUnit => (Code::MissingUnit, format!("`{text}` has no unit")),
            Flaw::Malformed => (Code::MalformedQuantity, format!("`{text}` cannot be read")),
            Flaw::Negative => (Code::OutOfRange, format!("`{text}` is negative")),
            Flaw::NotFinite => (Code::OutOfRange, format!("`{text}` is not a finite number")),
            Flaw::OutOfRange(why) => (Code::OutOfRange, format!("`{text}` is {why}")),
        };
        problems.report_with(code, path, message, |diagnostic| {
            let diagnostic = diagnostic.expected(kind.expectation());
            match (flaw, kind) {
                (Flaw::NoUnit, Kind::Duration) => {
                    diagnostic.hint(format!("write `{text}ms` or `{text}s`, whichever is meant"))
                }
                (Flaw::NoUnit, Kind::Rate) => diagnostic.hint(format!("write `{text}/s` if a second is meant")),
                (Flaw::NoUnit, Kind::Ratio) => match text.parse::<f64>() {
                    Ok(share) if share <= 1.0 => diagnostic.hint(format!("write `{}%`", (share * 1e8).round() / 1e6)),
                    _ => diagnostic.hint(format!("write `{text}%`")),
                },
                _ => diagnostic,
            }
        });
        problems.poison(path);
        None
    }

    fn wrong_kind(&self, schema: &Json, node: &Node, path: &Path, problems: &mut Problems) -> Option<Json> {
        let expected = self.describe(schema);
        problems.report_with(
            Code::WrongKind,
            path,
            format!("{} stands here", node.kind()),
            |diagnostic| {
                let diagnostic = diagnostic.expected(expected);
                let types = types(schema);
                match &node.value {
                    Value::Number(text) if types == ["string"] => {
                        diagnostic.hint(format!("put it in quotes if the text is meant: \"{text}\""))
                    }
                    Value::Text(text)
                        if types == ["boolean"] && matches!(text.to_lowercase().as_str(), "yes" | "on" | "true") =>
                    {
                        diagnostic.hint("write `true`")
                    }
                    Value::Text(text)
                        if types == ["boolean"] && matches!(text.to_lowercase().as_str(), "no" | "off" | "false") =>
                    {
                        diagnostic.hint("write `false`")
                    }
                    Value::Null => diagnostic.hint("give it a value, or leave the key out"),
                    Value::Number(text) | Value::Text(text) => match self.only_key_for(schema, text) {
                        Some(key) => diagnostic.hint(format!("write `{{ {key}: {text} }}`")),
                        None => diagnostic,
                    },
                    _ => diagnostic,
                }
            },
        );
        problems.poison(path);
        None
    }

    /// The key that a map needs and no other, if the text is a quantity that may stand there.
    fn only_key_for<'a>(&self, schema: &'a Json, text: &str) -> Option<&'a str> {
        let [key] = strings(schema.get("required"))[..] else {
            return None;
        };
        let (expected, _) = self.resolve(&schema["properties"][key], "");
        let kind = expected.get("format").and_then(Json::as_str).and_then(Kind::by_name)?;
        kind.check(text).ok().map(|()| key)
    }

    /// In words, what a schema wants.
    fn describe(&self, schema: &Json) -> String {
        let (schema, _) = self.resolve(schema, "");
        if let Some(branches) = schema.get("anyOf").and_then(Json::as_array) {
            return branches
                .iter()
                .map(|branch| self.describe(branch))
                .collect::<Vec<_>>()
                .join(", or ");
        }
        if let Some(branches) = schema.get("oneOf").and_then(Json::as_array) {
            return one_of_words(&alternatives::names(branches));
        }
        if schema.get("enum").is_some() || schema.get("const").is_some() {
            return one_of_words(&alternatives::names(std::slice::from_ref(schema)));
        }
        if let Some(kind) = schema.get("format").and_then(Json::as_str).and_then(Kind::by_name) {
            return kind.expectation().to_owned();
        }
        let range = |noun: &str| {
            let bound = |name| schema.get(name).and_then(Json::as_f64);
            match (bound("minimum"), bound("maximum")) {
                (Some(low), Some(high)) => format!("{noun} from {low} to {high}"),
                (Some(low), None) => format!("{noun} of at least {low}"),
                (None, Some(high)) => format!("{noun} of at most {high}"),
                (None, None) => noun.to_owned(),
            }
        };
        match types(schema).as_slice() {
            ["object"] => "a map".to_owned(),
            ["array"] => "a list".to_owned(),
            ["boolean"] => "`true` or `false`".to_owned(),
            ["integer"] => range("a whole number"),
            ["number"] => range("a number"),
            ["string"] => "text".to_owned(),
            _ => "a value".to_owned(),
        }
    }

    /// A value that reads into the type and means as little as possible.
    fn stand_in(&self, schema: &Json) -> Json {
        let (schema, _) = self.resolve(schema, "");
        for name in ["anyOf", "oneOf"] {
            if let Some(first) = schema
                .get(name)
                .and_then(Json::as_array)
                .and_then(|branches| branches.first())
            {
                return self.stand_in(first);
            }
        }
        if let Some(word) = alternatives::names_of(schema).first() {
            return Json::String((*word).to_owned());
        }
        if let Some(kind) = schema.get("format").and_then(Json::as_str).and_then(Kind::by_name) {
            return Json::String(kind.stand_in().to_owned());
        }
        match types(schema).as_slice() {
            ["object"] => {
                let properties = schema.get("properties").and_then(Json::as_object);
                let needed = strings(schema.get("required")).into_iter();
                let stand_ins = needed.map(|name| {
                    let expected = &properties.expect("required keys are described")[name];
                    (name.to_owned(), self.stand_in(expected))
                });
                Json::Object(stand_ins.collect())
            }
            ["array"] => {
                let length = schema.get("minItems").and_then(Json::as_u64).unwrap_or(0) as usize;
                let prefix = schema.get("prefixItems").and_then(Json::as_array);
                let item = |at: usize| prefix.and_then(|prefix| prefix.get(at)).or_else(|| schema.get("items"));
                Json::Array(
                    (0..length)
                        .filter_map(item)
                        .map(|schema| self.stand_in(schema))
                        .collect(),
                )
            }
            ["boolean"] => Json::Bool(false),
            ["integer"] => Json::from(schema.get("minimum").and_then(Json::as_u64).unwrap_or(0).max(1)),
            ["number"] => Json::from(schema.get("minimum").and_then(Json::as_f64).unwrap_or(0.0).max(1.0)),
            _ => Json::String(String::new()),
        }
    }
}

fn missing_text(path: &Path, name: &str) -> String {
    match path {
        Path::Root => format!("the scenario lacks `{name}`"),
        _ => format!("`{path}` lacks `{name}`"),
    }
}

fn types(schema: &Json) -> Vec<&str> {
    match schema.get("type") {
        Some(Json::String(one)) => vec![one],
        several => strings(several),
    }
}

fn strings(list: Option<&Json>) -> Vec<&str> {
    list.and_then(Json::as_array)
        .map(|items| items.iter().filter_map(Json::as_str).collect())
        .unwrap_or_default()
}

/// `one of a, b, c`; cut if there are many.
fn one_of_words(words: &[&str]) -> String {
    let shown: Vec<String> = words.iter().take(14).map(|word| format!("`{word}`")).collect();
    let more = if words.len() > shown.len() { ", …" } else { "" };
    match shown.as_slice() {
        [] => "no key at all".to_owned(),
        [one] => one.clone(),
        _ => format!("one of {}{more}", shown.join(", ")),
    }
}

#[cfg(test)]
mod tests;
