//! What is odd about each ticker, before anything is made of it.

use datafusion::arrow::array::{Array, AsArray, RecordBatch};
use datafusion::arrow::datatypes::{Date32Type, Float64Type, Int64Type, TimestampMicrosecondType};
use datafusion::prelude::SessionContext;

use crate::error::{Error, Report, Result};
use crate::failure::from_datafusion;
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
    /// Rows with a value that is present and finite.
    pub fn n_usable(&self) -> u64 {
        self.n_rows.saturating_sub(self.n_null).saturating_sub(self.n_not_finite)
    }
}

/// Facts about each ticker of the registered `prices`, in the order of tickers.
///
/// # Errors
/// A row has no ticker; the source was declared sorted and is not; it cannot be read.
pub async fn inspect(context: &SessionContext) -> Result<Vec<TickerFacts>> {
    let file = SqlFile::inspect_prices();
    let facts = step::plan(context, &file, &[]).await?;
    let batches = facts.collect().await;
    let batches = batches.map_err(|error| from_datafusion("source", error))?;
    let mut tickers: Vec<TickerFacts> = Vec::new();
    let mut reports = Vec::new();
    for batch in &batches {
        for row in 0..batch.num_rows() {
            let columns = Row { batch, row };
            let Some(ticker) = columns.text("ticker")? else {
                let n_rows = columns.count("n_rows")?;
                reports.push(
                    Report::new("rows without a ticker")
                        .expected("a ticker in every row")
                        .found(format!("{n_rows} rows without one"))
                        .hint("name them, leave them out of the source, or write `ticker = \"NAME\"` in [source]"),
                );
                continue;
            };
            let returns = tickers.last().is_some_and(|last| last.ticker == ticker);
            if returns || columns.count("n_out_of_order")? > 0 {
                reports.push(unsorted(&ticker));
            }
            tickers.push(columns.facts(ticker)?);
        }
    }
    reports.dedup();
    if reports.is_empty() { Ok(tickers) } else { Err(Error { kind: crate::Kind::Data, reports }) }
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
            return Err(Error::bug(format!("inspect_prices gives no `{name}`")));
        };
        if column.is_null(self.row) {
            return Ok(None);
        }
        match read(column.as_ref(), self.row) {
            Some(value) => Ok(Some(value)),
            None => Err(Error::bug(format!("inspect_prices gives {name} {}", column.data_type()))),
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
mod tests {
    use super::*;
    use crate::testing::{register_prices, session_of};

    #[tokio::test]
    async fn each_oddity_is_counted_with_its_first_row() {
        let context = session_of(3);
        let rows = [
            ("A", 1, Some(1.0)),
            ("A", 2, None),
            ("A", 3, Some(0.0)),
            ("A", 3, Some(-1.0)),
            ("A", 4, Some(f64::NAN)),
            ("A", 5, Some(f64::NEG_INFINITY)),
            ("B", 9, Some(2.0)),
        ];
        register_prices(&context, &rows, 2, true);
        let facts = inspect(&context).await.unwrap();
        let day = |day: i64| Some(day * 86_400_000_000);
        let a = &facts[0];
        assert_eq!((a.n_rows, a.n_null, a.first_null_day), (6, 1, Some(2)));
        assert_eq!((a.n_non_positive, a.first_non_positive), (2, Some((3, 0.0))));
        assert_eq!(a.n_not_finite, 2);
        assert!(a.first_not_finite.is_some_and(|(day, value)| day == 4 && value.is_nan()));
        assert_eq!((a.n_duplicate_ts, a.first_duplicate_ts), (1, day(3)));
        assert_eq!((a.first_ts, a.last_ts, a.n_usable()), (day(1), day(5), 3));
        let b = TickerFacts {
            ticker: "B".into(),
            n_rows: 1,
            first_ts: day(9),
            last_ts: day(9),
            ..TickerFacts::default()
        };
        assert_eq!(facts[1..], [b]);
    }
}
