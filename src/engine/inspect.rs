//! What is odd about each ticker, before anything is made of it.

use std::collections::BTreeMap;

use datafusion::arrow::array::{Array, AsArray, RecordBatch};
use datafusion::arrow::datatypes::{Date32Type, Float64Type, Int64Type, TimestampMicrosecondType};
use datafusion::prelude::SessionContext;

use crate::error::{Error, Report, Result};
use crate::failure::from_datafusion;
use crate::source::merge_repeated;
use crate::sql_file::SqlFile;
use crate::step;

/// One ticker's rows, counted.
///
/// Dates are days since 1970-01-01, instants microseconds since then, UTC.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TickerFacts {
    /// Whose rows.
    pub ticker: String,
    /// All rows.
    pub n_rows: u64,
    /// Rows without a `ts`.
    pub n_null_ts: u64,
    /// Rows without a value.
    pub n_null: u64,
    /// The first date without a value.
    pub first_null_day: Option<i32>,
    /// NaN or infinite values.
    pub n_not_finite: u64,
    /// The first of them: date and value.
    pub first_not_finite: Option<(i32, f64)>,
    /// Finite values that are zero or negative.
    pub n_non_positive: u64,
    /// The first of them: date and value.
    pub first_non_positive: Option<(i32, f64)>,
    /// Rows that stand for several rows of one instant which differ.
    pub n_conflict: u64,
    /// The first date of which that is so.
    pub first_conflict_day: Option<i32>,
    /// Rows that a check takes out, of those that are left.
    pub n_dropped: u64,
    /// Rows with the `ts` of the row before.
    pub n_duplicate_ts: u64,
    /// The first such `ts`.
    pub first_duplicate_ts: Option<i64>,
    /// The first `ts`.
    pub first_ts: Option<i64>,
    /// The last `ts`.
    pub last_ts: Option<i64>,
}

impl TickerFacts {
    /// Instants that it has rows of.
    pub fn n_instants(&self) -> u64 {
        self.n_rows.saturating_sub(self.n_null_ts).saturating_sub(self.n_duplicate_ts)
    }

    /// Instants with one price that can be used; where logarithms are taken, it must be positive.
    pub fn n_usable(&self, requires_positive: bool) -> u64 {
        self.n_instants().saturating_sub(self.n_unusable(requires_positive))
    }

    /// Instants whose price cannot be used.
    pub fn n_unusable(&self, requires_positive: bool) -> u64 {
        let n_non_positive = if requires_positive { self.n_non_positive } else { 0 };
        self.n_null + self.n_not_finite + self.n_conflict + self.n_dropped + n_non_positive
    }
}

/// What was found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Inspection {
    /// Of each ticker, in their order. Rows without a ticker are those of the ticker ``.
    pub tickers: Vec<TickerFacts>,
    /// Whether rows were merged or left out, so that what was planned over `prices` is out of date.
    pub is_merged: bool,
}

/// Looks at each ticker of the registered `prices`, and leaves one row an instant there:
/// see [`merge_repeated`].
///
/// # Errors
/// The source was declared sorted and is not; it cannot be read.
pub async fn inspect(context: &SessionContext) -> Result<Inspection> {
    let found = look(context).await?;
    if found.iter().all(|facts| facts.n_null_ts == 0 && facts.n_duplicate_ts == 0) {
        return Ok(Inspection { tickers: found, is_merged: false });
    }
    merge_repeated(context).await?;
    Ok(Inspection { tickers: inspect_again(context, found).await?, is_merged: true })
}

/// What is odd about each ticker of `found` now that rows were merged or taken out; what was before stays told.
///
/// # Errors
/// The source cannot be read.
pub async fn inspect_again(
    context: &SessionContext,
    found: Vec<TickerFacts>,
) -> Result<Vec<TickerFacts>> {
    let mut merged = look(context).await?.into_iter().peekable();
    let tickers = found.into_iter().map(|found| {
        let TickerFacts { n_rows, n_null_ts, n_duplicate_ts, first_duplicate_ts, .. } = found;
        // A ticker none of whose rows has an instant is not there any more.
        let merged = merged.next_if(|merged| merged.ticker == found.ticker).unwrap_or_default();
        let ticker = found.ticker;
        TickerFacts { ticker, n_rows, n_null_ts, n_duplicate_ts, first_duplicate_ts, ..merged }
    });
    Ok(tickers.collect())
}

async fn look(context: &SessionContext) -> Result<Vec<TickerFacts>> {
    let file = SqlFile::inspect_prices();
    let facts = step::plan(context, &file, &[]).await?;
    let batches = facts.collect().await;
    let batches = batches.map_err(|error| from_datafusion("source", error))?;
    let mut tickers: Vec<TickerFacts> = Vec::new();
    let mut reports = Vec::new();
    let mut nameless = None;
    for batch in &batches {
        for row in 0..batch.num_rows() {
            let columns = Row { batch, row };
            let Some(ticker) = columns.text("ticker")? else {
                nameless = Some(columns.facts(String::new())?);
                continue;
            };
            let returns = tickers.last().is_some_and(|last| last.ticker == ticker);
            if returns || columns.count("n_out_of_order")? > 0 {
                reports.push(unsorted(&ticker));
            }
            tickers.push(columns.facts(ticker)?);
        }
    }
    if let Some(nameless) = nameless {
        add_nameless(&mut tickers, nameless);
    }
    reports.dedup();
    if reports.is_empty() { Ok(tickers) } else { Err(Error { kind: crate::Kind::Data, reports }) }
}

