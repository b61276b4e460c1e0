//! What a sweep leaves behind: parts as they are finished, and from them, run by run, the tables of the whole.
//!
//! The [`manifest`] says what the points are and how the runs are cut; a [`part`] holds the figures of its runs exactly.
//! The tables need nothing else, so they can be made where no scenario is at hand. They are written as the runs are read:
//! memory grows with the points and not with the runs. Where files lie is not known here.

pub mod effects;
pub mod manifest;
#[cfg(feature = "parquet")]
mod parquet;
pub mod part;
pub mod summary;

use super::table::{Column, Value};
use super::tables::runs::{self, Kind, POINTS, POINTS_BEFORE_PATHS, PointSums, RUNS, RUNS_BEFORE_PATHS};
use crate::scenario::Dimension;
use effects::Effects;
use std::io::{self, Write};

/// The swept paths and their values at each point, as columns.
#[derive(Clone, Debug, PartialEq)]
pub struct Layout {
    pub paths: Vec<PathColumn>,
    /// By point, a value for each path, as written.
    pub points: Vec<Vec<String>>,
}

/// A swept path, and what its values are measured in if they are numbers or quantities of one kind.
#[derive(Clone, Debug, PartialEq)]
pub struct PathColumn {
    pub path: String,
    pub dimension: Option<Dimension>,
}

/// The figures of one run, and which it is.
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    pub point: u32,
    pub replication: u32,
    /// A value for each of [`runs::figures`], exactly.
    pub figures: Vec<Value>,
}

impl Layout {
    /// The columns of the paths: name and what stands in them.
    fn columns(&self) -> Vec<(String, Kind)> {
        let mut columns = Vec::new();
        for (at, path) in self.paths.iter().enumerate() {
            match path.dimension {
                Some(Dimension::Number) => columns.push((path.path.clone(), self.kind_of_numbers(at))),
                Some(dimension) => {
                    columns.push((path.path.clone(), Kind::Text));
                    columns.push((format!("{}_{}", path.path, dimension.name()), Kind::Number));
                }
                None => columns.push((path.path.clone(), Kind::Text)),
            }
        }
        columns
    }

    fn kind_of_numbers(&self, path: usize) -> Kind {
        let whole = self.points.iter().all(|point| point[path].parse::<i64>().is_ok());
        if whole { Kind::Count } else { Kind::Number }
    }

    /// The value of a path at a point as a number.
    fn number(&self, point: usize, path: usize) -> Option<f64> {
        self.paths[path].dimension?.read_text(&self.points[point][path])
    }

    /// A point's cells, one for each of the columns.
    fn cells(&self, point: usize) -> Vec<Value> {
        let mut cells = Vec::new();
        for (at, path) in self.paths.iter().enumerate() {
            let written = &self.points[point][at];
            let number = || self.number(point, at).map_or(Value::Missing, Value::Number);
            match path.dimension {
                Some(Dimension::Number) => match written.parse::<i64>() {
                    Ok(whole) if self.kind_of_numbers(at) == Kind::Count => cells.push(Value::Integer(whole)),
                    _ => cells.push(number()),
                },
                Some(_) => cells.extend([Value::text(written), number()]),
                None => cells.push(Value::text(written)),
            }
        }
        cells
    }

    /// The columns of `runs.csv` and `runs.parquet`.
    fn run_columns(&self) -> Vec<(String, Kind)> {
        let known = |column: &Column| (column.name.to_owned(), runs::kind(column));
        let (before, after) = RUNS.columns.split_at(RUNS_BEFORE_PATHS);
        let mut columns: Vec<_> = before.iter().map(known).collect();
        columns.extend(self.columns());
        columns.extend(after.iter().map(known));
        columns
    }
}

/// Writes the tables of a sweep, run by run.
pub struct Writer<'l, W: Write + Send> {
    layout: &'l Layout,
    runs: csv::Writer<W>,
    #[cfg(feature = "parquet")]
    parquet: parquet::Writer<W>,
    points: csv::Writer<Vec<u8>>,
    rows: Vec<PointRow>,
    effects: Effects<'l>,
    /// The cells of the point whose runs are being written.
    cells: Vec<Value>,
    of_point: PointSums,
    point: u32,
}

