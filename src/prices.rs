//! Opens the source: registers it, inspects each ticker, leaves out those that cannot be scored.

use oddlot_engine::inspect::{TickerFacts, inspect};
use oddlot_engine::relation::{PipelineSql, WindowsRelation, windows};
use oddlot_engine::session::SessionContext;
use oddlot_engine::session::{SessionOptions, session};
use oddlot_engine::source::{self, Columns, Source, Ticker};
use oddlot_engine::sql_file::SqlFile;
use oddlot_engine::tables::run_tables::TickerRow;
use oddlot_engine::ticker_rows::{Layout, iso_date};
use oddlot_engine::{Error, Kind, Report};

use crate::diagnostic::visible;
use crate::plan::{Plan, SourcePlan, SqlPlan};

/// How many failed tickers one message tells of.
const TOLD_MAX: usize = 10;

/// A source that is open and whose every ticker can be scored.
pub struct Prices {
    /// Where `prices`, `segmented_prices` and `features` are registered.
    pub session: SessionContext,
    /// The windows relation, planned.
    pub relation: WindowsRelation,
    /// Its columns.
    pub layout: Layout,
    /// What was decided of each ticker, in their order.
    pub tickers: Vec<TickerRow>,
    /// First and last instant of the rows that are kept, µs UTC.
    pub span: (i64, i64),
}

impl Prices {
    /// Tickers that failed.
    pub fn n_failed(&self) -> usize {
        self.tickers.iter().filter(|ticker| ticker.status == "failed").count()
    }
}

/// Opens the source of `plan`.
///
/// # Errors
/// What stops the whole job: the source cannot be read, the SQL is wrong, or no ticker survives.
pub async fn open(plan: &Plan, threads: usize) -> Result<Prices, Error> {
    let session = session(&SessionOptions { threads, ..SessionOptions::default() })?;
    source::register(&session, &source_of(&plan.source)).await?;
    let relation = windows(&session, &sql_of(plan)?).await?;
    let facts = inspect(&session).await?;

    let verdicts: Vec<Verdict> =
        facts.iter().map(|ticker| judge(plan, &relation, ticker)).collect();
    let kept = |verdict: &Verdict| matches!(verdict, Verdict::Ok);
    if !verdicts.iter().any(kept) {
        return Err(nothing_left(plan, &verdicts));
    }
    let left_out: Vec<String> = facts
        .iter()
        .zip(&verdicts)
        .filter(|(_, verdict)| !kept(verdict))
        .map(|(ticker, _)| ticker.ticker.clone())
        .collect();
    let relation = match left_out.is_empty() {
        true => relation,
        false => {
            source::exclude(&session, &left_out).await?;
            windows(&session, &sql_of(plan)?).await?
        }
    };
    let survivors = || facts.iter().zip(&verdicts).filter(|(_, verdict)| kept(verdict));
    let first = survivors().filter_map(|(ticker, _)| ticker.first_ts).min().unwrap_or_default();
    let last = survivors().filter_map(|(ticker, _)| ticker.last_ts).max().unwrap_or_default();
    let tickers =
        facts.iter().zip(&verdicts).map(|(ticker, verdict)| verdict.row(ticker)).collect();
    let layout = Layout::of(&relation);
    Ok(Prices { session, relation, layout, tickers, span: (first, last) })
}

/// What becomes of a ticker.
enum Verdict {
    Ok,
    /// The user's `universe.min_rows` says so.
    Skipped(String),
    /// Its data cannot be scored.
    Failed(Report),
}

impl Verdict {
    fn row(&self, facts: &TickerFacts) -> TickerRow {
        let (status, reason) = match self {
            Self::Ok => ("ok", None),
            Self::Skipped(reason) => ("skipped", Some(reason.clone())),
            Self::Failed(report) => ("failed", Some(reason(report))),
        };
        let n_rows = i64::try_from(facts.n_rows).unwrap_or(i64::MAX);
        TickerRow { ticker: facts.ticker.clone(), status, reason, n_rows }
    }
}

