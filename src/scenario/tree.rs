//! A scenario as it was written: values with the places they stand at.
//!
//! The tree keeps what typed values lose: the order of keys, the text of numbers (so that `10` and `10s` can be told
//! apart), and where everything stands. It knows nothing of the language's words; [`super::conform`] does.

use super::path::{Path, Step};
use super::source::Place;
use serde_json::Value as Json;

/// A value and its place.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    pub value: Value,
    pub place: Place,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    Null,
    Bool(bool),
    /// As written, e.g. `1e3` or `.nan`.
    Number(String),
    Text(String),
    List(Vec<Node>),
    /// In the order written, without duplicates.
    Map(Vec<(Key, Node)>),
}

#[derive(Clone, Debug, PartialEq)]
pub struct Key {
    pub text: String,
    pub place: Place,
}

impl Node {
    pub fn get(&self, key: &str) -> Option<&Node> {
        match &self.value {
            Value::Map(entries) => entries.iter().find(|(k, _)| k.text == key).map(|(_, node)| node),
            _ => None,
        }
    }

    pub fn entries(&self) -> &[(Key, Node)] {
        match &self.value {
            Value::Map(entries) => entries,
            _ => &[],
        }
    }

    /// What kind of value this is, for messages.
    pub fn kind(&self) -> &'static str {
        match &self.value {
            Value::Null => "nothing",
            Value::Bool(_) => "true or false",
            Value::Number(_) => "a number",
            Value::Text(_) => "text",
            Value::List(_) => "a list",
            Value::Map(_) => "a map",
        }
    }

    /// The text of a scalar as written.
    pub fn scalar(&self) -> Option<&str> {
        match &self.value {
            Value::Number(text) | Value::Text(text) => Some(text),
            Value::Bool(true) => Some("true"),
            Value::Bool(false) => Some("false"),
            _ => None,
        }
    }

    /// Where to point for a value: at itself if it is a scalar, else at its key. If the path leads nowhere (because the
    /// value was implied), at the nearest thing that exists on the way.
    pub fn place_of(&self, path: &Path) -> Place {
        let mut here = self;
        let mut place = self.place;
        for step in path.steps() {
            let next = match (&step, &here.value) {
                (Step::Key(key), Value::Map(entries)) => entries
                    .iter()
                    .find(|(k, _)| k.text == *key)
                    .map(|(k, node)| (if node.scalar().is_some() { node.place } else { k.place }, node)),
                (Step::At(position), Value::List(items)) => items.get(*position).map(|node| (node.place, node)),
                _ => None,
            };
            let Some((at, node)) = next else { break };
            place = at;
            here = node;
        }
        place
    }

    /// The value at the end of a path.
    pub fn find(&self, steps: &[Step]) -> Option<&Node> {
        steps.iter().try_fold(self, |here, step| match (step, &here.value) {
            (Step::Key(key), _) => here.get(key),
            (Step::At(position), Value::List(items)) => items.get(*position),
            _ => None,
        })
    }

    /// Puts a value at the end of a path, making maps on the way where nothing stands yet.
    ///
    /// Errors: with the position of the step that cannot be gone (a key of a list, a position outside a list).
    pub fn set(&mut self, steps: &[Step], value: Node) -> Result<(), usize> {
        self.set_from(steps, 0, value)
    }

    fn set_from(&mut self, steps: &[Step], depth: usize, value: Node) -> Result<(), usize> {
        let Some(step) = steps.get(depth) else {
            *self = value;
            return Ok(());
        };
        if matches!(self.value, Value::Null) {
            self.value = Value::Map(Vec::new());
        }
        match (step, &mut self.value) {
            (Step::Key(key), Value::Map(entries)) => {
                let at = match entries.iter().position(|(k, _)| k.text == *key) {
                    Some(at) => at,
                    None => {
                        let place = value.place;
                        let made = Node {
                            value: Value::Null,
                            place,
                        };
                        entries.push((
                            Key {
                                text: key.clone(),
                                place,
                            },
                            made,
                        ));
                        entries.len() - 1
                    }
                };
                entries[at].1.set_from(steps, depth + 1, value)
            }
            (Step::At(position), Value::List(items)) => match items.get_mut(*position) {
                Some(item) => item.set_from(steps, depth + 1, value),
                None => Err(depth),
            },
            _ => Err(depth),
        }
    }

    /// The same value without places. Numbers that JSON cannot hold become text.
    pub fn to_json(&self) -> Json {
        match &self.value {
            Value::Null => Json::Null,
            Value::Bool(yes) => Json::Bool(*yes),
            Value::Number(text) => number(text).map_or_else(|| Json::String(text.clone()), Json::Number),
            Value::Text(text) => Json::String(text.clone()),
            Value::List(items) => Json::Array(items.iter().map(Node::to_json).collect()),
            Value::Map(entries) => Json::Object(
                entries
                    .iter()
                    .map(|(key, node)| (key.text.clone(), node.to_json()))
                    .collect(),
            ),
        }
    }
}

/// The number that a text writes: an integer if it is written as one and fits, else a double; `None` if not finite.
pub fn number(text: &str) -> Option<serde_json::Number> {
    let text = text.strip_prefix('+').unwrap_or(text);
    if let Ok(whole) = text.parse::<u64>() {
        return Some(whole.into());
    }
    if let Ok(whole) = text.parse::<i64>() {
        return Some(whole.into());
    }
    text.parse::<f64>().ok().and_then(serde_json::Number::from_f64)
}
