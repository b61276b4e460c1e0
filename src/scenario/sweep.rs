//! The points of a sweep: what `experiment.sweep` describes, or the command line in its place, as scenarios.
//!
//! A point is the scenario with another value at each swept path and is resolved like any other; what is wrong with it
//! is told at the value that is to blame, together with the points that have it. Points are numbered from 0: a grid's
//! last path varies fastest, a list is inside a grid, a Latin hypercube inside both. How points are run is not known
//! here.

mod dimension;
mod given;
mod range;

pub use dimension::Dimension;
pub use given::GivenDesign;

use super::diagnostic::{Code, Diagnostic, Diagnostics, Severity};
use super::path::{self, Step};
use super::source::Place;
use super::tree::{Node, Value};
use super::{Scenario, yaml};
use crate::blueprint::Blueprint;
use crate::engine::Key;
use crate::sim::context::GENERATOR_CONTRACT;
use range::{Range, latin_column};
use std::collections::BTreeSet;

/// More points than this are refused: their values are kept in memory and in the manifest.
pub const MAX_POINTS: u64 = 100_000;

/// Parts of a scenario that no figure of a run depends on.
const WITHOUT_EFFECT: [&str; 5] = ["experiment", "expect", "objectives", "name", "question"];

/// The points of a sweep.
#[derive(Clone, Debug)]
pub struct Design {
    /// The scenario without what makes several of it.
    base: Scenario,
    paths: Vec<SweptPath>,
    /// By point, a value for each path.
    points: Vec<Vec<Node>>,
}

/// A path that takes several values.
#[derive(Clone, Debug)]
pub struct SweptPath {
    /// As written.
    pub path: String,
    /// If all its values are numbers or quantities of one kind.
    pub dimension: Option<Dimension>,
    steps: Vec<Step>,
    place: Place,
}

/// Paths that vary together, and their values: a factor of the design.
struct Factor {
    paths: Vec<SweptPath>,
    /// By level, a value for each path.
    levels: Vec<Vec<Node>>,
}

impl Scenario {
    /// The points of `experiment.sweep`; `None` if it is not there.
    ///
    /// Errors: with everything that is wrong with the block itself. What is wrong with a point shows when it is resolved.
    pub fn design(&self) -> Result<Option<Design>, Diagnostics> {
        let steps = ["experiment", "sweep"].map(|key| Step::Key(key.to_owned()));
        let Some(block) = self.tree.find(&steps) else {
            return Ok(None);
        };
        let said = self.resolve_whole().said;
        let place = self.tree.entries().iter().find(|(key, _)| key.text == "experiment");
        let place = place.and_then(|(_, experiment)| experiment.entries().iter().find(|(key, _)| key.text == "sweep"));
        let mut base = self.clone();
        ["compare", "size", "sweep"]
            .into_iter()
            .for_each(|key| base.forget(key));
        let reader = Reader {
            base,
            seed: said.seed,
            replications: said.experiment.replications,
            place: place.map_or(block.place, |(key, _)| key.place),
            problems: Vec::new(),
        };
        reader.read(block).map(Some)
    }
}

/// Reads the block and collects what is wrong with it.
struct Reader {
    base: Scenario,
    seed: u64,
    replications: u32,
    place: Place,
    problems: Vec<Diagnostic>,
}

impl Reader {
    fn read(mut self, block: &Node) -> Result<Design, Diagnostics> {
        let mut factors: Vec<Factor> = Vec::new();
        for (key, values) in block.get("grid").map_or(&[][..], Node::entries) {
            factors.extend(self.grid(&key.text, key.place, values));
        }
        if let Some(list) = block.get("list") {
            factors.extend(self.list(list));
        }
        if let Some(hypercube) = block.get("latin_hypercube") {
            factors.extend(self.hypercube(hypercube));
        }
        if factors.is_empty() && self.problems.is_empty() {
            let problem = Diagnostic::new(Code::EmptyDesign, self.place, "nothing is swept");
            self.problems
                .push(problem.expected("`grid`, `list` or `latin_hypercube` with a path and its values"));
        }
        let paths: Vec<SweptPath> = factors.iter().flat_map(|factor| factor.paths.clone()).collect();
        self.paths(&paths);
        self.count(&factors);
        if !self.problems.is_empty() {
            return Err(Diagnostics::new(self.problems, self.base.sources.clone()));
        }
        Ok(Design {
            base: self.base,
            points: crossed(&factors),
            paths,
        })
    }

