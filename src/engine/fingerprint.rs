//! Fingerprints of the input: canonical rows of each ticker and month.
//!
//! A cell is stale when the rows it was computed from have changed, whatever files they came in:
//! an etag or a modification time says nothing about that. Cells hold years; digests are of months, so that
//! a day in November is nothing to the year before, whose windows end in February at the latest.

use std::collections::{BTreeMap, BTreeSet};

use datafusion::arrow::array::AsArray;
use datafusion::arrow::datatypes::{Date32Type, TimestampMicrosecondType};
use datafusion::prelude::{SessionContext, ident};
use futures::TryStreamExt;
use sha2::{Digest, Sha256};

use crate::failure::from_datafusion;
use crate::features::PRICES;
use crate::market::Market;
use crate::{Error, Result};
use month::Month;

pub use marks::RowMarks;
use rows::{PriceColumns, TickerPrices, add_row};

mod marks;
mod month;
mod rows;
mod ticker;

const DAY_US: i64 = 86_400_000_000;

/// Digests of one ticker's rows, month by month, rising.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TickerDigest {
    months: Vec<MonthDigest>,
}

/// The rows of one ticker in one month.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct MonthDigest {
    month: Month,
    rows: u32,
    sha256: [u8; 32],
}

/// Digests of all tickers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InputDigest {
    tickers: BTreeMap<String, TickerDigest>,
    /// SHA-256 of all rows up to the last day that a model learns or is calibrated from.
    pub learnt_from: [u8; 32],
    /// The same of each ticker that has such rows, where they are told apart.
    learnt_by: BTreeMap<String, [u8; 32]>,
    /// Of the market's move of each day, where features look at it.
    market: TickerDigest,
}

/// The distinct trade dates of the registered `prices`, rising, as days since 1970-01-01.
///
/// # Errors
/// The source cannot be read.
pub async fn trade_days(context: &SessionContext) -> Result<Vec<i32>> {
    let blame = |error| from_datafusion("source", error);
    let days = context.table(PRICES).await.map_err(blame)?;
    let days = days.select(vec![ident("trade_date")]).and_then(|days| days.distinct());
    let batches = days.map_err(blame)?.collect().await.map_err(blame)?;
    let mut found: Vec<i32> = Vec::new();
    for batch in &batches {
        let days = batch.column(0).as_primitive_opt::<Date32Type>();
        let days = days.ok_or_else(|| Error::bug("`trade_date` is not a Date32"))?;
        found.extend(days.iter().flatten());
    }
    found.sort_unstable();
    Ok(found)
}

/// Which rows models learn from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Learning {
    /// Those up to this day, counted from 1970-01-01.
    pub last_day: i32,
    /// Whether tickers have models of their own, so that those of each are told apart.
    pub is_apart: bool,
}

/// Digests of the registered `prices`, and of the rows of `learning`.
///
/// # Errors
/// The source cannot be read.
pub async fn digest(context: &SessionContext, learning: Learning) -> Result<InputDigest> {
    let Learning { last_day, is_apart } = learning;
    let blame = |error| from_datafusion("source", error);
    let prices = context.table(PRICES).await.map_err(blame)?;
    let order = ["ticker", "ts"].map(|name| ident(name).sort(true, false));
    let prices = prices.sort(order.into()).map_err(blame)?;
    let mut batches = prices.execute_stream().await.map_err(blame)?;
    let mut digest = InputDigest::default();
    let market = Market::of(context).map(|market| market.days()).unwrap_or_default();
    digest.add_market(&market);
    let learnt_market: Vec<_> =
        market.into_iter().take_while(|(day, _)| *day <= last_day).collect();
    let mut learnt_from = Sha256::new();
    let mut own_learnt: Option<(i32, Sha256)> = None;
    let mut current = TickerPrices::default();
    while let Some(batch) = batches.try_next().await.map_err(blame)? {
        let columns = PriceColumns::of(&batch)?;
        for row in 0..batch.num_rows() {
            let ticker = columns.tickers.as_string::<i32>().value(row);
            if current.ticker != ticker {
                digest.close_learnt(&current.ticker, own_learnt.take(), &learnt_market);
                digest.close(std::mem::take(&mut current));
                current.ticker = ticker.to_owned();
            }
            let day = columns.days.as_primitive::<Date32Type>().value(row);
            let is_learnt = day <= last_day;
            let from = current.values.len();
            current.ts.push(columns.ts.as_primitive::<TimestampMicrosecondType>().value(row));
            current.values.extend(columns.numbers(row));
            current.n_values = columns.values.len();
            if is_learnt {
                learnt_from.update(ticker.as_bytes());
                learnt_from.update([0]);
                add_row(&mut learnt_from, current.ts.last(), &current.values[from..]);
            }
            if is_learnt && is_apart {
                let (_, own) = own_learnt.get_or_insert_with(|| (day, Sha256::new()));
                add_row(own, current.ts.last(), &current.values[from..]);
            }
        }
    }
    digest.close_learnt(&current.ticker, own_learnt, &learnt_market);
    digest.close(current);
    digest.learnt_from = learnt_from.finalize().into();
    Ok(digest)
}

