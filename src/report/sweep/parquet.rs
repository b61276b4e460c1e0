//! `runs.parquet`: the rows of `runs.csv` with types, for readers that take columns.
//!
//! Counts are INT64, figures DOUBLE, words UTF-8 strings; every column may be null. Rows are gathered into groups of a
//! fixed number, so memory does not grow with the runs, and nothing of the machine or the hour is in the file: equal rows
//! give equal bytes.

use crate::report::table::Value;
use crate::report::tables::runs::Kind;
use parquet::basic::{Compression, LogicalType, Repetition, Type as Physical};
use parquet::data_type::{ByteArray, ByteArrayType, DoubleType, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::Type;
use std::io::{self, Write};
use std::sync::Arc;

/// Rows of a group; a group is in memory until it is full.
const GROUP: usize = 65_536;

pub struct Writer<W: Write + Send> {
    file: SerializedFileWriter<W>,
    kinds: Vec<Kind>,
    /// Column by column, the values of the group that is being filled.
    columns: Vec<Vec<Value>>,
}

impl<W: Write + Send> Writer<W> {
    pub fn new(columns: &[(String, Kind)], sink: W) -> io::Result<Self> {
        let fields = columns.iter().map(|(name, kind)| {
            let (physical, logical) = match kind {
                Kind::Text => (Physical::BYTE_ARRAY, Some(LogicalType::String)),
                Kind::Count => (Physical::INT64, None),
                Kind::Number => (Physical::DOUBLE, None),
            };
            Type::primitive_type_builder(name, physical)
                .with_repetition(Repetition::OPTIONAL)
                .with_logical_type(logical)
                .build()
                .map(Arc::new)
        });
        let fields = fields.collect::<Result<Vec<_>, _>>().map_err(other)?;
        let schema = Type::group_type_builder("runs")
            .with_fields(fields)
            .build()
            .map_err(other)?;
        let properties = WriterProperties::builder()
            .set_created_by(format!("wavetank version {}", env!("CARGO_PKG_VERSION")))
            .set_compression(Compression::SNAPPY)
            .build();
        let file = SerializedFileWriter::new(sink, Arc::new(schema), Arc::new(properties)).map_err(other)?;
        Ok(Writer {
            file,
            kinds: columns.iter().map(|(_, kind)| *kind).collect(),
            columns: vec![Vec::new(); columns.len()],
        })
    }

    pub fn push(&mut self, row: &[Value]) -> io::Result<()> {
        for (column, value) in self.columns.iter_mut().zip(row) {
            column.push(value.clone());
        }
        if self.columns[0].len() == GROUP {
            self.write_group().map_err(other)?;
        }
        Ok(())
    }

    fn write_group(&mut self) -> Result<(), ParquetError> {
        let mut group = self.file.next_row_group()?;
        for (column, kind) in self.columns.iter_mut().zip(&self.kinds) {
            let values = std::mem::take(column);
            // 1 where there is a value, 0 where there is none.
            let there: Vec<i16> = values.iter().map(|value| (*value != Value::Missing).into()).collect();
            let mut writer = group.next_column()?.expect("the schema has a column for each value");
            match kind {
                Kind::Count => {
                    let values: Vec<i64> = values.iter().filter_map(whole).collect();
                    writer.typed::<Int64Type>().write_batch(&values, Some(&there), None)?;
                }
                Kind::Number => {
                    let values: Vec<f64> = values.iter().filter_map(Value::as_number).collect();
                    writer.typed::<DoubleType>().write_batch(&values, Some(&there), None)?;
                }
                Kind::Text => {
                    let present = values.iter().filter(|value| **value != Value::Missing);
                    let values: Vec<ByteArray> = present.map(|value| value.cell().as_str().into()).collect();
                    writer
                        .typed::<ByteArrayType>()
                        .write_batch(&values, Some(&there), None)?;
                }
            }
            writer.close()?;
        }
        group.close()?;
        Ok(())
    }

    /// Writes what is left and the file's end.
    pub fn finish(mut self) -> io::Result<()> {
        if !self.columns[0].is_empty() {
            self.write_group().map_err(other)?;
        }
        self.file.finish().map_err(other)?;
        self.file.inner_mut().flush()
    }
}

fn whole(value: &Value) -> Option<i64> {
    match value {
        Value::Integer(whole) => Some(*whole),
        _ => None,
    }
}

fn other(error: ParquetError) -> io::Error {
    match error {
        ParquetError::External(inner) => match inner.downcast::<io::Error>() {
            Ok(inner) => *inner,
            Err(inner) => io::Error::other(inner),
        },
        error => io::Error::other(error),
    }
}