/// A report in one line, for a table.
fn reason(report: &Report) -> String {
    let parts = [
        Some(report.title.clone()),
        report.expected.as_ref().map(|expected| format!("expected {expected}")),
        report.found.as_ref().map(|found| format!("found {found}")),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join("; ")
}

/// The checks in the order in which a person would mend them.
fn judge(plan: &Plan, relation: &WindowsRelation, facts: &TickerFacts) -> Verdict {
    let place = format!("{}, ticker {}", plan.source.path, visible(&facts.ticker));
    let fail = |report: Report| Verdict::Failed(report.at(place.clone()));
    let column = &plan.source.columns.value;
    let rows_needed = relation.features.lookback + relation.length - 1;
    let min_rows = plan.universe.min_rows.map_or(0, |rows| rows.get());
    if facts.ticker.is_empty() {
        return fail(
            Report::new("a ticker is empty")
                .expected("a name in every row")
                .found(format!("{} rows without one", facts.n_rows))
                .hint("name them, or leave the rows out of the source"),
        );
    }
    if facts.n_rows < min_rows as u64 {
        return Verdict::Skipped(format!("{} rows, universe.min_rows = {min_rows}", facts.n_rows));
    }
    if facts.n_null_ts > 0 {
        return fail(
            Report::new("rows without a date")
                .expected("a date in every row")
                .found(format!("{} of {} rows without one", facts.n_null_ts, facts.n_rows))
                .hint("repair the rows, or leave them out of the source"),
        );
    }
    if let Some(ts) = facts.first_duplicate_ts {
        return fail(
            Report::new("two rows of one date")
                .expected("one row per ticker and date")
                .found(format!("{} repeated, the first on {}", facts.n_duplicate_ts, instant(ts)))
                .hint("keep one of them; `oddlot import --duplicates` can do so"),
        );
    }
    if facts.n_usable() == 0 {
        return fail(
            Report::new(format!("column `{column}` has no value at all"))
                .expected("numbers")
                .found(format!("{} of {} rows are null", facts.n_null, facts.n_rows))
                .hint("check `source.columns.value`, or leave the ticker out"),
        );
    }
    if let Some((day, value)) = facts.first_non_positive
        && relation.features.header.requires_positive.iter().any(|name| name == "value")
    {
        let n = facts.n_non_positive;
        return fail(
            Report::new("a price has no logarithm")
                .expected(format!("{column} > 0, since {} takes returns", relation_name(plan)))
                .found(format!("{column} = {value} on {}{}", iso_date(day), and_more(n)))
                .hint("make it null or repair it; for series that reach zero take `builtin:close`"),
        );
    }
    if facts.n_usable() < rows_needed as u64 {
        let lookback = relation.features.lookback;
        let most = (facts.n_usable() as usize + 1).saturating_sub(lookback);
        return fail(
            Report::new("the history is shorter than one window")
                .expected(format!(
                    "at least {rows_needed} rows: `windows.length` = {} and {lookback} rows that a feature looks back on",
                    relation.length
                ))
                .found(format!("{} rows with a value", facts.n_usable()))
                .hint(match most >= 2 {
                    true => format!("lower `windows.length` to {most}, or set `universe.min_rows = {rows_needed}` to skip such tickers"),
                    false => format!("set `universe.min_rows = {rows_needed}` to skip such tickers, or add history"),
                }),
        );
    }
    Verdict::Ok
}

fn and_more(n: u64) -> String {
    if n > 1 { format!(" and {} more", n - 1) } else { String::new() }
}

fn relation_name(plan: &Plan) -> String {
    match &plan.features {
        SqlPlan::Builtin(name) => format!("builtin:{name}"),
        SqlPlan::File { path, .. } => path.display().to_string(),
    }
}

fn instant(ts_us: i64) -> String {
    chrono::DateTime::from_timestamp_micros(ts_us).map_or_else(
        || format!("{ts_us} µs"),
        |instant| {
            let text = instant.format("%Y-%m-%dT%H:%M:%SZ").to_string();
            text.strip_suffix("T00:00:00Z").map_or(text.clone(), str::to_owned)
        },
    )
}

fn nothing_left(plan: &Plan, verdicts: &[Verdict]) -> Error {
    let mut reports: Vec<Report> = verdicts
        .iter()
        .filter_map(|verdict| match verdict {
            Verdict::Failed(report) => Some(report.clone()),
            _ => None,
        })
        .collect();
    let n_failed = reports.len();
    reports.truncate(TOLD_MAX);
    if n_failed > TOLD_MAX {
        reports.push(
            Report::new(format!("no ticker is left: {n_failed} of {} failed", verdicts.len()))
                .at(plan.source.path.as_str())
                .hint("the first ten are told above"),
        );
    }
    if reports.is_empty() {
        reports.push(
            Report::new("no ticker is left")
                .at(plan.source.path.as_str())
                .expected("a ticker with at least `universe.min_rows` rows")
                .found(format!("{} tickers, all shorter", verdicts.len()))
                .hint("lower `universe.min_rows`"),
        );
    }
    Error { kind: Kind::Data, reports }
}

fn source_of(plan: &SourcePlan) -> Source {
    Source {
        path: plan.path.clone(),
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
