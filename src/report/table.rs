//! Tables of results: columns that say what they hold, rows of values, and their form as CSV.
//!
//! Every file of rows that Wavetank writes is a [`Table`] made by a builder in [`super::tables`], so the documentation
//! (`docs/results.md`), the expectations of `wavetank test` and the files themselves cannot disagree. A number is
//! written in the shortest form that reads back as the same number, which is the same on every platform.
//!
//! What the numbers mean is not decided here.

use crate::blueprint::Blueprint;
pub use crate::scenario::quantity::significant;
use crate::units::{Instant, Span};

/// One column: its name in snake_case with its unit, and a sentence about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Column {
    pub name: &'static str,
    pub doc: &'static str,
}

/// What is known of a table before it has rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Schema {
    /// The file's name without `.csv`.
    pub name: &'static str,
    /// What a row is.
    pub about: &'static str,
    pub columns: &'static [Column],
}

#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    pub schema: &'static Schema,
    /// Each as long as the schema has columns.
    pub rows: Vec<Vec<Value>>,
}

/// One cell. Numbers are finite; what is not is `Missing`.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    Text(String),
    Integer(i64),
    Number(f64),
    /// There is no such thing: an empty cell.
    Missing,
}

/// Shorthand for the lists of columns.
pub const fn column(name: &'static str, doc: &'static str) -> Column {
    Column { name, doc }
}

impl Value {
    pub fn text(text: impl Into<String>) -> Value {
        Value::Text(text.into())
    }

    /// Counts beyond 2⁶³ do not occur.
    pub fn count(count: u64) -> Value {
        Value::Integer(i64::try_from(count).expect("counts fit in 63 bits"))
    }

    /// To six significant digits: finer is noise in every figure that was measured.
    pub fn measured(number: f64) -> Value {
        if number.is_finite() {
            Value::Number(significant(number, 6))
        } else {
            Value::Missing
        }
    }

    /// Seconds on the user's clock, exact to the nanosecond.
    pub fn time(blueprint: &Blueprint, at: Instant) -> Value {
        Value::Number(blueprint.clock(at))
    }

    /// Seconds, exact to the nanosecond.
    pub fn span(span: Span) -> Value {
        Value::Number(span.seconds())
    }

    /// The value, or an empty cell.
    pub fn or_missing(value: Option<Value>) -> Value {
        value.unwrap_or(Value::Missing)
    }

    /// What is written into a cell.
    pub fn cell(&self) -> String {
        match self {
            Value::Text(text) => text.clone(),
            Value::Integer(integer) => integer.to_string(),
            // Rust's own formatting: shortest digits that round trip, no exponent, no locale.
            Value::Number(number) if *number == 0.0 => "0".to_owned(),
            Value::Number(number) => number.to_string(),
            Value::Missing => String::new(),
        }
    }

    /// As a number, if it is one.
    pub fn as_number(&self) -> Option<f64> {
        match self {
            Value::Integer(integer) => Some(*integer as f64),
            Value::Number(number) => Some(*number),
            Value::Text(_) | Value::Missing => None,
        }
    }
}

impl From<&Value> for serde_json::Value {
    fn from(value: &Value) -> Self {
        match value {
            Value::Text(text) => text.as_str().into(),
            Value::Integer(integer) => (*integer).into(),
            Value::Number(number) => (*number).into(),
            Value::Missing => serde_json::Value::Null,
        }
    }
}

impl Table {
    pub fn new(schema: &'static Schema) -> Table {
        Table {
            schema,
            rows: Vec::new(),
        }
    }

    /// # Panics
    /// If the row has not one value for each column, which is a bug.
    pub fn push(&mut self, row: Vec<Value>) {
        assert_eq!(
            row.len(),
            self.schema.columns.len(),
            "a row of {}.csv has a value for each column",
            self.schema.name
        );
        self.rows.push(row);
    }

    /// The position of a column.
    pub fn column(&self, name: &str) -> Option<usize> {
        self.schema.columns.iter().position(|column| column.name == name)
    }

    /// Rows as objects with the columns as keys, empty cells as `null`.
    pub fn to_json(&self) -> serde_json::Value {
        let object = |row: &Vec<Value>| {
            let pairs = self.schema.columns.iter().zip(row);
            serde_json::Value::Object(
                pairs
                    .map(|(column, value)| (column.name.to_owned(), value.into()))
                    .collect(),
            )
        };
        serde_json::Value::Array(self.rows.iter().map(object).collect())
    }

    /// With a header line, fields quoted where needed, lines ended by `\n`.
    pub fn to_csv(&self) -> Vec<u8> {
        let mut writer = csv::WriterBuilder::new()
            .terminator(csv::Terminator::Any(b'\n'))
            .from_writer(Vec::new());
        let header = self.schema.columns.iter().map(|column| column.name);
        writer.write_record(header).expect("writing to memory does not fail");
        for row in &self.rows {
            writer
                .write_record(row.iter().map(Value::cell))
                .expect("writing to memory does not fail");
        }
        writer.into_inner().expect("writing to memory does not fail")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCHEMA: Schema = Schema {
        name: "sample",
        about: "A row.",
        columns: &[column("name", "A name."), column("size_s", "A size.")],
    };

    #[test]
    fn cells_are_quoted_only_where_csv_needs_it() {
        let mut table = Table::new(&SCHEMA);
        table.push(vec![Value::text("plain"), Value::Number(0.1 + 0.2)]);
        table.push(vec![Value::text("a, \"b\""), Value::Missing]);
        table.push(vec![Value::text(""), Value::count(3)]);
        let text = String::from_utf8(table.to_csv()).expect("UTF-8");
        assert_eq!(text, "name,size_s\nplain,0.30000000000000004\n\"a, \"\"b\"\"\",\n,3\n");
    }

    #[test]
    fn measured_numbers_have_six_significant_digits() {
        assert_eq!(Value::measured(1234567.0).cell(), "1234570");
        assert_eq!(Value::measured(0.000123456789).cell(), "0.000123457");
        assert_eq!(Value::measured(-99.999_99).cell(), "-100");
        assert_eq!(Value::measured(-0.0).cell(), "0");
        assert_eq!(Value::measured(f64::NAN), Value::Missing);
        assert_eq!(Value::measured(f64::INFINITY), Value::Missing);
    }

    #[test]
    fn times_keep_their_nanoseconds() {
        assert_eq!(
            Value::span(Span::from_nanos(7_200_123_456_789)).cell(),
            "7200.123456789"
        );
        assert_eq!(Value::span(Span::from_millis(250)).cell(), "0.25");
    }

    #[test]
    #[should_panic(expected = "a value for each column")]
    fn a_row_that_is_too_short_is_a_bug() {
        Table::new(&SCHEMA).push(vec![Value::Missing]);
    }
}
