//! What the input checks of a pipeline find, and what becomes of it.

use std::sync::Arc;

use chrono::NaiveDate;
use oddlot_engine::checks::{self, Findings, Severity};
use oddlot_engine::inspect::{TickerFacts, inspect_again};
use oddlot_engine::session::SessionContext;
use oddlot_engine::source::{self, Part, WholePrices};
use oddlot_engine::tables::run_tables::TickerRow;
use oddlot_engine::ticker_rows::{day_of, iso_date};
use oddlot_engine::{Error, Kind, Report};

use crate::diagnostic::{name, tickers};
use crate::plan::Plan;

/// How many tickers one message tells of.
const TOLD_MAX: usize = 10;

/// What the checks of a pipeline leave.
pub(super) struct Checked {
    /// What each has found.
    pub findings: Vec<Findings>,
    /// What the rows of each ticker are now.
    pub tickers: Vec<TickerFacts>,
    /// Whether the session's prices are others than before.
    pub has_dropped: bool,
}

/// Runs the checks of `plan` over the prices as they were before repeated rows became one, `raw`; takes out what
/// they take out, and tells what the rows of each ticker are then.
///
/// # Errors
/// One of them stops the run; a query is wrong; the source cannot be read.
pub(super) async fn check(
    plan: &Plan,
    session: &SessionContext,
    raw: &WholePrices,
    facts: Vec<TickerFacts>,
    today: NaiveDate,
    place: &str,
) -> Result<Checked, Error> {
    if plan.checks.run.is_empty() {
        return Ok(Checked { findings: Vec::new(), tickers: facts, has_dropped: false });
    }
    let merged = WholePrices::of(session).await?;
    let all = (None, None);
    raw.narrow(session, Part::WHOLE, all)?;
    let findings = checks::run(session, &plan.checks.run, today).await?;
    merged.narrow(session, Part::WHOLE, all)?;
    let stops =
        |findings: &&Findings| findings.severity == Severity::Stop && !findings.tickers.is_empty();
    let reports: Vec<Report> =
        findings.iter().filter(stops).map(|found| stopped(plan, found, place)).collect();
    if !reports.is_empty() {
        return Err(Error { kind: Kind::Data, reports });
    }
    let dropped = checks::dropped(&findings);
    if dropped.is_empty() {
        return Ok(Checked { findings, tickers: facts, has_dropped: false });
    }
    source::drop_rows(session, Arc::new(dropped)).await?;
    let tickers = inspect_again(session, facts).await?;
    Ok(Checked { findings, tickers, has_dropped: true })
}

fn stopped(plan: &Plan, findings: &Findings, place: &str) -> Report {
    let name = &findings.name;
    Report::new(format!("the check `{name}` stops the run"))
        .at(plan.places.place(&format!("checks.{name}"), place))
        .expected(format!("no such row: {}", findings.summary.trim_end_matches('.')))
        .found(told(findings))
        .hint(format!("repair the source; or let the check warn or drop, under `checks.{name}`"))
}

/// How many rows of how many tickers, and the first of them.
pub fn told(findings: &Findings) -> String {
    let (n_rows, n_tickers) = (findings.n_rows(), findings.tickers.len());
    let first = findings.tickers.iter().take(TOLD_MAX).map(|(ticker, found)| {
        let (day, words) = first(found);
        format!("{}{day}{words}", name(ticker))
    });
    let first: Vec<String> = first.collect();
    let more = match n_tickers.saturating_sub(TOLD_MAX) {
        0 => String::new(),
        1 => " and 1 more ticker".to_owned(),
        n => format!(" and {n} more tickers"),
    };
    format!("{} of {}: {}{more}", rows(n_rows), tickers(n_tickers), first.join("; "))
}

fn rows(n: u64) -> String {
    if n == 1 { "1 row".to_owned() } else { format!("{n} rows") }
}

/// The day of the first row, and what is wrong there.
fn first(found: &checks::Found) -> (String, String) {
    let Some((ts, words)) = &found.first else { return Default::default() };
    let words = words.as_ref().map_or_else(String::new, |words| format!(", {}", name(words)));
    (format!(" {}", iso_date(day_of(*ts))), words)
}

/// Adds to each ticker's row what checks have found of it; a ticker that loses rows is `partial`.
pub(super) fn add_to(rows_of: &mut [TickerRow], findings: &[Findings]) {
    for row in rows_of {
        for findings in findings {
            let Some(found) = findings.tickers.get(&row.ticker) else { continue };
            let (day, words) = first(found);
            let day = day.trim_start();
            let verb = match findings.severity {
                Severity::Drop => "takes out",
                Severity::Warn | Severity::Stop => "finds",
            };
            let n = rows(found.n_rows);
            let told = format!("check {} {verb} {n} ({day}{words})", findings.name);
            row.reason = Some(match row.reason.take() {
                Some(reason) => format!("{reason}; {told}"),
                None => told,
            });
        }
    }
}
