//! A design from outside the scenario: `--grid`, `--list` and `--lhs` in place of `experiment.sweep`.
//!
//! Each argument and the file of the list is a source of its own, so what is wrong shows where it was written.

use crate::scenario::diagnostic::{Code, Diagnostic, Diagnostics};
use crate::scenario::path::Step;
use crate::scenario::source::{MAX_TABLE_BYTES, Place, Sources, read_text};
use crate::scenario::table;
use crate::scenario::tree::{Key, Node, Value};
use crate::scenario::yaml;
use crate::scenario::{Scenario, split_values};
use std::path::PathBuf;

/// What the command line says of the points of a sweep.
#[derive(Clone, Debug, Default)]
pub struct GivenDesign {
    /// `path=a,b,c`.
    pub grid: Vec<String>,
    /// A CSV file whose header names the paths and whose rows are points.
    pub list: Option<PathBuf>,
    /// `path=from..to`, with `:log` behind it if ratios count.
    pub latin_hypercube: Vec<String>,
    /// Of the Latin hypercube.
    pub points: Option<u32>,
}

impl GivenDesign {
    pub fn is_empty(&self) -> bool {
        self.grid.is_empty() && self.list.is_none() && self.latin_hypercube.is_empty() && self.points.is_none()
    }
}

type Entry = (Key, Node);

impl Scenario {
    /// The same scenario with a given design in place of its own, if one is given; and everything about the arguments
    /// that cannot be read. What can be read is in the scenario, so that its problems can be told as well.
    pub fn with_design(&self, given: &GivenDesign) -> (Scenario, Diagnostics) {
        if given.is_empty() {
            return (self.clone(), Diagnostics::default());
        }
        let mut changed = self.clone();
        let mut problems = Vec::new();
        let mut block: Vec<Entry> = Vec::new();
        let mut grid = Vec::new();
        for argument in &given.grid {
            grid.extend(grid_entry(argument, &mut changed.sources, &mut problems));
        }
        if let Some(first) = first_place(&grid) {
            block.push(entry("grid", first, Value::Map(grid)));
        }
        if let Some(file) = &given.list {
            block.extend(list_entry(file, &mut changed.sources, &mut problems));
        }
        let mut over = Vec::new();
        for argument in &given.latin_hypercube {
            over.extend(range_entry(argument, &mut changed.sources, &mut problems));
        }
        match (given.points, first_place(&over)) {
            (Some(points), Some(place)) => {
                let points = entry("points", place, Value::Number(points.to_string()));
                let over = entry("over", place, Value::Map(over));
                block.push(entry("latin_hypercube", place, Value::Map(vec![points, over])));
            }
            (None, Some(_)) => {
                let place = argument(&mut changed.sources, "--lhs", &given.latin_hypercube[0]);
                let problem = Diagnostic::new(Code::MalformedDesign, place, "a Latin hypercube of how many points?");
                problems.push(problem.expected("`--points NUMBER` beside it"));
            }
            (Some(points), None) if given.latin_hypercube.is_empty() => {
                let place = argument(&mut changed.sources, "--points", &points.to_string());
                let problem = Diagnostic::new(Code::MalformedDesign, place, "points of nothing");
                problems.push(problem.expected("`--lhs PATH=FROM..TO` beside it, a range for each path"));
            }
            _ => {}
        }
        let steps = ["experiment", "sweep"].map(|key| Step::Key(key.to_owned()));
        // Without anything that could be read, a block that is empty would be one more complaint about the same.
        if let Some(place) = first_place(&block) {
            let value = Value::Map(block);
            if changed.tree.set(&steps, Node { value, place }).is_err() {
                let message = "`experiment` is not a map, so that no design can stand in it";
                problems.push(Diagnostic::new(Code::WrongKind, place, message));
            }
        }
        let sources = changed.sources.clone();
        (changed, Diagnostics::new(problems, sources))
    }
}

fn first_place(entries: &[Entry]) -> Option<Place> {
    entries.first().map(|(key, _)| key.place)
}

fn entry(key: &str, place: Place, value: Value) -> Entry {
    let text = key.to_owned();
    (Key { text, place }, Node { value, place })
}

/// An argument as a source, and the whole of it as a place.
fn argument(sources: &mut Sources, option: &str, text: &str) -> Place {
    let file = sources.add(option, text);
    Place {
        file,
        start: 0,
        end: text.len() as u32,
    }
}

/// A part of a place, by its text.
fn part(place: Place, whole: &str, part: &str) -> Place {
    let start = place.start + (part.as_ptr() as usize - whole.as_ptr() as usize) as u32;
    Place {
        start,
        end: start + part.len() as u32,
        ..place
    }
}

fn grid_entry(text: &str, sources: &mut Sources, problems: &mut Vec<Diagnostic>) -> Option<Entry> {
    let place = argument(sources, "--grid", text);
    let Some((path, values)) = text.split_once('=').filter(|(path, _)| !path.trim().is_empty()) else {
        let problem = Diagnostic::new(Code::MalformedDesign, place, format!("`{text}` is no row of a grid"));
        problems.push(problem.expected("`path=value,value,…`, such as `services.web.desired_count=2,4,8`"));
        return None;
    };
    let values_place = part(place, text, values);
    let items = if values.trim().is_empty() {
        Vec::new()
    } else {
        split_values(values)
    };
    let mut nodes = Vec::new();
    for item in items {
        nodes.push(value(&item, values_place, problems)?);
    }
    let (key, _) = entry(path.trim(), part(place, text, path), Value::Null);
    Some((
        key,
        Node {
            value: Value::List(nodes),
            place: values_place,
        },
    ))
}

