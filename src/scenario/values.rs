//! Which values of a resolved scenario somebody wrote, and which a default filled in.

use super::path::{Step, display};
use super::tree::{Node, Value};
use super::{Diagnostics, Scenario, task_definition};
use serde_json::Value as Json;

/// One value of a scenario with everything that it implies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResolvedValue {
    /// `services.web.desired_count`.
    pub path: String,
    /// As YAML would have it on one line.
    pub value: String,
    pub origin: Origin,
}

/// Who said a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The scenario, a task definition that it names, or `--set`.
    Given,
    Default,
}

impl Scenario {
    /// Every value of the scenario with all defaults filled in, in the order of [`Scenario::resolved_text`].
    ///
    /// Errors: with what is wrong.
    pub fn values(&self) -> Result<Vec<ResolvedValue>, Diagnostics> {
        let resolved = self.resolve_whole();
        if resolved.blueprint.is_none() {
            return Err(resolved.diagnostics);
        }
        let mut written = self.tree.clone();
        let mut sources = self.sources.clone();
        task_definition::import(&mut written, &mut sources);
        let said = serde_json::to_value(&resolved.said).expect("the language's types are plain values");
        let mut values = Vec::new();
        walk(&said, Written::At(&written), &mut Vec::new(), &mut values);
        Ok(values)
    }
}

/// What stands in the written tree where the walk is.
#[derive(Clone, Copy)]
enum Written<'t> {
    At(&'t Node),
    /// A short form stands above, such as `400 ms` for a distribution: what it unfolds to is given.
    Short,
    Absent,
}

impl<'t> Written<'t> {
    fn step(self, step: &Step) -> Written<'t> {
        let Written::At(node) = self else { return self };
        let inside = match (&node.value, step) {
            (Value::Map(_), Step::Key(key)) => node.get(key),
            (Value::List(items), Step::At(position)) => items.get(*position),
            (Value::Null, _) => None,
            _ => return Written::Short,
        };
        inside.map_or(Written::Absent, Written::At)
    }
}

fn walk(said: &Json, written: Written, path: &mut Vec<Step>, values: &mut Vec<ResolvedValue>) {
    let mut inside = |step: Step, said: &Json| {
        let written = written.step(&step);
        path.push(step);
        walk(said, written, path, values);
        path.pop();
    };
    match said {
        // Absent and null are the same to the language.
        Json::Null => {}
        Json::Object(entries) if !entries.is_empty() => {
            for (key, said) in entries {
                inside(Step::Key(key.clone()), said);
            }
        }
        Json::Array(items) if !items.is_empty() => {
            for (position, said) in items.iter().enumerate() {
                inside(Step::At(position), said);
            }
        }
        leaf => values.push(ResolvedValue {
            path: display(path),
            value: match leaf {
                Json::String(text) => text.clone(),
                other => other.to_string(),
            },
            origin: match written {
                Written::Absent => Origin::Default,
                Written::At(_) | Written::Short => Origin::Given,
            },
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_given_and_the_rest_is_not() {
        let text = "services: { web: { desired_count: 3, operations: { get: [{ cpu: 20ms }] } } }\n\
                    traffic: { users: { to: web, rate: 100/s } }\nduration: 10m\n";
        let scenario = Scenario::parse("small.yaml", text, std::path::Path::new("")).expect("it is YAML");
        let values = scenario.values().expect("it is right");
        let of = |path: &str| {
            let found = values.iter().find(|value| value.path == path);
            found.unwrap_or_else(|| panic!("{path} in {values:?}")).origin
        };
        assert_eq!(of("duration"), Origin::Given);
        assert_eq!(of("services.web.desired_count"), Origin::Given);
        assert_eq!(of("seed"), Origin::Default);
        assert!(values.iter().filter(|value| value.origin == Origin::Default).count() > 20);
        let set = scenario
            .with("seed", "7")
            .expect("there is such a key")
            .values()
            .expect("right");
        let seed = set.iter().find(|value| value.path == "seed").expect("it is there");
        assert_eq!((seed.value.as_str(), seed.origin), ("7", Origin::Given));
    }
}
