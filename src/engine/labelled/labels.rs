//! Labels: which rows of which ticker are anomalous.

use std::collections::BTreeMap;
use std::path::Path;

use datafusion::arrow::array::Array;

use super::columns::{ColumnMap, absent};
use super::file::Table;
use super::when::{self, When};
use crate::error::{Error, Kind, Report, Result};

/// So many mistakes of a file are told.
const TOLD_MAX: usize = 5;

/// Anomalous from one time to another, both included.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interval {
    /// First.
    pub start: When,
    /// Last.
    pub end: When,
    /// Where the file says so, for messages.
    pub place: String,
}

/// The labels of a file, by ticker.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Labels {
    /// The file, for messages.
    pub name: String,
    /// Anomalies of each ticker; one without any is there too, if the file labels it.
    pub tickers: BTreeMap<String, Vec<Interval>>,
    /// The group of each ticker, where a column says so.
    pub groups: BTreeMap<String, String>,
}

/// What labels make of the rows of a ticker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Marked {
    /// Whether each row is anomalous.
    pub labels: Vec<bool>,
    /// Anomalies without a row.
    pub unmatched: Vec<Interval>,
}

impl Labels {
    /// Marks rows at the instants `ts`, ascending, of `ticker`.
    ///
    /// An instant means a row at that very time, a day all rows of it, an interval all rows within.
    pub fn mark(&self, ticker: &str, ts: &[i64]) -> Marked {
        let mut marked = Marked { labels: vec![false; ts.len()], unmatched: Vec::new() };
        for interval in self.tickers.get(ticker).into_iter().flatten() {
            let from = ts.partition_point(|ts| *ts < interval.start.first());
            let to = ts.partition_point(|ts| *ts <= interval.end.last());
            match from < to {
                true => marked.labels[from..to].fill(true),
                false => marked.unmatched.push(interval.clone()),
            }
        }
        marked
    }
}

/// Reads labels: points (`ticker, ts, label`) or intervals (`ticker, start, end`).
///
/// Without a column for it, all labels are those of `only_ticker`. `group_by` names a column that groups tickers.
///
/// # Errors
/// `Config` for a column that is not there, `Data` for cells that cannot be understood, several at once.
pub fn read_labels(
    path: &Path,
    columns: &ColumnMap,
    only_ticker: Option<&str>,
    group_by: Option<&str>,
) -> Result<Labels> {
    let table = Table::read(path)?;
    let tickers = match (columns.find(&table, "ticker")?, only_ticker) {
        (Some(column), _) => Some(table.texts(&column)?),
        (None, Some(_)) => None,
        (None, None) => Some(table.texts(&columns.need(&table, "ticker")?)?),
    };
    let ticker_of = |row_idx: usize| match &tickers {
        Some(tickers) if tickers.is_valid(row_idx) => Ok(tickers.value(row_idx).to_owned()),
        Some(_) => Err(mistake(&table, row_idx, "the row has no ticker", "a ticker", "nothing")),
        None => Ok(only_ticker.unwrap_or_default().to_owned()),
    };
    let is_interval =
        columns.find(&table, "start")?.is_some() && columns.find(&table, "label")?.is_none();
    let rows = if is_interval { intervals(&table, columns)? } else { points(&table, columns)? };
    let mut labels = Labels { name: table.name.clone(), ..Labels::default() };
    let mut mistakes = Vec::new();
    for (row_idx, row) in rows.into_iter().enumerate() {
        match ticker_of(row_idx).and_then(|ticker| row.map(|interval| (ticker, interval))) {
            Ok((ticker, interval)) => labels.tickers.entry(ticker).or_default().extend(interval),
            Err(report) => mistakes.push(report),
        }
    }
    if let Some(group_by) = group_by {
        let write = |column: &str| format!("--group-by {column}");
        table.column(group_by).ok_or_else(|| absent(&table, group_by, "group", write))?;
        let groups = table.texts(group_by)?;
        for row_idx in (0..table.n_rows()).filter(|row_idx| groups.is_valid(*row_idx)) {
            if let Ok(ticker) = ticker_of(row_idx) {
                labels.groups.entry(ticker).or_insert_with(|| groups.value(row_idx).to_owned());
            }
        }
    }
    told(&table, mistakes)?;
    Ok(labels)
}

