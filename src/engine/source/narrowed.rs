//! `prices` narrowed to the rows that one part of the tickers needs from some day on.

use std::sync::Arc;

use datafusion::arrow::array::{AsArray, UInt32Array};
use datafusion::arrow::datatypes::DataType;
use datafusion::catalog::TableProvider;
use datafusion::common::ScalarValue;
use datafusion::error::Result as DfResult;
use datafusion::logical_expr::{ColumnarValue, Volatility, create_udf};
use datafusion::prelude::{DataFrame, Expr, SessionContext, ident, lit};

use crate::error::Result;
use crate::failure::from_datafusion;
use crate::features::PRICES;
use crate::step;
use crate::tables::cell::part_of;

/// One of the parts that the tickers of a pipeline are split into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// Which, from 0.
    pub part: u32,
    /// How many there are.
    pub of: u32,
}

/// The registered `prices` as they are before anything is taken out of them.
#[derive(Clone, Debug)]
pub struct WholePrices(Arc<dyn TableProvider>);

impl WholePrices {
    /// Those of `context`.
    ///
    /// # Errors
    /// A bug: nothing is registered.
    pub async fn of(context: &SessionContext) -> Result<Self> {
        let prices = context.table_provider(PRICES).await;
        Ok(Self(prices.map_err(|error| from_datafusion("source", error))?))
    }

    /// Registers, in place of `prices`, its rows of `part` from the first to the last of `days`, both included
    /// and counted from 1970-01-01.
    ///
    /// # Errors
    /// A bug: `prices` lacks a column.
    pub fn narrow(
        &self,
        context: &SessionContext,
        part: Part,
        days: (Option<i32>, Option<i32>),
    ) -> Result<()> {
        let blame = |error| from_datafusion("source", error);
        let prices = context.read_table(Arc::clone(&self.0)).map_err(blame)?;
        let mut prices = between(prices, days)?;
        if part.of > 1 {
            prices = prices.filter(part.holds()).map_err(blame)?;
        }
        step::register(context, PRICES, prices)
    }
}

/// The rows dated from the first to the last of `days`, both included.
pub(super) fn between(prices: DataFrame, days: (Option<i32>, Option<i32>)) -> Result<DataFrame> {
    let day = |day: i32| lit(ScalarValue::Date32(Some(day)));
    let from = days.0.map(|first| ident("trade_date").gt_eq(day(first)));
    let to = days.1.map(|last| ident("trade_date").lt_eq(day(last)));
    let within = from.into_iter().chain(to).try_fold(prices, DataFrame::filter);
    within.map_err(|error| from_datafusion("source", error))
}

impl Part {
    /// All tickers.
    pub const WHOLE: Self = Self { part: 0, of: 1 };

    /// Whether the ticker of a row belongs to it.
    pub(crate) fn holds(self) -> Expr {
        let number_of = move |arguments: &[ColumnarValue]| -> DfResult<ColumnarValue> {
            let tickers = ColumnarValue::values_to_arrays(arguments)?;
            let number = |ticker: Option<&str>| ticker.map(|ticker| part_of(ticker, self.of));
            let numbers: UInt32Array = tickers[0].as_string::<i32>().iter().map(number).collect();
            Ok(ColumnarValue::Array(Arc::new(numbers)))
        };
        let number_of = create_udf(
            "part_of",
            vec![DataType::Utf8],
            DataType::UInt32,
            Volatility::Immutable,
            Arc::new(number_of),
        );
        number_of.call(vec![ident("ticker")]).eq(lit(self.part))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{register_prices, session_of, texts};

    async fn rows(context: &SessionContext) -> Vec<String> {
        let batches = context.table(PRICES).await.unwrap().collect().await.unwrap();
        batches.iter().flat_map(|rows| texts(rows, "ticker")).flatten().collect()
    }

    #[tokio::test]
    async fn parts_and_days_can_be_taken_one_after_the_other() {
        let context = session_of(2);
        let prices = [("A", 0), ("A", 9), ("B", 0), ("B", 9), ("C", 9)];
        let prices = prices.map(|(ticker, day)| (ticker, day, Some(1.0)));
        register_prices(&context, &prices, 2, true);
        let whole = WholePrices::of(&context).await.unwrap();
        let mut found = Vec::new();
        for part in 0..3 {
            whole.narrow(&context, Part { part, of: 3 }, (None, None)).unwrap();
            let own = rows(&context).await;
            assert!(own.iter().all(|ticker| part_of(ticker, 3) == part), "{own:?}");
            found.extend(own);
        }
        found.sort_unstable();
        assert_eq!(found, ["A", "A", "B", "B", "C"]);
        whole.narrow(&context, Part::WHOLE, (Some(9), None)).unwrap();
        assert_eq!(rows(&context).await, ["A", "B", "C"]);
        whole.narrow(&context, Part::WHOLE, (None, Some(8))).unwrap();
        assert_eq!(rows(&context).await, ["A", "B"]);
    }
}
