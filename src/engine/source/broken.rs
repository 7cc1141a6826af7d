//! Files that cannot be read, and the tickers that they cost.
//!
//! A file of one ticker costs that ticker: its folder (`ticker=AAA/`) says so, or its footer. Of any
//! other file nobody knows which tickers would be missed, and their rows would leave the tables
//! unsaid: it stops the job.

use datafusion::prelude::SessionContext;

use super::damaged::{self, Failure};
use super::footers::Footer;
use super::listing::{Listed, Listing};
use super::{Source, Ticker};
use crate::error::{Error, Kind, Report, Result};

/// Broken files that are named; the rest are counted.
const NAMED: usize = 10;

/// A file that cannot be read, and whose rows it holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    /// Its name.
    pub file: String,
    /// The one ticker in it.
    pub ticker: String,
    /// What is wrong with it.
    pub report: Report,
}

/// Reads every file of `source` from begin to end and gives those that cannot be.
///
/// # Errors
/// A file of several tickers cannot be read: named, all at once; or the store does not answer.
pub async fn find_broken(context: &SessionContext, source: &Source) -> Result<Vec<Broken>> {
    let (mut broken, mut fatal) = (Vec::new(), Vec::new());
    for one in damaged::one_by_one(context, source).await? {
        let (file, ticker) = match one.files.first() {
            Some(file) => (file.name(&one.url), ticker_of(file, source).map(str::to_owned)),
            None => continue,
        };
        let failed = match damaged::failure_of(context, source, one).await {
            Ok(None) => continue,
            Ok(Some(Failure { file, error, tickers })) => {
                let single = tickers.filter(|(first, last)| first == last);
                (file, single.map(|(ticker, _)| ticker), error)
            }
            Err(error) => (file, ticker, error),
        };
        match failed {
            (file, Some(ticker), Error { kind: Kind::Data, reports }) => {
                broken.extend(reports.into_iter().next().map(|report| Broken {
                    file,
                    ticker,
                    report,
                }));
            }
            (_, _, error) => fatal.push(error),
        }
    }
    match all_at_once(fatal, source) {
        Some(error) => Err(error),
        None => Ok(broken),
    }
}

/// Parts footers from files that have none; those leave the listing.
///
/// # Errors
/// A file without a footer may hold several tickers; the store does not answer.
pub(super) fn part(
    listing: &mut Listing,
    footers: Vec<Result<Footer>>,
    source: &Source,
) -> Result<(Vec<Footer>, Vec<Broken>)> {
    let (mut found, mut sound) = (Vec::new(), Vec::new());
    let (mut broken, mut fatal) = (Vec::new(), Vec::new());
    for (file, footer) in std::mem::take(&mut listing.files).into_iter().zip(footers) {
        match footer {
            Ok(footer) => {
                found.push(footer);
                sound.push(file);
            }
            Err(error) => match (error.kind, ticker_of(&file, source), error.reports.first()) {
                (Kind::Data, Some(ticker), Some(report)) => broken.push(Broken {
                    file: file.name(&listing.url),
                    ticker: ticker.to_owned(),
                    report: report.clone(),
                }),
                _ => fatal.push(error),
            },
        }
    }
    listing.files = sound;
    let none_left = found.is_empty();
    if none_left {
        fatal.extend(broken.iter().map(|broken| Error::data(broken.report.clone())));
    }
    match all_at_once(fatal, source) {
        Some(error) => Err(error),
        None => Ok((found, broken)),
    }
}

/// The ticker that a folder says all rows of a file are of.
fn ticker_of<'a>(file: &'a Listed, source: &Source) -> Option<&'a str> {
    match &source.columns.ticker {
        Ticker::Column(name) => file.partition(name),
        Ticker::Literal(_) => None,
    }
}

fn all_at_once(errors: Vec<Error>, source: &Source) -> Option<Error> {
    let kind = errors.first()?.kind;
    let n_more = errors.len().saturating_sub(NAMED);
    let mut reports: Vec<Report> = errors.into_iter().flat_map(|error| error.reports).collect();
    reports.truncate(NAMED);
    if n_more > 0 {
        let report = Report::new(format!("{n_more} more files cannot be read"));
        reports.push(report.at(source.path.as_str()).hint("the first ten are told above"));
    }
    Some(Error { kind, reports })
}
