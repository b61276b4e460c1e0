//! The candidates of `experiment.size`, and the situations that they have to stand.
//!
//! A candidate is the scenario with one value of each path of `over` and one of the `alternatives`; a situation is a
//! what-if put on top of it. All are scenarios like any other, resolved from the same tree. A candidate that does not
//! resolve (a pair of CPU and memory that Fargate does not have) is left out with its reason; a path that leads nowhere,
//! a what-if that is wrong on the scenario as written, and candidates none of which resolves are mistakes. Which candidate
//! is best is not decided here.

use super::diagnostic::{Code, Diagnostic, Diagnostics, Severity};
use super::path::{self, Step};
use super::schema::{self, Form};
use super::source::Place;
use super::steps;
use super::tree::{Key, Node, Value};
use super::{Scenario, yaml};
use crate::blueprint::Blueprint;
use situations::Situation;
use std::collections::BTreeMap;

mod situations;

/// What is chosen from.
#[derive(Clone, Debug)]
pub struct Candidates {
    /// The names of the situations; the first is the scenario as written.
    pub situations: Vec<String>,
    /// In the order of the values, the last path varying fastest; at least one.
    pub list: Vec<Candidate>,
    pub left_out: Vec<LeftOut>,
    /// Paths that are chosen over, with the values that are tried.
    pub choices: Vec<Choice>,
}

#[derive(Clone, Debug)]
pub struct Candidate {
    /// Short: `cpu=0.5 vCPU, desired_count=4`, or the alternative's name.
    pub name: String,
    /// Paths and values, as `--set` takes them.
    pub settings: Vec<(String, String)>,
    /// One for each situation.
    pub blueprints: Vec<Blueprint>,
}

/// A candidate that cannot be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeftOut {
    pub name: String,
    pub reason: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// The path; several joined by commas where they change together.
    pub path: String,
    /// As written, or the alternatives' names.
    pub values: Vec<String>,
    /// Whether there may be values between these.
    pub spaced: Spacing,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spacing {
    /// Numbers, with others between them.
    Numbers,
    /// Things with nothing between.
    Words,
}

/// One dimension of the grid.
struct Axis {
    choice: Choice,
    /// What stands before a value in names; nothing for alternatives.
    label: String,
    /// For each value, what is put where.
    puts: Vec<Vec<Put>>,
}

#[derive(Clone)]
struct Put {
    path: String,
    node: Node,
    place: Place,
}

impl Scenario {
    /// The same scenario with more to choose from, as `--over` says.
    ///
    /// Errors: if a value is not YAML.
    pub fn over(&self, path: &str, values: &str) -> Result<Scenario, Diagnostics> {
        let keys = ["experiment", "size", "over"].map(|key| Step::Key(key.to_owned()));
        let steps: Vec<Step> = keys.into_iter().chain([Step::Key(path.to_owned())]).collect();
        let mut changed = self.clone();
        let file = changed.sources.add(format!("--over {path}"), format!("[{values}]"));
        let (node, problems) = yaml::parse(&changed.sources, file);
        let Some(node) = node.filter(|_| problems.is_empty()) else {
            return Err(Diagnostics::new(problems, changed.sources));
        };
        let place = node.place;
        match changed.tree.set(&steps, node) {
            Ok(()) => Ok(changed),
            Err(_) => {
                let message = "`experiment.size.over` is not a map, so nothing can be added to it";
                let problem = Diagnostic::new(Code::UnknownPath, place, message);
                Err(Diagnostics::new(vec![problem], changed.sources))
            }
        }
    }

    /// The candidates that `experiment.size` describes. `None` if it is not there, or wrong in a way that
    /// [`Scenario::resolve`] tells.
    ///
    /// Errors: a path that leads nowhere, a wrong what-if, too many candidates, two that are the same, or none that
    /// resolves.
    pub fn candidates(&self) -> Result<Option<Candidates>, Diagnostics> {
        let resolved = self.resolve_whole();
        let (Some(said), false) = (&resolved.said.experiment.size, resolved.diagnostics.has_errors()) else {
            return Ok(None);
        };
        let mut base = self.clone();
        for key in ["compare", "size"] {
            base.forget(key);
        }
        let axes = self.axes(said)?;
        let count = axes
            .iter()
            .fold(1_usize, |count, axis| count.saturating_mul(axis.puts.len()));
        if count > said.candidates_at_most as usize {
            let message = format!("{count} candidates are more than {}", said.candidates_at_most);
            let problem = self
                .size_problem(Code::TooManyCandidates, message)
                .hint("take fewer values, or raise `experiment.size.candidates_at_most`");
            return Err(Diagnostics::new(vec![problem], self.sources.clone()));
        }
        let (base, situations) = self.situations(base, said, &resolved.said)?;
        let mut made = Vec::new();
        base.grid(&axes, &situations, &mut made)?;
        self.sorted_out(made, &axes, situations)
    }

