//! YAML (and so JSON) text to a located tree, and values back to YAML.
//!
//! Reading keeps to YAML 1.2's core schema with strict booleans: only `true` and `false` are. What could make a small
//! file large is bounded: nesting, and the number of values once aliases are expanded. Every problem of form has its
//! place; a text with a syntax error yields that one problem, because nothing after it can be trusted.

use super::diagnostic::{Code, Diagnostic};
use super::source::{Place, Sources};
use super::tree::{Key, Node, Value};
use granit_parser::{Event, Options, Parser, ScalarStyle, Span};
use std::collections::BTreeMap;

mod print;

pub use print::{flow, print};

/// Deeper nesting is refused.
const MAX_DEPTH: usize = 64;
/// So many values are enough for every scenario; anchors that expand beyond are refused.
const MAX_NODES: usize = 200_000;

/// Reads one document. The tree comes back unless there is nothing to go on with.
pub fn parse(sources: &Sources, file: u16) -> (Option<Node>, Vec<Diagnostic>) {
    let text = &sources.file(file).text;
    let mut options = Options::default();
    options.emit_comments = false;
    let mut builder = Builder {
        file,
        text,
        events: Parser::new_from_str_with_options(text, options),
        anchors: BTreeMap::new(),
        nodes: 0,
        problems: Vec::new(),
    };
    let root = builder.document();
    let mut problems = builder.problems;
    match root {
        Ok(Some(node)) if !matches!(node.value, Value::Null) => (Some(node), problems),
        Ok(_) => {
            if problems.is_empty() {
                let place = Place { file, start: 0, end: 0 };
                let name = &sources.file(file).name;
                problems.push(Diagnostic::new(Code::EmptyFile, place, format!("`{name}` is empty")));
            }
            (None, problems)
        }
        Err(Stop) => (None, problems),
    }
}

/// A problem was noted after which reading cannot go on.
struct Stop;

struct Builder<'t> {
    file: u16,
    text: &'t str,
    events: Parser<'t, granit_parser::StrInput<'t>>,
    anchors: BTreeMap<usize, Node>,
    nodes: usize,
    problems: Vec<Diagnostic>,
}

impl<'t> Builder<'t> {
    fn document(&mut self) -> Result<Option<Node>, Stop> {
        let mut root = None;
        loop {
            let (event, span) = self.next()?;
            match event {
                Event::StreamEnd => return Ok(root),
                Event::StreamStart | Event::DocumentStart(..) | Event::DocumentEnd => {}
                event => {
                    if root.is_some() {
                        let place = self.place(span);
                        return self.stop(
                            Diagnostic::new(Code::SeveralDocuments, place, "a second document begins here")
                                .expected("one document in a file"),
                        );
                    }
                    root = Some(self.node(event, span, 0)?);
                }
            }
        }
    }

    fn next(&mut self) -> Result<(Event<'t>, Span), Stop> {
        match self.events.next() {
            Some(Ok(next)) => Ok(next),
            Some(Err(error)) => {
                let at = error
                    .marker()
                    .byte_offset()
                    .unwrap_or(self.text.len())
                    .min(self.text.len());
                let place = Place {
                    file: self.file,
                    start: at as u32,
                    end: (at + 1).min(self.text.len()) as u32,
                };
                let message = error.info();
                let deep = message.contains("recursion limit") || message.contains("nest");
                let problem = if deep {
                    too_deep(place)
                } else {
                    Diagnostic::new(Code::MalformedYaml, place, format!("this is not YAML: {message}")).hint(
                        "JSON is YAML too; a value with `: `, ` #`, a leading `*`, `&`, `[`, `{` or `%` needs quotes",
                    )
                };
                self.stop(problem)
            }
            // The parser ends with `StreamEnd`, at which `document` returns.
            None => Err(Stop),
        }
    }

