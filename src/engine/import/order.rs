//! Rows in order: sorted by ticker and time, duplicates found, the order they came in told.

use super::Duplicates;
use super::dates::{self, TimeKind};
use super::lines::shown;
use super::report::{Oddities, OddityKind};
use super::rows::{FINDINGS_MAX, Origin, Rows};
use super::text::Source;
use crate::error::{Error, Kind, Report, Result};

/// The rows to write: sorted by (ticker bytes, time), each such pair once.
#[derive(Debug)]
pub(super) struct Table {
    pub(super) time_kind: TimeKind,
    /// Distinct tickers, in order.
    tickers: Vec<String>,
    ticker_ranks: Vec<usize>,
    pub(super) times: Vec<i64>,
    pub(super) names: Vec<String>,
    /// One vector a name; NaN stands for null.
    pub(super) values: Vec<Vec<f64>>,
}

impl Table {
    pub(super) fn n_tickers(&self) -> usize {
        self.tickers.len()
    }

    /// The ticker of every row.
    pub(super) fn tickers(&self) -> impl Iterator<Item = &str> {
        self.ticker_ranks.iter().map(|rank| self.tickers[*rank].as_str())
    }

    /// `date` for days, else `ts`.
    pub(super) fn time_name(&self) -> &'static str {
        match self.time_kind {
            TimeKind::Date => "date",
            TimeKind::Instant | TimeKind::RowNumber => "ts",
        }
    }

    pub(super) fn column_names(&self) -> impl Iterator<Item = &str> {
        ["ticker", self.time_name()].into_iter().chain(self.names.iter().map(String::as_str))
    }

    /// First and last time, as text.
    pub(super) fn span(&self) -> (String, String) {
        let end = |time: Option<&i64>| time.map(|t| dates::shown(self.time_kind, *t));
        (
            end(self.times.iter().min()).unwrap_or_default(),
            end(self.times.iter().max()).unwrap_or_default(),
        )
    }
}

pub(super) fn sort(
    rows: Rows,
    duplicates: Duplicates,
    sources: &[Source],
    oddities: &mut Oddities,
) -> Result<Table> {
    if rows.time_kind != TimeKind::RowNumber {
        note_order(&rows, sources, oddities);
    }
    let (tickers, rank_of) = ranked(&rows.tickers);
    let rank = |row_idx: usize| rank_of[rows.ticker_idxs[row_idx] as usize];
    let key = |row_idx: &usize| (rank(*row_idx), rows.times[*row_idx]);
    let mut order: Vec<usize> = (0..rows.times.len()).collect();
    order.sort_by_key(key);
    note_mixed(&rows, rank, sources, oddities);
    let mut settle = Settle { rows: &rows, sources, duplicates, oddities, findings: Vec::new() };
    let kept: Vec<usize> =
        order.chunk_by(|a, b| key(a) == key(b)).map(|group| settle.one_of(group)).collect();
    settle.finish()?;
    Ok(Table {
        time_kind: rows.time_kind,
        ticker_ranks: kept.iter().map(|row_idx| rank(*row_idx)).collect(),
        times: kept.iter().map(|row_idx| rows.times[*row_idx]).collect(),
        values: rows
            .values
            .iter()
            .map(|column| kept.iter().map(|row_idx| column[*row_idx]).collect())
            .collect(),
        tickers,
        names: rows.names,
    })
}

/// Tells rows whose ticker sorts before that of the row above them.
fn note_mixed(
    rows: &Rows,
    rank: impl Fn(usize) -> usize,
    sources: &[Source],
    oddities: &mut Oddities,
) {
    for row_idx in (1..rows.times.len()).filter(|row_idx| rank(*row_idx) < rank(row_idx - 1)) {
        let (source, line) = origin(rows, sources, row_idx);
        oddities.note(OddityKind::TickersMixed, source, line);
    }
}

/// Tickers in byte order, and the rank of each.
fn ranked(tickers: &[String]) -> (Vec<String>, Vec<usize>) {
    let mut order: Vec<usize> = (0..tickers.len()).collect();
    order.sort_by_key(|ticker_idx| &tickers[*ticker_idx]);
    let mut rank_of = vec![0; tickers.len()];
    for (rank, ticker_idx) in order.iter().enumerate() {
        rank_of[*ticker_idx] = rank;
    }
    (order.iter().map(|ticker_idx| tickers[*ticker_idx].clone()).collect(), rank_of)
}

