//! What is odd about prices rather than about text: told, and kept unless the user says otherwise.
//!
//! Every check looks at the rows as they were read, sorted and each once; rows are left out only
//! after the last check, so that no check sees the work of another.

mod calendar;
mod prices;
mod steps;

use super::dates;
use super::order::Table;
use super::report::Oddities;
use super::text::Source;
use super::{Action, ImportOptions, OddityKind, shown};

/// Tells everything odd, and leaves out the rows that the user does not want.
pub(super) fn check(
    table: &mut Table,
    sources: &[Source],
    options: &ImportOptions,
    oddities: &mut Oddities,
) {
    let mut checks =
        Checks { table, sources, options, oddities, is_out: vec![false; table.times.len()] };
    prices::check(&mut checks);
    // A mere list of days is no history.
    if !options.no_columns {
        calendar::check(&mut checks);
    }
    steps::check(&mut checks);
    let Checks { is_out, .. } = checks;
    if is_out.contains(&true) {
        table.leave_out(&is_out);
    }
}

/// The rows under check, and what was found.
struct Checks<'a> {
    table: &'a Table,
    sources: &'a [Source],
    options: &'a ImportOptions,
    oddities: &'a mut Oddities,
    /// Rows to leave out.
    is_out: Vec<bool>,
}

impl<'a> Checks<'a> {
    /// The rows of each ticker, as ranges.
    fn tickers(&self) -> Vec<std::ops::Range<usize>> {
        let mut ranges = Vec::new();
        let mut start = 0;
        for chunk in self.table.ticker_ranks.chunk_by(|a, b| a == b) {
            ranges.push(start..start + chunk.len());
            start += chunk.len();
        }
        ranges
    }

    fn column(&self, name: &str) -> Option<&'a [f64]> {
        self.table.column(name)
    }

    /// The ticker of a row, safe to print.
    fn ticker(&self, row_idx: usize) -> String {
        shown(&self.table.tickers[self.table.ticker_ranks[row_idx] as usize])
    }

    /// The time of a row as text.
    fn time(&self, row_idx: usize) -> String {
        dates::shown(self.table.time_kind, self.table.times[row_idx])
    }

    /// Tells one row; `what` comes after its ticker and time.
    fn row(&mut self, kind: OddityKind, row_idx: usize, what: impl FnOnce() -> String) {
        let table = self.table;
        let told = |checks: &Self| format!("{} {}: ", checks.ticker(row_idx), checks.time(row_idx));
        if self.options.treatments.of(&kind) == Action::Drop {
            self.is_out[row_idx] = true;
        }
        let origin = table.origins[row_idx];
        let path = &self.sources[origin.source_idx as usize].path;
        let head = told(self);
        self.oddities.note_many(kind, 1, path, origin.line.into(), || head + &what());
    }

    /// Tells a ticker; `what` comes after its name.
    fn whole(
        &mut self,
        kind: OddityKind,
        rows: std::ops::Range<usize>,
        what: impl FnOnce() -> String,
    ) {
        if self.options.treatments.of(&kind) == Action::Drop {
            self.is_out[rows.clone()].fill(true);
        }
        let origin = self.table.origins[rows.start];
        let path = &self.sources[origin.source_idx as usize].path;
        let head = format!("{}: ", self.ticker(rows.start));
        self.oddities.note_many(kind, 1, path, origin.line.into(), || head + &what());
    }
}
