//! Whether a scenario's `expect:` block holds, line by line.
//!
//! An expectation speaks of a cell of a results table, of how many rows there are, or of an objective's verdict. What
//! the tables hold is handed in as [`Evidence`], because tables are made further up; the same builder makes the files,
//! so that an expectation sees what a reader of the files sees. A line that cannot be evaluated (no such column, no
//! such row) has failed, and says why.

use crate::blueprint::{Bound, Expectation, ExpectedValue, Pick, Subject};
use crate::probe::Verdict;
use crate::stats::mean_interval;

/// What the runs have left, as expectations see it.
pub trait Evidence {
    /// A table by its file's name without `.csv`, over all runs.
    fn table(&self, name: &str) -> Option<Grid>;
    /// The same table made from one run alone, in order of replication.
    fn table_of_run(&self, name: &str, run: usize) -> Option<Grid>;
    fn runs(&self) -> usize;
    /// Names of the tables there are, for messages.
    fn table_names(&self) -> Vec<String>;
    /// `met`, `not met` or `undecided`.
    fn verdict(&self, objective: &str) -> Option<&'static str>;
}

/// A table as text and numbers.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Grid {
    pub columns: Vec<String>,
    pub rows: Vec<Vec<Seen>>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Seen {
    Number(f64),
    Text(String),
    /// An empty cell.
    Nothing,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    Passed,
    Failed,
    /// It is about an objective whose verdict more runs would bring.
    Undecided,
}

/// What became of one expectation.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    pub outcome: Outcome,
    /// As the scenario writes it.
    pub text: String,
    /// Line in the scenario file.
    pub line: u32,
    /// `at most 0.4`.
    pub expected: String,
    /// `0.512`, or why there is nothing to see.
    pub seen: String,
    /// Where to look: `summary.csv, class = browse, column p99_ms`.
    pub place: String,
}

impl Finding {
    pub fn passed(&self) -> bool {
        self.outcome == Outcome::Passed
    }
}

/// Holds every expectation against the evidence.
pub fn check(expectations: &[Expectation], evidence: &impl Evidence) -> Vec<Finding> {
    expectations
        .iter()
        .map(|expectation| check_one(expectation, evidence))
        .collect()
}

fn check_one(expectation: &Expectation, evidence: &impl Evidence) -> Finding {
    let (outcome, seen) = match judged(expectation, evidence) {
        Ok((true, seen)) => (Outcome::Passed, seen),
        Ok((false, seen)) if is_undecided(&expectation.subject, evidence) => (Outcome::Undecided, seen),
        Ok((false, seen)) => (Outcome::Failed, seen),
        Err(why) => (Outcome::Failed, why),
    };
    Finding {
        outcome,
        seen,
        text: expectation.text.clone(),
        line: expectation.line,
        expected: wording(&expectation.bound),
        place: place(&expectation.subject),
    }
}

fn is_undecided(subject: &Subject, evidence: &impl Evidence) -> bool {
    matches!(subject, Subject::Objective(name) if evidence.verdict(name) == Some(Verdict::Undecided.name()))
}

/// Whether it holds, and what was seen; an error says why nothing was.
fn judged(expectation: &Expectation, evidence: &impl Evidence) -> Result<(bool, String), String> {
    match &expectation.subject {
        Subject::Objective(name) => {
            let verdict = evidence
                .verdict(name)
                .ok_or_else(|| format!("there is no objective `{name}`"))?;
            let seen = Seen::Text(verdict.to_string());
            Ok((holds(&expectation.bound, &seen)?, seen.to_string()))
        }
        Subject::Table { file, filter, pick } => {
            let name = file.trim_end_matches(".csv");
            let missing = || {
                format!(
                    "there is no table `{name}`; there are {}",
                    evidence.table_names().join(", ")
                )
            };
            if let Bound::Covers { value, level } = expectation.bound {
                let runs: Result<Vec<_>, _> = (0..evidence.runs())
                    .map(|run| {
                        number(&picked(
                            &evidence.table_of_run(name, run).ok_or_else(missing)?,
                            filter,
                            pick,
                        )?)
                    })
                    .collect();
                return covers(value, level, &runs?);
            }
            let seen = picked(&evidence.table(name).ok_or_else(missing)?, filter, pick)?;
            Ok((holds(&expectation.bound, &seen)?, seen.to_string()))
        }
    }
}

/// The interval of the mean over runs at the level.
fn covers(value: f64, level: f64, runs: &[f64]) -> Result<(bool, String), String> {
    let interval = mean_interval(runs, level).ok_or_else(|| {
        format!(
            "no interval from {} run(s); it takes 2 replications or more",
            runs.len()
        )
    })?;
    let (low, high, mean) = (interval.low, interval.high, interval.estimate);
    // Runs that all agree leave nothing but rounding between them and the value.
    let rounding = 1e-9 * value.abs();
    let covered = (low - rounding..=high + rounding).contains(&value);
    Ok((
        covered,
        format!(
            "{} to {} ({} runs, mean {})",
            short(low),
            short(high),
            runs.len(),
            short(mean)
        ),
    ))
}

