//! The second reading: every row into columns; what cannot be read is a finding with its line,
//! or, where the user said so, a null or a row left out.

use std::collections::HashMap;

use super::cells::{self, Cell, Decimal};
use super::dates::{self, TimeFormat, TimeKind};
use super::layout::{Columns, Layout, Ticker};
use super::records::Record;
use super::report::{Oddities, others};
use super::survey::Survey;
use super::text::Source;
use super::{Action, ImportOptions, OddityKind, shown};
use crate::error::{Error, Kind, Report, Result};

/// Findings told before reading stops: enough to see a pattern.
pub(super) const FINDINGS_MAX: usize = 10;

/// Rows in file order, in columns.
#[derive(Debug)]
pub(super) struct Rows {
    pub(super) time_kind: TimeKind,
    /// Distinct tickers, in order of appearance.
    pub(super) tickers: Vec<String>,
    pub(super) ticker_idxs: Vec<u32>,
    pub(super) times: Vec<i64>,
    pub(super) names: Vec<String>,
    /// One vector a name; NaN stands for null, and for nothing else.
    pub(super) values: Vec<Vec<f64>>,
    pub(super) origins: Vec<Origin>,
    /// Rows of the files, those left out included.
    pub(super) n_read: usize,
}

/// Where a row was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Origin {
    pub(super) source_idx: u32,
    pub(super) line: u32,
}

pub(super) fn read(
    sources: &[Source],
    layout: &Layout,
    survey: &Survey,
    options: &ImportOptions,
    oddities: &mut Oddities,
) -> Result<Rows> {
    let kept: Vec<usize> = (0..layout.names.len()).filter(|idx| survey.is_numeric[*idx]).collect();
    let dropped: Vec<usize> =
        (0..layout.names.len()).filter(|idx| !survey.is_numeric[*idx]).collect();
    let mut reader = Reader {
        rows: Rows {
            time_kind: survey.time_kind(),
            tickers: Vec::new(),
            ticker_idxs: Vec::new(),
            times: Vec::new(),
            names: kept.iter().map(|idx| layout.names[*idx].clone()).collect(),
            values: vec![Vec::new(); kept.len()],
            origins: Vec::new(),
            n_read: 0,
        },
        options,
        ticker_idxs: HashMap::new(),
        n_ticker_rows: Vec::new(),
        findings: Vec::new(),
        oddities,
    };
    for (source_idx, source) in sources.iter().enumerate() {
        let format = &survey.time_formats[source_idx];
        let input = Input {
            source,
            source_idx,
            columns: &layout.columns[source_idx],
            format,
            has_two_digit_year: format.has_two_digit_year(),
            decimal: survey.decimals[source_idx],
            layout,
            kept: &kept,
            dropped: &dropped,
        };
        let n_read = reader.source(&input)?;
        if n_read != survey.n_rows[source_idx] && reader.findings.len() <= FINDINGS_MAX {
            return Err(changed(source));
        }
    }
    reader.finish(sources)
}

fn changed(source: &Source) -> Error {
    Error::new(
        Kind::Store,
        Report::new("the file changed while it was read")
            .at(source.path.display().to_string())
            .expected("a file that nobody writes to")
            .found("another number of rows at the second reading")
            .hint("run the same command again once it is finished"),
    )
}

/// One source, and how its rows are read.
struct Input<'a> {
    source: &'a Source,
    source_idx: usize,
    columns: &'a Columns,
    format: &'a TimeFormat,
    has_two_digit_year: bool,
    decimal: Decimal,
    layout: &'a Layout,
    /// Of [`Layout::names`], those kept as numbers and those dropped as text.
    kept: &'a [usize],
    dropped: &'a [usize],
}

/// Where the reader stands.
#[derive(Clone, Copy)]
struct At<'a> {
    input: &'a Input<'a>,
    record: &'a Record,
}

impl At<'_> {
    fn report(&self, title: impl Into<String>) -> Report {
        Report::new(title).at(self.input.source.place(self.record.line))
    }

    fn cell(&self, column_idx: Option<usize>) -> &str {
        column_idx.and_then(|idx| self.record.get(idx)).unwrap_or_default()
    }
}

struct Reader<'a> {
    rows: Rows,
    options: &'a ImportOptions,
    ticker_idxs: HashMap<String, u32>,
    /// Rows so far of each ticker, for row numbers.
    n_ticker_rows: Vec<i64>,
    findings: Vec<Report>,
    oddities: &'a mut Oddities,
}