/// The newest price of each ticker of the registered `prices` that has one which can be used.
///
/// # Errors
/// It cannot be read.
pub async fn last_prices(context: &SessionContext) -> Result<BTreeMap<String, f64>> {
    let file = SqlFile::last_prices();
    let batches = step::plan(context, &file, &[]).await?.collect().await;
    let batches = batches.map_err(|error| from_datafusion("source", error))?;
    let mut prices = BTreeMap::new();
    for batch in &batches {
        for row in 0..batch.num_rows() {
            let columns = Row { batch, row };
            let (ticker, price) = (columns.text("ticker")?, columns.float("last_price")?);
            prices.insert(ticker.unwrap_or_default(), price.unwrap_or(f64::NAN));
        }
    }
    Ok(prices)
}

/// A ticker that is missing is one that is empty: the first in the order of tickers.
fn add_nameless(tickers: &mut Vec<TickerFacts>, nameless: TickerFacts) {
    match tickers.first_mut() {
        Some(empty) if empty.ticker.is_empty() => {
            empty.n_rows += nameless.n_rows;
            empty.first_ts = empty.first_ts.into_iter().chain(nameless.first_ts).min();
        }
        _ => tickers.insert(0, nameless),
    }
}

fn unsorted(ticker: &str) -> Report {
    Report::new("the source is not sorted by ticker and time")
        .expected("rows in that order, since the source says `sorted = true`")
        .found(format!("rows of {ticker} out of order"))
        .hint("delete `sorted = true`, or sort the files")
}

struct Row<'a> {
    batch: &'a RecordBatch,
    row: usize,
}

impl Row<'_> {
    fn facts(&self, ticker: String) -> Result<TickerFacts> {
        Ok(TickerFacts {
            ticker,
            n_rows: self.count("n_rows")?,
            n_null_ts: self.count("n_null_ts")?,
            n_null: self.count("n_null")?,
            first_null_day: self.day("first_null_date")?,
            n_not_finite: self.count("n_not_finite")?,
            first_not_finite: self
                .day("first_not_finite_date")?
                .zip(self.float("first_not_finite")?),
            n_non_positive: self.count("n_non_positive")?,
            first_non_positive: self
                .day("first_non_positive_date")?
                .zip(self.float("first_non_positive")?),
            n_conflict: self.count("n_conflict")?,
            first_conflict_day: self.day("first_conflict_date")?,
            n_dropped: self.count("n_dropped")?,
            n_duplicate_ts: self.count("n_duplicate_ts")?,
            first_duplicate_ts: self.instant("first_duplicate_ts")?,
            first_ts: self.instant("first_ts")?,
            last_ts: self.instant("last_ts")?,
        })
    }

    /// The named column's cell, through `read`, which gives `None` for another type.
    fn cell<T>(
        &self,
        name: &str,
        read: impl Fn(&dyn Array, usize) -> Option<T>,
    ) -> Result<Option<T>> {
        let Some(column) = self.batch.column_by_name(name) else {
            return Err(Error::bug(format!("a query of ours gives no `{name}`")));
        };
        if column.is_null(self.row) {
            return Ok(None);
        }
        match read(column.as_ref(), self.row) {
            Some(value) => Ok(Some(value)),
            None => Err(Error::bug(format!("a query of ours gives {name} {}", column.data_type()))),
        }
    }

    fn text(&self, name: &str) -> Result<Option<String>> {
        self.cell(name, |column, row| Some(column.as_string_opt::<i32>()?.value(row).to_owned()))
    }

    fn count(&self, name: &str) -> Result<u64> {
        let count = self.cell(name, |column, row| {
            u64::try_from(column.as_primitive_opt::<Int64Type>()?.value(row)).ok()
        });
        Ok(count?.unwrap_or(0))
    }

    fn day(&self, name: &str) -> Result<Option<i32>> {
        self.cell(name, |column, row| Some(column.as_primitive_opt::<Date32Type>()?.value(row)))
    }

    fn float(&self, name: &str) -> Result<Option<f64>> {
        self.cell(name, |column, row| Some(column.as_primitive_opt::<Float64Type>()?.value(row)))
    }

    fn instant(&self, name: &str) -> Result<Option<i64>> {
        self.cell(name, |column, row| {
            Some(column.as_primitive_opt::<TimestampMicrosecondType>()?.value(row))
        })
    }
}

#[cfg(test)]
mod tests;
