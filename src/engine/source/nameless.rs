//! Which row has no ticker.

use std::sync::Arc;

use datafusion::arrow::array::{Array, AsArray};
use datafusion::arrow::datatypes::DataType;
use datafusion::prelude::{SessionContext, cast, ident};
use futures::TryStreamExt;

use super::damaged::one_by_one;
use super::listing::Listing;
use super::{Source, Ticker, columns, footers, table};
use crate::error::Result;
use crate::failure::from_datafusion;

/// The first row whose ticker is empty or missing, as `prices.parquet, row 17`: files and rows in the
/// order in which they are stored. Dear, and only where there is one.
///
/// # Errors
/// A file cannot be read.
pub async fn first_nameless(context: &SessionContext, source: &Source) -> Result<Option<String>> {
    let Ticker::Column(ticker) = &source.columns.ticker else { return Ok(None) };
    for one in one_by_one(context, source).await? {
        let Some(file) = one.files.first().map(|file| file.name(&one.url)) else { continue };
        if let Some(row) = row_of(context, source, ticker, one).await? {
            return Ok(Some(format!("{file}, row {row}")));
        }
    }
    Ok(None)
}

/// Its number, the first being 1.
async fn row_of(
    context: &SessionContext,
    source: &Source,
    ticker: &str,
    mut one: Listing,
) -> Result<Option<usize>> {
    let blame = |error| from_datafusion("source", error);
    let (footers, _) = footers::read_all(&mut one, source).await?;
    let scanned = columns::check(&one, &footers, source)?;
    let (table, _) = table::prices_files(&one, footers, &scanned, source)?;
    let tickers = context.read_table(Arc::new(table)).map_err(blame)?;
    let tickers = tickers.select(vec![cast(ident(ticker), DataType::Utf8)]).map_err(blame)?;
    let mut tickers = tickers.execute_stream().await.map_err(blame)?;
    let mut n_before = 0;
    while let Some(batch) = tickers.try_next().await.map_err(blame)? {
        let names = batch.column(0).as_string::<i32>();
        let is_nameless = |row: &usize| names.is_null(*row) || names.value(*row).is_empty();
        if let Some(row) = (0..names.len()).find(is_nameless) {
            return Ok(Some(n_before + row + 1));
        }
        n_before += names.len();
    }
    Ok(None)
}