impl Reader<'_> {
    /// Takes the rows of one source; how many there were.
    fn source(&mut self, input: &Input<'_>) -> Result<u64> {
        let n_examples = self.oddities.n_examples();
        let mut records = input.source.records()?.with_examples(n_examples);
        let (mut n_read, mut first) = (0, None);
        for record in records.by_ref().skip(1) {
            let record = record?;
            n_read += 1;
            self.row(At { input, record: &record });
            if n_read == 1 {
                first = Some(record);
            }
            if self.findings.len() > FINDINGS_MAX {
                break;
            }
        }
        self.oddities.absorb(records.into_oddities());
        self.rows.n_read += usize::try_from(n_read).unwrap_or(usize::MAX);
        if let Some(first) = first {
            self.note_reading(At { input, record: &first }, n_read);
        }
        Ok(n_read)
    }

    fn note(&mut self, kind: OddityKind, at: At<'_>) {
        self.oddities.note(kind, &at.input.source.path, at.record.line, at.record.raw());
    }

    /// What was decided for all rows of one source.
    fn note_reading(&mut self, first: At<'_>, n_rows: u64) {
        let At { input, record } = first;
        let many = |oddities: &mut Oddities, kind, count| {
            oddities
                .note_many(kind, count, &input.source.path, record.line, || shown(record.raw()));
        };
        if input.columns.n_nameless > 0 {
            many(self.oddities, OddityKind::NamelessColumn, input.columns.n_nameless);
        }
        if input.has_two_digit_year {
            many(self.oddities, OddityKind::TwoDigitYear, n_rows);
        }
        if input.format.is_without_zone() {
            many(self.oddities, OddityKind::InstantWithoutZone, n_rows);
        }
    }

    /// What the user wants done with what cannot be read; a refusal becomes a finding.
    fn settle(&mut self, kind: OddityKind, at: At<'_>, finding: impl FnOnce() -> Report) -> Action {
        let action = self.options.treatments.of(&kind);
        match action {
            Action::Refuse => self.findings.push(finding()),
            _ => self.note(kind, at),
        }
        action
    }

    /// Takes one row, or leaves a finding, or leaves it out.
    fn row(&mut self, at: At<'_>) {
        let n_fields = at.input.columns.n_fields;
        if at.record.len() != n_fields {
            self.settle(OddityKind::RaggedRow, at, || {
                at.report("the row has another number of fields than the header")
                    .expected(format!("{n_fields} fields"))
                    .found(format!("{}: {}", at.record.len(), shown(at.record.raw())))
                    .hint(format!(
                        "a field with a comma in it must be quoted; or {}",
                        others(&OddityKind::RaggedRow)
                    ))
            });
            return;
        }
        // All cells of a row are looked at, so that all its mistakes are told at once.
        let ticker_idx = self.ticker(at);
        let time = self.time(at, ticker_idx);
        let values: Vec<Option<f64>> =
            (0..at.input.kept.len()).map(|value_idx| self.number(at, value_idx)).collect();
        self.text_cells(at);
        let (Some(ticker_idx), Some(time)) = (ticker_idx, time) else { return };
        let Some(values) = values.into_iter().collect::<Option<Vec<f64>>>() else { return };
        self.rows.ticker_idxs.push(ticker_idx);
        self.rows.times.push(time);
        for (column, value) in self.rows.values.iter_mut().zip(values) {
            column.push(value);
        }
        self.rows.origins.push(Origin {
            source_idx: u32::try_from(at.input.source_idx).unwrap_or(u32::MAX),
            line: u32::try_from(at.record.line).unwrap_or(u32::MAX),
        });
    }

    fn ticker(&mut self, at: At<'_>) -> Option<u32> {
        let ticker = match &at.input.columns.ticker {
            Ticker::Literal(ticker) => ticker.as_str(),
            Ticker::Column(idx) => at.cell(Some(*idx)),
        };
        if ticker.trim().is_empty() {
            self.settle(OddityKind::EmptyTicker, at, || {
                at.report("the ticker is empty")
                    .expected("a name in every row")
                    .found(shown(at.record.raw()))
                    .hint(format!(
                        "mend the row, name all rows with `--ticker`, or {}",
                        others(&OddityKind::EmptyTicker)
                    ))
            });
            return None;
        }
        if ticker.trim().len() != ticker.len() {
            self.note(OddityKind::PaddedTicker, at);
        }
        if let Some(ticker_idx) = self.ticker_idxs.get(ticker) {
            return Some(*ticker_idx);
        }
        let ticker_idx = u32::try_from(self.rows.tickers.len()).ok()?;
        self.rows.tickers.push(ticker.to_owned());
        self.n_ticker_rows.push(0);
        self.ticker_idxs.insert(ticker.to_owned(), ticker_idx);
        Some(ticker_idx)
    }

    fn time(&mut self, at: At<'_>, ticker_idx: Option<u32>) -> Option<i64> {
        let Input { columns, format, .. } = at.input;
        if columns.time_idx.is_none() {
            let n_rows = self.n_ticker_rows.get_mut(ticker_idx? as usize)?;
            *n_rows += 1;
            return Some(*n_rows);
        }
        let cell = at.cell(columns.time_idx);
        let time = format.read(cell).and_then(|time| match at.input.has_two_digit_year {
            false => Some(time),
            true => {
                let first_year = self.options.first_year;
                let value = dates::in_century(format.kind(), time.value, first_year)?;
                Some(dates::Time { value, ..time })
            }
        });
        if let Some(time) = time {
            if time.is_cut {
                self.note(OddityKind::FinerThanMicrosecond, at);
            }
            self.note_padding(at, cell);
            return Some(time.value);
        }
        self.settle(OddityKind::BadTime, at, || {
            let found = if cell.trim().is_empty() { "an empty cell".into() } else { shown(cell) };
            at.report(format!("the time in `{}` cannot be read", shown(&columns.time_name)))
                .expected(format!("{format}, as in the rest of the file"))
                .found(found)
                .hint(format!(
                    "mend the row, give the pattern with `--date-format`, or {}",
                    others(&OddityKind::BadTime)
                ))
        });
        None
    }

    /// NaN for null; None where the row is not taken.
    fn number(&mut self, at: At<'_>, value_idx: usize) -> Option<f64> {
        let input = at.input;
        let cell = at.cell(input.columns.value_idxs[input.kept[value_idx]]);
        let name = |rows: &Rows| rows.names[value_idx].clone();
        let kind = match cells::read(cell, input.decimal) {
            Cell::Number(number) => {
                self.note_padding(at, cell);
                if input.decimal == Decimal::Comma && cell.contains(',') {
                    self.note(OddityKind::DecimalComma, at);
                }
                if cells::is_rounded(cell) {
                    self.note(OddityKind::BigInteger, at);
                    if self.options.treatments.of(&OddityKind::BigInteger) == Action::Null {
                        return Some(f64::NAN);
                    }
                }
                return Some(number);
            }
            Cell::Empty => OddityKind::EmptyCell(name(&self.rows)),
            Cell::Missing => OddityKind::MissingWord(name(&self.rows)),
            Cell::Text => OddityKind::BadNumber(name(&self.rows)),
        };
        let title = match &kind {
            OddityKind::BadNumber(name) => format!("`{}` is not a number here", shown(name)),
            kind => format!("there are {kind}"),
        };
        let hint = match &kind {
            OddityKind::BadNumber(_) => format!("{}; or {}", cells::hint(cell), others(&kind)),
            kind => format!("mend the cell, or {}", others(kind)),
        };
        let action = self.settle(kind, at, || {
            at.report(title)
                .expected("a finite number, or an empty cell")
                .found(match cell.trim() {
                    "" => format!("an empty cell in {}", shown(at.record.raw())),
                    _ => shown(cell),
                })
                .hint(hint)
        });
        matches!(action, Action::Keep | Action::Null).then_some(f64::NAN)
    }

    fn note_padding(&mut self, at: At<'_>, cell: &str) {
        if cell.trim().len() != cell.len() {
            self.note(OddityKind::PaddedCell, at);
        }
    }

    /// Counts what is dropped with the text columns.
    fn text_cells(&mut self, at: At<'_>) {
        for name_idx in at.input.dropped {
            let cell = at.cell(at.input.columns.value_idxs[*name_idx]);
            if !cell.is_empty() {
                let name = at.input.layout.names[*name_idx].clone();
                self.note(OddityKind::TextColumn(name), at);
            }
        }
    }

    fn finish(mut self, sources: &[Source]) -> Result<Rows> {
        if self.findings.len() > FINDINGS_MAX {
            self.findings.truncate(FINDINGS_MAX);
            self.findings.push(
                Report::new("there are more such rows")
                    .hint("mend these first; reading stopped here"),
            );
        }
        if self.findings.is_empty() && self.rows.times.is_empty() {
            let paths: Vec<String> =
                sources.iter().map(|source| source.path.display().to_string()).collect();
            let found = match self.rows.n_read {
                0 => "column names only".to_owned(),
                n_read => format!("{n_read} rows, all left out as `--on` asks"),
            };
            self.findings.push(
                Report::new("there is no row below the column names")
                    .at(paths.join(", "))
                    .expected("at least one row")
                    .found(found)
                    .hint("write the file with its rows"),
            );
        }
        match self.findings.is_empty() {
            true => Ok(self.rows),
            false => Err(Error { kind: Kind::Data, reports: self.findings }),
        }
    }
}
