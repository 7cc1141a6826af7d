//! Rows in order: sorted by ticker and time, duplicates found, the order they came in told.

use super::dates::{self, TimeKind};
use super::report::Oddities;
use super::rows::{FINDINGS_MAX, Origin, Rows};
use super::text::Source;
use super::treatments::Treatments;
use super::{Action, OddityKind, escaped, shown};
use crate::error::{Error, Kind, Report, Result};

/// The rows to write: sorted by (ticker bytes, time), each such pair once.
#[derive(Debug)]
pub(super) struct Table {
    pub(super) time_kind: TimeKind,
    /// Distinct tickers, in order.
    pub(super) tickers: Vec<String>,
    /// The ticker of each row.
    pub(super) ticker_ranks: Vec<u32>,
    pub(super) times: Vec<i64>,
    pub(super) names: Vec<String>,
    /// One vector a name; NaN stands for null.
    pub(super) values: Vec<Vec<f64>>,
    pub(super) origins: Vec<Origin>,
}

impl Table {
    /// Tickers that have rows.
    pub(super) fn n_tickers(&self) -> usize {
        self.ticker_ranks.chunk_by(|a, b| a == b).count()
    }

    /// The ticker of every row.
    pub(super) fn row_tickers(&self) -> impl Iterator<Item = &str> {
        self.ticker_ranks.iter().map(|rank| self.tickers[*rank as usize].as_str())
    }

    /// The numbers of a column, where there is one of that name.
    pub(super) fn column(&self, name: &str) -> Option<&[f64]> {
        let idx = self.names.iter().position(|other| other == name)?;
        Some(&self.values[idx])
    }

    /// Leaves out the rows that are marked.
    pub(super) fn leave_out(&mut self, is_out: &[bool]) {
        fn retain<T>(rows: &mut Vec<T>, is_out: &[bool]) {
            let mut outs = is_out.iter();
            rows.retain(|_| !outs.next().copied().unwrap_or_default());
        }
        retain(&mut self.ticker_ranks, is_out);
        retain(&mut self.times, is_out);
        retain(&mut self.origins, is_out);
        for column in &mut self.values {
            retain(column, is_out);
        }
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
    treatments: &Treatments,
    sources: &[Source],
    oddities: &mut Oddities,
) -> Result<Table> {
    let duplicates = treatments.of(&OddityKind::ConflictingDuplicate);
    note_split(&rows, sources, oddities);
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
        origins: kept.iter().map(|row_idx| rows.origins[*row_idx]).collect(),
        tickers,
        names: rows.names,
    })
}

/// Tells rows whose ticker sorts before that of the row above them in their file.
fn note_mixed(
    rows: &Rows,
    rank: impl Fn(usize) -> u32,
    sources: &[Source],
    oddities: &mut Oddities,
) {
    let is_mixed = |row_idx: &usize| {
        rank(*row_idx) < rank(row_idx - 1)
            && rows.origins[*row_idx].source_idx == rows.origins[row_idx - 1].source_idx
    };
    for row_idx in (1..rows.times.len()).filter(is_mixed) {
        let (source, line) = origin(rows, sources, row_idx);
        let content = || source.content(line);
        oddities.note_many(OddityKind::TickersMixed, 1, &source.path, line, content);
    }
}

/// Tells tickers whose rows come from several files.
fn note_split(rows: &Rows, sources: &[Source], oddities: &mut Oddities) {
    let mut first = vec![None; rows.tickers.len()];
    let mut is_told = vec![false; rows.tickers.len()];
    for (row_idx, (ticker_idx, origin)) in rows.ticker_idxs.iter().zip(&rows.origins).enumerate() {
        let ticker_idx = *ticker_idx as usize;
        let first_idx = *first[ticker_idx].get_or_insert(origin.source_idx);
        if first_idx != origin.source_idx && !is_told[ticker_idx] {
            is_told[ticker_idx] = true;
            let (source, line) = self::origin(rows, sources, row_idx);
            let before = escaped(&sources[first_idx as usize].path.display().to_string());
            let content = || format!("{}, also in {before}", shown(&rows.tickers[ticker_idx]));
            oddities.note_many(OddityKind::SplitTicker, 1, &source.path, line, content);
        }
    }
}

/// Tickers in byte order, and the rank of each.
fn ranked(tickers: &[String]) -> (Vec<String>, Vec<u32>) {
    let mut order: Vec<usize> = (0..tickers.len()).collect();
    order.sort_by_key(|ticker_idx| &tickers[*ticker_idx]);
    let mut rank_of = vec![0; tickers.len()];
    for (rank, ticker_idx) in (0..).zip(&order) {
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
        let line = origin.line.into();
        oddities.note_many(kind, count, &source.path, line, || source.content(line));
    }
}

/// Chooses one row of each ticker and time.
struct Settle<'a> {
    rows: &'a Rows,
    sources: &'a [Source],
    duplicates: Action,
    oddities: &'a mut Oddities,
    findings: Vec<Report>,
}

impl Settle<'_> {
    /// `group` holds the rows of one ticker and time in file order; at least one.
    fn one_of(&mut self, group: &[usize]) -> usize {
        let kept = match self.duplicates {
            Action::Last => group[group.len() - 1],
            _ => group[0],
        };
        for row_idx in group.iter().filter(|row_idx| **row_idx != kept) {
            let is_equal = self
                .rows
                .values
                .iter()
                .all(|column| column[*row_idx].to_bits() == column[kept].to_bits());
            let kind = match (is_equal, self.duplicates) {
                (true, _) => OddityKind::EqualDuplicate,
                (false, Action::Refuse) => {
                    self.refuse(kept, *row_idx);
                    continue;
                }
                (false, _) => OddityKind::ConflictingDuplicate,
            };
            let (source, line) = origin(self.rows, self.sources, *row_idx);
            self.oddities.note_many(kind, 1, &source.path, line, || source.content(line));
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
                .expected(format!("{}, as at {}", one.content(one_line), one.place(one_line)))
                .found(two.content(two_line))
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
