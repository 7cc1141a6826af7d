//! Rows that repeat a ticker's instant become one row; rows without an instant are left out.
//!
//! Where the repeated rows say the same, nothing is lost. Where they differ none of them is believed,
//! whichever file they came in: their numbers are NULL and `is_conflict` is true, so that the day is
//! flagged. A missing number differs from a number. Only sources that have such rows pay for this.

use datafusion::arrow::datatypes::DataType;
use datafusion::common::ScalarValue;
use datafusion::functions::math::expr_fn::abs;
use datafusion::functions_aggregate::expr_fn::{count, first_value, max, min};
use datafusion::logical_expr::when;
use datafusion::prelude::{DataFrame, Expr, SessionContext, ident, lit};

use super::{IS_CONFLICT, IS_DROPPED};
use crate::error::Result;
use crate::failure::from_datafusion;
use crate::features::PRICES;
use crate::step;

type Planned<T> = datafusion::error::Result<T>;

/// Rows of a ticker's instant.
const N_ROWS: &str = "n_rows";

/// Leaves one row a ticker and instant in the registered `prices`.
///
/// # Errors
/// A bug: nothing is registered.
pub async fn merge_repeated(context: &SessionContext) -> Result<()> {
    let blame = |error| from_datafusion("source", error);
    let prices = context.table(PRICES).await.map_err(blame)?;
    let merged = merge(prices).map_err(blame)?;
    step::register(context, PRICES, merged)
}

fn merge(prices: DataFrame) -> Planned<DataFrame> {
    let fields = prices.schema().fields().clone();
    let is_number = |data_type: &DataType| *data_type == DataType::Float64;
    let numbers: Vec<Number> = fields
        .iter()
        .filter(|field| is_number(field.data_type()))
        .map(|field| Number(field.name()))
        .collect();
    let mut aggregates = vec![count(lit(1_i64)).alias(N_ROWS)];
    for number in &numbers {
        aggregates.extend(number.aggregates()?);
    }
    let is_conflict = numbers.iter().map(Number::differs).reduce(Expr::or);
    let is_conflict = is_conflict.unwrap_or_else(|| lit(false));

    let columns = fields.iter().map(|field| match field.name().as_str() {
        IS_CONFLICT => Ok(is_conflict.clone().alias(IS_CONFLICT)),
        IS_DROPPED => Ok(lit(false).alias(IS_DROPPED)),
        name if is_number(field.data_type()) => Number(name).merged(&is_conflict),
        name => Ok(ident(name)),
    });
    let columns = columns.collect::<Planned<Vec<_>>>()?;
    let keys = ["ticker", "ts", "trade_date"].map(ident).to_vec();
    prices.filter(ident("ts").is_not_null())?.aggregate(keys, aggregates)?.select(columns)
}

/// A column of numbers. Aggregates treat NaN and infinity as they like, and so see finite ones only.
struct Number<'a>(&'a str);

impl Number<'_> {
    fn named(&self, what: &str) -> String {
        format!("{} {what}", self.0)
    }

    fn aggregates(&self) -> Planned<[Expr; 5]> {
        let own = || ident(self.0);
        let is_finite = abs(own()).lt(lit(f64::INFINITY));
        let finite = when(is_finite, own()).otherwise(missing())?;
        Ok([
            first_value(own(), Vec::new()).alias(self.named("first")),
            count(own()).alias(self.named("present")),
            min(finite.clone()).alias(self.named("least")),
            max(finite.clone()).alias(self.named("most")),
            count(finite).alias(self.named("finite")),
        ])
    }

    /// Whether the rows differ in it.
    fn differs(&self) -> Expr {
        let [least, most, n] = ["least", "most", "finite"].map(|what| ident(self.named(what)));
        let is_partly_missing = n.clone().lt(ident(N_ROWS));
        n.gt(lit(0_i64)).and(is_partly_missing.or(least.not_eq(most)))
    }

    /// What the rows agree on; of a single row its own number. NaN stands for all that are not finite.
    fn merged(&self, is_conflict: &Expr) -> Planned<Expr> {
        let merged = when(is_conflict.clone(), missing())
            .when(ident(N_ROWS).eq(lit(1_i64)), ident(self.named("first")))
            .when(ident(self.named("finite")).gt(lit(0_i64)), ident(self.named("least")))
            .when(ident(self.named("present")).gt(lit(0_i64)), lit(f64::NAN))
            .otherwise(missing())?;
        Ok(merged.alias(self.0))
    }
}

fn missing() -> Expr {
    lit(ScalarValue::Float64(None))
}
