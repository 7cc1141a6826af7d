//! What an import did, and every oddity it met: counted, with examples.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use super::order::Table;
use super::survey::Survey;
use super::text::{Source, place};
use super::treatments::Treatments;
use super::{Action, ImportOptions, OddityKind, escaped, shown};
use crate::error::{Error, Kind, Report, Result};

/// Where an oddity was seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Example {
    /// The file.
    pub file: PathBuf,
    /// Its line, counted from 1.
    pub line: u64,
    /// The line, or what is odd on it; shortened, control characters escaped.
    pub content: String,
}

/// One kind of oddity over all inputs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Oddity {
    /// What.
    pub kind: OddityKind,
    /// How often.
    pub count: u64,
    /// What was done with it.
    pub action: Action,
    /// The same in words, as `kept as null`.
    pub outcome: &'static str,
    /// The first ones, as many as were asked for.
    pub examples: Vec<Example>,
}

/// What an import did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportReport {
    /// The file written.
    pub output: PathBuf,
    /// Files read.
    pub n_files: usize,
    /// Rows read, before any was left out.
    pub n_rows_read: u64,
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
        write!(
            f,
            "{}: {} rows, {} {tickers}, {} to {}",
            escaped(&self.output.display().to_string()),
            grouped(self.n_rows),
            grouped(self.n_tickers as u64),
            self.span.0,
            self.span.1
        )?;
        if self.n_rows != self.n_rows_read {
            write!(f, "; {} rows left out", grouped(self.n_rows_read - self.n_rows))?;
        }
        let columns: Vec<String> = self.columns.iter().map(|name| shown(name)).collect();
        write!(f, "\n  columns   {}", columns.join(", "))?;
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
            let Oddity { kind, count, outcome, examples, .. } = oddity;
            write!(f, "\n  {label:<8}  {:>7}  {kind}, {outcome}", grouped(*count))?;
            write!(f, "  [{}]", kind.slug())?;
            for Example { file, line, content } in examples {
                let content = if content.is_empty() { "(empty)" } else { content };
                write!(f, "\n{:21}{}  {content}", "", place(file, *line))?;
            }
        }
        Ok(())
    }
}

/// Oddities while they are being counted.
#[derive(Debug)]
pub(super) struct Oddities {
    n_examples: usize,
    met: BTreeMap<OddityKind, (u64, Vec<Example>)>,
}

impl Oddities {
    /// Keeps so many examples of each kind.
    pub(super) fn new(n_examples: usize) -> Self {
        Self { n_examples, met: BTreeMap::new() }
    }

    pub(super) fn n_examples(&self) -> usize {
        self.n_examples
    }

    /// One more, with the text where it stands.
    pub(super) fn note(&mut self, kind: OddityKind, path: &Path, line: u64, text: &str) {
        self.note_many(kind, 1, path, line, || shown(text));
    }

    /// So many more, told by one example; `content` is asked for only where it will be kept.
    pub(super) fn note_many(
        &mut self,
        kind: OddityKind,
        count: u64,
        path: &Path,
        line: u64,
        content: impl FnOnce() -> String,
    ) {
        let (counted, examples) = self.met.entry(kind).or_default();
        *counted += count;
        if examples.len() < self.n_examples {
            examples.push(Example { file: path.to_owned(), line, content: content() });
        }
    }

    /// Adds what was counted apart.
    pub(super) fn absorb(&mut self, other: Self) {
        for (kind, (count, examples)) in other.met {
            let (counted, kept) = self.met.entry(kind).or_default();
            *counted += count;
            let room = self.n_examples.saturating_sub(kept.len());
            kept.extend(examples.into_iter().take(room));
        }
    }

    /// Everything met, with what is done about it.
    fn into_told(self, treatments: &Treatments) -> Vec<Oddity> {
        self.met
            .into_iter()
            .map(|(kind, (count, examples))| Oddity {
                action: treatments.of(&kind),
                outcome: treatments.outcome(&kind),
                kind,
                count,
                examples,
            })
            .collect()
    }

    /// An error with every kind met that is to be refused.
    pub(super) fn refuse(&self, treatments: &Treatments) -> Result<()> {
        let refused = self.met.iter().filter(|(kind, _)| treatments.of(kind) == Action::Refuse);
        let reports: Vec<Report> = refused
            .map(|(kind, (count, examples))| {
                let report = Report::new(format!("{} {kind}", grouped(*count)))
                    .expected(format!("none, as `--on {}=refuse` asks", kind.slug()))
                    .hint(format!("mend the input, or {}", others(kind)));
                match examples.first() {
                    Some(first) => {
                        report.at(place(&first.file, first.line)).found(first.content.clone())
                    }
                    None => report,
                }
            })
            .collect();
        match reports.is_empty() {
            true => Ok(()),
            false => Err(Error { kind: Kind::Data, reports }),
        }
    }
}

/// What else can be said of a kind, as ``say `--on ohlc=keep` or `--on ohlc=drop` ``.
pub(super) fn others(kind: &OddityKind) -> String {
    let choices = kind.entry().choices.iter().filter(|(action, _)| *action != Action::Refuse);
    let said: Vec<String> =
        choices.map(|(action, _)| format!("`--on {}={action}`", kind.slug())).collect();
    format!("say {}", said.join(" or "))
}

pub(super) fn summarise(
    output: &Path,
    sources: &[Source],
    survey: &Survey,
    table: &Table,
    n_rows_read: usize,
    oddities: Oddities,
    options: &ImportOptions,
) -> ImportReport {
    let mut time_formats: BTreeMap<String, usize> = BTreeMap::new();
    for format in &survey.time_formats {
        let mut told = shown(&format.to_string());
        if format.has_two_digit_year() {
            let first = options.first_year;
            told = format!("{told}, the years as {first} to {}", first + 99);
        }
        *time_formats.entry(told).or_default() += 1;
    }
    ImportReport {
        output: output.to_owned(),
        n_files: sources.len(),
        n_rows_read: n_rows_read as u64,
        n_rows: table.times.len() as u64,
        n_tickers: table.n_tickers(),
        span: table.span(),
        columns: table.column_names().map(str::to_owned).collect(),
        time_formats: time_formats.into_iter().collect(),
        oddities: oddities.into_told(&options.treatments),
    }
}

/// 19149 as `19,149`.
pub(super) fn grouped(number: u64) -> String {
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
