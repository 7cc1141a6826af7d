//! The rows of one Parquet object: decoded, counted, and held against the table's rules.

use std::collections::BTreeSet;

use datafusion::arrow::array::{Array, AsArray, RecordBatch};
use datafusion::arrow::datatypes::{DataType, Float64Type, TimestampMicrosecondType};
use datafusion::arrow::row::{OwnedRow, RowConverter, SortField};
use datafusion::parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use object_store::PutPayload;

use crate::tables::cell::part_of;
use crate::tables::writer::{sort_key, year_of};
use crate::tables::{Cell, Table, schema};

/// What the rows of a cell are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Rows {
    pub(super) n: u64,
    pub(super) model_ids: BTreeSet<String>,
}

/// What was expected and what was found instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Flaw {
    pub(super) expected: String,
    pub(super) found: String,
}

type Checked<T> = Result<T, Flaw>;

fn flaw(expected: impl Into<String>, found: impl Into<String>) -> Flaw {
    Flaw { expected: expected.into(), found: found.into() }
}

/// Every row group of an object, decoded; as many rows as its footer promises.
pub(super) fn decode(bytes: Vec<u8>) -> Checked<Vec<RecordBatch>> {
    let broken = |error: &dyn std::fmt::Display| {
        let text = error.to_string();
        flaw("a whole Parquet file", text.trim_start_matches("Parquet error: "))
    };
    // The payload owns the bytes as the reader wants them.
    let bytes = PutPayload::from(bytes).into_iter().next().unwrap_or_default();
    let builder =
        ParquetRecordBatchReaderBuilder::try_new(bytes).map_err(|error| broken(&error))?;
    let promised = builder.metadata().file_metadata().num_rows();
    let reader = builder.build().map_err(|error| broken(&error))?;
    let batches: Vec<RecordBatch> =
        reader.collect::<Result<_, _>>().map_err(|error| broken(&error))?;
    let found: usize = batches.iter().map(RecordBatch::num_rows).sum();
    match i64::try_from(found) == Ok(promised) {
        true => Ok(batches),
        false => Err(flaw(format!("{promised} rows, as its footer says"), format!("{found} rows"))),
    }
}

/// The rows of `cell`, of a pipeline with `parts` files a year where that is known: of the table's columns, in strictly
/// rising order of its key, of its year and part, and every number finite.
pub(super) fn check(cell: &Cell, parts: Option<u32>, batches: &[RecordBatch]) -> Checked<Rows> {
    let key = sort_key(cell.table);
    let mut order = Order::new(cell.table, key)?;
    let mut rows = Rows::default();
    for batch in batches {
        same_columns(cell.table, batch)?;
        belong(cell, parts, batch, rows.n)?;
        finite(batch, rows.n)?;
        order.follow(batch, rows.n)?;
        let model_ids = text(batch, "model_id")?;
        rows.model_ids.extend(model_ids.iter().flatten().map(str::to_owned));
        rows.n += batch.num_rows() as u64;
    }
    Ok(rows)
}

fn same_columns(table: Table, batch: &RecordBatch) -> Checked<()> {
    let columns = |schema: &datafusion::arrow::datatypes::Schema| {
        let columns = schema.fields().iter();
        columns.map(|field| format!("{} {}", field.name(), field.data_type())).collect::<Vec<_>>()
    };
    let (expected, found) = (columns(&schema::of(table)), columns(batch.schema_ref()));
    match expected == found {
        true => Ok(()),
        false => Err(flaw(expected.join(", "), found.join(", "))),
    }
}

fn belong(cell: &Cell, parts: Option<u32>, batch: &RecordBatch, before: u64) -> Checked<()> {
    let name = if cell.table == Table::Events { "start_ts" } else { "ts" };
    let ts = batch.column_by_name(name);
    let ts = ts.and_then(|column| column.as_primitive_opt::<TimestampMicrosecondType>());
    let ts = ts.ok_or_else(|| flaw(format!("a column {name} of instants"), "none"))?;
    let tickers = text(batch, "ticker")?;
    for (idx, (ts, ticker)) in ts.values().iter().zip(tickers.iter()).enumerate() {
        let ticker = ticker.unwrap_or_default();
        let part = parts.map_or(cell.part, |parts| part_of(ticker, parts));
        let year = year_of(*ts);
        if (year, part) != (cell.year, cell.part) {
            return Err(flaw(
                match parts {
                    Some(of) => {
                        format!("rows of year {} and part {} of {of}", cell.year, cell.part)
                    }
                    None => format!("rows of year {}", cell.year),
                },
                format!(
                    "row {}: {ticker:?} of year {year} and part {part}",
                    before + idx as u64 + 1
                ),
            ));
        }
    }
    Ok(())
}

fn finite(batch: &RecordBatch, before: u64) -> Checked<()> {
    for (field, column) in batch.schema_ref().fields().iter().zip(batch.columns()) {
        let DataType::Float64 = field.data_type() else { continue };
        let column = column.as_primitive::<Float64Type>();
        let odd =
            (0..column.len()).find(|row| column.is_valid(*row) && !column.value(*row).is_finite());
        if let Some(row) = odd {
            return Err(flaw(
                "finite numbers or NULL",
                format!(
                    "row {}: {} = {}",
                    before + row as u64 + 1,
                    field.name(),
                    column.value(row)
                ),
            ));
        }
    }
    Ok(())
}

fn text<'a>(
    batch: &'a RecordBatch,
    name: &str,
) -> Checked<&'a datafusion::arrow::array::StringArray> {
    let column = batch.column_by_name(name).and_then(|column| column.as_string_opt::<i32>());
    column.ok_or_else(|| flaw(format!("a column {name} of text"), "none"))
}

/// Holds each row against the one before.
struct Order {
    key: &'static [&'static str],
    rows: RowConverter,
    last: Option<OwnedRow>,
}

impl Order {
    fn new(table: Table, key: &'static [&'static str]) -> Checked<Self> {
        let schema = schema::of(table);
        let fields = key.iter().filter_map(|name| schema.field_with_name(name).ok());
        let fields = fields.map(|field| SortField::new(field.data_type().clone())).collect();
        let rows = RowConverter::new(fields).map_err(|error| flaw("a key", error.to_string()))?;
        Ok(Self { key, rows, last: None })
    }

    fn follow(&mut self, batch: &RecordBatch, before: u64) -> Checked<()> {
        let columns: Vec<_> =
            self.key.iter().filter_map(|name| batch.column_by_name(name).cloned()).collect();
        let rows = self.rows.convert_columns(&columns);
        let rows = rows.map_err(|error| flaw("a key", error.to_string()))?;
        let mut last = self.last.as_ref().map(OwnedRow::row);
        for (idx, row) in rows.iter().enumerate() {
            if let Some(last) = last.filter(|last| *last >= row) {
                let what = if last == row { "has the key of" } else { "belongs before" };
                let n = before + idx as u64 + 1;
                return Err(flaw(
                    format!("rows in the order of ({}), none twice", self.key.join(", ")),
                    format!("row {n} {what} row {}", n - 1),
                ));
            }
            last = Some(row);
        }
        self.last = last.map(|row| row.owned());
        Ok(())
    }
}
