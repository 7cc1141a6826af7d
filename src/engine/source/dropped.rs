//! Rows that checks take out: they stay as days without a number, so that nothing is hidden.

use std::collections::BTreeMap;
use std::sync::Arc;

use datafusion::arrow::array::{Array, AsArray, BooleanArray};
use datafusion::arrow::datatypes::{DataType, TimestampMicrosecondType};
use datafusion::common::ScalarValue;
use datafusion::error::Result as DfResult;
use datafusion::logical_expr::{ColumnarValue, ScalarUDF, Volatility, create_udf, when};
use datafusion::prelude::{SessionContext, ident, lit};

use super::IS_DROPPED;
use crate::error::Result;
use crate::failure::from_datafusion;
use crate::features::PRICES;
use crate::step::{self, instant_type};

/// Takes the numbers of `rows` (of each ticker its instants, rising, µs UTC) out of the registered `prices`, and
/// tells them by [`IS_DROPPED`].
///
/// # Errors
/// A bug: nothing is registered.
pub async fn drop_rows(
    context: &SessionContext,
    rows: Arc<BTreeMap<String, Vec<i64>>>,
) -> Result<()> {
    let blame = |error| from_datafusion("source", error);
    let prices = context.table(PRICES).await.map_err(blame)?;
    let is_dropped = is_among(rows).call(vec![ident("ticker"), ident("ts")]);
    let fields = prices.schema().fields().clone();
    let columns = fields.iter().map(|field| match field.name().as_str() {
        IS_DROPPED => Ok(is_dropped.clone().alias(IS_DROPPED)),
        name if *field.data_type() == DataType::Float64 => {
            let missing = lit(ScalarValue::Float64(None));
            Ok(when(is_dropped.clone(), missing).otherwise(ident(name))?.alias(name))
        }
        name => Ok(ident(name)),
    });
    let columns = columns.collect::<DfResult<Vec<_>>>().map_err(blame)?;
    step::register(context, PRICES, prices.select(columns).map_err(blame)?)
}

fn is_among(rows: Arc<BTreeMap<String, Vec<i64>>>) -> ScalarUDF {
    let look = move |arguments: &[ColumnarValue]| -> DfResult<ColumnarValue> {
        let columns = ColumnarValue::values_to_arrays(arguments)?;
        let tickers = columns[0].as_string::<i32>();
        let instants = columns[1].as_primitive::<TimestampMicrosecondType>();
        let is_dropped = |row: usize| {
            tickers.is_valid(row)
                && instants.is_valid(row)
                && rows
                    .get(tickers.value(row))
                    .is_some_and(|own| own.binary_search(&instants.value(row)).is_ok())
        };
        let found: BooleanArray = (0..tickers.len()).map(|row| Some(is_dropped(row))).collect();
        Ok(ColumnarValue::Array(Arc::new(found)))
    };
    create_udf(
        "is_dropped",
        vec![DataType::Utf8, instant_type()],
        DataType::Boolean,
        Volatility::Immutable,
        Arc::new(look),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{floats, register_prices, rows, session_of};

    #[tokio::test]
    async fn a_row_that_is_taken_out_stays_as_a_day_without_a_number() {
        let context = session_of(2);
        let prices = [("A", 0), ("A", 1), ("B", 0), ("B", 1)];
        let prices = prices.map(|(ticker, day)| (ticker, day, Some(f64::from(day) + 1.0)));
        register_prices(&context, &prices, 2, true);
        // B's first day; and one that is not there.
        let dropped = BTreeMap::from([("A".to_owned(), vec![7]), ("B".to_owned(), vec![0, 9])]);
        drop_rows(&context, Arc::new(dropped)).await.unwrap();
        let sql = "SELECT value, CAST(is_dropped AS DOUBLE) AS d FROM prices ORDER BY ticker, ts";
        let found = rows(&context, sql).await;
        assert_eq!(floats(&found, "value"), [Some(1.0), Some(2.0), None, Some(2.0)]);
        assert_eq!(floats(&found, "d"), [0.0, 0.0, 1.0, 0.0].map(Some));
    }
}
