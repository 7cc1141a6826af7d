//! Answers as text or Parquet: table, CSV, JSON lines, Parquet.
//!
//! Instants are ISO 8601 in UTC, days ISO dates. CSV leaves null empty; JSON writes it. The table
//! is for eyes: it stops after [`TABLE_ROWS_MAX`] rows, says so, and shows control characters
//! escaped. The other three give every row exactly and hold one batch at a time (Parquet: one row
//! group).

use std::io::{self, Write};
use std::str::FromStr;
use std::sync::Arc;

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::arrow::error::ArrowError;
use datafusion::arrow::json::WriterBuilder;
use datafusion::arrow::json::writer::LineDelimited;
use datafusion::arrow::util::display::{ArrayFormatter, FormatOptions};
use datafusion::error::DataFusionError;
use datafusion::execution::SendableRecordBatchStream;
use futures::TryStreamExt;

use super::message;
use crate::error::{Error, Kind, Report, Result};
use crate::parquet_format;

/// Rows that the table format shows.
pub const TABLE_ROWS_MAX: u64 = 10_000;

/// How rows are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OutputFormat {
    /// Aligned columns.
    #[default]
    Table,
    /// RFC 4180, with a header.
    Csv,
    /// One object a line.
    Json,
    /// One Parquet file.
    Parquet,
}

impl FromStr for OutputFormat {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        match name {
            "table" => Ok(Self::Table),
            "csv" => Ok(Self::Csv),
            "json" => Ok(Self::Json),
            "parquet" => Ok(Self::Parquet),
            other => Err(Error::config(
                Report::new("unknown format")
                    .expected("table, csv, json or parquet")
                    .found(message::printable(other))
                    .hint("write `.format table`, or name one of the others"),
            )),
        }
    }
}

/// Writes all rows; returns how many were written.
///
/// # Errors
/// What the stream meets; `Output` when `out` cannot be written. A reader that has gone away is
/// none: writing then stops.
pub async fn write(
    rows: SendableRecordBatchStream,
    format: OutputFormat,
    out: &mut (dyn Write + Send),
) -> Result<u64> {
    write_with(rows, format, out, &|cause| message::report(cause, message::Known::default())).await
}

/// As [`write()`]; `told` knows the tables for its messages.
pub(super) async fn write_with(
    mut rows: SendableRecordBatchStream,
    format: OutputFormat,
    out: &mut (dyn Write + Send),
    told: &(dyn Fn(DataFusionError) -> Error + Sync),
) -> Result<u64> {
    let schema = rows.schema();
    let mut n_rows = 0;
    let mut sink = match Sink::new(format, &schema, out) {
        Ok(sink) => sink,
        Err(failure) => return failure.settle(n_rows),
    };
    while let Some(batch) = rows.try_next().await.map_err(told)? {
        match sink.write(&batch) {
            Ok(n_taken) => n_rows += n_taken,
            Err(failure) => return failure.settle(n_rows),
        }
        if sink.is_full() {
            break;
        }
    }
    match sink.finish(&schema) {
        Ok(()) => Ok(n_rows),
        Err(failure) => failure.settle(n_rows),
    }
}

