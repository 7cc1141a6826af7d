//! What a pipeline's models said of every row, for `oddlot evaluate`.

use std::sync::Arc;

use datafusion::arrow::array::{Array, AsArray, RecordBatch};
use datafusion::arrow::datatypes::{Float64Type, TimestampMicrosecondType};
use datafusion::common::ScalarValue;
use datafusion::execution::context::SessionContext;

use super::ask::ask;
use crate::error::{Error, Result};
use crate::sql_file::SqlFile;

/// One row of one model.
#[derive(Clone, Debug, PartialEq)]
pub struct ScoredRow {
    /// Whose.
    pub ticker: Arc<str>,
    /// When, in µs since 1970-01-01.
    pub ts: i64,
    /// The model's name.
    pub model: Arc<str>,
    /// The causal score; NaN where there is none.
    pub score: f64,
    /// The hindsight score; NaN where there is none.
    pub score_hindsight: f64,
    /// What was compared with the threshold; NaN where nothing was.
    pub deciding: f64,
    /// Whether it is flagged.
    pub is_anomaly: bool,
    /// Whether it is flagged as a break, whatever the scores.
    pub is_break: bool,
    /// The span of its day.
    pub split: Arc<str>,
}

/// All rows of `pipeline`, in the order of ticker, model and time; none where it has not run.
///
/// # Errors
/// The tables cannot be read.
pub async fn scored_rows(
    context: &SessionContext,
    root: &str,
    pipeline: &str,
) -> Result<Vec<ScoredRow>> {
    let file =
        SqlFile::new("builtin:list_scores", include_str!("../../../sql/commands/list_scores.sql"));
    let batches =
        ask(context, root, "errors", &file, &[("pipeline", ScalarValue::from(pipeline))]).await?;
    let mut rows = Vec::new();
    for batch in &batches {
        rows.extend(of(batch).ok_or_else(|| Error::bug("`errors` has columns of other types"))?);
    }
    Ok(rows)
}

fn of(batch: &RecordBatch) -> Option<Vec<ScoredRow>> {
    let text = |idx: usize| batch.column(idx).as_string_opt::<i32>();
    let number = |idx: usize| batch.column(idx).as_primitive_opt::<Float64Type>();
    let (tickers, models, splits, rules) = (text(0)?, text(2)?, text(7)?, text(8)?);
    let ts = batch.column(1).as_primitive_opt::<TimestampMicrosecondType>()?;
    let numbers = [number(3)?, number(4)?, number(5)?];
    let flags = batch.column(6).as_boolean_opt()?;
    // Neighbours mostly have the same texts, and share them.
    let [mut ticker, mut model, mut split] = ["", "", ""].map(Arc::<str>::from);
    let row = |row_idx: usize| {
        let number = |idx: usize| match numbers[idx].is_valid(row_idx) {
            true => numbers[idx].value(row_idx),
            false => f64::NAN,
        };
        ScoredRow {
            ticker: shared(&mut ticker, tickers.value(row_idx)),
            ts: ts.value(row_idx),
            model: shared(&mut model, models.value(row_idx)),
            score: number(0),
            score_hindsight: number(1),
            deciding: number(2),
            is_anomaly: flags.value(row_idx),
            is_break: rules.is_valid(row_idx) && rules.value(row_idx) == "break",
            split: shared(&mut split, splits.value(row_idx)),
        }
    };
    Some((0..batch.num_rows()).map(row).collect())
}

/// `text`, as it was last written if it is the same.
fn shared(last: &mut Arc<str>, text: &str) -> Arc<str> {
    if **last != *text {
        *last = text.into();
    }
    Arc::clone(last)
}

/// The first feature of every row of `pipeline`, by ticker and time in µs; NaN where it has no value.
///
/// # Errors
/// The tables cannot be read.
pub async fn first_feature(
    context: &SessionContext,
    root: &str,
    pipeline: &str,
) -> Result<Vec<(String, i64, f64)>> {
    let file =
        SqlFile::new("builtin:list_values", include_str!("../../../sql/commands/list_values.sql"));
    let parameters = [("pipeline", ScalarValue::from(pipeline))];
    let batches = ask(context, root, "reconstructions", &file, &parameters).await?;
    let mut rows = Vec::new();
    for batch in &batches {
        let tickers = batch.column(0).as_string_opt::<i32>();
        let ts = batch.column(1).as_primitive_opt::<TimestampMicrosecondType>();
        let values = batch.column(2).as_primitive_opt::<Float64Type>();
        let (Some(tickers), Some(ts), Some(values)) = (tickers, ts, values) else {
            return Err(Error::bug("`reconstructions` has columns of other types"));
        };
        for row_idx in 0..batch.num_rows() {
            let value = if values.is_valid(row_idx) { values.value(row_idx) } else { f64::NAN };
            rows.push((tickers.value(row_idx).to_owned(), ts.value(row_idx), value));
        }
    }
    Ok(rows)
}