/// Where the rows of a sweep's runs go.
pub struct Sinks<W> {
    /// `runs.csv`.
    pub csv: W,
    /// `runs.parquet`.
    #[cfg(feature = "parquet")]
    pub parquet: W,
}

/// A point's row of `points.csv`.
#[derive(Clone, Debug, PartialEq)]
pub struct PointRow {
    pub point: u32,
    /// As written.
    pub values: Vec<String>,
    /// For each column of [`POINTS`] behind the paths.
    pub figures: Vec<Value>,
}

impl PointRow {
    /// The cell of a column of [`POINTS`].
    pub fn figure(&self, name: &str) -> &Value {
        let at = POINTS.columns.iter().position(|column| column.name == name);
        &self.figures[at.expect("it is a column of points.csv") - POINTS_BEFORE_PATHS]
    }
}

/// What is left when all runs are written.
pub struct Written<'l> {
    /// `points.csv`.
    pub points_csv: Vec<u8>,
    pub points: Vec<PointRow>,
    pub effects: Effects<'l>,
}

impl<'l, W: Write + Send> Writer<'l, W> {
    pub fn new(layout: &'l Layout, sinks: Sinks<W>) -> io::Result<Self> {
        let lines = csv::Terminator::Any(b'\n');
        let mut runs = csv::WriterBuilder::new().terminator(lines).from_writer(sinks.csv);
        let mut points = csv::WriterBuilder::new().terminator(lines).from_writer(Vec::new());
        let columns = layout.run_columns();
        runs.write_record(columns.iter().map(|(name, _)| name))
            .map_err(io::Error::from)?;
        let (before, after) = POINTS.columns.split_at(POINTS_BEFORE_PATHS);
        let paths = layout.columns();
        let header = before.iter().map(|column| column.name);
        let header = header.chain(paths.iter().map(|(name, _)| name.as_str()));
        points
            .write_record(header.chain(after.iter().map(|column| column.name)))
            .map_err(io::Error::from)?;
        Ok(Writer {
            #[cfg(feature = "parquet")]
            parquet: parquet::Writer::new(&columns, sinks.parquet)?,
            layout,
            runs,
            points,
            rows: Vec::new(),
            effects: Effects::new(layout),
            cells: layout.cells(0),
            of_point: PointSums::default(),
            point: 0,
        })
    }

    /// Takes the next run; all of a point's runs follow each other.
    pub fn push(&mut self, run: Run) -> io::Result<()> {
        if run.point != self.point {
            self.end_point()?;
            self.point = run.point;
            self.cells = self.layout.cells(run.point as usize);
        }
        let mut row = vec![Value::count(run.point.into()), Value::count(run.replication.into())];
        row.extend(self.cells.iter().cloned());
        row.extend(run.figures.iter().map(rounded));
        self.runs
            .write_record(row.iter().map(Value::cell))
            .map_err(io::Error::from)?;
        #[cfg(feature = "parquet")]
        self.parquet.push(&row)?;
        self.effects.add(&run);
        self.of_point.add(run.figures);
        Ok(())
    }

    fn end_point(&mut self) -> io::Result<()> {
        if self.of_point.is_empty() {
            return Ok(());
        }
        let figures = std::mem::take(&mut self.of_point).into_row();
        let mut row = vec![Value::count(self.point.into())];
        row.extend(self.cells.iter().cloned());
        row.extend(figures.iter().cloned());
        self.points
            .write_record(row.iter().map(Value::cell))
            .map_err(io::Error::from)?;
        self.rows.push(PointRow {
            point: self.point,
            values: self.layout.points[self.point as usize].clone(),
            figures,
        });
        Ok(())
    }

    /// Writes what is left.
    pub fn finish(mut self) -> io::Result<Written<'l>> {
        self.end_point()?;
        self.runs.flush()?;
        #[cfg(feature = "parquet")]
        self.parquet.finish()?;
        let points_csv = self.points.into_inner().expect("writing to memory does not fail");
        Ok(Written {
            points_csv,
            points: self.rows,
            effects: self.effects,
        })
    }
}

/// Figures are written like all that was measured: to six significant digits.
fn rounded(value: &Value) -> Value {
    match value {
        Value::Number(number) => Value::measured(*number),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests;
