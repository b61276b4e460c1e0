//! Lines of `expect:`: which figure, and what it must be.

use super::Context;
use crate::blueprint::*;
use crate::scenario::diagnostic::{Code, nearest};
use crate::scenario::path::Path;
use crate::scenario::quantity::Level;
use crate::scenario::schema::{self, Cell, Count, Form};
use crate::scenario::yaml;

pub(super) fn expectations(cx: &mut Context) -> Vec<Expectation> {
    let root = Path::Root;
    let section = root.key("expect");
    let said = &cx.said.expect;
    let mut expectations = Vec::new();
    for (at, expectation) in said.iter().enumerate() {
        let path = section.at(at);
        let subject = subject(cx, expectation, &path);
        let bound = bound(cx, expectation, &path);
        let (Some(subject), Some(bound)) = (subject, bound) else {
            continue;
        };
        let place = cx.problems.tree().place_of(&path);
        let (line, _) = cx.sources.line_and_column(place);
        let text = serde_json::to_value(expectation).map_or_else(|_| String::new(), |value| yaml::flow(&value));
        expectations.push(Expectation {
            text,
            line,
            subject,
            bound,
        });
    }
    expectations
}

fn subject(cx: &mut Context, said: &schema::Expectation, path: &Path) -> Option<Subject> {
    let picks: Vec<Pick> = [
        said.column.clone().map(Pick::Column),
        said.minimum.clone().map(Pick::Minimum),
        said.maximum.clone().map(Pick::Maximum),
        said.sum.clone().map(Pick::Sum),
        said.first.clone().map(Pick::First),
        said.last.clone().map(Pick::Last),
        said.count.as_ref().map(|_| Pick::Count),
    ]
    .into_iter()
    .flatten()
    .collect();
    match (&said.table, &said.objective, picks.as_slice()) {
        (Some(file), None, [pick]) => {
            known(cx, file, said, pick, path);
            let filter = said
                .filter
                .iter()
                .map(|(column, cell)| (column.to_owned(), text(cell)))
                .collect();
            Some(Subject::Table {
                file: file.clone(),
                filter,
                pick: pick.clone(),
            })
        }
        (None, Some(name), []) => {
            if !cx.said.objectives.iter().any(|objective| objective.name == *name) {
                let message = format!("there is no objective `{name}`");
                let names = cx.said.objectives.iter().map(|objective| objective.name.as_str());
                cx.problems
                    .report_with(Code::UnknownName, &path.key("objective"), message, |diagnostic| {
                        diagnostic.did_you_mean(name, names)
                    });
            }
            Some(Subject::Objective(name.clone()))
        }
        (Some(_), None, _) => {
            cx.problems.report_with(
                Code::NotExactlyOne,
                path,
                "which figure of the table is not clear",
                |diagnostic| {
                    diagnostic.expected("one of `column`, `minimum`, `maximum`, `sum`, `first`, `last` and `count`")
                },
            );
            None
        }
        (None, Some(_), _) => {
            cx.report(Code::ConflictingKeys, path, "an objective's verdict has no columns");
            None
        }
        _ => {
            cx.problems.report_with(
                Code::NotExactlyOne,
                path,
                "what is looked at is not clear",
                |diagnostic| diagnostic.expected("one of `table` and `objective`"),
            );
            None
        }
    }
}

/// Reports a table that does not exist, or columns that it does not have.
fn known(cx: &mut Context, file: &str, said: &schema::Expectation, pick: &Pick, path: &Path) {
    let results = cx.results;
    if results.is_empty() {
        return;
    }
    let table = file.trim_end_matches(".csv");
    let Some(columns) = results.columns(table) else {
        let message = format!("there is no table `{table}`");
        return missing(cx, table, results.names().collect(), &path.key("table"), message);
    };
    let picked = match pick {
        Pick::Column(name) => Some(("column", name)),
        Pick::Minimum(name) => Some(("minimum", name)),
        Pick::Maximum(name) => Some(("maximum", name)),
        Pick::Sum(name) => Some(("sum", name)),
        Pick::First(name) => Some(("first", name)),
        Pick::Last(name) => Some(("last", name)),
        Pick::Count => None,
    };
    let filter = path.key("where");
    let filtered = said.filter.names().map(|name| (filter.key(name), name));
    let picked = picked.map(|(key, name)| (path.key(key), name.as_str()));
    for (at, name) in filtered.chain(picked).collect::<Vec<_>>() {
        if !columns.contains(&name) {
            let message = format!("`{table}.csv` has no column `{name}`");
            missing(cx, name, columns.to_vec(), &at, message);
        }
    }
}

