//! Which column is what: by its name, in any case, and by its type.

use oddlot_engine::import::{TIME_NAMES, normal};
use oddlot_engine::inspect::TickerFacts;
use oddlot_engine::source::{Offered, OfferedColumn};
use oddlot_engine::{Error, Kind, Report};

use super::Asked;
use crate::diagnostic::name as visible;

/// As the importer has them, and those of data vendors.
const TICKER: [&str; 7] =
    ["ticker", "symbol", "ric", "ticker_symbol", "instrument", "name", "isin"];
/// Adjusted for splits and dividends: no jump that is none of the market's.
const ADJUSTED: [&str; 6] =
    ["adj_close", "close_adj", "adjclose", "adjusted_close", "close_adjusted", "adj_close_price"];
const CLOSE: [&str; 3] = ["close", "close_price", "closing_price"];
const PRICE: [&str; 6] = ["price", "px_last", "last", "last_price", "settle", "value"];
/// What input checks look at, beside the value.
const FURTHER: [&str; 5] = ["open", "high", "low", "close", "volume"];
/// Endings of files that have to be imported first.
const TEXT: [&str; 3] = [".csv", ".tsv", ".txt"];
const PACKED: [&str; 4] = [".gz", ".gzip", ".zst", ".zstd"];

/// What was chosen.
#[derive(Clone, Debug)]
pub(super) struct Columns {
    /// The column with the ticker.
    pub(super) ticker: Option<String>,
    /// One name for all rows.
    pub(super) literal: Option<String>,
    /// The column with the time; without one, rows are numbered.
    pub(super) ts: Option<String>,
    /// Whether time is dates, not row numbers.
    pub(super) has_dates: bool,
    /// The column that is watched.
    pub(super) value: String,
    /// Role and column.
    pub(super) further: Vec<(String, String)>,
    /// What was chosen, and why.
    pub(super) notes: Vec<String>,
}

/// CSV is not read by a run.
pub(super) fn refuse_csv(from: &str) -> Result<(), Error> {
    let lower = from.to_lowercase();
    let bare = PACKED.iter().find_map(|ending| lower.strip_suffix(ending)).unwrap_or(&lower);
    if !TEXT.iter().any(|ending| bare.ends_with(ending)) {
        return Ok(());
    }
    let report = Report::new("a pipeline reads Parquet files")
        .at(format!("--from {}", visible(from)))
        .expected("a Parquet file, a folder or a glob of them, or s3://bucket/prefix/")
        .found("files of text")
        .hint(format!(
            "`oddlot import {from} -o prices` makes one of them and tells what is odd; then `--from 'prices/*.parquet'`"
        ));
    Err(Error::new(Kind::Usage, report))
}

/// Chooses.
pub(super) fn choose(asked: &Asked<'_>, offered: &Offered) -> Result<Columns, Error> {
    let choice = Choice { asked, offered };
    let mut notes = Vec::new();
    let ts = choice.time(&mut notes)?;
    let (ticker, literal) = choice.ticker(&mut notes)?;
    if ts.is_none() && ticker.is_some() {
        return Err(
            choice.ask("no column has the time", "ts", |column| column.is_time || column.is_whole)
        );
    }
    let value = choice.value(ts.as_ref(), &mut notes)?;
    let mut further = Vec::new();
    for role in FURTHER {
        let named = choice.told(&[role]).is_none();
        if let Some(column) = choice.only(role, |column| column.is_number).filter(|_| named) {
            further.push((role.to_owned(), column.name.clone()));
        }
    }
    for (role, name) in asked.columns {
        if !["ticker", "ts", "date", "close", "price", "value"].contains(&role.as_str()) {
            let column = choice.named(role, name, |column| column.is_number, "numbers")?;
            further.push((role.clone(), column.name.clone()));
        }
    }
    // Of the value alone there is nothing more to know.
    further.retain(|(role, name)| role != "close" || *name != value);
    if further.iter().any(|(role, _)| role == "open") && normal(&value) == "close" {
        further.push(("close".to_owned(), value.clone()));
    }
    if !further.is_empty() {
        let roles: Vec<&str> = further.iter().map(|(role, _)| role.as_str()).collect();
        notes.push(format!("{} for input checks (`oddlot check --data`)", roles.join(", ")));
    }
    Ok(Columns {
        ticker,
        literal,
        has_dates: ts.as_ref().is_some_and(|ts| ts.is_time),
        ts: ts.map(|ts| ts.name),
        value,
        further,
        notes,
    })
}

struct Choice<'a> {
    asked: &'a Asked<'a>,
    offered: &'a Offered,
}

