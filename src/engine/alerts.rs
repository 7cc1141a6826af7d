//! Flags of the test span among the rows of `anomalies`, as the alerts they may become.

use datafusion::arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use datafusion::arrow::datatypes::{Date32Type, Float64Type, TimestampMicrosecondType};
use oddlot_series::Span;

use crate::tables::run_tables::AlertRow;
use crate::{Error, Result};

/// The rows of `anomalies` (its schema) that lie in the test span.
///
/// # Errors
/// A bug: rows of another schema.
pub fn of(anomalies: &RecordBatch) -> Result<Vec<AlertRow>> {
    let column = |name: &str| match anomalies.column_by_name(name) {
        Some(column) => Ok(column),
        None => Err(Error::bug(format!("`anomalies` lacks `{name}`"))),
    };
    let text = |name: &str, row: usize| {
        let column = column(name)?.as_string_opt::<i32>();
        let column = column.ok_or_else(|| Error::bug(format!("`{name}` is no text")))?;
        Ok::<String, Error>(if column.is_valid(row) {
            column.value(row).to_owned()
        } else {
            String::new()
        })
    };
    let ts = column("ts")?.as_primitive_opt::<TimestampMicrosecondType>();
    let days = column("trade_date")?.as_primitive_opt::<Date32Type>();
    let (Some(ts), Some(days)) = (ts, days) else {
        return Err(Error::bug("`anomalies` has other types"));
    };
    let mut alerts = Vec::new();
    for row in 0..anomalies.num_rows() {
        if text("split", row)? != Span::Test.name() {
            continue;
        }
        alerts.push(AlertRow {
            ticker: text("ticker", row)?,
            ts: ts.value(row),
            trade_date: days.value(row),
            model: text("model", row)?,
            model_id: text("model_id", row)?,
            event_id: text("event_id", row)?,
            rule: text("rule", row)?,
            score: float(column("score")?, row),
            threshold: float(column("threshold")?, row),
        });
    }
    Ok(alerts)
}

fn float(column: &ArrayRef, row: usize) -> Option<f64> {
    let column = column.as_primitive_opt::<Float64Type>()?;
    column.is_valid(row).then(|| column.value(row))
}

#[cfg(test)]
mod tests;
