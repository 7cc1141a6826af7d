//! Which column is what: ticker, time, and the columns that may be kept.

use std::collections::BTreeSet;

use super::text::Source;
use super::{ImportOptions, TickerFrom, TimeFrom, cells, file_name, shown};
use crate::error::{Error, Report, Result};

/// Names of a ticker column, normal form, best first.
const TICKER_NAMES: [&str; 3] = ["ticker", "symbol", "name"];

/// Names of a time column, normal form, best first.
pub const TIME_NAMES: [&str; 11] = [
    "date",
    "ts",
    "timestamp",
    "time_stamp",
    "datetime",
    "date_time",
    "trade_date",
    "trading_date",
    "session",
    "day",
    "time",
];

/// Columns of all inputs.
#[derive(Debug)]
pub(super) struct Layout {
    /// Normal names of the columns that may be kept, in the order of the first file.
    pub(super) names: Vec<String>,
    /// True where the user named the columns: then none is dropped for being text.
    pub(super) is_chosen: bool,
    /// One for each source.
    pub(super) columns: Vec<Columns>,
}

/// Columns of one input.
#[derive(Debug)]
pub(super) struct Columns {
    pub(super) n_fields: usize,
    pub(super) ticker: Ticker,
    /// None for row numbers.
    pub(super) time_idx: Option<usize>,
    /// Name of the time column as the file writes it.
    pub(super) time_name: String,
    /// Where each of [`Layout::names`] stands here.
    pub(super) value_idxs: Vec<Option<usize>>,
    /// Nameless columns.
    pub(super) n_nameless: u64,
}

/// The ticker of one input's rows.
#[derive(Debug)]
pub(super) enum Ticker {
    Column(usize),
    Literal(String),
}

/// Names as they are written to Parquet: lower case, `_` for what is no letter or digit.
pub fn normal(name: &str) -> String {
    let lower = name.trim().to_lowercase();
    let mapped: String = lower.chars().map(|c| if c.is_alphanumeric() { c } else { '_' }).collect();
    mapped.trim_matches('_').to_owned()
}

pub(super) fn resolve(sources: &[Source], options: &ImportOptions) -> Result<Layout> {
    let headers = sources.iter().map(header).collect::<Result<Vec<_>>>()?;
    let mut columns = Vec::new();
    for (source, names) in sources.iter().zip(&headers) {
        let ticker = ticker_of(source, names, options)?;
        let time_idx = time_of(source, names, options)?;
        let time_name = time_idx.map(|idx| names[idx].clone()).unwrap_or_default();
        let n_nameless = names.iter().filter(|name| name.is_empty()).count() as u64;
        columns.push(Columns {
            n_fields: names.len(),
            ticker,
            time_idx,
            time_name,
            value_idxs: Vec::new(),
            n_nameless,
        });
    }
    let names = match &options.columns {
        Some(chosen) => chosen.iter().map(|name| normal(name)).collect(),
        None if options.no_columns => Vec::new(),
        None => other_names(&headers, &columns),
    };
    refuse_reserved(&names, options)?;
    for ((source, header), columns) in sources.iter().zip(&headers).zip(&mut columns) {
        columns.value_idxs =
            names.iter().map(|name| header.iter().position(|other| other == name)).collect();
        if options.columns.is_some() {
            let missing = columns.value_idxs.iter().position(Option::is_none);
            if let Some(missing_idx) = missing {
                return Err(no_column(source, header, &names[missing_idx], "--columns"));
            }
        }
    }
    Ok(Layout { names, is_chosen: options.columns.is_some(), columns })
}

/// The normal names of the first line.
fn header(source: &Source) -> Result<Vec<String>> {
    let Some(record) = source.records()?.next().transpose()? else {
        return Err(Error::bug("import: a header is gone"));
    };
    let line = record.line;
    let content = || shown(record.raw());
    if record
        .iter()
        .any(|name| matches!(cells::read(name, cells::Decimal::Point), cells::Cell::Number(_)))
    {
        return Err(Error::data(
            Report::new("the first line looks like data")
                .at(source.place(line))
                .expected("column names, as date,close")
                .found(content())
                .hint("add a line of column names at the top"),
        ));
    }
    let names: Vec<String> = record.iter().map(normal).collect();
    let mut seen = BTreeSet::new();
    match names.iter().find(|name| !name.is_empty() && !seen.insert(*name)) {
        None => Ok(names),
        Some(twice) => Err(Error::data(
            Report::new(format!("two columns are named `{}`", shown(twice)))
                .at(source.place(line))
                .expected("each name once")
                .found(content())
                .hint("rename one of them; case and punctuation do not tell names apart"),
        )),
    }
}

