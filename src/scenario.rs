//! What a user wrote, and what it resolves to: a [`Blueprint`], with every problem at once.
//!
//! Text becomes a located tree ([`yaml`], [`tree`]), task definitions of AWS are brought into it
//! ([`task_definition`]), its form is held against the language ([`schema`], [`conform`]), what it leaves out is filled
//! in ([`imply`]), and what it means is checked and resolved ([`resolve`]). Each step reports all it finds and hands on
//! what is good, so one look shows everything that is wrong. Nothing is simulated here.

mod beside;
mod conform;
pub mod diagnostic;
mod imply;
pub mod path;
pub mod quantity;
mod resolve;
mod results;
pub mod schema;
mod size;
pub mod source;
mod steps;
mod sweep;
mod table;
mod task_definition;
mod tree;
mod values;
mod vary;
mod yaml;

pub use diagnostic::{Code, Diagnostic, Diagnostics, Severity, Style, WIDTH, explain};
pub use results::ResultTables;
pub use schema::json_schema;
pub use size::{Candidate, Candidates, Choice, LeftOut, Spacing};
pub use sweep::{Design, Dimension, GivenDesign, SweptPath};
pub use values::{Origin, ResolvedValue};
pub use vary::split_values;

use crate::blueprint::Blueprint;
use diagnostic::Problems;
use source::{MAX_BYTES, Place, ReadProblem, Sources, read_text};
use std::path::Path;
use tree::{Node, Value};

/// A scenario as it was written, or as `--set` and `experiment.compare` changed it.
#[derive(Clone, Debug)]
pub struct Scenario {
    tree: Node,
    sources: Sources,
    /// The file's name without its ending: names a scenario that has no name.
    stem: String,
    /// Problems of form that left a tree to go on with.
    found: Vec<Diagnostic>,
    /// What `expect:` may speak of.
    results: ResultTables,
}

/// All that came of resolving a scenario.
struct Resolved {
    blueprint: Option<Blueprint>,
    /// The scenario with everything that it implies.
    said: schema::Scenario,
    diagnostics: Diagnostics,
    ignored: usize,
}

impl Scenario {
    /// Reads a file.
    ///
    /// Errors: if there is no tree to go on with; everything else shows in [`Scenario::resolve`].
    pub fn load(path: &Path) -> Result<Scenario, Diagnostics> {
        let directory = path.parent().unwrap_or(Path::new(""));
        let name = path.display().to_string();
        match read_text(path, MAX_BYTES) {
            Ok(text) => Scenario::parse(&name, text, directory),
            Err(problem) => {
                let (code, message) = match problem {
                    ReadProblem::Unreadable(_) | ReadProblem::TooLarge { .. } | ReadProblem::NotUtf8 { .. } => {
                        table::read_problem(&name, &problem)
                    }
                };
                let mut sources = Sources::new(directory);
                let file = sources.add(name, "");
                Err(Diagnostics::new(
                    vec![Diagnostic::new(code, Place { file, start: 0, end: 0 }, message)],
                    sources,
                ))
            }
        }
    }

    /// Reads a text; `directory` is where relative file names are meant from.
    pub fn parse(name: &str, text: impl Into<std::sync::Arc<str>>, directory: &Path) -> Result<Scenario, Diagnostics> {
        let mut sources = Sources::new(directory);
        let file = sources.add(name, text);
        let (tree, mut found) = yaml::parse(&sources, file);
        let stem = Path::new(name)
            .file_stem()
            .map_or_else(|| name.to_owned(), |stem| stem.to_string_lossy().into_owned());
        match tree {
            Some(tree) if matches!(tree.value, Value::Map(_)) => Ok(Scenario {
                tree,
                sources,
                stem,
                found,
                results: ResultTables::default(),
            }),
            Some(tree) => {
                let message = format!("a scenario is a map, and {} stands here", tree.kind());
                found.push(Diagnostic::new(Code::WrongKind, tree.place, message).expected("keys such as `services:`"));
                Err(Diagnostics::new(found, sources))
            }
            None => Err(Diagnostics::new(found, sources)),
        }
    }

    /// The same scenario, its expectations held against the tables and columns that there are. They are made further up,
    /// so whoever makes them hands them down; without them a wrong name shows only when the runs are over.
    pub fn expecting_of(mut self, results: ResultTables) -> Scenario {
        self.results = results;
        self
    }

    /// The blueprint, unless something is wrong, and everything that is wrong or doubtful. Variants are scenarios of
    /// their own; [`Scenario::check`] looks at them too.
    pub fn resolve(&self) -> (Option<Blueprint>, Diagnostics) {
        let resolved = self.resolve_whole();
        (resolved.blueprint, resolved.diagnostics)
    }

