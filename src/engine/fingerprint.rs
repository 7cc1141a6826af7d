//! Fingerprints of the input: canonical rows of each ticker and month.
//!
//! A cell is stale when the rows it was computed from have changed, whatever files they came in:
//! an etag or a modification time says nothing about that. Cells hold years; digests are of months, so that
//! a day in November is nothing to the year before, whose windows end in February at the latest.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use datafusion::arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use datafusion::arrow::datatypes::{DataType, Date32Type, Float64Type, TimestampMicrosecondType};
use datafusion::prelude::{SessionContext, ident};
use futures::TryStreamExt;
use sha2::{Digest, Sha256};

use crate::failure::from_datafusion;
use crate::features::PRICES;
use crate::market::Market;
use crate::source::{IS_CONFLICT, IS_DROPPED};
use crate::{Error, Result};
use month::Month;

pub use marks::RowMarks;

mod marks;
mod month;

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
    /// The same of each ticker that has such rows.
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

/// Digests of the registered `prices`; models learn from the rows up to `last_learnt_day`.
///
/// # Errors
/// The source cannot be read.
pub async fn digest(context: &SessionContext, last_learnt_day: i32) -> Result<InputDigest> {
    let blame = |error| from_datafusion("source", error);
    let prices = context.table(PRICES).await.map_err(blame)?;
    let order = ["ticker", "ts"].map(|name| ident(name).sort(true, false));
    let prices = prices.sort(order.into()).map_err(blame)?;
    let mut batches = prices.execute_stream().await.map_err(blame)?;
    let mut digest = InputDigest::default();
    let market = Market::of(context).map(|market| market.days()).unwrap_or_default();
    digest.add_market(&market);
    let learnt_market: Vec<_> =
        market.into_iter().take_while(|(day, _)| *day <= last_learnt_day).collect();
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
            let is_learnt = day <= last_learnt_day;
            let from = current.values.len();
            current.ts.push(columns.ts.as_primitive::<TimestampMicrosecondType>().value(row));
            current.values.extend(columns.numbers(row));
            current.n_values = columns.values.len();
            if is_learnt {
                learnt_from.update(ticker.as_bytes());
                learnt_from.update([0]);
                add_row(&mut learnt_from, current.ts.last(), &current.values[from..]);
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

/// The rows of one ticker as they come by.
#[derive(Default)]
struct TickerPrices {
    ticker: String,
    ts: Vec<i64>,
    values: Vec<f64>,
    n_values: usize,
}

/// A number that is NULL, as [`InputDigest::add`] takes it: other than NaN, since tables tell them apart.
const MISSING: f64 = f64::from_bits(0x7ff8_0000_0000_0a11);

/// The numbers of a day that a source tells in two ways; `value` is among them.
const CONFLICT: f64 = f64::from_bits(0x7ff8_0000_0000_0a12);

/// The numbers of a row that a check takes out.
const DROPPED: f64 = f64::from_bits(0x7ff8_0000_0000_0a13);

/// A batch of `prices`, its columns taken apart; their types are those that `source` promises.
struct PriceColumns<'a> {
    tickers: &'a ArrayRef,
    ts: &'a ArrayRef,
    days: &'a ArrayRef,
    conflicts: &'a ArrayRef,
    dropped: &'a ArrayRef,
    values: Vec<&'a ArrayRef>,
}

impl<'a> PriceColumns<'a> {
    fn of(batch: &'a RecordBatch) -> Result<Self> {
        let column = |name: &str| match batch.column_by_name(name) {
            Some(column) => Ok(column),
            None => Err(Error::bug(format!("`prices` lacks `{name}`"))),
        };
        let is_value = |column: &&'a ArrayRef| *column.data_type() == DataType::Float64;
        Ok(Self {
            tickers: column("ticker")?,
            ts: column("ts")?,
            days: column("trade_date")?,
            conflicts: column(IS_CONFLICT)?,
            dropped: column(IS_DROPPED)?,
            values: batch.columns().iter().filter(is_value).collect(),
        })
    }
}

impl PriceColumns<'_> {
    /// The numbers of a row; every NaN of the source is the same one.
    fn numbers(&self, row: usize) -> impl Iterator<Item = f64> {
        let missing = match () {
            () if self.dropped.as_boolean().value(row) => DROPPED,
            () if self.conflicts.as_boolean().value(row) => CONFLICT,
            () => MISSING,
        };
        self.values.iter().map(move |column| match column.is_valid(row) {
            true => match column.as_primitive::<Float64Type>().value(row) {
                value if value.is_nan() => f64::NAN,
                value => value,
            },
            false => missing,
        })
    }
}