enum Sink<'a> {
    Table { cells: Vec<Vec<String>>, is_cut: bool, out: &'a mut (dyn Write + Send) },
    Csv(Box<csv::Writer<&'a mut (dyn Write + Send)>>),
    Json(Box<datafusion::arrow::json::Writer<&'a mut (dyn Write + Send), LineDelimited>>),
    Parquet(Box<datafusion::parquet::arrow::ArrowWriter<&'a mut (dyn Write + Send)>>),
}

impl<'a> Sink<'a> {
    fn new(
        format: OutputFormat,
        schema: &SchemaRef,
        out: &'a mut (dyn Write + Send),
    ) -> Result<Self, Failure> {
        Ok(match format {
            OutputFormat::Table => Self::Table { cells: Vec::new(), is_cut: false, out },
            OutputFormat::Csv => {
                let mut writer = csv::Writer::from_writer(out);
                writer.write_record(schema.fields().iter().map(|field| field.name()))?;
                Self::Csv(Box::new(writer))
            }
            OutputFormat::Json => {
                let builder = WriterBuilder::new().with_explicit_nulls(true);
                Self::Json(Box::new(builder.build::<_, LineDelimited>(out)))
            }
            OutputFormat::Parquet => {
                Self::Parquet(Box::new(parquet_format::writer(out, Arc::clone(schema), &[], &[])?))
            }
        })
    }

    /// Takes a batch; returns how many of its rows are written.
    fn write(&mut self, batch: &RecordBatch) -> Result<u64, Failure> {
        match self {
            Self::Table { cells, is_cut, .. } => {
                let room = usize::try_from(TABLE_ROWS_MAX).unwrap_or(usize::MAX) - cells.len();
                *is_cut = batch.num_rows() > room;
                let taken = batch.slice(0, batch.num_rows().min(room));
                for_each_row(&taken, |row| {
                    cells.push(row.iter().map(|cell| message::printable(cell)).collect());
                    Ok(())
                })?;
                return Ok(taken.num_rows() as u64);
            }
            Self::Csv(writer) => for_each_row(batch, |row| Ok(writer.write_record(row)?))?,
            Self::Json(writer) => writer.write(batch)?,
            Self::Parquet(writer) => writer.write(batch)?,
        }
        Ok(batch.num_rows() as u64)
    }

    fn is_full(&self) -> bool {
        matches!(self, Self::Table { is_cut: true, .. })
    }

    fn finish(self, schema: &SchemaRef) -> Result<(), Failure> {
        match self {
            Self::Table { cells, is_cut, out } => {
                table(schema, &cells, out)?;
                if is_cut {
                    let hint = "--format csv, json or parquet gives all rows";
                    writeln!(out, "… cut after {TABLE_ROWS_MAX} rows; {hint}")?;
                }
                out.flush()?;
            }
            Self::Csv(mut writer) => writer.flush()?,
            Self::Json(mut writer) => writer.finish()?,
            Self::Parquet(writer) => {
                writer.close()?;
            }
        }
        Ok(())
    }
}

/// Cells as text, row by row; null is empty.
fn for_each_row(
    batch: &RecordBatch,
    mut take: impl FnMut(&[String]) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let options = FormatOptions::new();
    let columns: Vec<ArrayFormatter<'_>> = batch
        .columns()
        .iter()
        .map(|column| ArrayFormatter::try_new(column.as_ref(), &options))
        .collect::<Result<_, ArrowError>>()?;
    for row_idx in 0..batch.num_rows() {
        let row: Vec<String> =
            columns.iter().map(|column| column.value(row_idx).to_string()).collect();
        take(&row)?;
    }
    Ok(())
}

/// Aligned columns: numbers to the right, two blanks between.
fn table(schema: &SchemaRef, rows: &[Vec<String>], out: &mut dyn Write) -> io::Result<()> {
    let names: Vec<String> =
        schema.fields().iter().map(|field| message::printable(field.name())).collect();
    let widths: Vec<usize> = (0..names.len())
        .map(|idx| {
            let cells = rows.iter().map(|row| &row[idx]);
            cells.chain([&names[idx]]).map(|cell| cell.chars().count()).max().unwrap_or(0)
        })
        .collect();
    let rules: Vec<String> = widths.iter().map(|width| "-".repeat(*width)).collect();
    for row in [&names, &rules].into_iter().chain(rows) {
        let mut line = String::new();
        for (idx, cell) in row.iter().enumerate() {
            let width = widths[idx];
            let gap = if idx == 0 { "" } else { "  " };
            line.push_str(&match schema.field(idx).data_type().is_numeric() {
                true => format!("{gap}{cell:>width$}"),
                false => format!("{gap}{cell:<width$}"),
            });
        }
        writeln!(out, "{}", line.trim_end())?;
    }
    Ok(())
}

/// Why rows could not be written.
struct Failure {
    text: String,
    is_reader_gone: bool,
}

impl Failure {
    /// A reader that went away got what it wanted.
    fn settle(self, n_rows: u64) -> Result<u64> {
        match self.is_reader_gone {
            true => Ok(n_rows),
            false => Err(Error::new(
                Kind::Output,
                Report::new("the answer cannot be written").found(message::printable(&self.text)),
            )),
        }
    }

    /// Some writers wrap the cause as text only.
    fn of(cause: &(dyn std::error::Error + 'static)) -> Self {
        let mut is_reader_gone = cause.to_string().contains("Broken pipe");
        let mut next = Some(cause);
        while let Some(cause) = next {
            let io = cause.downcast_ref::<io::Error>().map(io::Error::kind);
            is_reader_gone |= io == Some(io::ErrorKind::BrokenPipe);
            next = cause.source();
        }
        Self { text: cause.to_string(), is_reader_gone }
    }
}

impl From<io::Error> for Failure {
    fn from(cause: io::Error) -> Self {
        Self::of(&cause)
    }
}

impl From<csv::Error> for Failure {
    fn from(cause: csv::Error) -> Self {
        Self::of(&cause)
    }
}

impl From<ArrowError> for Failure {
    fn from(cause: ArrowError) -> Self {
        Self::of(&cause)
    }
}

impl From<datafusion::parquet::errors::ParquetError> for Failure {
    fn from(cause: datafusion::parquet::errors::ParquetError) -> Self {
        Self::of(&cause)
    }
}