    fn grid(&mut self, path: &str, place: Place, values: &Node) -> Option<Factor> {
        // A form that is wrong has been told by whoever read the scenario.
        let Value::List(values) = &values.value else {
            return None;
        };
        if values.is_empty() {
            let problem = Diagnostic::new(Code::EmptyDesign, place, format!("`{path}` has no values"));
            self.problems
                .push(problem.expected("one value or more, as in `[2, 4, 8]`"));
        }
        let path = self.path(path, place, values.iter())?;
        let levels: Vec<Vec<Node>> = values.iter().map(|value| vec![value.clone()]).collect();
        self.repeated(&levels, |_| format!("a value of `{}`", path.path));
        Some(Factor {
            levels,
            paths: vec![path],
        })
    }

    fn list(&mut self, list: &Node) -> Option<Factor> {
        let Value::List(points) = &list.value else { return None };
        let Some(first) = points.first() else {
            let problem = Diagnostic::new(Code::EmptyDesign, list.place, "the list has no points");
            self.problems
                .push(problem.expected("one point or more, each from path to value"));
            return None;
        };
        let names: Vec<&str> = first.entries().iter().map(|(key, _)| key.text.as_str()).collect();
        if names.is_empty() {
            let problem = Diagnostic::new(
                Code::EmptyDesign,
                first.place,
                "the first point of the list sets nothing",
            );
            self.problems.push(problem.expected("a path and its value"));
            return None;
        }
        let mut levels = Vec::new();
        for (at, point) in points.iter().enumerate() {
            let found: Option<Vec<Node>> = names.iter().map(|name| point.get(name).cloned()).collect();
            match found.filter(|found| found.len() == point.entries().len()) {
                Some(found) => levels.push(found),
                None => {
                    let message = format!("point {at} of the list does not name the same paths as the first");
                    let problem = Diagnostic::new(Code::UnevenList, point.place, message);
                    let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
                    self.problems.push(problem.expected(names.join(", ")));
                }
            }
        }
        self.repeated(&levels, |at| format!("point {at} of the list"));
        let mut paths = Vec::new();
        for (column, (key, _)) in first.entries().iter().enumerate() {
            paths.push(self.path(&key.text, key.place, levels.iter().map(|level| &level[column]))?);
        }
        Some(Factor { paths, levels })
    }

    fn hypercube(&mut self, hypercube: &Node) -> Option<Factor> {
        let points: u32 = hypercube.get("points")?.scalar()?.parse().ok()?;
        let over = hypercube.get("over")?;
        if over.entries().is_empty() {
            let problem = Diagnostic::new(Code::EmptyDesign, over.place, "the Latin hypercube has no ranges");
            self.problems
                .push(problem.expected("a path and its range, `{ from: 1, to: 10 }`"));
            return None;
        }
        let mut paths = Vec::new();
        let mut levels = vec![Vec::new(); points as usize];
        for (key, said) in over.entries() {
            let range = match Range::read(&key.text, said) {
                Ok(range) => range,
                Err(problem) => {
                    self.problems.extend(problem);
                    continue;
                }
            };
            let root = Key::root(GENERATOR_CONTRACT, self.seed, 0);
            // Spelt as paths are printed, so that quotes and blanks do not change the luck.
            let spelt = path::parse(&key.text).map_or_else(|| key.text.clone(), |steps| path::display(&steps));
            let shares = latin_column(root.entity("latin_hypercube", &spelt), points);
            for (level, share) in levels.iter_mut().zip(shares) {
                level.push(Node {
                    value: range.at(share, points),
                    place: said.place,
                });
            }
            let column = paths.len();
            paths.extend(self.path(&key.text, key.place, levels.iter().map(|level| &level[column])));
            if paths.len() == column {
                levels.iter_mut().for_each(|level| level.truncate(column));
            }
        }
        Some(Factor { paths, levels })
    }

