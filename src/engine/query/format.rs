//! Answers as text or Parquet: table, Markdown, CSV, JSON, JSON lines, Parquet.
//!
//! Instants are ISO 8601 in UTC, days ISO dates. CSV leaves null empty; JSON writes it. Table and
//! Markdown are for eyes: unless told otherwise they stop after [`TABLE_ROWS_MAX`] rows, say so, and
//! show control characters escaped. The others give every row exactly and hold one batch at a time
//! (Parquet: one row group). An answer that was cut is told as such ([`Written::cut_after`]).

mod failure;
mod text;

use std::io::Write;
use std::str::FromStr;
use std::sync::Arc;

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::arrow::json::WriterBuilder;
use datafusion::arrow::json::writer::{JsonArray, LineDelimited};
use datafusion::error::DataFusionError;
use datafusion::execution::SendableRecordBatchStream;
use futures::TryStreamExt;

use super::message;
use crate::error::{Error, Report, Result};
use crate::parquet_format;

use failure::Failure;
use text::for_each_row;

/// Rows that the formats for eyes show.
pub const TABLE_ROWS_MAX: u64 = 10_000;

/// What was written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// Rows.
    pub n_rows: u64,
    /// The limit, where there were more rows than that.
    pub cut_after: Option<u64>,
}

/// How rows are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OutputFormat {
    /// Aligned columns.
    #[default]
    Table,
    /// RFC 4180, with a header.
    Csv,
    /// A table of Markdown.
    Markdown,
    /// One array of objects.
    Json,
    /// One object a line.
    JsonLines,
    /// One Parquet file.
    Parquet,
}

impl OutputFormat {
    /// Rows at most, unless somebody says otherwise; `None` is all.
    pub fn rows_max(self) -> Option<u64> {
        matches!(self, Self::Table | Self::Markdown).then_some(TABLE_ROWS_MAX)
    }
}

impl FromStr for OutputFormat {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        match name {
            "table" => Ok(Self::Table),
            "csv" => Ok(Self::Csv),
            "json" => Ok(Self::Json),
            "jsonl" => Ok(Self::JsonLines),
            "markdown" | "md" => Ok(Self::Markdown),
            "parquet" => Ok(Self::Parquet),
            other => Err(Error::config(
                Report::new("unknown format")
                    .expected("table, csv, json, jsonl, markdown or parquet")
                    .found(message::printable(other))
                    .hint("write `\\f table`, or name one of the others"),
            )),
        }
    }
}

/// Writes all rows, or as many as the format shows; returns how many were written.
///
/// # Errors
/// What the stream meets; `Output` when `out` cannot be written. A reader that has gone away is
/// none: writing then stops.
pub async fn write(
    rows: SendableRecordBatchStream,
    format: OutputFormat,
    out: &mut (dyn Write + Send),
) -> Result<u64> {
    let told = |cause| message::report(cause, message::Known::default());
    Ok(write_with(rows, format, format.rows_max(), out, &told).await?.n_rows)
}

/// As [`write()`], of at most `rows_max` rows; `told` knows the tables for its messages.
pub(super) async fn write_with(
    mut rows: SendableRecordBatchStream,
    format: OutputFormat,
    rows_max: Option<u64>,
    out: &mut (dyn Write + Send),
    told: &(dyn Fn(DataFusionError) -> Error + Sync),
) -> Result<Written> {
    let schema = rows.schema();
    let mut written = Written::default();
    let mut sink = match Sink::new(format, &schema, out) {
        Ok(sink) => sink,
        Err(failure) => return failure.settle(written),
    };
    while let Some(batch) = rows.try_next().await.map_err(told)? {
        let room = rows_max.map_or(u64::MAX, |rows_max| rows_max - written.n_rows);
        let n_taken = batch.num_rows().min(usize::try_from(room).unwrap_or(usize::MAX));
        if n_taken > 0
            && let Err(failure) = sink.write(&batch.slice(0, n_taken))
        {
            return failure.settle(written);
        }
        written.n_rows += n_taken as u64;
        if n_taken < batch.num_rows() {
            written.cut_after = rows_max;
            break;
        }
    }
    match sink.finish(&schema, written.cut_after) {
        Ok(()) => Ok(written),
        Err(failure) => failure.settle(written),
    }
}

enum Sink<'a> {
    Eyes { is_markdown: bool, cells: Vec<Vec<String>>, out: &'a mut (dyn Write + Send) },
    Csv(Box<csv::Writer<&'a mut (dyn Write + Send)>>),
    Json(Box<datafusion::arrow::json::Writer<&'a mut (dyn Write + Send), JsonArray>>),
    JsonLines(Box<datafusion::arrow::json::Writer<&'a mut (dyn Write + Send), LineDelimited>>),
    Parquet(Box<datafusion::parquet::arrow::ArrowWriter<&'a mut (dyn Write + Send)>>),
}

impl<'a> Sink<'a> {
    fn new(
        format: OutputFormat,
        schema: &SchemaRef,
        out: &'a mut (dyn Write + Send),
    ) -> Result<Self, Failure> {
        let json = WriterBuilder::new().with_explicit_nulls(true);
        Ok(match format {
            OutputFormat::Table | OutputFormat::Markdown => {
                let is_markdown = format == OutputFormat::Markdown;
                Self::Eyes { is_markdown, cells: Vec::new(), out }
            }
            OutputFormat::Csv => {
                let mut writer = csv::Writer::from_writer(out);
                writer.write_record(schema.fields().iter().map(|field| field.name()))?;
                Self::Csv(Box::new(writer))
            }
            OutputFormat::Json => Self::Json(Box::new(json.build::<_, JsonArray>(out))),
            OutputFormat::JsonLines => {
                Self::JsonLines(Box::new(json.build::<_, LineDelimited>(out)))
            }
            OutputFormat::Parquet => {
                Self::Parquet(Box::new(parquet_format::writer(out, Arc::clone(schema), &[], &[])?))
            }
        })
    }

    fn write(&mut self, batch: &RecordBatch) -> Result<(), Failure> {
        match self {
            Self::Eyes { cells, .. } => for_each_row(batch, |row| {
                cells.push(row.iter().map(|cell| message::printable(cell)).collect());
                Ok(())
            })?,
            Self::Csv(writer) => for_each_row(batch, |row| Ok(writer.write_record(row)?))?,
            Self::Json(writer) => writer.write(batch)?,
            Self::JsonLines(writer) => writer.write(batch)?,
            Self::Parquet(writer) => writer.write(batch)?,
        }
        Ok(())
    }

    fn finish(self, schema: &SchemaRef, cut_after: Option<u64>) -> Result<(), Failure> {
        match self {
            Self::Eyes { is_markdown, cells, out } => {
                match is_markdown {
                    true => text::markdown(schema, &cells, out)?,
                    false => text::table(schema, &cells, out)?,
                }
                if let Some(rows_max) = cut_after {
                    let gap = if is_markdown { "\n" } else { "" };
                    let hint = "--format csv, json, jsonl or parquet gives all rows";
                    writeln!(out, "{gap}… cut after {rows_max} rows; {hint}")?;
                }
                out.flush()?;
            }
            Self::Csv(mut writer) => writer.flush()?,
            Self::Json(mut writer) => {
                writer.finish()?;
                writer.into_inner().write_all(b"\n")?;
            }
            Self::JsonLines(mut writer) => writer.finish()?,
            Self::Parquet(writer) => {
                writer.close()?;
            }
        }
        Ok(())
    }
}
