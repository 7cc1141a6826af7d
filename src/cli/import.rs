//! `oddlot import`: what can be said about files that are to become Parquet.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use oddlot_engine::import::Treatment;
use oddlot_series::simulate::Simulation;

/// What says how files are read.
const NOT_GENERATED: [&str; 14] = [
    "files",
    "ticker",
    "ticker_column",
    "ticker_in_name",
    "time_column",
    "row_number",
    "date_format",
    "first_year",
    "delimiter",
    "decimal",
    "no_columns",
    "labels",
    "on",
    "large_move",
];

/// Files to import, and how to read them.
#[derive(Clone, Debug, Args)]
#[command(group = clap::ArgGroup::new("ticker_from").args(["ticker", "ticker_column", "ticker_in_name"]))]
#[command(group = clap::ArgGroup::new("time_from").args(["time_column", "row_number"]))]
pub struct ImportArgs {
    /// CSV files to read, in this order; gzip and zstd are unpacked, whatever the name says
    #[arg(value_name = "FILE", required_unless_present = "generate")]
    pub files: Vec<PathBuf>,
    /// The folder to write to, made if missing; or a file.parquet
    #[arg(long, short, value_name = "DIR")]
    pub output: PathBuf,
    /// Read nothing and make prices up: tickers=N,days=M,seed=S
    #[arg(long, value_name = "SPEC", value_parser = simulation, conflicts_with_all = NOT_GENERATED)]
    pub generate: Option<Simulation>,
    /// How many threads make prices up; by default one per processor
    #[arg(long, value_name = "N", conflicts_with = "files", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub threads: Option<u16>,
    /// Name of the Parquet file; else that of the input or the folder
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// One ticker for all rows
    #[arg(long, value_name = "TICKER")]
    pub ticker: Option<String>,
    /// The ticker's column; else ticker, symbol or name, or the file
    #[arg(long, value_name = "COLUMN")]
    pub ticker_column: Option<String>,
    /// Where the file's name has it, such as '{ticker}_data.csv'
    #[arg(long, value_name = "PATTERN")]
    pub ticker_in_name: Option<String>,
    /// The column with the time; else date, ts, timestamp or the like
    #[arg(long, value_name = "COLUMN")]
    pub time_column: Option<String>,
    /// There is no time: number the rows of each ticker from 1
    #[arg(long)]
    pub row_number: bool,
    /// How dates are written, such as %d-%b-%y; else found out
    #[arg(long, value_name = "FORMAT")]
    pub date_format: Option<String>,
    /// The first year that one of two digits may mean
    #[arg(long, value_name = "YEAR", default_value_t = 1970, value_parser = clap::value_parser!(i32).range(1000..=9900))]
    pub first_year: i32,
    /// What parts fields; else the one of , ; | and tab that is there
    #[arg(long, value_name = "CHAR", value_parser = delimiter)]
    pub delimiter: Option<char>,
    /// What parts decimals, point or comma; else found out
    #[arg(long, value_name = "SIGN", hide_possible_values = true)]
    pub decimal: Option<Decimal>,
    /// The columns to keep, separated by commas; else all with numbers
    #[arg(long, value_name = "COLUMN,…", value_delimiter = ',')]
    pub columns: Option<Vec<String>>,
    /// Keep no column but ticker and time: a list of days
    #[arg(long, conflicts_with = "columns")]
    pub no_columns: bool,
    /// JSON of time windows, as NAB has it: adds a column label
    #[arg(long, value_name = "FILE")]
    pub labels: Option<PathBuf>,
    /// Of rows of one time that differ: refuse, keep-first, keep-last
    #[arg(long, value_name = "WHAT", default_value = "refuse")]
    #[arg(hide_possible_values = true, hide_default_value = true)]
    pub duplicates: Duplicates,
    /// What to do with an oddity, as ohlc=drop: `oddlot help oddities`
    #[arg(long, value_name = "ODDITY=WHAT")]
    pub on: Vec<Treatment>,
    /// Tell days whose close moves by more than so much
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
pub const EXAMPLES: &str = "\
Example: oddlot import prices.csv -o data/prices --ticker SPX
         oddlot import --generate tickers=5000,days=8000,seed=1 -o data/made_up";

/// `tickers=5000,days=8000,seed=1`, in any order.
fn simulation(text: &str) -> Result<Simulation, String> {
    let (mut tickers, mut days, mut seed) = (None, None, None);
    for pair in text.split(',') {
        let expected = || format!("expected tickers=N,days=M,seed=S, found `{pair}`");
        let (key, value) = pair.split_once('=').ok_or_else(expected)?;
        let number: u64 = value.trim().parse().map_err(|_| expected())?;
        let known = match key.trim() {
            "tickers" => &mut tickers,
            "days" => &mut days,
            "seed" => &mut seed,
            _ => return Err(expected()),
        };
        if known.replace(number).is_some() {
            return Err(format!("`{key}` is there twice"));
        }
    }
    let count = |key: &str, number: Option<u64>| match number {
        Some(number) => Ok(usize::try_from(number).unwrap_or(usize::MAX)),
        None => Err(format!("`{key}` is missing: expected tickers=N,days=M,seed=S")),
    };
    let (tickers, days) = (count("tickers", tickers)?, count("days", days)?);
    Simulation::new(tickers, days, seed.unwrap_or(42)).map_err(|error| error.to_string())
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
