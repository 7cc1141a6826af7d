//! Opens the source: registers it, inspects each ticker, leaves out those that cannot be scored.
//!
//! A price that cannot be used costs its ticker that day (`sql/prices/cut_segments.sql` makes it a
//! break); only a ticker that has too few others is left out.

use std::collections::BTreeSet;

use chrono::{NaiveDate, Utc};
use oddlot_engine::checks::Findings;
use oddlot_engine::fingerprint::{self, InputDigest, Learning};
use oddlot_engine::inspect::{Inspection, TickerFacts, inspect};
use oddlot_engine::market;
use oddlot_engine::relation::{PipelineSql, WindowsRelation, replay, windows};
use oddlot_engine::session::{SessionContext, SessionOptions, session};
use oddlot_engine::source::{
    self, Broken, Columns, Part, Source, SourceFacts, Ticker, WholePrices,
};
use oddlot_engine::sql_file::SqlFile;
use oddlot_engine::tables::run_tables::TickerRow;
use oddlot_engine::ticker_rows::{Layout, day_of, iso_date};
use oddlot_engine::{Error, Kind};

use crate::faults::Faults;
use crate::plan::{Plan, SqlPlan};
use crate::settings::profile::Profile;

mod checked;
mod defects;
mod universe;
mod verdict;

use checked::Checked;
pub use checked::told;
use universe::Universe;
use verdict::{Verdict, judge, nothing_left};

/// A source that is open and whose every ticker that is left can be scored.
pub struct Prices {
    /// Where `prices`, `segmented_prices` and `features` are registered.
    pub session: SessionContext,
    /// The windows relation, planned.
    pub relation: WindowsRelation,
    /// Its columns.
    pub layout: Layout,
    /// What was decided of each ticker, in their order.
    pub tickers: Vec<TickerRow>,
    /// Of them, those whose rows are read and not scored, by the rules of `[universe]`.
    pub unscored: BTreeSet<String>,
    /// What input checks have found.
    pub findings: Vec<Findings>,
    /// First and last instant of the rows that are kept, µs UTC.
    pub span: (i64, i64),
    /// The one file, or the path of them all, for messages.
    pub place: String,
    /// Size of its files.
    pub bytes: u64,
}

impl Prices {
    /// Digests of the rows; models learn from those up to `last_learnt_day`, but for those of an archive,
    /// which learn nothing before they score.
    ///
    /// # Errors
    /// A file cannot be read, in a column that no check has needed.
    pub async fn digest(&self, plan: &Plan, last_learnt_day: i32) -> Result<InputDigest, Error> {
        let last_day = match plan.profile {
            Profile::Nightly => last_learnt_day,
            Profile::Archive => i32::MIN,
        };
        let is_apart = plan.models.iter().any(|model| !model.scope.is_pooled());
        match fingerprint::digest(&self.session, Learning { last_day, is_apart }).await {
            Ok(digest) => Ok(digest),
            Err(error) => Err(source::with_file(&self.session, &source_of(plan), error).await),
        }
    }

    /// The windows of what is registered as `prices` now.
    ///
    /// # Errors
    /// A bug: the queries were planned before.
    pub async fn windows(&self, plan: &Plan) -> Result<WindowsRelation, Error> {
        windows(&self.session, &sql_of(plan)?).await
    }

    /// The windows of the rows up to `last_day`, counted from 1970-01-01; queries of the user's own give those of
    /// all rows.
    ///
    /// # Errors
    /// A bug: the queries were planned before.
    pub async fn windows_until(
        &self,
        plan: &Plan,
        last_day: i32,
    ) -> Result<WindowsRelation, Error> {
        self.windows_of_part(plan, Part::WHOLE, last_day).await
    }

    /// The same of the tickers of one part.
    ///
    /// # Errors
    /// A bug: the queries were planned before.
    pub async fn windows_of_part(
        &self,
        plan: &Plan,
        part: Part,
        last_day: i32,
    ) -> Result<WindowsRelation, Error> {
        if is_own(&plan.features) || is_own(&plan.windows.sql) {
            return self.relation.clone().of_part(part);
        }
        let whole = WholePrices::of(&self.session).await?;
        whole.narrow(&self.session, part, (None, Some(last_day)))?;
        let windows = self.windows(plan).await;
        whole.narrow(&self.session, Part::WHOLE, (None, None))?;
        windows
    }

