//! The second reading: every row into columns, every bad cell into an error with its line.

use std::collections::HashMap;

use csv::{ReaderBuilder, StringRecord};

use super::cells::{self, Cell};
use super::dates::{TimeFormat, TimeKind};
use super::layout::{Columns, Layout, Ticker};
use super::lines::shown;
use super::report::{Oddities, OddityKind};
use super::survey::Survey;
use super::text::Source;
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
}

/// Where a row was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Origin {
    pub(super) source_idx: u32,
    pub(super) line: u32,
}

/// The records of a text with the line each begins on; the first is the header.
pub(super) fn records(source: &Source) -> impl Iterator<Item = Result<(u64, StringRecord)>> {
    let bytes = source.text.as_bytes();
    ReaderBuilder::new().has_headers(false).flexible(true).from_reader(bytes).into_records().map(
        move |record| {
            let record = record.map_err(|cause| {
                let report = Report::new("the file cannot be read as CSV")
                    .at(source.path.display().to_string())
                    .expected("fields parted by commas, quotes closed")
                    .found(cause.to_string())
                    .hint("write the file again as CSV");
                Error::data(report)
            })?;
            let byte = record.position().map_or(0, csv::Position::byte);
            // A record's position counts the line ends skipped before it.
            let start = usize::try_from(byte).unwrap_or(usize::MAX).min(bytes.len());
            let skipped =
                bytes[start..].iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
            Ok((source.lines.number(start + skipped), record))
        },
    )
}

pub(super) fn read(
    sources: &[Source],
    layout: &Layout,
    survey: &Survey,
    oddities: &mut Oddities,
) -> Result<Rows> {
    let kept: Vec<usize> = (0..layout.names.len()).filter(|idx| survey.is_numeric[*idx]).collect();
    let mut reader = Reader {
        rows: Rows {
            time_kind: survey.time_kind(),
            tickers: Vec::new(),
            ticker_idxs: Vec::new(),
            times: Vec::new(),
            names: kept.iter().map(|idx| layout.names[*idx].clone()).collect(),
            values: vec![Vec::new(); kept.len()],
            origins: Vec::new(),
        },
        ticker_idxs: HashMap::new(),
        n_ticker_rows: Vec::new(),
        findings: Vec::new(),
        oddities,
    };
    for (source_idx, source) in sources.iter().enumerate() {
        let columns = &layout.columns[source_idx];
        let format = &survey.time_formats[source_idx];
        let n_before = reader.rows.times.len();
        for record in records(source).skip(1) {
            let (line, record) = record?;
            let at = At { source, source_idx, line };
            reader.row(at, &record, columns, format, &kept);
            reader.text_cells(at, &record, columns, layout, survey);
            if reader.findings.len() > FINDINGS_MAX {
                break;
            }
        }
        reader.note_reading(source, columns, format, n_before);
    }
    reader.finish(sources)
}

/// Where the reader stands.
#[derive(Clone, Copy)]
struct At<'a> {
    source: &'a Source,
    source_idx: usize,
    line: u64,
}

impl At<'_> {
    fn report(&self, title: impl Into<String>) -> Report {
        Report::new(title).at(self.source.place(self.line))
    }
}

struct Reader<'a> {
    rows: Rows,
    ticker_idxs: HashMap<String, u32>,
    /// Rows so far of each ticker, for row numbers.
    n_ticker_rows: Vec<i64>,
    findings: Vec<Report>,
    oddities: &'a mut Oddities,
}