/// How the rows of one ticker in one file follow each other.
#[derive(Clone, Default)]
struct Steps {
    last: Option<(u32, i64)>,
    n_rows: u64,
    n_forward: u64,
    n_backward: u64,
    first_backward: Option<Origin>,
}

/// A ticker all of whose steps go back is newest first; single steps back are told as such.
fn note_order(rows: &Rows, sources: &[Source], oddities: &mut Oddities) {
    let mut steps = vec![Steps::default(); rows.tickers.len()];
    for ((ticker_idx, time), origin) in rows.ticker_idxs.iter().zip(&rows.times).zip(&rows.origins)
    {
        let steps = &mut steps[*ticker_idx as usize];
        steps.n_rows += 1;
        if let Some((source_idx, last)) = steps.last
            && source_idx == origin.source_idx
        {
            steps.n_forward += u64::from(*time > last);
            if *time < last {
                steps.n_backward += 1;
                steps.first_backward.get_or_insert(*origin);
            }
        }
        steps.last = Some((origin.source_idx, *time));
    }
    for steps in &steps {
        let Some(origin) = steps.first_backward else { continue };
        let Some(source) = sources.get(origin.source_idx as usize) else { continue };
        let (kind, count) = match steps.n_forward {
            0 => (OddityKind::NewestFirst, steps.n_rows),
            _ => (OddityKind::BackwardTime, steps.n_backward),
        };
        oddities.note_many(kind, count, source, origin.line.into());
    }
}

/// Chooses one row of each ticker and time.
struct Settle<'a> {
    rows: &'a Rows,
    sources: &'a [Source],
    duplicates: Duplicates,
    oddities: &'a mut Oddities,
    findings: Vec<Report>,
}

impl Settle<'_> {
    /// `group` holds the rows of one ticker and time in file order; at least one.
    fn one_of(&mut self, group: &[usize]) -> usize {
        let kept = match self.duplicates {
            Duplicates::Refuse | Duplicates::KeepFirst => group[0],
            Duplicates::KeepLast => group[group.len() - 1],
        };
        for row_idx in group.iter().filter(|row_idx| **row_idx != kept) {
            let is_equal = self
                .rows
                .values
                .iter()
                .all(|column| column[*row_idx].to_bits() == column[kept].to_bits());
            let kind = match (is_equal, self.duplicates) {
                (true, _) => OddityKind::EqualDuplicate,
                (false, Duplicates::Refuse) => {
                    self.refuse(kept, *row_idx);
                    continue;
                }
                (false, _) => OddityKind::ConflictingDuplicate,
            };
            let (source, line) = origin(self.rows, self.sources, *row_idx);
            self.oddities.note(kind, source, line);
        }
        kept
    }

    fn refuse(&mut self, first: usize, second: usize) {
        if self.findings.len() > FINDINGS_MAX {
            return;
        }
        let ticker = &self.rows.tickers[self.rows.ticker_idxs[first] as usize];
        let time = dates::shown(self.rows.time_kind, self.rows.times[first]);
        let (one, one_line) = origin(self.rows, self.sources, first);
        let (two, two_line) = origin(self.rows, self.sources, second);
        self.findings.push(
            Report::new(format!("two rows of {} at {time} differ", shown(ticker)))
                .at(two.place(two_line))
                .expected(format!(
                    "{}, as at {}",
                    one.lines.content(&one.text, one_line),
                    one.place(one_line)
                ))
                .found(two.lines.content(&two.text, two_line))
                .hint("remove one, or choose with `--duplicates keep-first` or `keep-last`"),
        );
    }

    fn finish(mut self) -> Result<()> {
        if self.findings.len() > FINDINGS_MAX {
            self.findings.truncate(FINDINGS_MAX);
            self.findings.push(Report::new("there are more such rows"));
        }
        match self.findings.is_empty() {
            true => Ok(()),
            false => Err(Error { kind: Kind::Data, reports: self.findings }),
        }
    }
}

/// The file and line of a row.
fn origin<'a>(rows: &Rows, sources: &'a [Source], row_idx: usize) -> (&'a Source, u64) {
    let origin = rows.origins[row_idx];
    (&sources[origin.source_idx as usize], origin.line.into())
}
