//! What charts and pages are made of: rows of the tables, and prices of the source.
//!
//! Everything is asked of the tables by SQL (`sql/report/*.sql`), read-only; the crate `oddlot-report` draws.

mod explanation;
mod price;
mod series;
mod summary;

use oddlot_engine::query::{Bound, Catalog};
use oddlot_engine::s3::Place;
use oddlot_engine::session::{SessionContext, SessionOptions, session};
use oddlot_engine::tables::OutputRoot;
use oddlot_engine::{Error, Kind, Report};
use oddlot_report::number;
use serde::Deserialize;

use crate::plan::Plan;
use crate::prices;
use crate::settings::{hint_of, nearest_in_small};

const FIND_TICKER: &str = include_str!("../sql/report/find_ticker.sql");
const LIST_TICKERS: &str = include_str!("../sql/report/list_tickers.sql");

/// Tables that are open, and where prices are.
pub struct Look<'a> {
    root: OutputRoot,
    catalog: Catalog,
    plan: Option<&'a Plan>,
    /// Where `prices` is registered; `None` without a pipeline, or where its source cannot be read.
    prices: Option<SessionContext>,
    /// What a reader should know of.
    pub notes: Vec<String>,
}

/// Whose rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject {
    /// The ticker.
    pub ticker: String,
    /// The pipeline's name.
    pub pipeline: String,
    /// The model's name.
    pub model: String,
    /// The feature that is drawn.
    pub feature: String,
    /// The last day that has a row.
    pub last_day: i32,
}

/// What a user said of whose rows, besides the ticker.
#[derive(Clone, Copy, Debug, Default)]
pub struct Wanted<'a> {
    /// The model.
    pub model: Option<&'a str>,
    /// The feature.
    pub feature: Option<&'a str>,
}

#[derive(Debug, Deserialize)]
struct Known {
    pipeline: String,
    model: String,
    feature: String,
    features: String,
    last_day: i32,
}

impl<'a> Look<'a> {
    /// Opens the tables of a pipeline and its source, or those of a root.
    ///
    /// # Errors
    /// [`Kind::Data`]: there are no tables; what keeps them from being read. A source that cannot be read is a
    /// note: its prices are then missing.
    pub async fn open(
        place: &Place,
        plan: Option<&'a Plan>,
        threads: usize,
    ) -> Result<Self, Error> {
        let root = OutputRoot::open_existing(place)?;
        let context = session(&SessionOptions { threads, ..SessionOptions::default() })?;
        root.register(&context)?;
        let catalog = Catalog::open(&context, root.name()).await?;
        if !["errors", "reconstructions"].iter().all(|name| catalog.has(name)) {
            return Err(without_tables(root.name(), plan));
        }
        let mut notes = catalog.notes().to_vec();
        let prices = match plan {
            None => None,
            Some(plan) => match prices::registered(plan, threads).await {
                Ok(session) => Some(session),
                Err(error) => {
                    let what = error.reports.first().map_or("", |report| report.title.as_str());
                    notes.push(format!("no prices, as the source cannot be read ({what})"));
                    None
                }
            },
        };
        Ok(Self { root, catalog, plan, prices, notes })
    }

    /// Finds out whose rows are meant.
    ///
    /// # Errors
    /// [`Kind::Data`]: nobody has looked at the ticker, or no such model has.
    pub async fn subject(&self, ticker: &str, wanted: Wanted<'_>) -> Result<Subject, Error> {
        let values = [("ticker", Bound::from(ticker))];
        let mut known: Vec<Known> = self.catalog.rows(FIND_TICKER, &values).await?;
        if let Some(plan) = self.plan {
            known.retain(|known| known.pipeline == plan.pipeline.as_str());
        }
        if known.is_empty() {
            return Err(self.no_such_ticker(ticker).await);
        }
        if let Some(model) = wanted.model {
            let names: Vec<String> = known.iter().map(|known| known.model.clone()).collect();
            known.retain(|known| known.model == model);
            if known.is_empty() {
                return Err(no_such("model", model, &names));
            }
        } else if let Some(plan) = self.plan {
            // The order of the pipeline file, those with a band first.
            let place = |known: &Known| {
                let of = plan.models.iter().position(|model| model.name.as_str() == known.model);
                let reconstructs =
                    of.is_some_and(|idx| plan.models[idx].detector.kind() == "lstm_autoencoder");
                (reconstructs, of.unwrap_or(usize::MAX))
            };
            known.sort_by_key(place);
        }
        let Some(Known { pipeline, model, feature, features, last_day }) = known.into_iter().next()
        else {
            return Err(Error::bug("a ticker without a model"));
        };
        let feature = match wanted.feature {
            None => feature,
            Some(wanted) => {
                let names: Vec<String> = features.split(',').map(str::to_owned).collect();
                match names.iter().any(|name| name == wanted) {
                    true => wanted.to_owned(),
                    false => return Err(no_such("feature", wanted, &names)),
                }
            }
        };
        Ok(Subject { ticker: ticker.to_owned(), pipeline, model, feature, last_day })
    }

    async fn no_such_ticker(&self, ticker: &str) -> Error {
        #[derive(Deserialize)]
        struct Name {
            ticker: String,
        }
        let names: Vec<Name> = self.catalog.rows(LIST_TICKERS, &[]).await.unwrap_or_default();
        let names: Vec<&str> = names.iter().map(|name| name.ticker.as_str()).collect();
        let report = Report::new("no model has looked at this ticker")
            .at(self.root.name())
            .expected(match names.as_slice() {
                [only] => number::printable(only),
                names => format!("one of {} tickers", names.len()),
            })
            .found(number::printable(ticker));
        Error::data(match nearest_in_small(ticker, &names) {
            Some(meant) => report.hint(format!("did you mean `{}`?", number::printable(meant))),
            None => report.hint("`oddlot sql \"SELECT DISTINCT ticker FROM errors\"` lists them"),
        })
    }
}

fn no_such(what: &str, wanted: &str, names: &[String]) -> Error {
    let mut names: Vec<&str> = names.iter().map(String::as_str).collect();
    names.sort_unstable();
    names.dedup();
    let report = Report::new(format!("there is no {what} `{}`", number::printable(wanted)))
        .expected(format!("one of {}", names.join(", ")))
        .found(number::printable(wanted));
    let hint = hint_of(wanted, names);
    Error::data(report.hint(hint.unwrap_or_else(|| format!("leave `--{what}` out"))))
}

fn without_tables(root: &str, plan: Option<&Plan>) -> Error {
    let file = plan.map_or("PIPELINE", |plan| plan.file.as_str());
    Error::new(
        Kind::Data,
        Report::new("there is nothing to look at yet")
            .at(root)
            .expected("the tables of a complete run")
            .found("none")
            .hint(format!("run it first: `oddlot run {file}`")),
    )
}