/// What the expectation speaks of in a table.
fn picked(grid: &Grid, filter: &[(String, String)], pick: &Pick) -> Result<Seen, String> {
    let column = |name: &String| {
        let known = || format!("there is no column `{name}`; there are {}", grid.columns.join(", "));
        grid.columns.iter().position(|column| column == name).ok_or_else(known)
    };
    let wanted: Vec<_> = filter
        .iter()
        .map(|(name, value)| Ok((column(name)?, value)))
        .collect::<Result<_, String>>()?;
    let matches = |row: &&Vec<Seen>| wanted.iter().all(|(at, value)| row[*at].is_written(value));
    let rows: Vec<_> = grid.rows.iter().filter(matches).collect();
    let values = |name: &String| -> Result<Vec<&Seen>, String> {
        let at = column(name)?;
        Ok(rows
            .iter()
            .map(|row| &row[at])
            .filter(|seen| **seen != Seen::Nothing)
            .collect())
    };
    let folded = |name: &String, fold: fn(f64, f64) -> f64| {
        let numbers: Vec<f64> = values(name)?.into_iter().map(number).collect::<Result<_, _>>()?;
        numbers
            .into_iter()
            .reduce(fold)
            .map(Seen::Number)
            .ok_or_else(|| format!("`{name}` is empty in every row"))
    };
    match pick {
        Pick::Count => Ok(Seen::Number(rows.len() as f64)),
        Pick::Column(name) => match rows[..] {
            [row] => Ok(row[column(name)?].clone()),
            [] => Err("no row matches".to_string()),
            _ => Err(format!("{} rows match where one was expected", rows.len())),
        },
        Pick::Minimum(name) => folded(name, f64::min),
        Pick::Maximum(name) => folded(name, f64::max),
        Pick::Sum(name) => folded(name, |sum, value| sum + value),
        Pick::First(name) => values(name)?
            .first()
            .map(|seen| (*seen).clone())
            .ok_or_else(|| "no row matches".into()),
        Pick::Last(name) => values(name)?
            .last()
            .map(|seen| (*seen).clone())
            .ok_or_else(|| "no row matches".into()),
    }
}

fn number(seen: &Seen) -> Result<f64, String> {
    match seen {
        Seen::Number(number) => Ok(*number),
        Seen::Text(text) => Err(format!("`{text}`, which is no number")),
        Seen::Nothing => Err("an empty cell".to_string()),
    }
}

fn holds(bound: &Bound, seen: &Seen) -> Result<bool, String> {
    Ok(match bound {
        Bound::Is(ExpectedValue::Text(text)) => seen.is_written(text),
        Bound::Is(ExpectedValue::Number(value)) => number(seen)? == *value,
        Bound::Near { value, tolerance } => (number(seen)? - value).abs() <= *tolerance,
        Bound::AtMost(most) => number(seen)? <= *most,
        Bound::AtLeast(least) => number(seen)? >= *least,
        Bound::Between(least, most) => (*least..=*most).contains(&number(seen)?),
        Bound::Covers { .. } => return Err("an objective's verdict has no interval".to_string()),
    })
}

fn wording(bound: &Bound) -> String {
    match bound {
        Bound::Is(ExpectedValue::Text(text)) => format!("`{text}`"),
        Bound::Is(ExpectedValue::Number(value)) => short(*value),
        Bound::Near { value, tolerance } => format!("{} ± {}", short(*value), short(*tolerance)),
        Bound::AtMost(most) => format!("at most {}", short(*most)),
        Bound::AtLeast(least) => format!("at least {}", short(*least)),
        Bound::Between(least, most) => format!("between {} and {}", short(*least), short(*most)),
        Bound::Covers { value, level } => {
            format!("a {} % interval that covers {}", short(level * 100.0), short(*value))
        }
    }
}

fn place(subject: &Subject) -> String {
    match subject {
        Subject::Objective(name) => format!("the verdict of `{name}`"),
        Subject::Table { file, filter, pick } => {
            let mut place = format!("{}.csv", file.trim_end_matches(".csv"));
            for (name, value) in filter {
                place.push_str(&format!(", {name} = {value}"));
            }
            place.push_str(&match pick {
                Pick::Column(name) => format!(", column {name}"),
                Pick::Count => ", number of rows".to_string(),
                Pick::Minimum(name) => format!(", lowest {name}"),
                Pick::Maximum(name) => format!(", highest {name}"),
                Pick::Sum(name) => format!(", sum of {name}"),
                Pick::First(name) => format!(", first {name}"),
                Pick::Last(name) => format!(", last {name}"),
            });
            place
        }
    }
}

/// Nine significant digits without the noise of binary fractions.
fn short(number: f64) -> String {
    format!("{number:.8e}")
        .parse::<f64>()
        .expect("a number just printed parses")
        .to_string()
}

impl Seen {
    /// Whether the cell is what a scenario writes as `text`; numbers are compared as numbers.
    fn is_written(&self, text: &str) -> bool {
        match self {
            Seen::Text(own) => own == text,
            Seen::Number(own) => text.parse::<f64>().is_ok_and(|number| number == *own),
            Seen::Nothing => text.is_empty(),
        }
    }
}

impl std::fmt::Display for Seen {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Seen::Number(number) => f.write_str(&short(*number)),
            Seen::Text(text) => write!(f, "`{text}`"),
            Seen::Nothing => f.write_str("an empty cell"),
        }
    }
}

#[cfg(test)]
mod tests;