impl Choice<'_> {
    /// The column that `--column` names for one of `roles`.
    fn told(&self, roles: &[&str]) -> Option<&(String, String)> {
        self.asked.columns.iter().find(|(role, _)| roles.contains(&role.as_str()))
    }

    /// A column by the name that the user gave.
    fn named(
        &self,
        role: &str,
        name: &str,
        fits: impl Fn(&OfferedColumn) -> bool,
        what: &str,
    ) -> Result<OfferedColumn, Error> {
        let column = self.offered.columns.iter().find(|column| column.name == name);
        let found = match column {
            Some(column) if fits(column) => return Ok(column.clone()),
            Some(_) => "a column of another type".to_owned(),
            None => self.listed(|_| true),
        };
        let report = Report::new(format!("`{}` cannot be the {role}", visible(name)))
            .at(format!("--column {role}={}", visible(name)))
            .expected(format!("a column of {what} that every file has"))
            .found(found)
            .hint("write its name as the files have it");
        Err(Error::new(Kind::Usage, report))
    }

    /// The columns of a kind, for a message.
    fn listed(&self, fits: impl Fn(&OfferedColumn) -> bool) -> String {
        let names: Vec<String> = self
            .offered
            .columns
            .iter()
            .filter(|column| fits(column))
            .map(|column| visible(&column.name))
            .collect();
        if names.is_empty() { "none".to_owned() } else { names.join(", ") }
    }

    /// Columns of a kind whose name compares to `name`.
    fn all(&self, name: &str, fits: impl Fn(&OfferedColumn) -> bool) -> Vec<&OfferedColumn> {
        let columns = self.offered.columns.iter();
        columns.filter(|column| normal(&column.name) == name && fits(column)).collect()
    }

    fn only(&self, name: &str, fits: impl Fn(&OfferedColumn) -> bool) -> Option<&OfferedColumn> {
        match self.all(name, fits)[..] {
            [only] => Some(only),
            _ => None,
        }
    }

    /// The first of `names` that a column has; an error where two columns have it.
    fn first(
        &self,
        role: &str,
        names: &[&str],
        fits: impl Fn(&OfferedColumn) -> bool + Copy,
    ) -> Result<Option<OfferedColumn>, Error> {
        for name in names {
            match self.all(name, fits)[..] {
                [] => {}
                [only] => return Ok(Some(only.clone())),
                _ => {
                    let title = format!("two columns could be the {role}");
                    return Err(self.ask(&title, role, |column| normal(&column.name) == *name));
                }
            }
        }
        Ok(None)
    }

    /// What cannot be decided.
    fn ask(&self, title: &str, role: &str, fits: impl Fn(&OfferedColumn) -> bool) -> Error {
        let example = self.offered.columns.iter().find(|column| fits(column));
        let example = example.map_or("NAME".to_owned(), |column| visible(&column.name));
        let report = Report::new(title)
            .at(format!("--from {}", visible(self.asked.from)))
            .expected(format!("the {role}, named with `--column {role}=NAME`"))
            .found(format!(
                "{} among {}",
                match self.listed(&fits) {
                    none if none == "none" => "no column for it".to_owned(),
                    some => some,
                },
                self.listed(|_| true)
            ))
            .hint(format!("for example `--column {role}={example}`"));
        Error::new(Kind::Usage, report)
    }

    fn time(&self, notes: &mut Vec<String>) -> Result<Option<OfferedColumn>, Error> {
        let fits = |column: &OfferedColumn| column.is_time || column.is_whole;
        if let Some((role, name)) = self.told(&["ts", "date"]) {
            let column = self.named(role, name, fits, "dates, timestamps or row numbers")?;
            notes.push(format!("time is `{}`, as told", visible(&column.name)));
            return Ok(Some(column));
        }
        let is_time = |column: &OfferedColumn| column.is_time;
        let found = match self.first("ts", &TIME_NAMES, is_time)? {
            None => self.first("ts", &TIME_NAMES, |column| column.is_whole)?,
            found => found,
        };
        if let Some(column) = found {
            let what = if column.is_time { "" } else { ": row numbers, since it holds no dates" };
            notes.push(format!("time is `{}`{what}", visible(&column.name)));
            return Ok(Some(column));
        }
        let times: Vec<_> = self.offered.columns.iter().filter(|column| is_time(column)).collect();
        match times[..] {
            [] => {
                notes.push(
                    "rows are numbered in the order of the file: no column has dates".to_owned(),
                );
                Ok(None)
            }
            [only] => {
                notes
                    .push(format!("time is `{}`, the only column with dates", visible(&only.name)));
                Ok(Some(only.clone()))
            }
            _ => Err(self.ask("several columns have dates", "ts", is_time)),
        }
    }

    fn ticker(&self, notes: &mut Vec<String>) -> Result<(Option<String>, Option<String>), Error> {
        let fits = |column: &OfferedColumn| column.is_text;
        if let Some(ticker) = self.asked.ticker {
            notes.push(format!("all rows are of `{}`, as told", visible(ticker)));
            return Ok((None, Some(ticker.to_owned())));
        }
        let column = match self.told(&["ticker"]) {
            Some((role, name)) => Some(self.named(role, name, fits, "text")?),
            None => self.first("ticker", &TICKER, fits)?,
        };
        if let Some(column) = column {
            notes.push(format!("tickers are in `{}`", visible(&column.name)));
            return Ok((Some(column.name), None));
        }
        match self.offered.files.as_slice() {
            [file] => {
                let stem = file.rsplit('/').next().unwrap_or_default();
                let stem = stem.strip_suffix(".parquet").unwrap_or(stem).to_owned();
                notes.push(format!(
                    "all rows are of `{}`, as the file is called: no column has a ticker (`--ticker` names another)",
                    visible(&stem)
                ));
                Ok((None, Some(stem)))
            }
            files => {
                let first = files[0].rsplit('/').next().unwrap_or_default();
                let stem = first.strip_suffix(".parquet").unwrap_or(first);
                let report = Report::new("nothing says which ticker a row is of")
                    .at(format!("--from {}", visible(self.asked.from)))
                    .expected("a column with the ticker, named with `--column ticker=NAME`, or a folder for each")
                    .found(format!("{} files with {}", files.len(), self.listed(|_| true)))
                    .hint(format!(
                        "move each file to a folder that names its ticker, such as prices/ticker={}/{}, then `--from prices`",
                        visible(stem),
                        visible(first)
                    ));
                Err(Error::new(Kind::Usage, report))
            }
        }
    }

    fn value(&self, ts: Option<&OfferedColumn>, notes: &mut Vec<String>) -> Result<String, Error> {
        let is_time = |column: &OfferedColumn| ts.is_some_and(|ts| ts.name == column.name);
        let fits = |column: &OfferedColumn| column.is_number && !is_time(column);
        if let Some((role, name)) = self.told(&["close", "price", "value"]) {
            let column = self.named(role, name, fits, "numbers")?;
            notes.push(format!("the value is `{}`, as told", visible(&column.name)));
            return Ok(column.name);
        }
        for names in [&ADJUSTED[..], &CLOSE, &PRICE] {
            if let Some(column) = self.first("close", names, fits)? {
                let why = match self.only("close", fits) {
                    Some(close) if names == ADJUSTED => format!(
                        ": adjusted prices have no jumps at splits (`--column close={}` takes the others)",
                        visible(&close.name)
                    ),
                    _ => String::new(),
                };
                notes.push(format!("the value is `{}`{why}", visible(&column.name)));
                return Ok(column.name);
            }
        }
        let is_left = |column: &OfferedColumn| {
            fits(column) && !FURTHER.contains(&normal(&column.name).as_str())
        };
        let left: Vec<_> = self.offered.columns.iter().filter(|column| is_left(column)).collect();
        match left[..] {
            [only] => {
                notes.push(format!("the value is `{}`, the only column left", visible(&only.name)));
                Ok(only.name.clone())
            }
            [] => Err(self.ask("no column has a price", "close", fits)),
            _ => Err(self.ask("several columns could be the price", "close", is_left)),
        }
    }
}