    /// A path that leads somewhere and changes something.
    fn path<'n>(
        &mut self,
        path: &str,
        place: Place,
        values: impl Iterator<Item = &'n Node> + Clone,
    ) -> Option<SweptPath> {
        let null = Node {
            value: Value::Null,
            place,
        };
        let value = values.clone().next().cloned().unwrap_or(null);
        if let Err(problem) = self.base.clone().put(path, value, place) {
            self.problems.push(*problem);
            return None;
        }
        let steps = path::parse(path)?;
        if let Some(Step::Key(root)) = steps.first()
            && WITHOUT_EFFECT.contains(&root.as_str())
        {
            let message = format!("no figure of a run depends on `{path}`");
            let problem = Diagnostic::new(Code::SweepWithoutEffect, place, message);
            self.problems
                .push(problem.expected("a path to something that is simulated"));
            return None;
        }
        Some(SweptPath {
            path: path.to_owned(),
            dimension: Dimension::of(values),
            steps,
            place,
        })
    }

    /// Every level that says the same as one before it.
    fn repeated(&mut self, levels: &[Vec<Node>], whose: impl Fn(usize) -> String) {
        let columns = levels.first().map_or(0, Vec::len);
        let dimensions: Vec<Option<Dimension>> = (0..columns)
            .map(|column| Dimension::of(levels.iter().map(|level| &level[column])))
            .collect();
        let mut seen = BTreeSet::new();
        for (at, level) in levels.iter().enumerate() {
            let said: Vec<String> = level
                .iter()
                .zip(&dimensions)
                .map(|(node, dimension)| same(node, *dimension))
                .collect();
            if !seen.insert(said) {
                let written: Vec<String> = level.iter().map(written).collect();
                let message = format!("{} occurs twice: {}", whose(at), written.join(", "));
                let problem = Diagnostic::new(Code::RepeatedPoint, level[0].place, message);
                self.problems
                    .push(problem.hint("runs of equal points are equal; for more runs raise `replications`"));
            }
        }
    }

    /// Paths that are swept twice, or lie within each other.
    fn paths(&mut self, paths: &[SweptPath]) {
        for (at, path) in paths.iter().enumerate() {
            for before in &paths[..at] {
                let shorter = path.steps.len().min(before.steps.len());
                if path.steps[..shorter] == before.steps[..shorter] {
                    let message = if path.steps.len() == before.steps.len() {
                        format!("`{}` is swept twice", path.path)
                    } else {
                        format!("`{}` and `{}` replace parts of each other", before.path, path.path)
                    };
                    let problem = Diagnostic::new(Code::PathSweptTwice, path.place, message);
                    self.problems
                        .push(problem.expected("each path once, in one of `grid`, `list` and `over`"));
                }
            }
        }
    }

    fn count(&mut self, factors: &[Factor]) {
        let counted = factors
            .iter()
            .try_fold(1_u64, |product, factor| product.checked_mul(factor.levels.len() as u64));
        let points = counted.unwrap_or(u64::MAX);
        let runs = points.saturating_mul(u64::from(self.replications));
        let message = if points > MAX_POINTS {
            let many = counted.map_or_else(|| "more than 10^19".to_owned(), |points| points.to_string());
            format!("{many} points, and at most {MAX_POINTS} can be swept at once")
        } else if runs > u64::from(u32::MAX) {
            format!(
                "{points} points of {} runs each are {runs} runs, more than {}",
                self.replications,
                u32::MAX
            )
        } else {
            return;
        };
        let problem = Diagnostic::new(Code::TooManyRuns, self.place, message);
        self.problems.push(problem.hint(
            "a grid multiplies: take fewer values, or a `latin_hypercube`, which covers many paths with few points",
        ));
    }
}

/// Every combination of levels, the last factor varying fastest.
fn crossed(factors: &[Factor]) -> Vec<Vec<Node>> {
    let mut points = vec![Vec::new()];
    for factor in factors {
        points = points
            .iter()
            .flat_map(|point: &Vec<Node>| {
                factor.levels.iter().map(move |level| {
                    let mut longer = point.clone();
                    longer.extend(level.iter().cloned());
                    longer
                })
            })
            .collect();
    }
    points
}

/// A value as it was written, maps and lists on one line.
fn written(node: &Node) -> String {
    match node.scalar() {
        Some(text) => text.to_owned(),
        None => yaml::flow(&node.to_json()),
    }
}

/// Equal for values that mean the same: `100ms` and `0.1s`.
fn same(node: &Node, dimension: Option<Dimension>) -> String {
    match dimension.and_then(|dimension| dimension.read(node)) {
        Some(value) => value.to_string(),
        None => format!("{} {}", node.kind(), node.to_json()),
    }
}

impl Design {
    /// How many points; at least one.
    pub fn len(&self) -> usize {
        self.points.len()
    }

