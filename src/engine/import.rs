//! `oddlot import`: CSV files into one Parquet file sorted by ticker and time.
//!
//! Nothing is silently repaired: rows are sorted, empty cells stay null, and every oddity of the
//! input is counted and told with an example ([`ImportReport`]). What cannot be read is an error
//! with its line, and then nothing is written.
//!
//! Gives `ticker` Utf8, then `date` Date32, or `ts` TIMESTAMP(µs, UTC) where the input has
//! instants, or `ts` Int64 = 1, 2, … within each ticker for unnamed series
//! ([`TimeFrom::RowNumber`]), then the numeric columns as Float64, lower-cased. Never NaN.
//!
//! Memory: the text of all inputs plus 8 bytes a number.

mod cells;
mod dates;
mod layout;
mod lines;
mod order;
mod output;
mod report;
mod rows;
mod survey;
mod text;

use std::path::PathBuf;

use crate::error::Result;

pub use report::{Example, ImportReport, Oddity, OddityKind};

/// What to import, and how to read it.
#[derive(Clone, Debug, Default)]
pub struct ImportOptions {
    /// CSV files, in the order they are read.
    pub files: Vec<PathBuf>,
    /// Folder of the result; made if missing.
    pub output_dir: PathBuf,
    /// Stem of the result. Default: the stem of the one input, or the folder's name for several.
    pub name: Option<String>,
    /// Where the ticker comes from.
    pub ticker: TickerFrom,
    /// Where the time comes from.
    pub time: TimeFrom,
    /// `strftime` pattern of the time column, as `%d-%b-%y`. Default: the one that reads all cells.
    pub date_format: Option<String>,
    /// Columns to keep, by their names in the header, any case. Default: all numeric ones.
    pub columns: Option<Vec<String>>,
    /// What to do with rows of one ticker and time that differ.
    pub duplicates: Duplicates,
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

/// What to do with rows of one ticker and time. Rows that are equal throughout are kept once,
/// and told, whatever this says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Duplicates {
    /// Rows that differ are an error that lists them.
    #[default]
    Refuse,
    /// The first in file order is kept, the others are counted.
    KeepFirst,
    /// The last in file order is kept, the others are counted.
    KeepLast,
}

/// Reads all files, checks them, and writes one Parquet file, whole or not at all.
///
/// # Errors
/// `Data`: a file, row or cell that cannot be read, with its line. `Config`: a column or pattern
/// that does not fit the files. `Output`: the result cannot be written.
pub fn run(options: &ImportOptions) -> Result<ImportReport> {
    let output = output::path(options)?;
    let mut oddities = report::Oddities::default();

    let sources = text::read(&options.files, &mut oddities)?;
    let layout = layout::resolve(&sources, options)?;
    let survey = survey::survey(&sources, &layout, options)?;
    let read = rows::read(&sources, &layout, &survey, &mut oddities)?;
    let table = order::sort(read, options.duplicates, &sources, &mut oddities)?;

    output::write(&table, &output)?;
    Ok(report::summarise(&output, &sources, &survey, &table, oddities))
}

#[cfg(test)]
mod tests;