fn range_entry(text: &str, sources: &mut Sources, problems: &mut Vec<Diagnostic>) -> Option<Entry> {
    let place = argument(sources, "--lhs", text);
    let parts = text.split_once('=').and_then(|(path, range)| {
        let (range, scale) = match range.rsplit_once(':') {
            Some((range, scale)) => (range, Some(scale)),
            None => (range, None),
        };
        let (from, to) = range.split_once("..")?;
        let known = scale.is_none_or(|scale| matches!(scale, "log" | "linear"));
        let whole = [path, from, to].iter().all(|part| !part.trim().is_empty());
        (whole && known).then_some((path, from, to, scale))
    });
    let Some((path, from, to, scale)) = parts else {
        let problem = Diagnostic::new(Code::MalformedDesign, place, format!("`{text}` is no range"));
        problems
            .push(problem.expected("`path=from..to` or `path=from..to:log`, such as `traffic.users.rate=50/s..500/s`"));
        return None;
    };
    let (key, _) = entry(path.trim(), part(place, text, path), Value::Null);
    let end = |name: &str, said: &str| entry(name, part(place, text, said), yaml::plain_scalar(said.trim()));
    let mut range = vec![end("from", from), end("to", to)];
    range.extend(scale.map(|scale| end("scale", scale)));
    Some((
        key,
        Node {
            value: Value::Map(range),
            place,
        },
    ))
}

/// A value of an argument or a cell, which may be a map or a list.
fn value(text: &str, place: Place, problems: &mut Vec<Diagnostic>) -> Option<Node> {
    let mut own = Sources::default();
    let file = own.add("", text);
    let (node, found) = yaml::parse(&own, file);
    match node {
        Some(node) if found.is_empty() => Some(placed(node, place)),
        _ => {
            let problem = Diagnostic::new(Code::MalformedDesign, place, format!("`{text}` is no value"));
            problems.push(problem.expected("a value as it would stand in the scenario"));
            None
        }
    }
}

/// The same value, all of it at one place.
fn placed(node: Node, place: Place) -> Node {
    let value = match node.value {
        Value::List(items) => Value::List(items.into_iter().map(|item| placed(item, place)).collect()),
        Value::Map(entries) => Value::Map(
            entries
                .into_iter()
                .map(|(key, node)| (Key { place, ..key }, placed(node, place)))
                .collect(),
        ),
        other => other,
    };
    Node { value, place }
}

/// The points of a CSV file.
fn list_entry(file: &std::path::Path, sources: &mut Sources, problems: &mut Vec<Diagnostic>) -> Option<Entry> {
    let name = file.display().to_string();
    let text = match read_text(file, MAX_TABLE_BYTES) {
        Ok(text) => text,
        Err(problem) => {
            let place = argument(sources, "--list", &name);
            let (code, message) = table::read_problem(&name, &problem);
            problems.push(Diagnostic::new(code, place, message));
            return None;
        }
    };
    let whole = argument(sources, &name, &text);
    // Spreadsheets begin their files with a byte order mark.
    let body = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let skipped = (text.len() - body.len()) as u64;
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .trim(csv::Trim::All)
        .from_reader(body.as_bytes());
    let mut paths: Option<Vec<String>> = None;
    let mut points = Vec::new();
    let mut record = csv::StringRecord::new();
    loop {
        let start = skipped + reader.position().byte();
        let read = reader.read_record(&mut record);
        let place = row_place(whole, &text, start, skipped + reader.position().byte());
        match read {
            Ok(false) => break,
            Ok(true) => {}
            Err(error) => {
                let what = match error.kind() {
                    csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
                        format!("this row has {len} cells, and the header {expected_len}")
                    }
                    _ => error.to_string(),
                };
                problems.push(Diagnostic::new(Code::MalformedTable, place, what).expected("a cell for each path"));
                continue;
            }
        }
        let Some(paths) = &paths else {
            paths = Some(record.iter().map(str::to_owned).collect());
            continue;
        };
        let mut point = Vec::new();
        for (path, cell) in paths.iter().zip(&record) {
            let key = Key {
                text: path.clone(),
                place: row_place(whole, &text, skipped, skipped),
            };
            // A cell that cannot be read has been told; the path is not missing on top of that.
            let nothing = Node {
                value: Value::Null,
                place,
            };
            point.push((key, value(cell, place, problems).unwrap_or(nothing)));
        }
        points.push(Node {
            value: Value::Map(point),
            place,
        });
    }
    if paths.is_none_or(|paths| paths.iter().all(String::is_empty)) {
        let message = format!("`{name}` has no header");
        let problem = Diagnostic::new(Code::EmptyDesign, whole, message);
        problems.push(problem.expected("a first line with the paths, and a row for each point"));
        return None;
    }
    Some(entry("list", whole, Value::List(points)))
}

/// The row that begins at a byte, or behind the line breaks that follow it.
fn row_place(whole: Place, text: &str, start: u64, end: u64) -> Place {
    let start = (start as usize).min(text.len());
    let blank = text[start..].len() - text[start..].trim_start_matches(['\n', '\r']).len();
    Place {
        start: (start + blank) as u32,
        end: (end as u32).max((start + blank) as u32),
        ..whole
    }
}