    /// Never: a design without points is refused.
    pub fn is_empty(&self) -> bool {
        self.points.is_empty()
    }

    pub fn paths(&self) -> &[SweptPath] {
        &self.paths
    }

    /// The values of a point as they were written, in the order of the paths.
    pub fn values(&self, point: usize) -> Vec<String> {
        self.points[point].iter().map(written).collect()
    }

    /// The scenario without what makes points of it.
    pub fn base(&self) -> &Scenario {
        &self.base
    }

    /// A hash of all that the points have in common, and of the files that they name.
    pub fn hash(&self) -> String {
        let mut hash = self.base.hash();
        // A value that is a text may be a file's name, whose contents count and not the name alone.
        let may_name_files = |path: &SweptPath| path.dimension.is_none();
        if self.paths.iter().any(may_name_files) {
            for point in 0..self.points.len() {
                let of_point = self.scenario(point).map(|scenario| scenario.hash()).unwrap_or_default();
                let mut both = super::Fnv::new();
                both.text(&hash);
                both.text(&of_point);
                hash = format!("{:016x}", both.0);
            }
        }
        hash
    }

    /// A point as a scenario of its own.
    pub fn scenario(&self, point: usize) -> Result<Scenario, Diagnostics> {
        let mut scenario = self.base.clone();
        for (path, value) in self.paths.iter().zip(&self.points[point]) {
            if let Err(problem) = scenario.put(&path.path, value.clone(), path.place) {
                return Err(Diagnostics::new(vec![*problem], scenario.sources));
            }
        }
        Ok(scenario)
    }

    /// A point's blueprint, unless something is wrong with it, and everything that is wrong or doubtful.
    pub fn resolve(&self, point: usize) -> (Option<Blueprint>, Diagnostics) {
        match self.scenario(point) {
            Ok(scenario) => scenario.resolve(),
            Err(found) => (None, found),
        }
    }

    /// What was found in points, told once for all points in which it was found, with their names. Doubts about the same
    /// place are one doubt, in the words of the first point; `known` are those that the scenario itself raises.
    pub fn gather(&self, found: impl IntoIterator<Item = (usize, Diagnostics)>, known: &Diagnostics) -> Diagnostics {
        let mut told: Vec<(Diagnostic, Vec<usize>)> = Vec::new();
        let mut sources = Diagnostics::new(Vec::new(), self.base.sources.clone());
        for (point, found) in found {
            for diagnostic in found
                .iter()
                .filter(|diagnostic| known.iter().all(|known| known != *diagnostic))
            {
                let same = |(before, _): &&mut (Diagnostic, Vec<usize>)| {
                    let doubt = diagnostic.code.severity() == Severity::Warning;
                    let alike = (before.code, before.place) == (diagnostic.code, diagnostic.place);
                    *before == *diagnostic || doubt && alike
                };
                match told.iter_mut().find(same) {
                    Some((_, points)) if points.last() == Some(&point) => {}
                    Some((_, points)) => points.push(point),
                    None => told.push((diagnostic.clone(), vec![point])),
                }
            }
            sources = sources.merge(Diagnostics::new(Vec::new(), found.sources().clone()));
        }
        let told = told.into_iter().map(|(problem, points)| self.blamed(problem, &points));
        Diagnostics::new(told.collect(), sources.sources().clone())
    }

    /// The problem of some points, the first of them named.
    fn blamed(&self, problem: Diagnostic, points: &[usize]) -> Diagnostic {
        const NAMED: usize = 3;
        let named = points.iter().take(NAMED).map(|point| {
            let values = self.values(*point);
            let values = self
                .paths
                .iter()
                .zip(values)
                .map(|(path, value)| format!("{}={value}", path.path));
            format!("{point} ({})", values.collect::<Vec<_>>().join(", "))
        });
        let named = named.collect::<Vec<_>>().join(", ");
        let which = match points.len() {
            1 => format!("point {named}"),
            many if many <= NAMED => format!("points {named}"),
            many => format!("points {named} and {} more", many - NAMED),
        };
        match problem.code.severity() {
            Severity::Error => Diagnostic {
                code: Code::PointCannotRun,
                message: format!("{which} cannot be run: {} {}", problem.code, problem.message),
                ..problem
            },
            Severity::Warning => Diagnostic {
                message: format!("{which}: {}", problem.message),
                ..problem
            },
        }
    }
}

#[cfg(test)]
mod tests;
