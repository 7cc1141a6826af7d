//! Which format a column of times is in: the one that reads every cell, never a guess.

use super::dates::TimeFormat;
use super::shown;
use super::text::Source;
use crate::error::{Error, Report, Result};

/// Cells looked at before formats that read hardly any of them are given up.
const SAMPLE_CELLS: usize = 1_000;

/// The pattern that the user gives.
pub(super) fn chosen(pattern: &str) -> Result<TimeFormat> {
    TimeFormat::of_pattern(pattern).map_err(|what| {
        Error::config(
            Report::new(format!("`{}` is {what}", shown(pattern)))
                .at("--date-format")
                .expected("strftime letters, as %Y-%m-%d or %d-%b-%y or %Y-%m-%d %H:%M:%S")
                .found(shown(pattern))
                .hint("write one that reads every cell, or leave the option out"),
        )
    })
}

/// A cell and where it stands.
#[derive(Clone, Debug)]
struct Seen {
    line: u64,
    cell: String,
}

/// What the formats make of the cells of one column, cell by cell.
#[derive(Debug, Default)]
pub(super) struct Tally {
    sample: Vec<Seen>,
    formats: Vec<TimeFormat>,
    /// Cells that each format reads.
    n_read: Vec<u64>,
    n_cells: u64,
    /// For each pair of formats the first cell that they read differently.
    differences: Vec<(usize, usize, Seen)>,
}

impl Tally {
    /// One more cell. Empty ones say nothing here.
    pub(super) fn take(&mut self, line: u64, cell: &str) {
        let cell = cell.trim();
        if cell.is_empty() {
            return;
        }
        if !self.formats.is_empty() {
            self.count(line, cell);
        } else if self.sample.len() < SAMPLE_CELLS {
            self.sample.push(Seen { line, cell: cell.to_owned() });
            if self.sample.len() == SAMPLE_CELLS {
                self.choose_likely();
            }
        }
    }

    /// Keeps the formats that read a third of the sample or more, and counts the sample by them.
    /// A third, so that two formats mixed in one column are both seen.
    fn choose_likely(&mut self) {
        let sample = std::mem::take(&mut self.sample);
        let reads = |format: &TimeFormat| {
            sample.iter().filter(|seen| format.read(&seen.cell).is_some()).count()
        };
        self.formats = TimeFormat::candidates()
            .into_iter()
            .filter(|format| reads(format) * 3 >= sample.len().max(1))
            .collect();
        self.n_read = vec![0; self.formats.len()];
        for seen in &sample {
            self.count(seen.line, &seen.cell);
        }
        if self.formats.is_empty() {
            self.sample = sample;
        }
    }

    fn count(&mut self, line: u64, cell: &str) {
        self.n_cells += 1;
        let times: Vec<_> = self.formats.iter().map(|format| format.read(cell)).collect();
        for (n_read, time) in self.n_read.iter_mut().zip(&times) {
            *n_read += u64::from(time.is_some());
        }
        for one in 0..times.len() {
            for two in one + 1..times.len() {
                let kinds = (self.formats[one].kind(), self.formats[two].kind());
                let both = times[one].is_some() && times[two].is_some();
                let differ = both && (times[one] != times[two] || kinds.0 != kinds.1);
                let is_known = self.differences.iter().any(|(a, b, _)| (*a, *b) == (one, two));
                if differ && !is_known {
                    self.differences.push((one, two, Seen { line, cell: cell.to_owned() }));
                }
            }
        }
    }

    /// The format of the column: it reads more cells than any other, and no format that reads as
    /// many, or some of the cells that it does not, reads any cell differently.
    pub(super) fn settle(mut self, source: &Source, column: &str) -> Result<TimeFormat> {
        if self.formats.is_empty() {
            self.choose_likely();
        }
        let best = (0..self.formats.len()).max_by_key(|idx| (self.n_read[*idx], usize::MAX - idx));
        // A column of empty cells only has any format.
        let Some(best) = best else {
            return match self.sample.first() {
                None => TimeFormat::of_pattern("%Y-%m-%d").map_err(Error::bug),
                Some(seen) => Err(unknown(source, column, seen)),
            };
        };
        let is_whole = self.n_read[best] == self.n_cells;
        let rival = self.differences.iter().find(|(one, two, _)| {
            let other = if *one == best { *two } else { *one };
            (*one == best || *two == best) && (!is_whole || self.n_read[other] == self.n_read[best])
        });
        if let Some((one, two, seen)) = rival {
            let formats = (&self.formats[*one], &self.formats[*two]);
            return Err(ambiguous(source, column, formats, seen, is_whole));
        }
        Ok(self.formats.swap_remove(best))
    }
}

fn ambiguous(
    source: &Source,
    column: &str,
    (one, two): (&TimeFormat, &TimeFormat),
    seen: &Seen,
    is_whole: bool,
) -> Error {
    let column = shown(column);
    let found = format!("{}, which both {one} and {two} read", shown(&seen.cell));
    let report = match is_whole {
        true => Report::new(format!("the dates of `{column}` can be read in two ways"))
            .expected("dates that only one pattern reads")
            .hint(format!("say which: `--date-format {one}` or `--date-format {two}`")),
        false => Report::new(format!("the dates of `{column}` are written in several ways"))
            .expected("one pattern that reads every row")
            .hint(format!(
                "write all dates alike; `--date-format {one}` or `{two}` names the rows it cannot read"
            )),
    };
    Error::data(report.at(source.place(seen.line)).found(found))
}

fn unknown(source: &Source, column: &str, seen: &Seen) -> Error {
    Error::data(
        Report::new(format!("cannot tell how `{}` writes time", shown(column)))
            .at(source.place(seen.line))
            .expected("one known format throughout, as 2020-01-31 or 31-Jan-20")
            .found(shown(&seen.cell))
            .hint("give the pattern with `--date-format`, or use `--row-number`"),
    )
}
