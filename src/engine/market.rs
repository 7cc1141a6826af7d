//! The market's move of each day, measured once over the full universe.
//!
//! Parts, chosen tickers and years are read one at a time, and a median needs all tickers of a day: so it is measured
//! by a pass of its own (`sql/prices/median_returns.sql`) when the source is opened, and looked up afterwards by
//! `market_return(trade_date)`, a function of every session. What it gives depends on the day alone.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use datafusion::arrow::array::{ArrayRef, AsArray, Float64Array};
use datafusion::arrow::datatypes::{DataType, Date32Type, Float64Type};
use datafusion::common::ScalarValue;
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::error::Result as DfResult;
use datafusion::logical_expr::{
    ColumnarValue, Expr, LogicalPlan, ScalarUDF, Volatility, create_udf,
};
use datafusion::prelude::SessionContext;
use futures::TryStreamExt;

use crate::failure::from_datafusion;
use crate::relation::WindowsRelation;
use crate::sql_file::SqlFile;
use crate::step;
use crate::{Error, Result};

/// The function that looks it up.
const FUNCTION: &str = "market_return";

/// Bytes that a day's median holds of each row: the value, and its place in a vector that has doubled.
const ROW_BYTES: u64 = 16;

/// Median return by day, counted from 1970-01-01; shared by a session's plans, old and new.
#[derive(Clone, Debug, Default)]
pub(crate) struct Market(Arc<RwLock<BTreeMap<i32, f64>>>);

impl Market {
    /// That of a session, empty until it is measured.
    pub(crate) fn of(context: &SessionContext) -> Option<Arc<Self>> {
        context.state().config().get_extension::<Self>()
    }

    /// Days and medians, rising.
    pub(crate) fn days(&self) -> Vec<(i32, f64)> {
        let days = self.0.read().unwrap_or_else(PoisonError::into_inner);
        days.iter().map(|(day, median)| (*day, *median)).collect()
    }

    fn put(&self, days: BTreeMap<i32, f64>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = days;
    }

    /// `market_return(trade_date)`: NULL on a day without a market.
    pub(crate) fn function(self: &Arc<Self>) -> ScalarUDF {
        let market = Arc::clone(self);
        let look_up = move |arguments: &[ColumnarValue]| -> DfResult<ColumnarValue> {
            let days = ColumnarValue::values_to_arrays(arguments)?;
            let known = market.0.read().unwrap_or_else(PoisonError::into_inner);
            let median = |day: Option<i32>| known.get(&day?).copied();
            let found: Float64Array =
                days[0].as_primitive::<Date32Type>().iter().map(median).collect();
            Ok(ColumnarValue::Array(Arc::new(found) as ArrayRef))
        };
        let (takes, gives) = (vec![DataType::Date32], DataType::Float64);
        // Not immutable: a plan may be drawn up before it is measured.
        create_udf(FUNCTION, takes, gives, Volatility::Stable, Arc::new(look_up))
    }
}

/// Whether the plan of the file `place` looks it up, however the file spells that.
///
/// # Errors
/// A bug: a plan can be walked.
pub(crate) fn is_asked(place: &str, plan: &LogicalPlan) -> Result<bool> {
    let mut is_asked = false;
    let walked = plan.apply_with_subqueries(|step| {
        step.apply_expressions(|expr| {
            expr.apply(|inner| match inner {
                Expr::ScalarFunction(call) if call.func.name() == FUNCTION => {
                    is_asked = true;
                    Ok(TreeNodeRecursion::Stop)
                }
                _ => Ok(TreeNodeRecursion::Continue),
            })
        })
    });
    walked.map_err(|error| from_datafusion(place, error))?;
    Ok(is_asked)
}

/// Measures the market of the registered `segmented_prices` from the first to the last of `days`, if `relation` asks
/// for it; `n_rows` there are in all, and at most `most_bytes` of them are held at a time.
///
/// # Errors
/// The source cannot be read.
pub async fn measure(
    context: &SessionContext,
    relation: &WindowsRelation,
    (first, last): (i32, i32),
    n_rows: u64,
    most_bytes: u64,
) -> Result<()> {
    // The features are part of it.
    if !is_asked("the windows relation", relation.frame().logical_plan())? {
        return Ok(());
    }
    let market = Market::of(context).ok_or_else(|| Error::bug("a session without a market"))?;
    let mut days = BTreeMap::new();
    for (first, last) in spans(first, last, (n_rows * ROW_BYTES).div_ceil(most_bytes.max(1))) {
        days.extend(medians(context, first, last).await?);
    }
    market.put(days);
    Ok(())
}

/// `n` spans of about one length from `first` to `last`.
fn spans(first: i32, last: i32, n: u64) -> Vec<(i32, i32)> {
    let n_days = (i64::from(last) - i64::from(first) + 1).max(1);
    let length = n_days.div_euclid(i64::try_from(n.max(1)).unwrap_or(i64::MAX)).max(1);
    let day = |day: i64| i32::try_from(day).unwrap_or(i32::MAX);
    let starts = (0..).map(|k| i64::from(first) + k * length);
    let starts = starts.take_while(|start| *start <= i64::from(last));
    starts.map(|start| (day(start), day((start + length - 1).min(i64::from(last))))).collect()
}

async fn medians(context: &SessionContext, first: i32, last: i32) -> Result<BTreeMap<i32, f64>> {
    let file = SqlFile::median_returns();
    let blame = |error| from_datafusion(&file.name, error);
    let parameters = [
        ("first_day", ScalarValue::Date32(Some(first))),
        ("last_day", ScalarValue::Date32(Some(last))),
    ];
    let medians = step::plan(context, &file, &parameters).await?;
    let mut batches = medians.execute_stream().await.map_err(blame)?;
    let mut found = BTreeMap::new();
    while let Some(batch) = batches.try_next().await.map_err(blame)? {
        let days = batch.column(0).as_primitive_opt::<Date32Type>();
        let medians = batch.column(1).as_primitive_opt::<Float64Type>();
        let (Some(days), Some(medians)) = (days, medians) else {
            return Err(Error::bug("median_returns gives other columns"));
        };
        let pairs = days.iter().zip(medians.iter());
        found.extend(pairs.filter_map(|(day, median)| day.zip(median)));
    }
    Ok(found)
}

#[cfg(test)]
mod tests;
