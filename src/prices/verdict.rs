//! What becomes of each ticker of a source, and what is told when none is left.

use oddlot_engine::inspect::TickerFacts;
use oddlot_engine::relation::WindowsRelation;
use oddlot_engine::source::SourceFacts;
use oddlot_engine::tables::run_tables::TickerRow;
use oddlot_engine::ticker_rows::iso_date;
use oddlot_engine::{Error, Kind, Report};

use crate::diagnostic::visible;
use crate::plan::{Plan, SqlPlan};

/// How many failed tickers one message tells of.
const TOLD_MAX: usize = 10;

/// What becomes of a ticker.
pub(super) enum Verdict {
    Ok,
    /// The user's `universe.min_rows` says so.
    Skipped(String),
    /// Its data cannot be scored.
    Failed(Report),
    /// Its data are fine, and too few.
    Short(Short),
}

/// A history that is shorter than one window.
pub(super) struct Short {
    ticker: String,
    n_usable: u64,
    n_needed: usize,
}

impl Verdict {
    /// Its row in `ticker_status`.
    pub(super) fn row(&self, facts: &TickerFacts) -> TickerRow {
        let (status, reason) = match self {
            Self::Ok => ("ok", None),
            Self::Skipped(reason) => ("skipped", Some(reason.clone())),
            Self::Failed(report) => ("failed", Some(reason(report))),
            Self::Short(Short { n_usable, n_needed, .. }) => (
                "failed",
                Some(format!(
                    "the history is shorter than one window; expected {n_needed} rows with a value; found {n_usable}"
                )),
            ),
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
        report.place.as_ref().map(|place| format!("in {place}")),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join("; ")
}

/// The checks in the order in which a person would mend them.
pub(super) fn judge(
    plan: &Plan,
    relation: &WindowsRelation,
    source: &SourceFacts,
    facts: &TickerFacts,
) -> Verdict {
    let file = source.file_of(&facts.ticker).unwrap_or(&plan.source.path);
    let place = format!("{file}, ticker {}", visible(&facts.ticker));
    let on = |day: &str| format!("{place}, {day}");
    let fail = |report: Report| Verdict::Failed(report);
    let column = &plan.source.columns.value;
    let n_needed = relation.features.lookback + relation.length - 1;
    let min_rows = plan.universe.min_rows.map_or(0, |rows| rows.get());
    if facts.ticker.is_empty() {
        return fail(
            Report::new("a ticker is empty")
                .at(file)
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
                .at(place)
                .expected("a date in every row")
                .found(format!("{} of {} rows without one", facts.n_null_ts, facts.n_rows))
                .hint("repair the rows, or leave them out of the source"),
        );
    }
    if let Some(ts) = facts.first_duplicate_ts {
        return fail(
            Report::new("two rows of one date")
                .at(on(&instant(ts)))
                .expected("one row per ticker and date")
                .found(format!("a second row{}", and_more(facts.n_duplicate_ts)))
                .hint("keep one of them; `oddlot import --duplicates keep-last` can do so"),
        );
    }
    if facts.n_usable() == 0 {
        return fail(
            Report::new(format!("column `{column}` has no value at all"))
                .at(place)
                .expected(format!("a number in at least {n_needed} rows"))
                .found(nothing_usable(facts))
                .hint(format!(
                    "name another column in {}, or leave the ticker out of the source",
                    plan.places.named("source.columns.value")
                )),
        );
    }
    if let Some((day, value)) = facts.first_non_positive
        && relation.features.header.requires_positive.iter().any(|name| name == "value")
    {
        return fail(
            Report::new(match value < 0.0 {
                true => "a price is below zero and has no logarithm",
                false => "a price is zero and has no logarithm",
            })
            .at(on(&iso_date(day)))
            .expected(format!("{column} > 0, since {} takes log returns", sql_name(plan)))
            .found(format!("{column} = {value}{}", and_more(facts.n_non_positive)))
            .hint(format!(
                "repair the price or leave it empty; for a series that reaches zero write `sql = \"builtin:close\"`{}",
                plan.places.get("features.sql").map_or(String::new(), |sql| format!(" ({})", sql.place))
            )),
        );
    }
    if facts.n_usable() < n_needed as u64 {
        let ticker = visible(&facts.ticker);
        return Verdict::Short(Short { ticker, n_usable: facts.n_usable(), n_needed });
    }
    Verdict::Ok
}

fn nothing_usable(facts: &TickerFacts) -> String {
    match (facts.n_null, facts.n_not_finite) {
        (_, 0) => format!("all {} rows are empty", facts.n_rows),
        (0, _) => format!("all {} rows are NaN or infinite", facts.n_rows),
        (empty, not_finite) => format!("{empty} rows are empty, {not_finite} are NaN or infinite"),
    }
}

/// `, and 3 rows more` for a count that includes the one that is told.
fn and_more(n: u64) -> String {
    match n.saturating_sub(1) {
        0 => String::new(),
        1 => ", and 1 row more".to_owned(),
        more => format!(", and {more} rows more"),
    }
}

fn sql_name(plan: &Plan) -> String {
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

/// No ticker survives: what is wrong with each.
pub(super) fn nothing_left(plan: &Plan, relation: &WindowsRelation, verdicts: &[Verdict]) -> Error {
    let failed = |verdict: &Verdict| match verdict {
        Verdict::Failed(report) => Some(report.clone()),
        _ => None,
    };
    let mut reports: Vec<Report> = verdicts.iter().filter_map(failed).collect();
    let n_more = reports.len().saturating_sub(TOLD_MAX);
    reports.truncate(TOLD_MAX);
    if n_more > 0 {
        reports.push(
            Report::new(format!("{n_more} more tickers cannot be scored"))
                .at(plan.source.path.as_str())
                .hint("the first ten are told above"),
        );
    }
    let short: Vec<&Short> = verdicts
        .iter()
        .filter_map(|verdict| match verdict {
            Verdict::Short(short) => Some(short),
            _ => None,
        })
        .collect();
    reports.extend(too_short(plan, relation, &short));
    if reports.is_empty() {
        let min_rows = plan.universe.min_rows.map_or(0, |rows| rows.get());
        reports.push(
            Report::new("every ticker has fewer rows than `universe.min_rows`")
                .at(plan.source.path.as_str())
                .expected(format!("a ticker with at least {min_rows} rows"))
                .found(match verdicts.len() {
                    1 => "1 ticker with fewer".to_owned(),
                    n => format!("{n} tickers, all with fewer"),
                })
                .hint("lower `universe.min_rows`"),
        );
    }
    Error { kind: Kind::Data, reports }
}

/// All short histories in one finding, since one line of the pipeline file mends them.
fn too_short(plan: &Plan, relation: &WindowsRelation, short: &[&Short]) -> Option<Report> {
    let longest = short.iter().max_by_key(|short| short.n_usable)?;
    let shortest = short.iter().min_by_key(|short| short.n_usable)?;
    let lookback = relation.features.lookback;
    let length_max = |short: &Short| (short.n_usable as usize + 1).saturating_sub(lookback);
    let rows = |short: &&&Short| format!("{} has {}", short.ticker, short.n_usable);
    let named: Vec<String> = short.iter().take(TOLD_MAX).map(|s| rows(&s)).collect();
    let more = match short.len().saturating_sub(TOLD_MAX) {
        0 => String::new(),
        n => format!(" and {n} more tickers have fewer than {}", longest.n_needed),
    };
    let before = match lookback.saturating_sub(1) {
        0 => String::new(),
        1 => ", 1 of them before the first window".to_owned(),
        n => format!(", {n} of them before the first window"),
    };
    let report = Report::new(match short.len() {
        1 => "the window is longer than the history",
        _ => "the window is longer than every history",
    })
    .at(plan.file.as_str())
    .found(format!("length = {}", relation.length));
    Some(
        plan.places
            .point(report, "windows.length")
            .expected(format!(
                "at least {} rows with a value{before}; {}{more}",
                longest.n_needed,
                named.join(", ")
            ))
            .hint(match (length_max(shortest), length_max(longest)) {
                (_, 0 | 1) => format!("add rows: no window fits into {}", longest.n_usable),
                (0 | 1, most) => {
                    format!("write `length = {most}` or less for {}, or add rows", longest.ticker)
                }
                (most, _) => format!("write `length = {most}` or less, or add rows"),
            }),
    )
}
