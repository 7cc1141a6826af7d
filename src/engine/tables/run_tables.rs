//! Run tables: one immutable object a run (or a model). They may hold clock values.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use datafusion::arrow::array::{
    ArrayRef, Date32Array, Float64Array, Int32Array, Int64Array, ListBuilder, RecordBatch,
    StringArray, StringBuilder, TimestampMicrosecondArray,
};

use super::OutputRoot;
use super::writer::year_of;
use crate::failpoint::{self, Failpoint};
use crate::parquet_format;
use crate::{Error, Kind, Report, Result};

/// One run, written last: a run is complete when its row says so.
#[derive(Clone, Debug)]
pub struct RunRow {
    /// Sortable, unique.
    pub run_id: String,
    /// `complete`, `partial` where tickers failed, or `shard` where other shards are not there yet.
    pub status: &'static str,
    /// `run`, `score` …
    pub command: &'static str,
    /// When it began, µs UTC.
    pub started_at: i64,
    /// When its last cell was in place, µs UTC.
    pub finished_at: i64,
    /// Hash of the configuration.
    pub config_hash: String,
    /// Version of oddlot.
    pub tool_version: &'static str,
    /// Instruction set and operating system.
    pub machine: String,
    /// Tickers that were read.
    pub n_tickers: i64,
    /// Of them, those that failed.
    pub n_failed: i64,
    /// Price rows that were read.
    pub n_rows: i64,
    /// Cells within the range of the run.
    pub n_cells: i64,
    /// Of them, those that were replaced.
    pub n_cells_replaced: i64,
    /// Flags told for the first time.
    pub n_alerts: i64,
    /// The models that the tables' rows come from.
    pub model_ids: Vec<String>,
}

/// What became of one ticker.
#[derive(Clone, Debug, PartialEq)]
pub struct TickerRow {
    /// Its name.
    pub ticker: String,
    /// `ok`; `partial` where some of its rows cannot be used; `failed`; `skipped`.
    pub status: &'static str,
    /// Why; with how many rows and the first of them. Of an `ok` one, what else is worth telling.
    pub reason: Option<String>,
    /// Its price rows.
    pub n_rows: i64,
}

/// A flag as first committed.
#[derive(Clone, Debug, PartialEq)]
pub struct AlertRow {
    /// Its ticker.
    pub ticker: String,
    /// µs UTC.
    pub ts: i64,
    /// Days since 1970-01-01.
    pub trade_date: i32,
    /// Name in the pipeline.
    pub model: String,
    /// Which trained model.
    pub model_id: String,
    /// Event of the row.
    pub event_id: String,
    /// Which rule flagged it.
    pub rule: String,
    /// Score, where it has one.
    pub score: Option<f64>,
    /// Threshold, where it has one.
    pub threshold: Option<f64>,
}

/// A trained model.
#[derive(Clone, Debug)]
pub struct ModelRow {
    /// Identity, from the content.
    pub model_id: String,
    /// Name in the pipeline.
    pub model: String,
    /// `lstm_autoencoder`, `ewma_z` …
    pub detector: String,
    /// The run that trained it.
    pub run_id: String,
    /// When, µs UTC.
    pub trained_at: i64,
    /// Rows of a window.
    pub window_length: i32,
    /// Weights.
    pub n_parameters: i64,
    /// Epoch whose weights were kept.
    pub best_epoch: Option<i32>,
    /// Best validation loss, per element, scaled units.
    pub validation_loss: Option<f64>,
    /// Last days of training, validation and calibration.
    pub spans: [i32; 3],
    /// Pooled threshold of the deciding score; `None` where each ticker sets its own.
    pub threshold: Option<f64>,
    /// Scores it was calibrated on.
    pub n_calibration: i64,
    /// The spec as JSON.
    pub spec: String,
}