/// Rows before and after a row that its results depend on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reach {
    /// Lookback of features, windows and baselines.
    pub rows_before: usize,
    /// Windows that cover a row end up to so many rows later.
    pub rows_after: usize,
}

impl InputDigest {
    /// Adds the rows of one ticker: instants in µs and `n_values` values a row, NaN where missing.
    pub fn add(&mut self, ticker: &str, ts: &[i64], values: &[f64], n_values: usize) {
        self.tickers.insert(ticker.to_owned(), TickerDigest::of(ts, values, n_values));
    }

    fn close(&mut self, rows: TickerPrices) {
        if !rows.ts.is_empty() {
            self.add(&rows.ticker, &rows.ts, &rows.values, rows.n_values);
        }
    }

    /// Notes what a ticker's own model learns from: its rows, and what the market did from their first day on.
    fn close_learnt(
        &mut self,
        ticker: &str,
        rows: Option<(i32, Sha256)>,
        learnt_market: &[(i32, f64)],
    ) {
        let Some((first_day, mut rows)) = rows else { return };
        for (day, median) in learnt_market.iter().filter(|(day, _)| *day >= first_day) {
            add_row(&mut rows, Some(&i64::from(*day)), &[*median]);
        }
        self.learnt_by.insert(ticker.to_owned(), rows.finalize().into());
    }

    /// Notes the market's move of each day, counted from 1970-01-01: rows of any ticker depend on it.
    pub(crate) fn add_market(&mut self, days: &[(i32, f64)]) {
        let (ts, medians): (Vec<i64>, Vec<f64>) =
            days.iter().map(|(day, median)| (i64::from(*day) * DAY_US, *median)).unzip();
        self.market = TickerDigest::of(&ts, &medians, 1);
    }

    /// SHA-256 of the rows of `ticker` that a model of its own learns or is calibrated from; zeros of none.
    pub fn learnt_by(&self, ticker: &str) -> [u8; 32] {
        self.learnt_by.get(ticker).copied().unwrap_or_default()
    }

    /// All tickers, in their order.
    pub fn tickers(&self) -> impl Iterator<Item = &str> {
        self.tickers.keys().map(String::as_str)
    }

    /// Years in which any ticker has rows, rising.
    pub fn years(&self) -> Vec<i32> {
        let months = self.tickers.values().flat_map(|ticker| &ticker.months);
        let years: BTreeSet<i32> = months.map(|digest| digest.month.year()).collect();
        years.into_iter().collect()
    }

    /// Number of rows.
    pub fn n_rows(&self) -> usize {
        let months = self.tickers.values().flat_map(|ticker| &ticker.months);
        months.map(|digest| digest.rows as usize).sum()
    }

    /// The first day, counted from 1970-01-01, of the rows that are needed to score those of `year` and later
    /// in the tickers chosen by `is_member`, if each row depends on `rows_before` rows before it; `None` where
    /// no such ticker has a row from that year on.
    pub fn first_day_needed(
        &self,
        year: i32,
        rows_before: usize,
        is_member: impl Fn(&str) -> bool,
    ) -> Option<i32> {
        let members = self.tickers.iter().filter(|(name, _)| is_member(name));
        let first_months = members.filter_map(|(_, ticker)| {
            let reach = Reach { rows_before, rows_after: 0 };
            ticker.covered((year, i32::MAX), reach).first().map(|digest| digest.month)
        });
        first_months.min().map(Month::first_day)
    }

    /// Rows up to the month of `day`.
    pub fn n_rows_until(&self, day: i32) -> usize {
        self.n_rows_of_until(day, |_| true)
    }

    /// The same of the tickers chosen by `is_member`.
    pub fn n_rows_of_until(&self, day: i32, is_member: impl Fn(&str) -> bool) -> usize {
        let members = self.tickers.iter().filter(|(name, _)| is_member(name));
        let months = members.flat_map(|(_, ticker)| &ticker.months);
        let until = months.filter(|digest| digest.month.first_day() <= day);
        until.map(|digest| digest.rows as usize).sum()
    }

