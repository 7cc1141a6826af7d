//! `oddlot import`: what can be said about files that are to become Parquet.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use oddlot_engine::import::{Treatment, help};

/// Files to import, and how to read them.
#[derive(Clone, Debug, Args)]
#[command(group = clap::ArgGroup::new("ticker_from").args(["ticker", "ticker_column", "ticker_in_name"]))]
#[command(group = clap::ArgGroup::new("time_from").args(["time_column", "row_number"]))]
pub struct ImportArgs {
    /// CSV files to read, in this order; gzip and zstd are unpacked, whatever the name says
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,
    /// The folder to write to; made if missing
    #[arg(long, short, value_name = "DIR")]
    pub output: PathBuf,
    /// Name of the Parquet file, without .parquet; by default that of the one input or of the folder
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// One ticker for all rows
    #[arg(long, value_name = "TICKER")]
    pub ticker: Option<String>,
    /// The column with the ticker; by default ticker, symbol or name, else the file's own name
    #[arg(long, value_name = "COLUMN")]
    pub ticker_column: Option<String>,
    /// Where the file's name has the ticker, such as '{ticker}_data.csv'
    #[arg(long, value_name = "PATTERN")]
    pub ticker_in_name: Option<String>,
    /// The column with the date or time; by default date, ts, timestamp or the like
    #[arg(long, value_name = "COLUMN")]
    pub time_column: Option<String>,
    /// There is no time: number the rows of each ticker from 1
    #[arg(long)]
    pub row_number: bool,
    /// How dates are written, such as %d-%b-%y; by default found out from all of them
    #[arg(long, value_name = "FORMAT")]
    pub date_format: Option<String>,
    /// First of the hundred years that a year of two digits falls into
    #[arg(long, value_name = "YEAR", default_value_t = 1970, value_parser = clap::value_parser!(i32).range(1000..=9900))]
    pub first_year: i32,
    /// What parts fields, or `tab`; by default the one of , ; | and tab that the header has
    #[arg(long, value_name = "CHAR", value_parser = delimiter)]
    pub delimiter: Option<char>,
    /// What parts decimals; by default a comma where numbers can be read no other way
    #[arg(long, value_name = "SIGN")]
    pub decimal: Option<Decimal>,
    /// The columns to keep, separated by commas; by default all with numbers
    #[arg(long, value_name = "COLUMN,…", value_delimiter = ',')]
    pub columns: Option<Vec<String>>,
    /// Keep no column but ticker and time: a list of days
    #[arg(long, conflicts_with = "columns")]
    pub no_columns: bool,
    /// JSON of time windows for each file, as NAB has it: adds a column label, 1 within them
    #[arg(long, value_name = "FILE")]
    pub labels: Option<PathBuf>,
    /// What to do with rows of one ticker and time that differ
    #[arg(long, value_name = "WHAT", default_value = "refuse")]
    pub duplicates: Duplicates,
    /// What to do with an oddity, such as ohlc=drop; all=refuse stops at any. --help lists them
    #[arg(long, value_name = "ODDITY=WHAT")]
    pub on: Vec<Treatment>,
    /// Tell days whose close is more than this many per cent away from the one before
    #[arg(long, value_name = "PERCENT", default_value_t = 25.0, value_parser = percent)]
    pub large_move: f64,
    /// How many examples of each oddity to tell
    #[arg(long, value_name = "N", default_value_t = 3)]
    pub examples: usize,
}

/// What parts decimals.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Decimal {
    /// 1.5
    Point,
    /// 1,5
    Comma,
}

/// What to do with rows of one ticker and time that differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Duplicates {
    /// Stop, and list them
    Refuse,
    /// Keep the first in the order of the file
    KeepFirst,
    /// Keep the last in the order of the file
    KeepLast,
}

/// What `--help` says below the options.
pub fn after_help() -> String {
    let example = "Example: oddlot import prices.csv -o data/prices --ticker SPX";
    format!("{}\n{example}", help())
}

fn delimiter(text: &str) -> Result<char, String> {
    let mut chars = text.chars();
    match (text, chars.next(), chars.next()) {
        ("tab" | "\\t", ..) => Ok('\t'),
        (_, Some(only), None) if only.is_ascii() && !"\"\r\n\0".contains(only) => Ok(only),
        _ => Err("expected one character of ASCII, such as ;".to_owned()),
    }
}

fn percent(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(percent) if percent > 0.0 && percent.is_finite() => Ok(percent),
        _ => Err("expected a number above 0, such as 25".to_owned()),
    }
}
