//! Sources: Parquet files, anywhere, as the relation `prices`.
//!
//! `prices(ticker Utf8, ts Timestamp(µs, "UTC"), trade_date Date32, value Float64,
//! is_conflict Boolean, is_dropped Boolean, …)`, where `…` are the pipeline's other mapped columns, as Float64.
//!
//! Every file's footer is read when a source is registered: a missing column, a wrong type or a
//! damaged file is told with the file's name before anything runs. Pages are looked at before they
//! are unpacked (`guarded`), so that no file takes more memory than its size bears. Types are converted at the
//! scan, below the declared order, so that a conversion never costs a sort.
//!
//! What becomes of `ts`: a date is its midnight UTC; a timestamp without a zone is taken as UTC;
//! an integer is a row number, and row n becomes day n since 1970-01-01; without a `ts` column
//! rows are numbered from 0 in the order of the files. `trade_date` is the UTC date of `ts`.

mod broken;
mod columns;
mod counts;
mod damage;
mod damaged;
mod dropped;
mod footers;
mod guarded;
mod listing;
mod misfit;
mod nameless;
mod narrowed;
mod of_ticker;
mod offered;
mod pages;
mod prices;
mod repeated;
mod table;
mod texts;
mod unpacked;
mod utc;
mod wildcard;

use std::sync::Arc;

use datafusion::prelude::{SessionContext, ident, lit};

pub use broken::{Broken, find_broken};
pub use damaged::with_file;
pub use dropped::drop_rows;
pub use listing::SourceFile;
pub use nameless::first_nameless;
pub use narrowed::{Part, WholePrices};
pub use of_ticker::prices_of;
pub use offered::{Offered, OfferedColumn, offered};
pub use repeated::merge_repeated;

use crate::error::{Error, Kind, Result};
use crate::failure::from_datafusion;
use crate::features::PRICES;
use crate::places::Places;
use crate::s3::S3Settings;
use crate::step;

/// Where a pipeline's prices are, and which columns are what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// A file, a directory, a glob (`*`, `?`, `**`) or an `s3://bucket/…` URL of one; a local
    /// path must be absolute. In directories, files named `*.parquet` count, also below
    /// `key=value` directories, whose keys are text columns.
    pub path: String,
    /// How its bucket is reached, where it is in one.
    pub s3: S3Settings,
    /// Which columns are what.
    pub columns: Columns,
    /// Whether each file is sorted by (ticker, ts): spares the sort, or gives wrong windows
    /// where it is not true, which `inspect` finds.
    pub sorted: bool,
    /// Where the pipeline file says so, for messages.
    pub places: Places,
}

/// Source columns by their part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Columns {
    /// Whose price.
    pub ticker: Ticker,
    /// When; `None` numbers the rows.
    pub ts: Option<String>,
    /// The price, or whatever is watched.
    pub value: String,
    /// Further columns for feature files: (name in `prices`, name in the source).
    pub others: Vec<(String, String)>,
}

/// Whose price a row is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ticker {
    /// The column that says so.
    Column(String),
    /// All rows are this one's.
    Literal(String),
}

/// What was found when a source was registered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceFacts {
    /// Files, in the order in which they are read.
    pub files: Vec<SourceFile>,
    /// Rows of all files.
    pub n_rows: usize,
    /// Files of single tickers that cannot be read; they are left out.
    pub broken: Vec<Broken>,
    /// Where the first row without a ticker is, once somebody has looked for it.
    pub nameless: Option<String>,
}

impl SourceFacts {
    /// The file that has the rows of `ticker`, where the footers leave no doubt.
    pub fn file_of(&self, ticker: &str) -> Option<&str> {
        let mut holding = self.files.iter().filter(|file| file.may_hold(ticker));
        match (holding.next(), holding.next()) {
            (Some(file), None) => Some(&file.name),
            _ => None,
        }
    }
}

/// The column that tells days of which a source says two different things.
pub const IS_CONFLICT: &str = "is_conflict";

/// The column that tells rows which a check of the user's takes out: their numbers are NULL.
pub const IS_DROPPED: &str = "is_dropped";

/// Registers `prices` over the files of `source`.
///
/// # Errors
/// No file matches; a file of several tickers is damaged; a file lacks a column; a column has a type
/// that does not fit its part; there is no row.
pub async fn register(context: &SessionContext, source: &Source) -> Result<SourceFacts> {
    register_without(context, source, Vec::new()).await
}

/// As [`register`], without files of which [`find_broken`] has told.
///
/// # Errors
/// As [`register`], and nothing is left.
pub async fn register_without(
    context: &SessionContext,
    source: &Source,
    broken: Vec<Broken>,
) -> Result<SourceFacts> {
    let mut listing = listing::list(context, source).await?;
    let is_sound = |name: String| broken.iter().all(|broken| broken.file != name);
    let url = listing.url.clone();
    listing.files.retain(|file| is_sound(file.name(&url)));
    if listing.files.is_empty() {
        let reports = broken.into_iter().map(|broken| broken.report).collect();
        return Err(Error { kind: Kind::Data, reports });
    }
    let (footers, without_footer) = footers::read(&mut listing, source).await?;
    let columns = columns::check(&listing, &footers, source)?;
    unpacked::check(&listing, &footers, &columns)?;
    let (table, mut facts) = table::prices_files(&listing, footers, &columns, source)?;
    facts.broken = broken;
    facts.broken.extend(without_footer);
    let prices = prices::select(context, Arc::new(table), &columns, source)?;
    step::register(context, PRICES, prices)?;
    Ok(facts)
}

/// Keeps only rows of the registered `prices` that are dated from `from` to `to`, days since 1970-01-01 and
/// both included.
///
/// # Errors
/// A bug: nothing is registered.
pub async fn restrict(context: &SessionContext, days: (Option<i32>, Option<i32>)) -> Result<()> {
    let prices = context.table(PRICES).await;
    let prices = prices.map_err(|error| from_datafusion("source", error))?;
    step::register(context, PRICES, narrowed::between(prices, days)?)
}

/// Takes the rows of `tickers` out of the registered `prices`.
///
/// # Errors
/// A bug: nothing is registered.
pub async fn exclude(context: &SessionContext, tickers: &[String]) -> Result<()> {
    let blame = |error| from_datafusion("source", error);
    let prices = context.table(PRICES).await.map_err(blame)?;
    let names = tickers.iter().map(|ticker| lit(ticker.as_str())).collect();
    let kept = prices.filter(ident("ticker").in_list(names, true)).map_err(blame)?;
    step::register(context, PRICES, kept)
}

#[cfg(test)]
mod fuzz;
#[cfg(test)]
#[path = "tests.rs"]
mod tests;