    /// Everything that is wrong or doubtful with the scenario, its variants, its candidates and the points of its sweep.
    pub fn check(&self) -> Diagnostics {
        let (_, mut diagnostics) = self.resolve();
        match self.variants() {
            Ok(variants) => {
                for (_, variant) in variants {
                    diagnostics = diagnostics.merge(variant.resolve().1);
                }
            }
            Err(more) => diagnostics = diagnostics.merge(more),
        }
        if let Err(more) = self.candidates() {
            diagnostics = diagnostics.merge(more);
        }
        match self.design() {
            // What is wrong with the scenario itself is wrong at every point.
            Ok(Some(design)) if !diagnostics.has_errors() => {
                let points = (0..design.len()).map(|point| (point, design.resolve(point).1));
                let more = design.gather(points, &diagnostics);
                diagnostics.merge(more)
            }
            Ok(_) => diagnostics,
            Err(more) => diagnostics.merge(more),
        }
    }

    /// The scenario with every default filled in, as YAML that means the same.
    ///
    /// Errors: with what is wrong.
    pub fn resolved_text(&self) -> Result<String, Diagnostics> {
        let resolved = self.resolve_whole();
        if resolved.blueprint.is_none() {
            return Err(resolved.diagnostics);
        }
        let value = serde_json::to_value(&resolved.said).expect("the language's types are plain values");
        Ok(yaml::print(&value))
    }

    /// How many fields of task definition files mean nothing to the simulation.
    pub fn ignored_fields(&self) -> usize {
        self.resolve_whole().ignored
    }

    /// The `model:` keys that the scenario leaves at their defaults, as dotted paths.
    pub fn model_defaults(&self) -> Vec<String> {
        let defaults = serde_json::to_value(schema::Model::default()).expect("the language's types are plain values");
        let mut paths = Vec::new();
        let given = self.tree.get("model");
        for (group, keys) in defaults.as_object().into_iter().flatten() {
            for key in keys.as_object().into_iter().flat_map(|keys| keys.keys()) {
                if given
                    .and_then(|model| model.get(group))
                    .and_then(|group| group.get(key))
                    .is_none()
                {
                    paths.push(format!("model.{group}.{key}"));
                }
            }
        }
        paths
    }

    /// A hash of everything that the scenario says and of the files it names, equal for equal contents wherever they lie.
    pub fn hash(&self) -> String {
        let mut hash = Fnv::new();
        hash.text(&self.tree.to_json().to_string());
        hash_files(&self.tree, &self.sources, &mut hash);
        format!("{:016x}", hash.0)
    }

    /// What the user named the file.
    pub fn file_name(&self) -> &str {
        &self.sources.file(0).name
    }

    /// The text of the scenario's file.
    pub fn text(&self) -> &str {
        &self.sources.file(0).text
    }

    fn resolve_whole(&self) -> Resolved {
        let mut tree = self.tree.clone();
        let mut sources = self.sources.clone();
        let imported = task_definition::import(&mut tree, &mut sources);
        let mut problems = Problems::new(&tree);
        problems.extend(self.found.clone());
        problems.extend(imported.problems);
        imported
            .poisoned
            .into_iter()
            .for_each(|path| problems.poison_steps(path));
        let value = conform::conform(schema::json_schema(), &tree, &mut problems);
        let mut said: schema::Scenario = match serde_json::from_value(value) {
            Ok(said) => said,
            Err(error) => {
                // Not the user's fault; said rather than thrown, so that the other problems are not lost.
                let message = format!("the language's schema lets through what its types refuse: {error}");
                problems.push(Diagnostic::new(Code::SchemaDisagrees, tree.place, message).hint("please report this"));
                serde_json::from_value(serde_json::json!({ "duration": "1s" })).expect("the smallest scenario reads")
            }
        };
        imply::imply(&mut said, &self.stem);
        let (blueprint, list, sources) = resolve::resolve(&said, problems, sources, &self.results);
        Resolved {
            blueprint,
            said,
            diagnostics: Diagnostics::new(list, sources),
            ignored: imported.ignored,
        }
    }
}

/// Folds the contents of all files that a tree names.
fn hash_files(node: &Node, sources: &Sources, hash: &mut Fnv) {
    match &node.value {
        Value::Map(entries) => {
            for (key, inside) in entries {
                let names_a_file = matches!(key.text.as_str(), "file" | "trace" | "per_minute");
                if let (true, Value::Text(name)) = (names_a_file, &inside.value)
                    && let Ok(text) = read_text(&sources.directory.join(name), source::MAX_TABLE_BYTES)
                {
                    hash.text(&text);
                }
                hash_files(inside, sources, hash);
            }
        }
        Value::List(items) => items.iter().for_each(|item| hash_files(item, sources, hash)),
        _ => {}
    }
}

/// FNV-1a: it tells scenarios apart, and nobody attacks it.
struct Fnv(u64);

impl Fnv {
    fn new() -> Self {
        Fnv(0xcbf2_9ce4_8422_2325)
    }

    fn text(&mut self, text: &str) {
        // The length keeps apart texts that follow each other.
        for byte in (text.len() as u64).to_le_bytes().into_iter().chain(text.bytes()) {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }
}

#[cfg(test)]
mod tests;