fn ticker_of(source: &Source, names: &[String], options: &ImportOptions) -> Result<Ticker> {
    match &options.ticker {
        TickerFrom::Literal(ticker) if ticker.trim().is_empty() => Err(Error::config(
            Report::new("the ticker is empty")
                .at("--ticker")
                .expected("a name")
                .found("an empty text")
                .hint("write `--ticker SPX`"),
        )),
        TickerFrom::Literal(ticker) => Ok(Ticker::Literal(ticker.clone())),
        TickerFrom::Column(name) => position(names, &normal(name))
            .map(Ticker::Column)
            .ok_or_else(|| no_column(source, names, name, "--ticker-column")),
        TickerFrom::Auto => {
            let found = TICKER_NAMES.iter().find_map(|name| position(names, name));
            match found {
                Some(column_idx) => Ok(Ticker::Column(column_idx)),
                None => file_name::stem(&source.path).map(Ticker::Literal),
            }
        }
        TickerFrom::FileName(pattern) => {
            file_name::ticker(&source.path, pattern).map(Ticker::Literal)
        }
    }
}

fn time_of(source: &Source, names: &[String], options: &ImportOptions) -> Result<Option<usize>> {
    match &options.time {
        TimeFrom::RowNumber => Ok(None),
        TimeFrom::Column(name) => position(names, &normal(name))
            .map(Some)
            .ok_or_else(|| no_column(source, names, name, "--time-column")),
        TimeFrom::Auto => {
            let found = TIME_NAMES.iter().find_map(|name| position(names, name));
            let missing = || {
                Error::data(
                    Report::new("the file has no time column")
                        .at(source.place(1))
                        .expected(format!("one named {}", TIME_NAMES.join(", ")))
                        .found(shown_names(names))
                        .hint("name it with `--time-column`, or use `--row-number`"),
                )
            };
            found.map(Some).ok_or_else(missing)
        }
    }
}

/// All columns but ticker and time, each name once, in order of appearance.
fn other_names(headers: &[Vec<String>], columns: &[Columns]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    let mut seen = BTreeSet::new();
    for (header, columns) in headers.iter().zip(columns) {
        for (column_idx, name) in header.iter().enumerate() {
            let is_ticker = matches!(columns.ticker, Ticker::Column(idx) if idx == column_idx);
            let is_time = columns.time_idx == Some(column_idx);
            if !is_ticker && !is_time && !name.is_empty() && seen.insert(name.clone()) {
                names.push(name.clone());
            }
        }
    }
    names
}

/// Kept columns must not take the names that we give. A text column of that name is dropped
/// later, so this only looks at columns the user chose.
fn refuse_reserved(names: &[String], options: &ImportOptions) -> Result<()> {
    let mut seen = BTreeSet::new();
    for name in names {
        let what = if ["ticker", "date", "ts"].contains(&name.as_str()) {
            "is a name that the import gives itself"
        } else if name.is_empty() {
            "is no column name"
        } else if !seen.insert(name) {
            "is named twice"
        } else {
            continue;
        };
        if options.columns.is_some() {
            return Err(Error::config(
                Report::new(format!("`{}` {what}", shown(name)))
                    .at("--columns")
                    .expected("names of columns that hold prices or other numbers")
                    .found(shown(name))
                    .hint("name the numeric columns to keep, each once"),
            ));
        }
    }
    Ok(())
}

fn position(names: &[String], name: &str) -> Option<usize> {
    names.iter().position(|other| other == name && !name.is_empty())
}

fn no_column(source: &Source, names: &[String], name: &str, option: &str) -> Error {
    let report = Report::new(format!("no column `{}`", shown(name)))
        .at(source.place(1))
        .expected(format!("a column of `{option}`"))
        .found(shown_names(names));
    let normal = normal(name);
    let nearest = names
        .iter()
        .map(|other| (strsim::osa_distance(&normal, other), other))
        .filter(|(distance, other)| *distance <= 2 && *distance < other.chars().count())
        .min();
    Error::config(match nearest {
        Some((_, nearest)) => report.hint(format!("did you mean `{}`?", shown(nearest))),
        None => report,
    })
}

/// Column names for a message.
pub(super) fn shown_names(names: &[String]) -> String {
    let named: Vec<String> =
        names.iter().filter(|name| !name.is_empty()).map(|name| shown(name)).collect();
    named.join(", ")
}