impl Reader<'_> {
    /// What was decided for all rows of one source, those from `n_before` on.
    fn note_reading(
        &mut self,
        source: &Source,
        columns: &Columns,
        format: &TimeFormat,
        n_before: usize,
    ) {
        if columns.n_nameless > 0 {
            self.oddities.note_many(OddityKind::NamelessColumn, columns.n_nameless, source, 1);
        }
        let Some(first) = self.rows.origins.get(n_before) else { return };
        let n_rows = (self.rows.times.len() - n_before) as u64;
        if format.has_two_digit_year() {
            let kind = OddityKind::TwoDigitYear;
            self.oddities.note_many(kind, n_rows, source, first.line.into());
        }
        if format.is_without_zone() {
            let kind = OddityKind::InstantWithoutZone;
            self.oddities.note_many(kind, n_rows, source, first.line.into());
        }
    }

    /// Takes one row, or leaves a finding.
    fn row(
        &mut self,
        at: At<'_>,
        record: &StringRecord,
        columns: &Columns,
        format: &TimeFormat,
        kept: &[usize],
    ) {
        if record.len() != columns.n_fields {
            let finding = at
                .report("the row has another number of fields than the header")
                .expected(format!("{} fields", columns.n_fields))
                .found(format!("{}: {}", record.len(), content(at)))
                .hint("a field with a comma in it must be quoted");
            return self.findings.push(finding);
        }
        let Some(ticker_idx) = self.ticker(at, record, columns) else { return };
        let Some(time) = self.time(at, record, columns, format, ticker_idx) else { return };
        let numbers: Option<Vec<f64>> = kept
            .iter()
            .enumerate()
            .map(|(value_idx, name_idx)| {
                let cell = columns.value_idxs[*name_idx].and_then(|idx| record.get(idx));
                self.number(at, value_idx, cell.unwrap_or_default())
            })
            .collect();
        let Some(numbers) = numbers else { return };
        self.rows.ticker_idxs.push(ticker_idx);
        self.rows.times.push(time);
        for (column, number) in self.rows.values.iter_mut().zip(numbers) {
            column.push(number);
        }
        self.rows.origins.push(Origin {
            source_idx: u32::try_from(at.source_idx).unwrap_or(u32::MAX),
            line: u32::try_from(at.line).unwrap_or(u32::MAX),
        });
    }

    fn ticker(&mut self, at: At<'_>, record: &StringRecord, columns: &Columns) -> Option<u32> {
        let ticker = match &columns.ticker {
            Ticker::Literal(ticker) => ticker.as_str(),
            Ticker::Column(idx) => record.get(*idx).unwrap_or_default(),
        };
        if ticker.trim().is_empty() {
            let finding = at
                .report("the ticker is empty")
                .expected("a name in every row")
                .found(content(at))
                .hint("mend the row, or name all rows with `--ticker`");
            self.findings.push(finding);
            return None;
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

    fn time(
        &mut self,
        at: At<'_>,
        record: &StringRecord,
        columns: &Columns,
        format: &TimeFormat,
        ticker_idx: u32,
    ) -> Option<i64> {
        let Some(column_idx) = columns.time_idx else {
            let n_rows = self.n_ticker_rows.get_mut(ticker_idx as usize)?;
            *n_rows += 1;
            return Some(*n_rows);
        };
        let cell = record.get(column_idx).unwrap_or_default();
        match format.read(cell) {
            Some(time) => {
                if time.is_cut {
                    self.oddities.note(OddityKind::FinerThanMicrosecond, at.source, at.line);
                }
                self.note_padding(at, cell);
                Some(time.value)
            }
            None => {
                let found =
                    if cell.trim().is_empty() { "an empty cell".into() } else { shown(cell) };
                let finding = at
                    .report(format!("the time in `{}` cannot be read", shown(&columns.time_name)))
                    .expected(format!("{format}, as in the rest of the file"))
                    .found(found)
                    .hint("mend or remove the row, or give the pattern with `--date-format`");
                self.findings.push(finding);
                None
            }
        }
    }

    /// NaN for null; None after a finding.
    fn number(&mut self, at: At<'_>, value_idx: usize, cell: &str) -> Option<f64> {
        let name = || self.rows.names[value_idx].clone();
        match cells::read(cell) {
            Cell::Number(number) => {
                self.note_padding(at, cell);
                Some(number)
            }
            Cell::Empty => {
                let kind = OddityKind::EmptyCell(name());
                self.oddities.note(kind, at.source, at.line);
                Some(f64::NAN)
            }
            Cell::Missing => {
                let kind = OddityKind::MissingWord(name());
                self.oddities.note(kind, at.source, at.line);
                Some(f64::NAN)
            }
            Cell::Text => {
                let finding = at
                    .report(format!("`{}` is not a number here", shown(&name())))
                    .expected("a finite number, or an empty cell")
                    .found(shown(cell))
                    .hint(cells::hint(cell));
                self.findings.push(finding);
                None
            }
        }
    }

    fn note_padding(&mut self, at: At<'_>, cell: &str) {
        if cell.trim().len() != cell.len() {
            self.oddities.note(OddityKind::PaddedCell, at.source, at.line);
        }
    }

    /// Counts what is dropped with the text columns.
    fn text_cells(
        &mut self,
        at: At<'_>,
        record: &StringRecord,
        columns: &Columns,
        layout: &Layout,
        survey: &Survey,
    ) {
        for (name_idx, name) in layout.names.iter().enumerate() {
            let cell = columns.value_idxs[name_idx].and_then(|idx| record.get(idx));
            if !survey.is_numeric[name_idx] && cell.is_some_and(|cell| !cell.is_empty()) {
                self.oddities.note(OddityKind::TextColumn(name.clone()), at.source, at.line);
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
            self.findings.push(
                Report::new("there is no row below the column names")
                    .at(paths.join(", "))
                    .expected("at least one row")
                    .found("column names only")
                    .hint("write the file with its rows"),
            );
        }
        match self.findings.is_empty() {
            true => Ok(self.rows),
            false => Err(Error { kind: Kind::Data, reports: self.findings }),
        }
    }
}

fn content(at: At<'_>) -> String {
    at.source.lines.content(&at.source.text, at.line)
}
