//! The scanned columns under the names and in the types of `prices`.
//!
//! `is_conflict` is false throughout until [`super::merge_repeated`] has looked, `is_dropped` until
//! [`super::drop_rows`] has.

use std::sync::Arc;

use datafusion::arrow::datatypes::DataType;
use datafusion::catalog::TableProvider;
use datafusion::functions_window::expr_fn::row_number;
use datafusion::prelude::{DataFrame, Expr, SessionContext, cast, ident, lit};

use super::columns::Scanned;
use super::utc::{utc_date, utc_instant};
use super::{IS_CONFLICT, IS_DROPPED, Source, Ticker};
use crate::error::Result;
use crate::failure::from_datafusion;
use crate::step::instant_type;

/// `ticker, ts, trade_date, value, is_conflict, is_dropped` and the others, of the files' columns.
pub(super) fn select(
    context: &SessionContext,
    files: Arc<dyn TableProvider>,
    scanned: &Scanned,
    source: &Source,
) -> Result<DataFrame> {
    let columns = &source.columns;
    let ticker = match &columns.ticker {
        Ticker::Column(name) => ident(name),
        Ticker::Literal(ticker) => lit(ticker.as_str()),
    };
    let ts = match &columns.ts {
        Some(name) if scanned.ts_is_row_number => day(ident(name)),
        Some(name) if scanned.ts_is_naive => utc_instant(ident(name)),
        Some(name) => ident(name),
        None => day(cast(row_number(), DataType::Int64) - lit(1_i64)),
    };
    let others = columns.others.iter().map(|(name, column)| ident(column).alias(name));
    let first = [ticker.alias("ticker"), ts.alias("ts"), ident(&columns.value).alias("value")];
    let named: Vec<Expr> = first.into_iter().chain(others).collect();

    let names = ["ticker", "ts", "trade_date", "value", IS_CONFLICT, IS_DROPPED].into_iter();
    let names = names.chain(columns.others.iter().map(|(name, _)| name.as_str()));
    let trade_date = |name| match name {
        "trade_date" => utc_date(ident("ts")).alias("trade_date"),
        IS_CONFLICT | IS_DROPPED => lit(false).alias(name),
        name => ident(name),
    };
    let prices = context
        .read_table(files)
        .and_then(|files| files.select(named))
        .and_then(|named| named.select(names.map(trade_date).collect::<Vec<_>>()));
    prices.map_err(|error| from_datafusion(&source.path, error))
}

/// Row number n as the midnight of day n since 1970-01-01.
fn day(row: Expr) -> Expr {
    cast(cast(cast(row, DataType::Int32), DataType::Date32), instant_type())
}
