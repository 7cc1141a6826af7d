//! What the pipeline itself asks of its tables.

use std::collections::HashSet;

use datafusion::arrow::array::{AsArray, RecordBatch};
use datafusion::arrow::datatypes::{Int64Type, TimestampMicrosecondType};
use datafusion::common::ScalarValue;
use datafusion::execution::context::SessionContext;

use super::{Catalog, until_unchanged};
use crate::alerts;
use crate::error::{Error, Result};
use crate::failure::from_datafusion;
use crate::sql_file::SqlFile;
use crate::step::{self, Parameter};
use crate::tables::run_tables::AlertRow;

/// Identity of a flagged row: ticker, `ts` in µs, name of the model.
type AlertKey = (String, i64, String);

/// Flagged rows of `pipeline` and `models` between two days since 1970-01-01, both included.
///
/// # Errors
/// The tables cannot be read.
pub async fn count_anomalies(
    context: &SessionContext,
    root: &str,
    pipeline: &str,
    models: &[&str],
    (from, to): (i32, i32),
    is_counted: impl Fn(&str) -> bool,
) -> Result<u64> {
    let file = SqlFile::new(
        "builtin:count_anomalies",
        include_str!("../../../sql/commands/count_anomalies.sql"),
    );
    let parameters = [
        ("pipeline", ScalarValue::from(pipeline)),
        ("from", ScalarValue::Date32(Some(from))),
        ("to", ScalarValue::Date32(Some(to))),
    ];
    let batches = ask(context, root, "anomalies", &file, &parameters).await?;
    let mut n = 0;
    for batch in &batches {
        let text = |column: usize| batch.column(column).as_string_opt::<i32>();
        let counts = batch.column(1).as_primitive_opt::<Int64Type>();
        let (Some(tickers), Some(counts), Some(model_ids)) = (text(0), counts, text(2)) else {
            return Err(Error::bug("`anomalies` has columns of other types"));
        };
        for row in 0..batch.num_rows() {
            if is_counted(tickers.value(row)) && models.contains(&model_ids.value(row)) {
                n += counts.value(row).unsigned_abs();
            }
        }
    }
    Ok(n)
}

/// Flags of the test span that `models` have raised between two years, both included, and that
/// `pipeline` has never told.
///
/// Asked of the tables and not of the run, so that what a run that was killed has committed and not
/// told is told by the next.
///
/// # Errors
/// The tables cannot be read.
pub async fn untold_alerts(
    context: &SessionContext,
    root: &str,
    pipeline: &str,
    models: &[&str],
    (from, to): (i32, i32),
) -> Result<Vec<AlertRow>> {
    let file =
        SqlFile::new("builtin:list_flags", include_str!("../../../sql/commands/list_flags.sql"));
    let parameters = [
        ("pipeline", ScalarValue::from(pipeline)),
        ("from", ScalarValue::Int32(Some(from))),
        ("to", ScalarValue::Int32(Some(to))),
    ];
    let flags = ask(context, root, "anomalies", &file, &parameters).await?;
    let known = known_alerts(context, root, pipeline).await?;
    let mut untold = Vec::new();
    for batch in &flags {
        let rows = alerts::of(batch)?.into_iter();
        untold.extend(rows.filter(|row| {
            models.contains(&row.model_id.as_str())
                && !known.contains(&(row.ticker.clone(), row.ts, row.model.clone()))
        }));
    }
    Ok(untold)
}

/// The flags that `pipeline` has told before.
async fn known_alerts(
    context: &SessionContext,
    root: &str,
    pipeline: &str,
) -> Result<HashSet<AlertKey>> {
    let file =
        SqlFile::new("builtin:list_alerts", include_str!("../../../sql/commands/list_alerts.sql"));
    let parameters = [("pipeline", ScalarValue::from(pipeline))];
    let batches = ask(context, root, "alerts", &file, &parameters).await?;
    let mut known = HashSet::new();
    for batch in &batches {
        let column = |idx: usize| batch.column(idx).as_string_opt::<i32>();
        let ts = batch.column(1).as_primitive_opt::<TimestampMicrosecondType>();
        let (Some(ticker), Some(ts), Some(model)) = (column(0), ts, column(2)) else {
            return Err(Error::bug("`alerts` has columns of other types"));
        };
        for row in 0..batch.num_rows() {
            known.insert((
                ticker.value(row).to_owned(),
                ts.value(row),
                model.value(row).to_owned(),
            ));
        }
    }
    Ok(known)
}

/// The rows that a file of ours gives over the tables of `root`; none while `table` is absent. Another
/// pipeline may be replacing cells of its own: then it is asked anew.
pub(super) async fn ask(
    context: &SessionContext,
    root: &str,
    table: &str,
    file: &SqlFile,
    parameters: &[Parameter],
) -> Result<Vec<RecordBatch>> {
    until_unchanged(async || ask_once(context, root, table, file, parameters).await).await
}

async fn ask_once(
    context: &SessionContext,
    root: &str,
    table: &str,
    file: &SqlFile,
    parameters: &[Parameter],
) -> Result<Vec<RecordBatch>> {
    let catalog = Catalog::open(context, root).await?;
    if !catalog.has(table) {
        return Ok(Vec::new());
    }
    let rows = step::plan(&catalog.context, file, parameters).await?;
    rows.collect().await.map_err(|error| from_datafusion(table, error))
}