    /// Tickers and rows from `day` on, the first of a month, of those chosen by `is_member`; `None` is all.
    pub fn count_from(&self, day: Option<i32>, is_member: impl Fn(&str) -> bool) -> (usize, usize) {
        let is_read = |digest: &&MonthDigest| day.is_none_or(|day| digest.month.first_day() >= day);
        let members = self.tickers.iter().filter(|(name, _)| is_member(name));
        let rows = members.map(|(_, ticker)| {
            ticker.months.iter().filter(is_read).map(|digest| digest.rows as usize).sum::<usize>()
        });
        rows.filter(|rows| *rows > 0).fold((0, 0), |(n, all), rows| (n + 1, all + rows))
    }

    /// Those of the tickers chosen by `is_member` that have rows before `day`, the first of a month.
    pub fn tickers_before(&self, day: i32, is_member: impl Fn(&str) -> bool) -> BTreeSet<String> {
        let members = self.tickers.iter().filter(|(name, _)| is_member(name));
        let begins = |ticker: &TickerDigest| ticker.months.first().map(|d| d.month.first_day());
        let before = members.filter(|(_, ticker)| begins(ticker).is_some_and(|first| first < day));
        before.map(|(name, _)| name.clone()).collect()
    }

    /// Hash of everything that the rows of the years `span` (both included) in the tickers chosen by
    /// `is_member` depend on, if each ticker's rows depend on no other ticker.
    ///
    /// `context` stands for what is not input: SQL, models, versions.
    pub fn of_span(
        &self,
        span: (i32, i32),
        reach: Reach,
        context: &str,
        is_member: impl Fn(&str) -> bool,
    ) -> String {
        hash(context, self.covered_by(span, reach, is_member).into_iter())
    }

    /// The months that rows of `span` in the tickers chosen by `is_member` depend on, ticker by ticker; those of the
    /// market under an empty name, which no ticker has.
    fn covered_by(
        &self,
        span: (i32, i32),
        reach: Reach,
        is_member: impl Fn(&str) -> bool,
    ) -> Vec<(&str, &[MonthDigest])> {
        let members = self.tickers.iter().filter(|(name, _)| is_member(name));
        let covered = members.map(|(name, ticker)| (name.as_str(), ticker.covered(span, reach)));
        let mut covered: Vec<_> = covered.collect();
        let first = covered.iter().filter_map(|(_, months)| months.first());
        let last = covered.iter().filter_map(|(_, months)| months.last());
        let within = first.map(|own| own.month).min().zip(last.map(|own| own.month).max());
        let market =
            within.map(|(first, last)| &self.market.months[self.market.between(first, last)]);
        covered.extend(market.map(|months| ("", months)));
        covered
    }

    /// As [`Self::of_span`], if rows may depend on rows of any ticker at the time.
    pub fn of_span_across(&self, span: (i32, i32), reach: Reach, context: &str) -> String {
        hash(context, self.covered_across(span, reach).into_iter())
    }

    /// The months between the first and the last that any ticker's rows of `span` depend on, ticker by ticker.
    fn covered_across(&self, span: (i32, i32), reach: Reach) -> Vec<(&str, &[MonthDigest])> {
        let covered = || self.tickers.values().map(|ticker| ticker.covered(span, reach));
        let first = covered().filter_map(|months| months.first()).map(|digest| digest.month).min();
        let last = covered().filter_map(|months| months.last()).map(|digest| digest.month).max();
        let within = |ticker: &'_ TickerDigest| match first.zip(last) {
            Some((first, last)) => ticker.between(first, last),
            None => 0..0,
        };
        let tickers = self.tickers.iter();
        tickers.map(|(name, ticker)| (name.as_str(), &ticker.months[within(ticker)])).collect()
    }

    /// Each year and part that has a row, of the tickers that `part_of` puts into one.
    pub fn places(&self, part_of: impl Fn(&str) -> Option<u32>) -> BTreeSet<(i32, u32)> {
        let mut places = BTreeSet::new();
        for (name, ticker) in &self.tickers {
            let Some(part) = part_of(name) else { continue };
            let mut years: Vec<i32> =
                ticker.months.iter().map(|digest| digest.month.year()).collect();
            years.dedup();
            places.extend(years.into_iter().map(|year| (year, part)));
        }
        places
    }

    /// Number of tickers.
    pub fn n_tickers(&self) -> usize {
        self.tickers.len()
    }
}

/// Of tickers without a covered month nothing is hashed.
fn hash<'a>(context: &str, tickers: impl Iterator<Item = (&'a str, &'a [MonthDigest])>) -> String {
    let mut hasher = Sha256::new();
    hasher.update(context.as_bytes());
    for (name, covered) in tickers.filter(|(_, covered)| !covered.is_empty()) {
        hasher.update((name.len() as u64).to_le_bytes());
        hasher.update(name.as_bytes());
        for digest in covered {
            hasher.update(digest.month.0.to_le_bytes());
            hasher.update(digest.sha256);
        }
    }
    format!("{:x}", hasher.finalize())
}

#[cfg(test)]
mod tests;
