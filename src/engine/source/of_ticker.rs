//! The prices of one ticker, for charts.

use datafusion::arrow::array::{Array, AsArray};
use datafusion::arrow::datatypes::{Float64Type, TimestampMicrosecondType};
use datafusion::common::ScalarValue;
use datafusion::prelude::SessionContext;

use crate::error::{Error, Result};
use crate::failure::from_datafusion;
use crate::sql_file::SqlFile;
use crate::step;

/// Instants (µs since 1970-01-01) and prices of `ticker` in the registered `prices`, between two days since then,
/// both included, in the order of time. Rows without a price are left out.
///
/// # Errors
/// The source cannot be read.
pub async fn prices_of(
    context: &SessionContext,
    ticker: &str,
    (from, to): (i32, i32),
) -> Result<Vec<(i64, f64)>> {
    let file =
        SqlFile::new("builtin:list_prices", include_str!("../../../sql/report/list_prices.sql"));
    let parameters = [
        ("ticker", ScalarValue::from(ticker)),
        ("from", ScalarValue::Date32(Some(from))),
        ("to", ScalarValue::Date32(Some(to))),
    ];
    let rows = step::plan(context, &file, &parameters).await?;
    let batches = rows.collect().await.map_err(|error| from_datafusion("source", error))?;
    let mut prices = Vec::new();
    for batch in &batches {
        let ts = batch.column(0).as_primitive_opt::<TimestampMicrosecondType>();
        let values = batch.column(1).as_primitive_opt::<Float64Type>();
        let Some((ts, values)) = ts.zip(values) else {
            return Err(Error::bug("`prices` has columns of other types"));
        };
        let is_there = |row: &usize| ts.is_valid(*row) && values.is_valid(*row);
        prices.extend(
            (0..batch.num_rows()).filter(is_there).map(|row| (ts.value(row), values.value(row))),
        );
    }
    Ok(prices)
}