    /// Holds queries of the user's own against the history as it was on a few earlier days.
    ///
    /// # Errors
    /// A row sees the future.
    pub async fn replay(&self, plan: &Plan) -> Result<(), Error> {
        if !is_own(&plan.features) && !is_own(&plan.windows.sql) {
            return Ok(());
        }
        replay(&self.session, &sql_of(plan)?, &self.relation).await
    }

    /// What became of all tickers, and what input checks have found.
    pub fn faults(&self) -> Faults {
        Faults::of(&self.tickers).with_checks(&self.findings)
    }

    /// From when to when there are rows, in words.
    pub fn extent(&self) -> String {
        let [first, last] = self.days();
        format!("the source has rows from {first} to {last}")
    }

    /// The first and the last day that has a row, for people.
    pub fn days(&self) -> [String; 2] {
        [self.span.0, self.span.1].map(|ts_us| iso_date(day_of(ts_us)))
    }
}

/// Whether a query is a file of the user's, of which nothing is known but what its header says.
pub fn is_own(sql: &SqlPlan) -> bool {
    matches!(sql, SqlPlan::File { .. })
}

/// The source of `plan` as `prices`, and nothing looked at but footers: for those who only read prices.
///
/// # Errors
/// The source cannot be read.
pub async fn registered(plan: &Plan, threads: usize) -> Result<SessionContext, Error> {
    Ok(begin(plan, &source_of(plan), threads).await?.0)
}

/// A session in which `source`, that of `plan`, is `prices`; and its files.
async fn begin(
    plan: &Plan,
    source: &Source,
    threads: usize,
) -> Result<(SessionContext, SourceFacts), Error> {
    let memory_limit_bytes = Some(plan.memory_limit.of_queries());
    let session =
        session(&SessionOptions { threads, memory_limit_bytes, ..SessionOptions::default() })?;
    let files = source::register(&session, source).await?;
    restrict(&session, plan).await?;
    Ok((session, files))
}

/// Opens the source of `plan`.
///
/// # Errors
/// What stops the whole job: the source cannot be read, the SQL is wrong, or no ticker survives.
pub async fn open(plan: &Plan, threads: usize) -> Result<Prices, Error> {
    let source = source_of(plan);
    let (session, mut files) = begin(plan, &source, threads).await?;
    let mut raw = WholePrices::of(&session).await?;
    let relation = windows(&session, &sql_of(plan)?).await?;
    let inspected = match inspect(&session).await {
        Err(error) if error.kind == Kind::Data => {
            let broken = source::find_broken(&session, &source).await?;
            if broken.is_empty() {
                return Err(in_source(plan, &files, error));
            }
            files = source::register_without(&session, &source, broken).await?;
            restrict(&session, plan).await?;
            raw = WholePrices::of(&session).await?;
            inspect(&session).await.map(|found| Inspection { is_merged: true, ..found })
        }
        inspected => inspected,
    };
    let inspected = inspected.map_err(|error| in_source(plan, &files, error))?;
    let Inspection { tickers, is_merged } = inspected;
    let checked = checked::check(plan, &session, &raw, tickers, today(), place(plan, &files));
    let checked = checked.await.map_err(|error| in_source(plan, &files, error))?;
    let Checked { findings, tickers, has_dropped } = checked;
    let facts = with_broken(tickers, &files);
    if facts.iter().any(|ticker| ticker.ticker.is_empty()) {
        files.nameless = source::first_nameless(&session, &source).await?;
    }

    let universe = Universe::of(plan, &session, &facts).await?;
    let verdicts: Vec<Verdict> =
        facts.iter().map(|ticker| judge(plan, &relation, &files, &universe, ticker)).collect();
    let kept = |verdict: &Verdict| verdict.is_scored() || matches!(verdict, Verdict::Unscored(_));
    if !verdicts.iter().any(Verdict::is_scored) {
        return Err(nothing_left(plan, &relation, &verdicts));
    }
    let left_out: Vec<String> = facts
        .iter()
        .zip(&verdicts)
        .filter(|(_, verdict)| !kept(verdict))
        .map(|(ticker, _)| ticker.ticker.clone())
        .collect();
    if !left_out.is_empty() {
        source::exclude(&session, &left_out).await?;
    }
    let relation = match is_merged || has_dropped || !left_out.is_empty() {
        true => windows(&session, &sql_of(plan)?).await?,
        false => relation,
    };
    let survivors = || facts.iter().zip(&verdicts).filter(|(_, verdict)| kept(verdict));
    let first = survivors().filter_map(|(ticker, _)| ticker.first_ts).min().unwrap_or_default();
    let last = survivors().filter_map(|(ticker, _)| ticker.last_ts).max().unwrap_or_default();
    let n_rows = survivors().map(|(ticker, _)| ticker.n_rows).sum();
    let days = (day_of(first), day_of(last));
    let most_bytes = plan.memory_limit.of_learning_rows();
    market::measure(&session, &relation, days, n_rows, most_bytes).await?;
    let mut tickers: Vec<TickerRow> =
        facts.iter().zip(&verdicts).map(|(ticker, verdict)| verdict.row(ticker)).collect();
    checked::add_to(&mut tickers, &findings);
    let is_unscored = |verdict: &Verdict| matches!(verdict, Verdict::Unscored(_));
    let unscored = facts.iter().zip(&verdicts).filter(|(_, verdict)| is_unscored(verdict));
    let unscored = unscored.map(|(ticker, _)| ticker.ticker.clone()).collect();
    let layout = Layout::of(&relation);
    let place = place(plan, &files).to_owned();
    let bytes = files.files.iter().map(|file| file.size_bytes).sum();
    let span = (first, last);
    Ok(Prices { session, relation, layout, tickers, unscored, findings, span, place, bytes })
}