/// Adds one row: -0 is 0, and of NaNs only those of ours differ from others.
fn add_row(hasher: &mut Sha256, ts: Option<&i64>, values: &[f64]) {
    hasher.update(ts.copied().unwrap_or_default().to_le_bytes());
    for value in values {
        let is_ours =
            [MISSING, CONFLICT, DROPPED].iter().any(|own| own.to_bits() == value.to_bits());
        let canonical = match value.is_nan() {
            true if is_ours => *value,
            true => f64::NAN,
            false => value + 0.0,
        };
        hasher.update(canonical.to_bits().to_le_bytes());
    }
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

impl TickerDigest {
    /// Of instants in µs and `n_values` values a row.
    fn of(ts: &[i64], values: &[f64], n_values: usize) -> Self {
        let mut months: BTreeMap<Month, (u32, Sha256)> = BTreeMap::new();
        let mut row = 0;
        // Rows of a month stand together, so that its hasher is looked up once.
        while row < ts.len() {
            let month = Month::of(ts[row]);
            let within = month.instants();
            let (rows, hasher) = months.entry(month).or_default();
            let end = row + 1;
            let n_more = ts[end..].iter().take_while(|instant| within.contains(instant)).count();
            for row in row..end + n_more {
                add_row(hasher, Some(&ts[row]), &values[row * n_values..(row + 1) * n_values]);
            }
            *rows += 1 + u32::try_from(n_more).unwrap_or(u32::MAX - 1);
            row = end + n_more;
        }
        let months = months
            .into_iter()
            .map(|(month, (rows, hasher))| MonthDigest {
                month,
                rows,
                sha256: hasher.finalize().into(),
            })
            .collect();
        Self { months }
    }

    /// Places of the months from `first` to `last`.
    fn between(&self, first: Month, last: Month) -> Range<usize> {
        let from = self.months.partition_point(|digest| digest.month < first);
        let to = self.months.partition_point(|digest| digest.month <= last);
        from..to.max(from)
    }

    /// The months of the years `span` with those whose rows reach into them, and those they reach into,
    /// rising; none where the ticker has no row in `span`.
    fn covered(&self, (from, to): (i32, i32), reach: Reach) -> &[MonthDigest] {
        let own = self.between(Month::first_of(from), Month::last_of(to));
        if own.is_empty() {
            return &[];
        }
        let before = n_until(self.months[..own.start].iter().rev(), reach.rows_before);
        let after = n_until(self.months[own.end..].iter(), reach.rows_after);
        &self.months[own.start - before..own.end + after]
    }
}

/// How many months, in the order given, hold `rows` rows; all where they do not.
fn n_until<'a>(months: impl Iterator<Item = &'a MonthDigest>, rows: usize) -> usize {
    let mut missing = rows;
    let mut n_months = 0;
    for digest in months {
        if missing == 0 {
            break;
        }
        n_months += 1;
        missing = missing.saturating_sub(digest.rows as usize);
    }
    n_months
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One row each on 1 January of the years 1970, 1971 … (leap days do not matter here).
    fn digest(values: &[f64]) -> InputDigest {
        let ts: Vec<i64> = (0..values.len() as i64).map(|year| year * 366 * DAY_US).collect();
        let mut digest = InputDigest::default();
        digest.add("A", &ts, values, 1);
        digest
    }

    const REACH: Reach = Reach { rows_before: 2, rows_after: 1 };

    #[test]
    fn a_change_reaches_as_far_as_the_lookback_and_no_further() {
        let old = digest(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
        let new = digest(&[1.0, 2.0, 9.0, 4.0, 5.0, 6.0]);
        let changed: Vec<i32> = old
            .years()
            .into_iter()
            .filter(|&year| {
                let of = |digest: &InputDigest| digest.of_span((year, year), REACH, "", |_| true);
                of(&old) != of(&new)
            })
            .collect();
        // Row 1972 changed: 1971 looks one row ahead, 1973 and 1974 look two rows back.
        assert_eq!(changed, [1971, 1972, 1973, 1974]);
    }

    #[test]
    fn a_day_in_march_is_nothing_to_the_year_before() {
        // 31 December 1970, 2 January, 2 February and 2 March 1971.
        let of = |march: f64| {
            let mut digest = InputDigest::default();
            digest.add(
                "A",
                &[364, 366, 397, 425].map(|day| day * DAY_US),
                &[1.0, 1.0, 1.0, march],
                1,
            );
            [1970, 1971].map(|year| digest.of_span((year, year), REACH, "", |_| true))
        };
        let (old, new) = (of(2.0), of(3.0));
        assert_eq!(old[0], new[0]);
        assert_ne!(old[1], new[1]);
    }

    #[test]
    fn reading_begins_with_the_month_that_makes_up_the_rows_before() {
        let mut digest = InputDigest::default();
        // Of A two rows in November and one in December 1970, of B one in 1969, of C none before 1971.
        digest.add("A", &[310, 312, 340, 366].map(|day| day * DAY_US), &[1.0; 4], 1);
        digest.add("B", &[-100, 366].map(|day| day * DAY_US), &[1.0; 2], 1);
        digest.add("C", &[400 * DAY_US], &[1.0], 1);
        digest.add("D", &[-1000 * DAY_US], &[1.0], 1);
        let of = |tickers: &'static str, rows_before| {
            digest.first_day_needed(1971, rows_before, |name| tickers.contains(name))
        };
        let (january, december, november) = (365, 334, 304);
        assert_eq!(of("A", 0), Some(january));
        assert_eq!(of("A", 1), Some(december));
        assert_eq!(
            (of("A", 2), of("A", 3), of("A", 99)),
            (Some(november), Some(november), Some(november))
        );
        // The one that needs the most decides; who has no row from then on needs none.
        assert_eq!(of("AB", 1), Some(-122), "September 1969");
        assert_eq!((of("C", 5), of("D", 5)), (Some(396), None));
    }

    #[test]
    fn every_nan_is_the_same_missing_value_and_minus_zero_is_zero() {
        let quiet = f64::from_bits(0x7ff8_0000_0000_0001);
        assert_eq!(digest(&[f64::NAN, 0.0]), digest(&[quiet, -0.0]));
        assert_ne!(digest(&[f64::NAN]), digest(&[0.0]));
    }

    #[test]
    fn models_and_sql_are_part_of_the_fingerprint_and_other_tickers_are_not() {
        let mut two = digest(&[1.0, 2.0]);
        let one = two.clone();
        two.add("B", &[0], &[7.0], 1);
        let of = |input: &InputDigest, context: &str| {
            input.of_span((1970, 1970), REACH, context, |ticker| ticker == "A")
        };
        assert_eq!(of(&one, "m1"), of(&two, "m1"));
        assert_ne!(of(&one, "m1"), of(&one, "m2"));
    }

    #[test]
    fn a_span_of_years_covers_what_reaches_into_any_of_them() {
        let old = digest(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0]);
        let changes_of = |year: usize| {
            let mut values = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0];
            values[year - 1970] = 9.0;
            let new = digest(&values);
            let of = |digest: &InputDigest| digest.of_span((1973, 1974), REACH, "", |_| true);
            of(&old) != of(&new)
        };
        let dirty: Vec<usize> = (1970..1977).filter(|&year| changes_of(year)).collect();
        // Two rows before 1973, one after 1974.
        assert_eq!(dirty, [1971, 1972, 1973, 1974, 1975]);
    }

    #[test]
    fn across_tickers_any_row_of_the_time_counts_even_of_one_that_has_left() {
        let with_b = |value: f64| {
            let mut input = digest(&[1.0, 2.0, 3.0, 4.0]);
            input.add("B", &[0], &[value], 1);
            input
        };
        let of = |input: &InputDigest, year| input.of_span_across((year, year), REACH, "");
        // 1972 looks back on 1970, where B had its only row; 1973 does not.
        assert_ne!(of(&with_b(7.0), 1972), of(&with_b(8.0), 1972));
        assert_eq!(of(&with_b(7.0), 1973), of(&with_b(8.0), 1973));
        let alone = |input: &InputDigest| input.of_span((1972, 1972), REACH, "", |_| true);
        assert_eq!(alone(&with_b(7.0)), alone(&with_b(8.0)));
    }

    #[test]
    fn a_ticker_that_vanishes_or_loses_a_year_changes_the_years_that_it_had() {
        let mut both = digest(&[1.0, 2.0]);
        both.add("B", &[0], &[7.0], 1);
        let one = digest(&[1.0, 2.0]);
        let of = |input: &InputDigest, year| input.of_span((year, year), REACH, "", |_| true);
        assert_ne!(of(&both, 1970), of(&one, 1970));
        assert_eq!(of(&both, 1971), of(&one, 1971));
        let none = InputDigest::default();
        assert_ne!(of(&one, 1971), of(&none, 1971));
        // A year without a row is the same whatever the others hold.
        assert_eq!(of(&one, 1980), of(&none, 1980));
    }

    const THREE_ROWS: [(&str, i32, Option<f64>); 3] =
        [("A", 0, Some(1.0)), ("A", 400, None), ("B", 0, Some(3.0))];

    #[tokio::test]
    async fn the_digest_of_the_source_is_that_of_its_rows_however_they_are_cut_and_ordered() {
        let read = async |rows: &[(&str, i32, Option<f64>)], batch_rows, sorted| {
            let context = crate::testing::session_of(batch_rows);
            crate::testing::register_prices(&context, rows, batch_rows, sorted);
            super::digest(&context, 0).await.unwrap()
        };
        let whole = read(&THREE_ROWS, 8, true).await;
        let mut by_hand = InputDigest::default();
        by_hand.add("A", &[0, 400 * DAY_US], &[1.0, MISSING], 1);
        by_hand.add("B", &[0], &[3.0], 1);
        assert_eq!(whole.tickers, by_hand.tickers);
        assert_eq!((whole.years(), whole.n_rows(), whole.n_tickers()), (vec![1970, 1971], 3, 2));
        let backwards = [THREE_ROWS[2], THREE_ROWS[1], THREE_ROWS[0]];
        assert_eq!(read(&backwards, 1, false).await, whole);
    }

    #[tokio::test]
    async fn null_nan_a_day_told_in_two_ways_and_one_taken_out_are_four_different_things() {
        let with = async |rows: &[(&str, i32, Option<f64>)]| {
            let context = crate::testing::session_of(8);
            crate::testing::register_prices(&context, rows, 8, true);
            crate::inspect::inspect(&context).await.unwrap();
            super::digest(&context, 0).await.unwrap().tickers
        };
        let null = with(&[("A", 0, None)]).await;
        let nan = with(&[("A", 0, Some(f64::NAN))]).await;
        let conflict = with(&[("A", 0, Some(1.0)), ("A", 0, Some(2.0))]).await;
        let other_conflict = with(&[("A", 0, Some(3.0)), ("A", 0, Some(2.0))]).await;
        assert!(null != nan && nan != conflict && conflict != null);
        let context = crate::testing::session_of(8);
        crate::testing::register_prices(&context, &[("A", 0, Some(1.0))], 8, true);
        let rows = BTreeMap::from([("A".to_owned(), vec![0])]);
        crate::source::drop_rows(&context, rows.into()).await.unwrap();
        let dropped = super::digest(&context, 0).await.unwrap().tickers;
        assert!(![null, nan, conflict.clone()].contains(&dropped), "a fourth");
        // Neither number is believed, and so neither can change a row.
        assert_eq!(conflict, other_conflict);
    }

    #[tokio::test]
    async fn what_was_learnt_from_ends_with_the_last_day_of_calibration() {
        let learnt = async |last: Option<f64>, last_learnt_day| {
            let context = crate::testing::session_of(8);
            let rows = [THREE_ROWS[0], ("A", 400, last), THREE_ROWS[2]];
            crate::testing::register_prices(&context, &rows, 8, true);
            super::digest(&context, last_learnt_day).await.unwrap().learnt_from
        };
        assert_eq!(learnt(Some(2.0), 399).await, learnt(Some(5.0), 399).await);
        assert_ne!(learnt(Some(2.0), 400).await, learnt(Some(5.0), 400).await);
    }

    #[test]
    fn a_move_of_the_market_changes_the_spans_whose_months_it_falls_in() {
        // Rows of A on 1 January of six years; the market moves on these days and on others.
        let days = |moved: Option<i32>| -> Vec<(i32, f64)> {
            (0..6 * 366)
                .step_by(61)
                .map(|day| (day, if moved == Some(day) { 0.5 } else { 0.0 }))
                .collect()
        };
        let of = |moved| {
            let mut digest = digest(&[1.0; 6]);
            digest.add_market(&days(moved));
            (1970..1976).map(|y| digest.of_span((y, y), REACH, "", |_| true)).collect::<Vec<_>>()
        };
        let (before, after) = (of(None), of(Some(2 * 366)));
        let changed: Vec<usize> = (0..6).filter(|&year| before[year] != after[year]).collect();
        // Two rows back and one ahead reach from the year before to the second one after, as of A's own rows.
        assert_eq!(changed, [1, 2, 3, 4]);
        // In June of the last year nobody has a row, nor does a later one look back on it.
        assert_eq!(of(None), of(Some(5 * 366 + 61 * 2)));
        assert!(digest(&[1.0; 6]).of_span((1970, 1970), REACH, "", |_| true) != before[0]);
    }
}