/// The row of `runs`.
///
/// # Errors
/// [`Kind::Output`].
pub async fn write_run(
    root: &OutputRoot,
    staging: &Path,
    pipeline: &str,
    run: &RunRow,
) -> Result<()> {
    let mut model_ids = ListBuilder::new(StringBuilder::new());
    for model_id in &run.model_ids {
        model_ids.values().append_value(model_id);
    }
    model_ids.append(true);
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("run_id", text([run.run_id.as_str()])),
        ("status", text([run.status])),
        ("command", text([run.command])),
        ("started_at", instants([run.started_at])),
        ("finished_at", instants([run.finished_at])),
        ("config_hash", text([run.config_hash.as_str()])),
        ("tool_version", text([run.tool_version])),
        ("machine", text([run.machine.as_str()])),
        ("n_tickers", counts([run.n_tickers])),
        ("n_failed", counts([run.n_failed])),
        ("n_rows", counts([run.n_rows])),
        ("n_cells", counts([run.n_cells])),
        ("n_cells_replaced", counts([run.n_cells_replaced])),
        ("n_alerts", counts([run.n_alerts])),
        ("model_ids", Arc::new(model_ids.finish())),
    ];
    let object = RunObject { table: "runs", pipeline, run };
    object.write(root, staging, columns).await
}

/// The rows of `ticker_status`.
///
/// # Errors
/// [`Kind::Output`].
pub async fn write_ticker_status(
    root: &OutputRoot,
    staging: &Path,
    pipeline: &str,
    run: &RunRow,
    tickers: &[TickerRow],
) -> Result<()> {
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("run_id", text(tickers.iter().map(|_| run.run_id.as_str()))),
        ("ticker", text(tickers.iter().map(|row| row.ticker.as_str()))),
        ("status", text(tickers.iter().map(|row| row.status))),
        (
            "reason",
            Arc::new(StringArray::from_iter(tickers.iter().map(|row| row.reason.as_deref()))),
        ),
        ("n_rows", counts(tickers.iter().map(|row| row.n_rows))),
    ];
    RunObject { table: "ticker_status", pipeline, run }.write(root, staging, columns).await
}

/// The rows of `alerts`; writes nothing where there is none.
///
/// # Errors
/// [`Kind::Output`].
pub async fn write_alerts(
    root: &OutputRoot,
    staging: &Path,
    pipeline: &str,
    run: &RunRow,
    alerts: &[AlertRow],
) -> Result<()> {
    if alerts.is_empty() {
        return Ok(());
    }
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("run_id", text(alerts.iter().map(|_| run.run_id.as_str()))),
        ("ticker", text(alerts.iter().map(|row| row.ticker.as_str()))),
        ("ts", instants(alerts.iter().map(|row| row.ts))),
        (
            "trade_date",
            Arc::new(Date32Array::from_iter_values(alerts.iter().map(|row| row.trade_date))),
        ),
        ("model", text(alerts.iter().map(|row| row.model.as_str()))),
        ("model_id", text(alerts.iter().map(|row| row.model_id.as_str()))),
        ("event_id", text(alerts.iter().map(|row| row.event_id.as_str()))),
        ("rule", text(alerts.iter().map(|row| row.rule.as_str()))),
        ("score", floats(alerts.iter().map(|row| row.score))),
        ("threshold", floats(alerts.iter().map(|row| row.threshold))),
        ("alerted_at", instants(alerts.iter().map(|_| run.started_at))),
    ];
    RunObject { table: "alerts", pipeline, run }.write(root, staging, columns).await
}

