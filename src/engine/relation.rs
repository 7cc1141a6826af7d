//! The windows relation: one ordered stream of a pipeline's features and windows.
//!
//! ```text
//! ticker Utf8 | ts Timestamp(µs, "UTC") | trade_date Date32 | segment Int64 | is_break Boolean |
//! reference_price Float64 | <feature> Float64 … | <feature>_scale Float64 … |
//! window ListView<Float32> | skip_reason Utf8
//! ```
//! Rows come in the order (ticker, ts). `window` is NULL exactly where `skip_reason` is not.

use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, SchemaRef};
use datafusion::execution::SendableRecordBatchStream;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::prelude::{DataFrame, Expr, SessionContext, ident};

use crate::error::{Error, Report, Result};
use crate::failure::from_datafusion;
use crate::features::{self, Features};
use crate::lookahead;
pub use crate::lookahead::replay::replay;
use crate::source::Part;
use crate::sql_file::SqlFile;
use crate::step;
use crate::windows::window_type;

/// The market was shut for seven days after 2001-09-10; ten calendar days leave room for it.
pub const MAX_GAP_DAYS: u32 = 10;
/// A change by a factor of 1.65 or 1/1.65 in a day.
pub const BREAK_LOG_RETURN: f64 = 0.5;

/// The SQL of a pipeline and its parameters.
#[derive(Clone, Debug, PartialEq)]
pub struct PipelineSql {
    /// Prices to features.
    pub features: SqlFile,
    /// Features to windows.
    pub windows: SqlFile,
    /// Rows of a window: `$length`.
    pub length: usize,
    /// Calendar days between two rows of a segment, at most: `$max_gap_days`.
    pub max_gap_days: u32,
    /// A larger change of the logarithm is a break: `$break_log_return`; `None` cuts nowhere.
    pub break_log_return: Option<f64>,
}

impl PipelineSql {
    /// The default windows over `features`.
    pub fn new(features: SqlFile, length: usize) -> Self {
        Self {
            features,
            windows: SqlFile::builtin_windows(),
            length,
            max_gap_days: MAX_GAP_DAYS,
            break_log_return: Some(BREAK_LOG_RETURN),
        }
    }
}

/// A planned windows relation.
#[derive(Clone, Debug)]
pub struct WindowsRelation {
    frame: DataFrame,
    /// What the feature file gives.
    pub features: Features,
    /// Rows of a window.
    pub length: usize,
    place: String,
}

/// Plans the windows of the registered `prices`.
///
/// Registers `segmented_prices` and `features` in the session, in place of what was there.
///
/// # Errors
/// A mistake in either file: its header, its SQL, a column that sees the future, a column that
/// is missing, has another type or has no part to play.
pub async fn windows(context: &SessionContext, sql: &PipelineSql) -> Result<WindowsRelation> {
    if sql.length == 0 {
        let report = Report::new("a window has no rows").expected("length >= 1");
        return Err(Error::config(report.found("length = 0")));
    }
    let features = features::register(context, sql).await?;
    let place = sql.windows.name.clone();
    sql.windows.header()?;
    let cut = step::plan(context, &sql.windows, &features::parameters(sql)).await?;
    lookahead::check(&place, cut.logical_plan())?;

    let columns = columns(&features);
    step::expect_columns(&place, cut.schema().as_arrow(), &columns)?;
    let select: Vec<Expr> = columns.iter().map(|(name, _)| ident(name)).collect();
    // The plan knows the order already; the sort stands for it, and is there only where a
    // windows file of the user's has lost it.
    let order = ["ticker", "ts"].map(|name| ident(name).sort(true, false));
    let frame = cut
        .select(select)
        .and_then(|cut| cut.sort(order.into()))
        .map_err(|error| from_datafusion(&place, error))?;
    Ok(WindowsRelation { frame, features, length: sql.length, place })
}

/// Names and types of the relation.
fn columns(features: &Features) -> Vec<(String, DataType)> {
    let mut columns = features::key_columns();
    columns.extend(features::value_columns(features));
    columns.push(("window".into(), window_type()));
    columns.push(("skip_reason".into(), DataType::Utf8));
    columns
}

impl WindowsRelation {
    /// Only the rows of one part of the tickers, whose features may look at all of them.
    ///
    /// # Errors
    /// A bug: there is no ticker.
    pub fn of_part(self, part: Part) -> Result<Self> {
        let frame = match part.of {
            0 | 1 => self.frame,
            _ => self
                .frame
                .filter(part.holds())
                .map_err(|error| from_datafusion(&self.place, error))?,
        };
        Ok(Self { frame, ..self })
    }

    /// Names and types, as above.
    pub fn schema(&self) -> SchemaRef {
        Arc::clone(self.frame.schema().inner())
    }

    /// The relation as a data frame, to be planned further.
    pub fn frame(&self) -> &DataFrame {
        &self.frame
    }

    /// The physical plan: one partition, in order.
    ///
    /// # Errors
    /// A parameter out of range, which only physical planning sees.
    pub async fn plan(&self) -> Result<Arc<dyn ExecutionPlan>> {
        let plan = self.frame.clone().create_physical_plan().await;
        plan.map_err(|error| from_datafusion(&self.place, error))
    }

    /// Batches in the order (ticker, ts).
    ///
    /// # Errors
    /// As [`Self::plan`]; the stream's own errors go through [`from_datafusion`].
    pub async fn stream(&self) -> Result<SendableRecordBatchStream> {
        let stream = self.frame.clone().execute_stream().await;
        stream.map_err(|error| from_datafusion(&self.place, error))
    }
}

#[cfg(test)]
#[path = "relation_tests.rs"]
mod tests;