    fn size_problem(&self, code: Code, message: String) -> Diagnostic {
        let root = path::Path::Root;
        let experiment = root.key("experiment");
        Diagnostic::new(code, self.tree.place_of(&experiment.key("size")), message)
    }

    fn size_node(&self, key: &str) -> &[(Key, Node)] {
        let steps = ["experiment", "size", key].map(|key| Step::Key(key.to_owned()));
        self.tree.find(&steps).map_or(&[], Node::entries)
    }

    fn axes(&self, said: &schema::Sizing) -> Result<Vec<Axis>, Diagnostics> {
        let paths: Vec<&str> = said.over.names().collect();
        let mut axes = Vec::new();
        for ((key, node), (path, values)) in self.size_node("over").iter().zip(said.over.iter()) {
            let nodes = match values {
                Form::Short(_) => match &node.value {
                    Value::List(items) => items.clone(),
                    _ => unreachable!("a list was read from a list"),
                },
                Form::Long(range) => {
                    let texts =
                        steps::expand(&range.from, &range.to, range.step.as_ref()).expect("ranges were checked");
                    let bare = range.from.is_number();
                    let value = |text: String| if bare { Value::Number(text) } else { Value::Text(text) };
                    let place = node.place;
                    texts
                        .into_iter()
                        .map(|text| Node {
                            value: value(text),
                            place,
                        })
                        .collect()
                }
            };
            let number = |node: &Node| {
                node.scalar()
                    .is_some_and(|text| text.starts_with(|c: char| c.is_ascii_digit()))
            };
            axes.push(Axis {
                choice: Choice {
                    path: path.to_owned(),
                    values: nodes.iter().map(text_of).collect(),
                    spaced: if nodes.iter().all(number) {
                        Spacing::Numbers
                    } else {
                        Spacing::Words
                    },
                },
                label: short_name(path, &paths),
                puts: nodes.into_iter().map(|node| vec![put(path, node, key.place)]).collect(),
            });
        }
        axes.extend(self.alternatives()?);
        Ok(axes)
    }

    /// The named values that change together: one axis, if there are any.
    fn alternatives(&self) -> Result<Option<Axis>, Diagnostics> {
        let paths = self.size_node("alternatives");
        let variants = self.named_values(paths)?;
        if variants.is_empty() {
            return Ok(None);
        }
        let joined: Vec<&str> = paths.iter().map(|(key, _)| key.text.as_str()).collect();
        Ok(Some(Axis {
            choice: Choice {
                path: joined.join(", "),
                values: variants.iter().map(|(name, _)| name.clone()).collect(),
                spaced: Spacing::Words,
            },
            label: String::new(),
            puts: variants
                .into_iter()
                .map(|(_, values)| {
                    let puts = values.into_iter().map(|(key, node)| put(&key.text, node, key.place));
                    puts.collect()
                })
                .collect(),
        }))
    }

    fn put_all(&mut self, puts: &[Put]) -> Result<(), Diagnostics> {
        for put in puts {
            if let Err(problem) = self.put(&put.path, put.node.clone(), put.place) {
                return Err(Diagnostics::new(vec![*problem], self.sources.clone()));
            }
        }
        Ok(())
    }

    /// Every combination of the axes, in every situation.
    fn grid(&self, axes: &[Axis], situations: &[Situation], made: &mut Vec<Made>) -> Result<(), Diagnostics> {
        let mut at = vec![0; axes.len()];
        // A path that leads nowhere does so for all values: every such path is told, each once.
        let mut wrong: Option<Diagnostics> = None;
        for axis in axes {
            let mut tried = self.clone();
            for put in &axis.puts[0] {
                if let Err(found) = tried.put_all(std::slice::from_ref(put)) {
                    wrong = Some(wrong.map_or(found.clone(), |before| before.merge(found)));
                }
            }
        }
        if let Some(wrong) = wrong {
            return Err(wrong);
        }
        loop {
            let mut scenario = self.clone();
            let mut names = Vec::new();
            let mut settings = Vec::new();
            for (axis, value) in axes.iter().zip(&at) {
                let puts = &axis.puts[*value];
                scenario.put_all(puts)?;
                let text = &axis.choice.values[*value];
                names.push(if axis.label.is_empty() {
                    text.clone()
                } else {
                    format!("{}={text}", axis.label)
                });
                settings.extend(puts.iter().map(|put| (put.path.clone(), text_of(&put.node))));
            }
            made.push(Made::new(&scenario, situations, names.join(", "), settings));
            let Some(axis) = (0..axes.len())
                .rev()
                .find(|axis| at[*axis] + 1 < axes[*axis].puts.len())
            else {
                return Ok(());
            };
            at[axis] += 1;
            at[axis + 1..].fill(0);
        }
    }