    fn node(&mut self, event: Event<'t>, span: Span, depth: usize) -> Result<Node, Stop> {
        let place = self.place(span);
        if depth > MAX_DEPTH {
            return self.stop(too_deep(place));
        }
        self.count(1, place)?;
        let (value, anchor, end) = match event {
            Event::Scalar(text, style, anchor, tag) => {
                // An explicit tag says "take it as text", as `!!str 5` does; no other tag means anything here.
                let plain = style == ScalarStyle::Plain && tag.is_none();
                (
                    if plain {
                        plain_scalar(&text)
                    } else {
                        Value::Text(text.into_owned())
                    },
                    anchor,
                    place.end,
                )
            }
            Event::SequenceStart(_, anchor, _) => {
                let mut items = Vec::new();
                let end = loop {
                    match self.next()? {
                        (Event::SequenceEnd, span) => break self.place(span).end,
                        (event, span) => items.push(self.node(event, span, depth + 1)?),
                    }
                };
                (Value::List(items), anchor, end)
            }
            Event::MappingStart(_, anchor, _) => {
                let mut entries: Vec<(Key, Node)> = Vec::new();
                let mut seen: BTreeMap<String, Place> = BTreeMap::new();
                let end = loop {
                    let (event, span) = self.next()?;
                    if matches!(event, Event::MappingEnd) {
                        break self.place(span).end;
                    }
                    let key = self.node(event, span, depth + 1)?;
                    let (event, span) = self.next()?;
                    let value = self.node(event, span, depth + 1)?;
                    let Some(text) = key.scalar().map(str::to_owned) else {
                        self.problems.push(
                            Diagnostic::new(
                                Code::MalformedYaml,
                                key.place,
                                format!("{} cannot be a key", key.kind()),
                            )
                            .expected("a word"),
                        );
                        continue;
                    };
                    if seen.insert(text.clone(), key.place).is_some() {
                        self.problems.push(
                            Diagnostic::new(
                                Code::DuplicateKey,
                                key.place,
                                format!("the key `{text}` stands here twice"),
                            )
                            .hint("in YAML one of the two would be lost in silence; remove one"),
                        );
                        continue;
                    }
                    entries.push((Key { text, place: key.place }, value));
                };
                (Value::Map(entries), anchor, end)
            }
            Event::Alias(id) => {
                let Some(node) = self.anchors.get(&id) else {
                    return self.stop(
                        Diagnostic::new(Code::MalformedYaml, place, "this alias stands inside its own anchor")
                            .expected("an alias to something that ends before it"),
                    );
                };
                let copy = Node {
                    value: node.value.clone(),
                    place,
                };
                self.count(size(&copy), place)?;
                return Ok(copy);
            }
            _ => {
                return self.stop(Diagnostic::new(Code::MalformedYaml, place, "a value was expected here"));
            }
        };
        let place = Place {
            end: end.max(place.start),
            ..place
        };
        let node = Node { value, place };
        if anchor != 0 {
            // The copy counts as well, or nested anchors could hold far more than the limit before any alias is met.
            self.count(size(&node), place)?;
            self.anchors.insert(anchor, node.clone());
        }
        Ok(node)
    }

    fn count(&mut self, more: usize, place: Place) -> Result<(), Stop> {
        self.nodes += more;
        if self.nodes > MAX_NODES {
            return self.stop(
                Diagnostic::new(
                    Code::TooManyValues,
                    place,
                    format!("more than {MAX_NODES} values once aliases are expanded"),
                )
                .hint("anchors that refer to anchors grow like powers; write such lists out or use a CSV file"),
            );
        }
        Ok(())
    }

    fn stop<T>(&mut self, problem: Diagnostic) -> Result<T, Stop> {
        self.problems.push(problem);
        Err(Stop)
    }

    fn place(&self, span: Span) -> Place {
        let range = span.byte_range().unwrap_or(self.text.len()..self.text.len());
        Place {
            file: self.file,
            start: range.start as u32,
            end: range.end as u32,
        }
    }
}

fn too_deep(place: Place) -> Diagnostic {
    Diagnostic::new(Code::TooDeep, place, format!("nested deeper than {MAX_DEPTH} levels"))
        .hint("no part of the language nests that deep; was a bracket left open?")
}

fn size(node: &Node) -> usize {
    match &node.value {
        Value::List(items) => 1 + items.iter().map(size).sum::<usize>(),
        Value::Map(entries) => 1 + entries.iter().map(|(_, node)| 1 + size(node)).sum::<usize>(),
        _ => 1,
    }
}

/// What an unquoted scalar means in YAML 1.2's core schema, but without `True`, `NULL` and their kind.
pub(super) fn plain_scalar(text: &str) -> Value {
    match text {
        "" | "~" | "null" => Value::Null,
        "true" => Value::Bool(true),
        "false" => Value::Bool(false),
        _ if is_number(text) => Value::Number(text.to_owned()),
        _ => Value::Text(text.to_owned()),
    }
}

fn is_number(text: &str) -> bool {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    if matches!(unsigned, ".inf" | ".Inf" | ".INF") || matches!(text, ".nan" | ".NaN" | ".NAN") {
        return true;
    }
    unsigned.starts_with(|c: char| c.is_ascii_digit() || c == '.')
        && unsigned
            .chars()
            .all(|c| c.is_ascii_digit() || matches!(c, '.' | 'e' | 'E' | '-' | '+'))
        && unsigned.parse::<f64>().is_ok()
}

#[cfg(test)]
mod tests;
