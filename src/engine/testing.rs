//! Small tables for the tests of this crate.

use std::sync::Arc;

use datafusion::arrow::array::{
    ArrayRef, AsArray, BooleanArray, Date32Array, Float64Array, RecordBatch, StringArray,
    TimestampMicrosecondArray,
};
use datafusion::arrow::compute::concat_batches;
use datafusion::arrow::datatypes::{DataType, Field, Schema};
use datafusion::arrow::util::pretty::pretty_format_batches;
use datafusion::datasource::MemTable;
use datafusion::prelude::{SessionContext, ident};

use crate::session::{SessionOptions, session};
use crate::step::instant_type;

const DAY_US: i64 = 86_400_000_000;

/// One row of prices: ticker, day since 1970-01-01, value.
pub(crate) type Price<'a> = (&'a str, i32, Option<f64>);

/// A session with batches of `batch_rows` rows.
pub(crate) fn session_of(batch_rows: usize) -> SessionContext {
    session(&SessionOptions { batch_rows, ..SessionOptions::default() }).unwrap()
}

/// Registers `prices`, cut into batches of `batch_rows`; with the order declared, or not.
pub(crate) fn register_prices(
    context: &SessionContext,
    rows: &[Price],
    batch_rows: usize,
    sorted: bool,
) {
    let schema = Arc::new(Schema::new(vec![
        Field::new("ticker", DataType::Utf8, true),
        Field::new("ts", instant_type(), true),
        Field::new("trade_date", DataType::Date32, true),
        Field::new("value", DataType::Float64, true),
        Field::new("is_conflict", DataType::Boolean, true),
        Field::new("is_dropped", DataType::Boolean, true),
    ]));
    let batch = |rows: &[Price]| {
        let days = || rows.iter().map(|row| row.1);
        let instants = days().map(|day| i64::from(day) * DAY_US);
        let columns: Vec<ArrayRef> = vec![
            Arc::new(StringArray::from_iter_values(rows.iter().map(|row| row.0))),
            Arc::new(TimestampMicrosecondArray::from_iter_values(instants).with_timezone("UTC")),
            Arc::new(Date32Array::from_iter_values(days())),
            Arc::new(Float64Array::from_iter(rows.iter().map(|row| row.2))),
            Arc::new(BooleanArray::from(vec![false; rows.len()])),
            Arc::new(BooleanArray::from(vec![false; rows.len()])),
        ];
        RecordBatch::try_new(Arc::clone(&schema), columns).unwrap()
    };
    let batches = rows.chunks(batch_rows.max(1)).map(batch).collect();
    let mut table = MemTable::try_new(Arc::clone(&schema), vec![batches]).unwrap();
    if sorted {
        let order = ["ticker", "ts"].map(|name| ident(name).sort(true, false));
        table = table.with_sort_order(vec![order.into()]);
    }
    context.deregister_table("prices").unwrap();
    context.register_table("prices", Arc::new(table)).unwrap();
}

/// The rows that `sql` gives, in one batch.
pub(crate) async fn rows(context: &SessionContext, sql: &str) -> RecordBatch {
    let frame = context.sql(sql).await.unwrap();
    let schema = Arc::clone(frame.schema().inner());
    concat_batches(&schema, &frame.collect().await.unwrap()).unwrap()
}

/// A `Float64` column.
pub(crate) fn floats(batch: &RecordBatch, name: &str) -> Vec<Option<f64>> {
    let column = batch.column_by_name(name).unwrap();
    column.as_primitive::<datafusion::arrow::datatypes::Float64Type>().iter().collect()
}

/// A `Utf8` column.
pub(crate) fn texts(batch: &RecordBatch, name: &str) -> Vec<Option<String>> {
    let column = batch.column_by_name(name).unwrap();
    column.as_string::<i32>().iter().map(|text| text.map(str::to_owned)).collect()
}

/// A table as text, for a test that fails.
pub(crate) fn pretty(batch: &RecordBatch) -> String {
    pretty_format_batches(std::slice::from_ref(batch)).unwrap().to_string()
}