impl Columns {
    /// Of a draft, to find the files.
    pub(super) fn nothing() -> Self {
        Self {
            ticker: Some("ticker".into()),
            literal: None,
            ts: Some("ts".into()),
            has_dates: true,
            value: "value".into(),
            further: Vec::new(),
            notes: Vec::new(),
        }
    }

    /// Several tickers under one name have several rows of each instant.
    pub(super) fn refuse_mixed(
        &self,
        tickers: &[TickerFacts],
        offered: &Offered,
    ) -> Result<(), Error> {
        let Some(literal) = &self.literal else { return Ok(()) };
        let n_repeated: u64 = tickers.iter().map(|ticker| ticker.n_duplicate_ts).sum();
        let n_rows: u64 = tickers.iter().map(|ticker| ticker.n_rows).sum();
        if n_repeated * 4 < n_rows {
            return Ok(());
        }
        let texts = offered.columns.iter().filter(|column| column.is_text);
        let texts: Vec<String> = texts.map(|column| visible(&column.name)).collect();
        let example = texts.first().map_or("NAME", String::as_str);
        let report = Report::new("the file seems to hold several tickers")
            .at(offered.files.first().cloned().unwrap_or_default())
            .expected(format!("one row of each instant, if all are of `{}`", visible(literal)))
            .found(format!(
                "{n_repeated} of {n_rows} rows repeat an instant; columns of text: {}",
                match texts.is_empty() {
                    true => "none".into(),
                    false => texts.join(", "),
                }
            ))
            .hint(format!("name the column with the ticker: `--column ticker={example}`"));
        Err(Error::new(Kind::Usage, report))
    }
}
