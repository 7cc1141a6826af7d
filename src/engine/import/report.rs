//! What an import did, and every oddity it met: counted, with an example.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use super::lines::shown;
use super::order::Table;
use super::survey::Survey;
use super::text::Source;

/// A thing about the input that a person should know of.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum OddityKind {
    /// The file begins with a byte-order mark.
    ByteOrderMark,
    /// Lines end in CR LF.
    CarriageReturn,
    /// The last line has no newline.
    NoLastNewline,
    /// Lines with nothing on them, skipped.
    EmptyLine,
    /// A column without a name, dropped.
    NamelessColumn,
    /// This column holds text and is dropped.
    TextColumn(String),
    /// Years of two digits, read as 1970–2069.
    TwoDigitYear,
    /// Instants without a zone, read as UTC.
    InstantWithoutZone,
    /// Digits beyond the microsecond, cut off.
    FinerThanMicrosecond,
    /// Cells with blanks around the number.
    PaddedCell,
    /// Empty cells of this column, kept as null.
    EmptyCell(String),
    /// Words for "missing" in this column, kept as null.
    MissingWord(String),
    /// A ticker's rows run from new to old; sorted.
    NewestFirst,
    /// Rows earlier than the row of their ticker above them; sorted.
    BackwardTime,
    /// Rows whose ticker sorts before that of the row above them; sorted.
    TickersMixed,
    /// Rows equal to an earlier row of their ticker and time, kept once.
    EqualDuplicate,
    /// Rows of the ticker and time of another row but with other values, left out as asked.
    ConflictingDuplicate,
}

impl fmt::Display for OddityKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ByteOrderMark => f.write_str("byte-order mark at the start, skipped"),
            Self::CarriageReturn => f.write_str("lines end in CR LF"),
            Self::NoLastNewline => f.write_str("last line without a newline"),
            Self::EmptyLine => f.write_str("empty lines, skipped"),
            Self::NamelessColumn => f.write_str("columns without a name, dropped"),
            Self::TextColumn(name) => write!(f, "cells of the text column `{name}`, dropped"),
            Self::TwoDigitYear => f.write_str("years of two digits, read as 1970 to 2069"),
            Self::InstantWithoutZone => f.write_str("instants without a zone, read as UTC"),
            Self::FinerThanMicrosecond => {
                f.write_str("instants finer than a microsecond, cut to it")
            }
            Self::PaddedCell => f.write_str("numbers with blanks around them, read without"),
            Self::EmptyCell(name) => write!(f, "empty cells of `{name}`, kept as null"),
            Self::MissingWord(name) => {
                write!(f, "cells of `{name}` that say missing, kept as null")
            }
            Self::NewestFirst => f.write_str("rows run from new to old, sorted"),
            Self::BackwardTime => f.write_str("rows earlier than the row above them, sorted"),
            Self::TickersMixed => {
                f.write_str("rows whose ticker sorts before the one above, sorted")
            }
            Self::EqualDuplicate => f.write_str("rows equal to an earlier row, kept once"),
            Self::ConflictingDuplicate => {
                f.write_str("rows of a ticker and time met before, with other values, left out")
            }
        }
    }
}

/// Where an oddity was first seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Example {
    /// The file.
    pub file: PathBuf,
    /// Its line, counted from 1.
    pub line: u64,
    /// The line, shortened, control characters escaped.
    pub content: String,
}

/// One kind of oddity over all inputs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Oddity {
    /// What.
    pub kind: OddityKind,
    /// How often.
    pub count: u64,
    /// The first one.
    pub example: Example,
}

/// What an import did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportReport {
    /// The file written.
    pub output: PathBuf,
    /// Files read.
    pub n_files: usize,
    /// Rows written.
    pub n_rows: u64,
    /// Different tickers written.
    pub n_tickers: usize,
    /// First and last time written, as text.
    pub span: (String, String),
    /// Columns written, in order.
    pub columns: Vec<String>,
    /// How time was read, with the number of files: `%Y-%m-%d`, `epoch seconds`, `row number`.
    pub time_formats: Vec<(String, usize)>,
    /// Everything odd, in a fixed order.
    pub oddities: Vec<Oddity>,
}

impl fmt::Display for ImportReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tickers = if self.n_tickers == 1 { "ticker" } else { "tickers" };
        writeln!(
            f,
            "{}: {} rows, {} {tickers}, {} to {}",
            self.output.display(),
            grouped(self.n_rows),
            grouped(self.n_tickers as u64),
            self.span.0,
            self.span.1
        )?;
        write!(f, "  columns   {}", self.columns.join(", "))?;
        for (format, n_files) in &self.time_formats {
            write!(f, "\n  time      {format}")?;
            if self.n_files > 1 {
                write!(f, " in {} of {} files", grouped(*n_files as u64), self.n_files)?;
            }
        }
        if self.oddities.is_empty() {
            return write!(f, "\n  oddities  none");
        }
        for (oddity_idx, oddity) in self.oddities.iter().enumerate() {
            let label = if oddity_idx == 0 { "oddities" } else { "" };
            let Oddity { kind, count, example } = oddity;
            write!(f, "\n  {label:<8}  {:>7}  {kind}", grouped(*count))?;
            write!(f, "\n  {:19}e.g. {}:{}  ", "", example.file.display(), example.line)?;
            f.write_str(if example.content.is_empty() { "(empty)" } else { &example.content })?;
        }
        Ok(())
    }
}

/// Oddities while they are being counted.
#[derive(Debug, Default)]
pub(super) struct Oddities(BTreeMap<OddityKind, Oddity>);

impl Oddities {
    pub(super) fn note(&mut self, kind: OddityKind, source: &Source, line: u64) {
        self.note_many(kind, 1, source, line);
    }

    pub(super) fn note_many(&mut self, kind: OddityKind, count: u64, source: &Source, line: u64) {
        let first = || Oddity {
            kind: kind.clone(),
            count: 0,
            example: Example {
                file: source.path.clone(),
                line,
                content: source.lines.content(&source.text, line),
            },
        };
        self.0.entry(kind.clone()).or_insert_with(first).count += count;
    }
}

pub(super) fn summarise(
    output: &Path,
    sources: &[Source],
    survey: &Survey,
    table: &Table,
    oddities: Oddities,
) -> ImportReport {
    let mut time_formats: BTreeMap<String, usize> = BTreeMap::new();
    for format in &survey.time_formats {
        *time_formats.entry(shown(&format.to_string())).or_default() += 1;
    }
    ImportReport {
        output: output.to_owned(),
        n_files: sources.len(),
        n_rows: table.times.len() as u64,
        n_tickers: table.n_tickers(),
        span: table.span(),
        columns: table.column_names().map(str::to_owned).collect(),
        time_formats: time_formats.into_iter().collect(),
        oddities: oddities.0.into_values().collect(),
    }
}

/// 19149 as `19,149`.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (digit_idx, digit) in digits.chars().enumerate() {
        if digit_idx > 0 && (digits.len() - digit_idx).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}
