//! Input checks: SQL files whose rows are failures.
//!
//! A check reads `prices` as the source tells it, before repeated rows become one, and gives `ticker`, `ts` and, if it
//! likes, `found`: what is wrong there, in words. `$today` is the day on which it runs. What becomes of its rows
//! is not for the file to say: they are told, taken out ([`crate::source::drop_rows`]) or stop the run.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use datafusion::arrow::array::{Array, AsArray, RecordBatch};
use datafusion::arrow::datatypes::{DataType, TimestampMicrosecondType};
use datafusion::common::ScalarValue;
use datafusion::prelude::SessionContext;
use futures::TryStreamExt;

use crate::error::{Error, Kind, Report, Result};
use crate::failure::from_datafusion;
use crate::lookahead;
use crate::market;
use crate::sql_file::SqlFile;
use crate::step;

/// The parameter that stands for the day on which a check runs.
pub const TODAY: &str = "$today";

/// Rows that checks may take out; more are a mistake of the check.
const DROPPED_MAX: u64 = 1_000_000;

/// What becomes of a check's rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// They are told.
    Warn,
    /// They are told and taken out: a day without a number.
    Drop,
    /// Nothing is done.
    Stop,
}

impl Severity {
    /// As pipeline files and headers write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Warn => "warn",
            Self::Drop => "drop",
            Self::Stop => "stop",
        }
    }
}

/// A query, and what becomes of its rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// What messages and results call it.
    pub name: String,
    /// The query.
    pub file: SqlFile,
    /// What becomes of its rows.
    pub severity: Severity,
}

/// What a check has found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Findings {
    /// The check.
    pub name: String,
    /// What becomes of its rows.
    pub severity: Severity,
    /// What it looks for, in a line.
    pub summary: String,
    /// Of each ticker that has such rows. Rows without a ticker are those of the ticker ``.
    pub tickers: BTreeMap<String, Found>,
}

/// What a check has found of one ticker.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// Rows that fail.
    pub n_rows: u64,
    /// The instant of the first, µs UTC, and what is wrong there.
    pub first: Option<(i64, Option<String>)>,
    /// The instants of those that are taken out.
    pub dropped: Vec<i64>,
}

impl Findings {
    /// Rows that fail, of all tickers.
    pub fn n_rows(&self) -> u64 {
        self.tickers.values().map(|found| found.n_rows).sum()
    }
}

/// Runs `checks` over the registered `prices` on the day `today`, each of them in a reading of its own.
///
/// # Errors
/// A query is wrong or asks for the market's move; one that takes rows out sees the future or takes out too many; the
/// source cannot be read.
pub async fn run(
    context: &SessionContext,
    checks: &[Check],
    today: NaiveDate,
) -> Result<Vec<Findings>> {
    let mut all = Vec::new();
    for check in checks {
        all.push(run_one(context, check, today).await?);
    }
    Ok(all)
}

/// The instants that `findings` take out, of each ticker, rising.
pub fn dropped(findings: &[Findings]) -> BTreeMap<String, Vec<i64>> {
    let mut all: BTreeMap<String, Vec<i64>> = BTreeMap::new();
    for (ticker, found) in findings.iter().flat_map(|findings| &findings.tickers) {
        if !found.dropped.is_empty() {
            all.entry(ticker.clone()).or_default().extend(&found.dropped);
        }
    }
    for instants in all.values_mut() {
        instants.sort_unstable();
        instants.dedup();
    }
    all
}

async fn run_one(context: &SessionContext, check: &Check, today: NaiveDate) -> Result<Findings> {
    let place = check.file.name.as_str();
    let epoch = NaiveDate::default();
    let day = i32::try_from((today - epoch).num_days()).unwrap_or_default();
    let parameters = [(TODAY.trim_start_matches('$'), ScalarValue::Date32(Some(day)))];
    let header = check.file.header()?;
    let rows = step::plan(context, &check.file, &parameters).await?;
    let keys = [("ticker", DataType::Utf8), ("ts", step::instant_type())];
    let keys = keys.map(|(name, data_type)| (name.to_owned(), data_type));
    step::expect_columns(place, rows.schema().as_arrow(), &keys)?;
    // What is told may look ahead. What is taken out may not: scores of a day would depend on later ones.
    if check.severity == Severity::Drop {
        lookahead::check(place, rows.logical_plan())?;
    }
    if market::is_asked(place, rows.logical_plan())? {
        return Err(before_the_market(check));
    }
    let blame = |error| from_datafusion(place, error);
    let mut batches = rows.execute_stream().await.map_err(blame)?;
    let mut findings = Findings {
        name: check.name.clone(),
        severity: check.severity,
        summary: header.summary.split_once(": ").map_or("", |(_, what)| what).to_owned(),
        tickers: BTreeMap::new(),
    };
    let mut n_rows = 0_u64;
    while let Some(batch) = batches.try_next().await.map_err(blame)? {
        n_rows += batch.num_rows() as u64;
        if check.severity == Severity::Drop && n_rows > DROPPED_MAX {
            return Err(too_many(check));
        }
        add(&mut findings, &batch);
    }
    Ok(findings)
}

/// Counts a batch, whose keys have the right types.
fn add(findings: &mut Findings, batch: &RecordBatch) {
    let (Some(tickers), Some(instants)) =
        (batch.column_by_name("ticker"), batch.column_by_name("ts"))
    else {
        return;
    };
    let (tickers, instants) =
        (tickers.as_string::<i32>(), instants.as_primitive::<TimestampMicrosecondType>());
    let words = batch.column_by_name("found").and_then(|found| found.as_string_opt::<i32>());
    for row in 0..batch.num_rows() {
        let ticker = if tickers.is_valid(row) { tickers.value(row) } else { "" };
        let found = match findings.tickers.get_mut(ticker) {
            Some(found) => found,
            None => findings.tickers.entry(ticker.to_owned()).or_default(),
        };
        found.n_rows += 1;
        if instants.is_null(row) {
            continue;
        }
        let ts = instants.value(row);
        if found.first.as_ref().is_none_or(|(first, _)| ts < *first) {
            let words = words.filter(|words| words.is_valid(row));
            found.first = Some((ts, words.map(|words| words.value(row).to_owned())));
        }
        if findings.severity == Severity::Drop {
            found.dropped.push(ts);
        }
    }
}

fn before_the_market(check: &Check) -> Error {
    Error::new(
        Kind::Config,
        Report::new(format!("the check `{}` asks for the market's move", check.name))
            .at(check.file.name.as_str())
            .expected("what `prices` has: the market is measured of prices that are checked")
            .found("`market_return`")
            .hint("work out a median of the day in the check, or look for it in the tables afterwards"),
    )
}

fn too_many(check: &Check) -> Error {
    Error::new(
        Kind::Config,
        Report::new(format!("the check `{}` takes out too many rows", check.name))
            .at(check.file.name.as_str())
            .expected(format!("at most {DROPPED_MAX} rows that fail"))
            .found("more")
            .hint("let it find less, or let it warn"),
    )
}

#[cfg(test)]
mod tests;