    /// Candidates from what was made: the same twice is a mistake, and so is nothing at all.
    fn sorted_out(
        &self,
        made: Vec<Made>,
        axes: &[Axis],
        situations: Vec<Situation>,
    ) -> Result<Option<Candidates>, Diagnostics> {
        let mut problems = Vec::new();
        let mut seen: BTreeMap<String, String> = BTreeMap::new();
        let (mut list, mut left_out) = (Vec::new(), Vec::new());
        for one in made {
            match one.blueprints {
                Ok(blueprints) => {
                    if let Some(before) = seen.get(&one.resolved) {
                        let message = format!("`{before}` and `{}` are the same candidate", one.name);
                        problems.push(self.size_problem(Code::DuplicateCandidate, message));
                    }
                    seen.entry(one.resolved).or_insert_with(|| one.name.clone());
                    list.push(Candidate {
                        name: one.name,
                        settings: one.settings,
                        blueprints,
                    });
                }
                Err(reason) => left_out.push(LeftOut { name: one.name, reason }),
            }
        }
        if list.is_empty() {
            let first = &left_out[0];
            let message = format!("no candidate can be: `{}` because {}", first.name, first.reason);
            problems.push(self.size_problem(Code::NoCandidate, message));
        }
        if !problems.is_empty() {
            return Err(Diagnostics::new(problems, self.sources.clone()));
        }
        let names = situations.into_iter().map(|situation| situation.name);
        Ok(Some(Candidates {
            situations: std::iter::once("as written".to_owned()).chain(names).collect(),
            list,
            left_out,
            choices: axes.iter().map(|axis| axis.choice.clone()).collect(),
        }))
    }
}

/// One combination, resolved as far as it can be.
struct Made {
    name: String,
    settings: Vec<(String, String)>,
    /// Everything that it says, for telling candidates apart.
    resolved: String,
    /// Or why there are none.
    blueprints: Result<Vec<Blueprint>, String>,
}

impl Made {
    fn new(scenario: &Scenario, situations: &[Situation], name: String, settings: Vec<(String, String)>) -> Made {
        let plain = scenario.resolve_whole();
        let resolved = yaml::print(&serde_json::to_value(&plain.said).expect("the language's types are plain values"));
        let blueprints = situations
            .iter()
            .fold(sound(plain.blueprint, &plain.diagnostics), |before, situation| {
                let mut blueprints = before?;
                let (blueprint, found) = match scenario.in_situation(situation) {
                    Ok(scenario) => scenario.resolve(),
                    Err(found) => (None, found),
                };
                blueprints.extend(sound(blueprint, &found).map_err(|why| format!("{}: {why}", situation.name))?);
                Ok(blueprints)
            });
        Made {
            name,
            settings,
            resolved,
            blueprints,
        }
    }
}

/// The blueprint, or the first thing that is wrong.
fn sound(blueprint: Option<Blueprint>, found: &Diagnostics) -> Result<Vec<Blueprint>, String> {
    let first = found.iter().find(|found| found.code.severity() == Severity::Error);
    match (blueprint, first) {
        (Some(blueprint), None) => Ok(vec![blueprint]),
        (_, Some(first)) => Err(format!("{} ({})", first.message, first.code)),
        (None, None) => Err("it does not resolve".to_owned()),
    }
}

fn put(path: &str, node: Node, place: Place) -> Put {
    Put {
        path: path.to_owned(),
        node,
        place,
    }
}

/// A value on one line, as `--set` takes it.
fn text_of(node: &Node) -> String {
    node.scalar().map_or_else(|| node.to_json().to_string(), str::to_owned)
}

/// The shortest end of a path that no other path has.
fn short_name(path: &str, paths: &[&str]) -> String {
    let steps = path::parse(path).unwrap_or_default();
    for length in 1..steps.len() {
        let end = &steps[steps.len() - length..];
        let shared = paths.iter().filter(|other| {
            let other = path::parse(other).unwrap_or_default();
            other.ends_with(end)
        });
        if matches!(end[0], Step::Key(_)) && shared.count() == 1 {
            return path::display(end);
        }
    }
    path.to_owned()
}

#[cfg(test)]
mod tests;