/// The row of `models`; a model that is listed already keeps its row.
///
/// # Errors
/// [`Kind::Output`], [`Kind::Store`].
pub async fn write_model(
    root: &OutputRoot,
    staging: &Path,
    pipeline: &str,
    row: &ModelRow,
) -> Result<()> {
    let name = format!("model-{}.parquet", row.model_id);
    let listed = root.list(&format!("tables/models/pipeline={pipeline}")).await?;
    if listed.iter().any(|path| path.ends_with(&name)) {
        return Ok(());
    }
    let [train_to, validation_to, calibration_to] = row.spans;
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("model_id", text([row.model_id.as_str()])),
        ("model", text([row.model.as_str()])),
        ("detector", text([row.detector.as_str()])),
        ("run_id", text([row.run_id.as_str()])),
        ("trained_at", instants([row.trained_at])),
        ("window_length", Arc::new(Int32Array::from(vec![row.window_length]))),
        ("n_parameters", counts([row.n_parameters])),
        ("best_epoch", Arc::new(Int32Array::from(vec![row.best_epoch]))),
        ("validation_loss", floats([row.validation_loss])),
        ("train_to", Arc::new(Date32Array::from(vec![train_to]))),
        ("validation_to", Arc::new(Date32Array::from(vec![validation_to]))),
        ("calibration_to", Arc::new(Date32Array::from(vec![calibration_to]))),
        ("threshold", floats([row.threshold])),
        ("n_calibration", counts([row.n_calibration])),
        ("spec", text([row.spec.as_str()])),
    ];
    let path =
        format!("tables/models/pipeline={pipeline}/year={:04}/{name}", year_of(row.trained_at));
    write_object(root, staging, "models", &path, columns).await
}

/// Where a run's rows of one table go.
struct RunObject<'a> {
    table: &'static str,
    pipeline: &'a str,
    run: &'a RunRow,
}

impl RunObject<'_> {
    async fn write(
        &self,
        root: &OutputRoot,
        staging: &Path,
        columns: Vec<(&str, ArrayRef)>,
    ) -> Result<()> {
        let Self { table, pipeline, run } = self;
        let year = year_of(run.started_at);
        let path =
            format!("tables/{table}/pipeline={pipeline}/year={year:04}/run-{}.parquet", run.run_id);
        write_object(root, staging, table, &path, columns).await
    }
}

async fn write_object(
    root: &OutputRoot,
    staging: &Path,
    table: &str,
    path: &str,
    columns: Vec<(&str, ArrayRef)>,
) -> Result<()> {
    let rows = RecordBatch::try_from_iter_with_nullable(
        columns.into_iter().map(|(name, column)| (name, column, true)),
    )
    .map_err(|error| Error::bug(format!("rows of {table} do not fit together: {error}")))?;
    let staged = staging.join(format!("{table}.parquet"));
    let version = super::SCHEMA_VERSION.to_string();
    let metadata = [("oddlot.table", table), ("oddlot.schema_version", version.as_str())];
    let written = || -> std::result::Result<(), Box<dyn std::error::Error>> {
        let sink = File::create(&staged)?;
        let mut writer = parquet_format::writer(sink, rows.schema(), &[], &metadata)?;
        writer.write(&rows)?;
        writer.into_inner()?.sync_all()?;
        Ok(())
    };
    written().map_err(|error| {
        Error::new(
            Kind::Output,
            Report::new(format!("the row of {table} cannot be written"))
                .at(path)
                .found(error.to_string())
                .hint("free some space and run the same command again"),
        )
    })?;
    failpoint::pass(Failpoint::RowsStaged)?;
    root.commit(&staged, path).await
}

fn text<'a>(values: impl IntoIterator<Item = &'a str>) -> ArrayRef {
    Arc::new(StringArray::from_iter_values(values))
}

fn counts(values: impl IntoIterator<Item = i64>) -> ArrayRef {
    Arc::new(Int64Array::from_iter_values(values))
}

fn floats(values: impl IntoIterator<Item = Option<f64>>) -> ArrayRef {
    Arc::new(Float64Array::from_iter(values))
}

fn instants(values: impl IntoIterator<Item = i64>) -> ArrayRef {
    Arc::new(TimestampMicrosecondArray::from_iter_values(values).with_timezone("UTC"))
}