/// A row that labels nothing as an anomaly is `None`.
type Rows = Vec<Result<Option<Interval>, Report>>;

fn points(table: &Table, columns: &ColumnMap) -> Result<Rows> {
    let whens = whens(table, &columns.need(table, "ts")?)?;
    let labels = table.texts(&columns.need(table, "label")?)?;
    let row = |row_idx: usize| -> Result<Option<Interval>, Report> {
        let when = whens[row_idx].clone().map_err(|found| undated(table, row_idx, &found))?;
        let text = if labels.is_valid(row_idx) { labels.value(row_idx) } else { "nothing" };
        let is_anomalous = zero_or_one(text).ok_or_else(|| {
            mistake(
                table,
                row_idx,
                "a label is neither 0 nor 1",
                "0 (normal) or 1 (anomalous)",
                text,
            )
        })?;
        let interval = || Interval { start: when, end: when, place: table.place(row_idx) };
        Ok(is_anomalous.then(interval))
    };
    Ok((0..table.n_rows()).map(row).collect())
}

fn intervals(table: &Table, columns: &ColumnMap) -> Result<Rows> {
    let starts = whens(table, &columns.need(table, "start")?)?;
    let ends = whens(table, &columns.need(table, "end")?)?;
    let row = |row_idx: usize| -> Result<Option<Interval>, Report> {
        let when = |whens: &[Result<When, String>]| {
            whens[row_idx].clone().map_err(|found| undated(table, row_idx, &found))
        };
        let (start, end) = (when(&starts)?, when(&ends)?);
        if end.last() < start.first() {
            let report =
                mistake(table, row_idx, "an event ends before it starts", "start, then end", "");
            let texts = ["start", "end"].map(|part| text_of(table, columns, part, row_idx));
            return Err(report.found(format!("from {} to {}", texts[0], texts[1])));
        }
        Ok(Some(Interval { start, end, place: table.place(row_idx) }))
    };
    Ok((0..table.n_rows()).map(row).collect())
}

fn text_of(table: &Table, columns: &ColumnMap, part: &str, row_idx: usize) -> String {
    let texts = columns.need(table, part).and_then(|column| table.texts(&column));
    texts.map_or_else(|_| "?".to_owned(), |texts| texts.value(row_idx).to_owned())
}

/// 0 or 1, in the ways that tables write them.
pub(super) fn zero_or_one(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "0" | "0.0" | "false" => Some(false),
        "1" | "1.0" | "true" => Some(true),
        _ => None,
    }
}

pub(super) fn whens(table: &Table, name: &str) -> Result<Vec<Result<When, String>>> {
    let bug = || Error::bug(format!("column `{name}` was found and is gone"));
    when::column(table.column(name).ok_or_else(bug)?).map_err(|found| {
        let report = Report::new(format!("column `{name}` has no dates")).at(table.name.as_str());
        Error::data(report.expected("dates, times or row numbers").found(found))
    })
}

pub(super) fn undated(table: &Table, row_idx: usize, found: &str) -> Report {
    let expected =
        "a date such as 2020-03-16, a time such as 2020-03-16T14:30:00Z, or a row number";
    let report = mistake(table, row_idx, "a row has no date", expected, found);
    match found.parse::<i64>() {
        Ok(_) => report.hint("write seconds since 1970 as times"),
        Err(_) => report,
    }
}

pub(super) fn mistake(
    table: &Table,
    row_idx: usize,
    title: &str,
    expected: &str,
    found: &str,
) -> Report {
    Report::new(title).at(table.place(row_idx)).expected(expected).found(found)
}

/// The first mistakes, and how many more there are.
pub(super) fn told(table: &Table, mut mistakes: Vec<Report>) -> Result<()> {
    if mistakes.is_empty() {
        return Ok(());
    }
    let n_more = mistakes.len().saturating_sub(TOLD_MAX);
    mistakes.truncate(TOLD_MAX);
    if n_more > 0 {
        let more = format!("{n_more} more rows cannot be understood");
        mistakes.push(Report::new(more).at(table.name.as_str()));
    }
    Err(Error { kind: Kind::Data, reports: mistakes })
}

#[cfg(test)]
mod tests;