/// The day on which checks run, UTC; no cell depends on it.
fn today() -> NaiveDate {
    Utc::now().date_naive()
}

/// Leaves out what lies before `source.from` or after `source.to`.
async fn restrict(session: &SessionContext, plan: &Plan) -> Result<(), Error> {
    let [from, to] = [plan.source.from, plan.source.to].map(|date| date.map(crate::split::day));
    match (from, to) {
        (None, None) => Ok(()),
        bounds => source::restrict(session, bounds).await,
    }
}

/// Adds the tickers of which no file can be read.
fn with_broken(mut tickers: Vec<TickerFacts>, files: &SourceFacts) -> Vec<TickerFacts> {
    for Broken { ticker, .. } in &files.broken {
        let place = tickers.binary_search_by(|facts| facts.ticker.as_str().cmp(ticker));
        if let Err(idx) = place {
            tickers.insert(idx, TickerFacts { ticker: ticker.clone(), ..TickerFacts::default() });
        }
    }
    tickers
}

/// The one file, or the path of them all.
fn place<'a>(plan: &'a Plan, files: &'a SourceFacts) -> &'a str {
    match files.files.as_slice() {
        [file] => &file.name,
        _ => &plan.source.path,
    }
}

/// A finding about the rows, at the one file or the path of them all.
fn in_source(plan: &Plan, files: &SourceFacts, mut error: Error) -> Error {
    let place = place(plan, files);
    for report in &mut error.reports {
        if report.place.as_deref().is_none_or(|stand_in| stand_in == "source") {
            report.place = Some(place.to_owned());
        }
    }
    error
}

/// The source of a plan, as the engine reads it.
pub fn source_of(plan: &Plan) -> Source {
    let places = plan.places.clone();
    let plan = &plan.source;
    Source {
        path: plan.path.clone(),
        s3: plan.s3.clone(),
        columns: Columns {
            ticker: match (&plan.columns.ticker, &plan.ticker) {
                (Some(column), _) => Ticker::Column(column.clone()),
                (None, literal) => Ticker::Literal(literal.clone().unwrap_or_default()),
            },
            ts: plan.columns.ts.clone(),
            value: plan.columns.value.clone(),
            others: plan.columns.further.clone(),
        },
        sorted: plan.sorted,
        places,
    }
}

/// The SQL of a plan with its parameters.
pub fn sql_of(plan: &Plan) -> Result<PipelineSql, Error> {
    let features = match &plan.features {
        SqlPlan::Builtin(name) => SqlFile::builtin_features(name)?,
        SqlPlan::File { path, text } => SqlFile::new(path.display().to_string(), text.as_str()),
    };
    let windows = match &plan.windows.sql {
        SqlPlan::Builtin(_) => SqlFile::builtin_windows(),
        SqlPlan::File { path, text } => SqlFile::new(path.display().to_string(), text.as_str()),
    };
    Ok(PipelineSql {
        features,
        windows,
        length: plan.windows.length,
        // Row numbers are days apart, so that no gap is ever longer than this.
        max_gap_days: plan.windows.max_gap_days.unwrap_or(u32::MAX),
        break_log_return: plan.windows.break_log_return,
    })
}
