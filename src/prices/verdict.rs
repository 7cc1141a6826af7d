//! What becomes of each ticker of a source, and what is told when none is left.

use oddlot_engine::inspect::TickerFacts;
use oddlot_engine::relation::WindowsRelation;
use oddlot_engine::source::SourceFacts;
use oddlot_engine::tables::run_tables::TickerRow;
use oddlot_engine::{Error, Kind, Report};

use super::defects;
use super::universe::Universe;
use crate::diagnostic::name;
use crate::plan::{Plan, SqlPlan};

/// How many failed tickers one message tells of.
const TOLD_MAX: usize = 10;

/// What becomes of a ticker.
pub(super) enum Verdict {
    /// All its rows can be used; what is odd about them cost nothing.
    Ok(Option<String>),
    /// Some of its rows cannot be used: which.
    Partial(String),
    /// The user's `universe.min_rows` says so.
    Skipped(String),
    /// The other rules of `[universe]` say so: its rows are read, and not scored.
    Unscored(String),
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
    /// Which of its rows cannot be used.
    unusable: Option<String>,
}

impl Verdict {
    /// Whether its rows are scored.
    pub(super) fn is_scored(&self) -> bool {
        matches!(self, Self::Ok(_) | Self::Partial(_))
    }

    /// Its row in `ticker_status`.
    pub(super) fn row(&self, facts: &TickerFacts) -> TickerRow {
        let (status, reason) = match self {
            Self::Ok(odd) => ("ok", odd.clone()),
            Self::Partial(reason) => ("partial", Some(reason.clone())),
            Self::Skipped(reason) | Self::Unscored(reason) => ("skipped", Some(reason.clone())),
            Self::Failed(report) => ("failed", Some(reason(report))),
            Self::Short(Short { n_usable, n_needed, unusable, .. }) => {
                let short = format!(
                    "the history is shorter than one window; expected {n_needed} rows with a value; found {n_usable}"
                );
                ("failed", Some(joined(short, unusable.clone())))
            }
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
    universe: &Universe,
    facts: &TickerFacts,
) -> Verdict {
    let file = match source.files.as_slice() {
        [only] => &only.name,
        _ => source.file_of(&facts.ticker).unwrap_or(&plan.source.path),
    };
    let column = &plan.source.columns.value;
    let header = &relation.features.header;
    let requires_positive = header.requires_positive_value();
    let n_usable = facts.n_usable(requires_positive);
    let n_needed = relation.features.lookback + relation.length - 1;
    let min_rows = plan.universe.min_rows.map_or(0, |rows| rows.get());
    if facts.ticker.is_empty() {
        return Verdict::Failed(nameless(source.nameless.as_deref().unwrap_or(file), facts));
    }
    if let Some(broken) = source.broken.iter().find(|broken| broken.ticker == facts.ticker) {
        return Verdict::Failed(broken.report.clone());
    }
    if facts.n_rows < min_rows as u64 {
        return Verdict::Skipped(format!("{} rows, universe.min_rows = {min_rows}", facts.n_rows));
    }
    let unusable = defects::unusable(facts, column, requires_positive);
    if n_usable == 0 {
        let place = format!("{file}, ticker {}", name(&facts.ticker));
        return Verdict::Failed(match facts.n_instants() {
            n if n == facts.n_null + facts.n_not_finite && n > 0 => {
                no_value(plan, facts, n_needed).at(place)
            }
            _ => no_price(plan, n_needed, requires_positive)
                .at(place)
                .found(unusable.unwrap_or_default()),
        });
    }
    if n_usable < n_needed as u64 {
        let ticker = name(&facts.ticker);
        return Verdict::Short(Short { ticker, n_usable, n_needed, unusable });
    }
    if let Some(reason) = universe.refuses(facts) {
        return Verdict::Unscored(reason);
    }
    let repeated = defects::repeated(facts);
    match unusable {
        Some(unusable) => Verdict::Partial(joined(unusable, repeated)),
        None => Verdict::Ok(repeated),
    }
}

fn joined(first: String, second: Option<String>) -> String {
    [Some(first), second].into_iter().flatten().collect::<Vec<_>>().join("; ")
}

fn nameless(place: &str, facts: &TickerFacts) -> Report {
    Report::new("a ticker is empty")
        .at(place)
        .expected("a name in every row")
        .found(match facts.n_rows {
            1 => "1 row without one".to_owned(),
            n => format!("{n} rows without one, this the first"),
        })
        .hint("name them, leave the rows out of the source, or write `ticker = \"NAME\"` in [source] if all rows are of one series")
}

/// Nothing but empty rows, NaN and infinity.
fn no_value(plan: &Plan, facts: &TickerFacts, n_needed: usize) -> Report {
    Report::new(format!("column `{}` has no value at all", plan.source.columns.value))
        .expected(format!("a number in at least {n_needed} rows"))
        .found(match (facts.n_null, facts.n_not_finite) {
            (empty, 0) => format!("all {empty} rows are empty"),
            (0, not_finite) => format!("all {not_finite} rows are NaN or infinite"),
            (empty, not_finite) => {
                format!("{empty} rows are empty, {not_finite} are NaN or infinite")
            }
        })
        .hint(format!(
            "name another column in {}, or leave the ticker out of the source",
            plan.places.named("source.columns.value")
        ))
}

/// Whatever there is cannot be used.
fn no_price(plan: &Plan, n_needed: usize, requires_positive: bool) -> Report {
    let column = &plan.source.columns.value;
    let report = Report::new("no price can be used");
    match requires_positive {
        true => report
            .expected(format!(
                "{column} > 0 in at least {n_needed} rows, since {} takes log returns",
                sql_name(plan)
            ))
            .hint(format!(
                "repair the prices; for a series that reaches zero write `sql = \"builtin:close\"`{}",
                plan.places
                    .get("features.sql")
                    .map_or(String::new(), |sql| format!(" ({})", sql.place))
            )),
        false => report
            .expected(format!("one {column} a date in at least {n_needed} rows"))
            .hint("repair the rows, or leave the ticker out of the source"),
    }
}

fn sql_name(plan: &Plan) -> String {
    match &plan.features {
        SqlPlan::Builtin(name) => format!("builtin:{name}"),
        SqlPlan::File { path, .. } => path.display().to_string(),
    }
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
    let unscored = verdicts.iter().find_map(|verdict| match verdict {
        Verdict::Unscored(reason) => Some(reason),
        _ => None,
    });
    if let (Some(reason), true) = (unscored, reports.is_empty()) {
        reports.push(
            Report::new("the rules of [universe] leave no ticker to score")
                .at(plan.source.path.as_str())
                .expected("a ticker that is new enough and dear enough")
                .found(format!("{} tickers, none of them; of the first: {reason}", verdicts.len()))
                .hint("loosen `universe.last_seen` or `universe.min_price`"),
        );
    }
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
    let rows = |short: &&&Short| match &short.unusable {
        Some(unusable) => format!("{} has {}, as {unusable}", short.ticker, short.n_usable),
        None => format!("{} has {}", short.ticker, short.n_usable),
    };
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
