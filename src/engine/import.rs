//! `oddlot import`: CSV files into one Parquet file sorted by ticker and time.
//!
//! Nothing is silently repaired. Every oddity of the input is counted and told with examples
//! ([`ImportReport`]); what is done with each kind is a choice ([`Treatments`]) with a sane default.
//! What cannot be read is an error with its line, and then nothing is written.
//!
//! Gives `ticker` Utf8, then `date` Date32, or `ts` TIMESTAMP(µs, UTC) where the input has
//! instants, or `ts` Int64 = 1, 2, … within each ticker for unnamed series
//! ([`TimeFrom::RowNumber`]), then the numeric columns as Float64, lower-cased. Never NaN.
//!
//! Memory: every file is read twice, a record at a time, plain or unpacked on the way, so that
//! no text is held. The rows are: 24 bytes and 8 for each number, twice while they are sorted,
//! and the encoded Parquet file, for the result is put in place whole.

mod cells;
mod checks;
mod dates;
mod decode;
mod file_name;
mod generate;
mod labels;
mod layout;
mod oddity;
mod order;
mod output;
mod records;
mod report;
mod rows;
mod shown;
mod survey;
mod text;
mod time_format;
mod treatments;

use std::path::PathBuf;

use crate::error::{Error, Report, Result};

pub use cells::Decimal;
pub use generate::{GenerateOptions, Generated, generate};
pub use layout::{TIME_NAMES, normal};
pub use oddity::{Action, OddityKind};
pub use report::{Example, ImportReport, Oddity};
use shown::{escaped, shown};
pub use treatments::{Treatment, Treatments, help};

/// What to import, and how to read it.
#[derive(Clone, Debug)]
pub struct ImportOptions {
    /// CSV files, in the order they are read; gzip and zstd are told by their content.
    pub files: Vec<PathBuf>,
    /// Folder of the result, made if missing; or the result itself, if its name ends in `.parquet`.
    pub output_dir: PathBuf,
    /// Stem of the result. Default: the stem of the one input, or the folder's name for several.
    pub name: Option<String>,
    /// Where the ticker comes from.
    pub ticker: TickerFrom,
    /// Where the time comes from.
    pub time: TimeFrom,
    /// `strftime` pattern of the time column, as `%d-%b-%y`. Default: the one that reads all cells.
    pub date_format: Option<String>,
    /// First of the hundred years that a year of two digits falls into.
    pub first_year: i32,
    /// What parts fields. Default: the one of `,` `;` `|` and tab that the header has.
    pub delimiter: Option<char>,
    /// What parts decimals. Default: a comma where cells can be read no other way, else a point.
    pub decimal: Option<Decimal>,
    /// Columns to keep, by their names in the header, any case. Default: all numeric ones.
    pub columns: Option<Vec<String>>,
    /// Keep no column but ticker and time.
    pub no_columns: bool,
    /// A JSON file of time windows for each file; the rows within get `label` 1, the others 0.
    pub labels: Option<PathBuf>,
    /// A day's close this many per cent away from the one before is told.
    pub large_move_pct: f64,
    /// What to do with each kind of oddity.
    pub treatments: Treatments,
    /// Examples to keep of each kind.
    pub n_examples: usize,
}

impl Default for ImportOptions {
    fn default() -> Self {
        Self {
            files: Vec::new(),
            output_dir: PathBuf::new(),
            name: None,
            ticker: TickerFrom::default(),
            time: TimeFrom::default(),
            date_format: None,
            first_year: 1970,
            delimiter: None,
            decimal: None,
            columns: None,
            no_columns: false,
            labels: None,
            large_move_pct: 25.0,
            treatments: Treatments::default(),
            n_examples: 3,
        }
    }
}

/// Where the ticker comes from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum TickerFrom {
    /// A column named ticker, symbol or name (any case), else the file's stem.
    #[default]
    Auto,
    /// This column.
    Column(String),
    /// This text for all rows; a column named ticker is then an ordinary column.
    Literal(String),
    /// The part of the file's name where this pattern says `{ticker}`.
    FileName(String),
}

/// Where the time comes from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum TimeFrom {
    /// A column named date, ts, timestamp, datetime, time, day or the like.
    #[default]
    Auto,
    /// This column.
    Column(String),
    /// No time: rows are numbered from 1 within each ticker, in file order.
    RowNumber,
}

/// Reads all files, checks them, and writes one Parquet file, whole or not at all.
///
/// # Errors
/// `Data`: a file, row or cell that cannot be read, with its line, or an oddity that is to be
/// refused. `Config`: a column or pattern that does not fit the files. `Output`: the result
/// cannot be written.
pub fn run(options: &ImportOptions) -> Result<ImportReport> {
    let output = output::path(&options.output_dir, options.name.as_deref(), &options.files)?;
    let mut oddities = report::Oddities::new(options.n_examples.max(1));

    let sources = text::open(&options.files, options.delimiter, &mut oddities)?;
    let layout = layout::resolve(&sources, options)?;
    let survey = survey::survey(&sources, &layout, options)?;
    let mut read = rows::read(&sources, &layout, &survey, options, &mut oddities)?;
    if let Some(path) = &options.labels {
        labels::add(&mut read, &sources, path)?;
    }
    let n_rows_read = read.n_read;
    let mut table = order::sort(read, &options.treatments, &sources, &mut oddities)?;
    checks::check(&mut table, &sources, options, &mut oddities);
    oddities.refuse(&options.treatments)?;
    if table.times.is_empty() {
        return Err(nothing_left(options));
    }

    output::write(&table, &output)?;
    Ok(report::summarise(&output, &sources, &survey, &table, n_rows_read, oddities, options))
}

fn nothing_left(options: &ImportOptions) -> Error {
    let paths: Vec<String> = options.files.iter().map(|path| path.display().to_string()).collect();
    Error::data(
        Report::new("no row is left")
            .at(paths.join(", "))
            .expected("at least one row to write")
            .found("rows that `--on` leaves out, all of them")
            .hint("leave fewer out, or mend the input"),
    )
}

#[cfg(test)]
mod tests;