/// Reports a name, with the one that may be meant or all that there are.
fn missing(cx: &mut Context, name: &str, there_are: Vec<&str>, path: &Path, message: String) {
    cx.problems.report_with(Code::UnknownName, path, message, |diagnostic| {
        match nearest(name, there_are.iter().copied()) {
            Some(near) => diagnostic.hint(format!("did you mean `{near}`?")),
            None => diagnostic.hint(format!("there are {}", there_are.join(", "))),
        }
    });
}

/// As a table's cell prints it.
fn text(cell: &Cell) -> String {
    match cell {
        Cell::Number(number) => number.to_string(),
        Cell::Text(text) => text.clone(),
    }
}

fn bound(cx: &mut Context, said: &schema::Expectation, path: &Path) -> Option<Bound> {
    let mut bounds = Vec::new();
    if let Some(cell) = &said.is {
        bounds.push(Bound::Is(match cell {
            Cell::Number(number) => ExpectedValue::Number(*number),
            Cell::Text(text) => ExpectedValue::Text(text.clone()),
        }));
    }
    if let Some(near) = &said.near {
        let tolerance = match near.tolerance.0 {
            Level::Number(number) => number,
            Level::Percent(percent) => near.value.abs() * percent / 100.0,
            Level::Duration(_) => {
                let message = "a tolerance is a number or a share of the value";
                let near = path.key("near");
                cx.report(Code::MalformedQuantity, &near.key("tolerance"), message);
                0.0
            }
        };
        bounds.push(Bound::Near {
            value: near.value,
            tolerance,
        });
    }
    bounds.extend(said.at_most.map(Bound::AtMost));
    bounds.extend(said.at_least.map(Bound::AtLeast));
    bounds.extend(said.between.map(|[low, high]| Bound::Between(low, high)));
    if let Some(covers) = &said.covers {
        let level = covers.level.0.get();
        if level <= 0.0 || level >= 1.0 {
            let covers = path.key("covers");
            cx.problems.report_with(
                Code::OutOfRange,
                &covers.key("level"),
                "no interval has this level",
                |diagnostic| diagnostic.expected("a share between 0% and 100%, like `99.9%`"),
            );
        }
        bounds.push(Bound::Covers {
            value: covers.value,
            level,
        });
    }
    let number = |value: f64| Bound::Is(ExpectedValue::Number(value));
    match &said.count {
        None => {}
        Some(Form::Short(value)) => bounds.push(number(*value)),
        Some(Form::Long(count)) => bounds.push(match count {
            Count::Is(value) => number(*value),
            Count::AtMost(value) => Bound::AtMost(*value),
            Count::AtLeast(value) => Bound::AtLeast(*value),
            Count::Between([low, high]) => Bound::Between(*low, *high),
        }),
    }
    for bound in &bounds {
        if let Bound::Between(low, high) = bound
            && low > high
        {
            cx.report(
                Code::ContradictorySizes,
                &path.key("between"),
                format!("{low} lies above {high}"),
            );
        }
    }
    match bounds.as_slice() {
        [bound] => Some(bound.clone()),
        _ => {
            cx.problems.report_with(
                Code::NotExactlyOne,
                path,
                "what is expected is not clear",
                |diagnostic| diagnostic.expected("one of `is`, `near`, `at_most`, `at_least`, `between` and `covers`"),
            );
            None
        }
    }
}
