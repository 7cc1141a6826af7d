//! A failed query told to the person who wrote it: what, where, what there is instead.

use datafusion::arrow::error::ArrowError;
use datafusion::common::SchemaError;
use datafusion::error::DataFusionError;

use super::{CELL_TABLES, RUN_TABLES, pinned};
use crate::error::{Error, Kind, Report};
use crate::s3::failure_in;
use crate::visible::is_invisible;

/// Names told in full; more than these help nobody.
const NAMES_SHOWN: usize = 40;

/// DataFusion's words for a query that has put more on disk than it may.
const SPILLED_TOO_MUCH: &str = "used disk space during the spilling process";

/// What a query could have named.
#[derive(Clone, Copy, Default)]
pub(super) struct Known<'a> {
    pub(super) root: &'a str,
    pub(super) tables: &'a [String],
    pub(super) functions: &'a [String],
}

/// The failure of a query.
pub(super) fn report(cause: DataFusionError, known: Known<'_>) -> Error {
    if let Some(error) = pinned::changed(&cause) {
        return error;
    }
    if let Some(refusal) = failure_in(&cause) {
        return refusal.error(&printable(known.root), Kind::Data);
    }
    let place = place(&cause, "query");
    let kind = kind(&cause);
    let report = match innermost(&cause) {
        DataFusionError::SQL(parser, _) => syntax(&parser.to_string(), "query"),
        DataFusionError::SchemaError(schema, _) => column(schema),
        DataFusionError::ResourcesExhausted(found) => needs_memory().found(first_line(found)),
        other if has_spilled_too_much(other) => needs_memory()
            .expected("what does not fit into memory to fit into twice as much on disk")
            .found("more"),
        DataFusionError::Plan(text) | DataFusionError::NotImplemented(text) => {
            planning(text, known)
        }
        other => Report::new("the query failed")
            .expected("values that every step of the query can compute with")
            .found(plain(other))
            .hint("mend the query; TRY_CAST gives NULL where a value cannot be converted"),
    };
    let report = match place {
        Some(place) if report.place.is_none() => report.at(place),
        _ => report,
    };
    Error::new(kind, report)
}

fn needs_memory() -> Report {
    Report::new("the query needs more memory")
        .hint("ask for fewer rows or groups, or raise the memory limit (`--memory`)")
}

/// It comes as a failure of the disk; it is what a query may take, and so its author's to mend.
fn has_spilled_too_much(cause: &DataFusionError) -> bool {
    cause.to_string().contains(SPILLED_TOO_MUCH)
}

/// A table that is there but cannot be read.
pub(super) fn unreadable(cause: DataFusionError, table: &str, root: &str) -> Error {
    if let Some(error) = pinned::changed(&cause) {
        return error;
    }
    let place = match root {
        "" => format!("tables/{table}"),
        root => format!("{}/tables/{table}", printable(root.trim_end_matches('/'))),
    };
    if let Some(refusal) = failure_in(&cause) {
        return refusal.error(&place, Kind::Data);
    }
    let kind = match kind(&cause) {
        Kind::Config => Kind::Data,
        other => other,
    };
    let report = Report::new(format!("the table `{table}` cannot be read"))
        .at(place)
        .expected("Parquet files as `oddlot run` wrote them")
        .found(plain(&cause))
        .hint("repair or remove the file; `oddlot run` writes its cell anew");
    Error::new(kind, report)
}

/// Who must act. What a query's author can mend is `Config`.
fn kind(cause: &DataFusionError) -> Kind {
    match innermost(cause) {
        limit if has_spilled_too_much(limit) => Kind::Config,
        DataFusionError::ObjectStore(_) | DataFusionError::IoError(_) => Kind::Store,
        DataFusionError::ParquetError(_) => Kind::Data,
        DataFusionError::ArrowError(arrow, _) => match arrow.as_ref() {
            ArrowError::ParquetError(_) | ArrowError::IpcError(_) => Kind::Data,
            ArrowError::IoError(..) => Kind::Store,
            _ => Kind::Config,
        },
        // A pattern that is too large, or none, is its author's to mend.
        DataFusionError::Internal(text) if text.contains("expression did not compile") => {
            Kind::Config
        }
        DataFusionError::Internal(_) | DataFusionError::ExecutionJoin(_) => Kind::Bug,
        _ => Kind::Config,
    }
}

fn innermost(cause: &DataFusionError) -> &DataFusionError {
    match cause {
        DataFusionError::Diagnostic(_, inner) | DataFusionError::Context(_, inner) => {
            innermost(inner)
        }
        DataFusionError::Collection(causes) => causes.first().map_or(cause, innermost),
        DataFusionError::Shared(inner) => innermost(inner),
        _ => cause,
    }
}

/// `file:line:column`, where the planner knows it.
pub(crate) fn place(cause: &DataFusionError, file: &str) -> Option<String> {
    let start = cause.diagnostic()?.span?.start;
    (start.line > 0).then(|| format!("{file}:{}:{}", start.line, start.column))
}

/// `Expected: an expression, found: FROM at Line: 1, Column: 8`
pub(crate) fn syntax(text: &str, file: &str) -> Report {
    let text = text.trim_start_matches("sql parser error: ");
    let report = Report::new("the query is not valid SQL");
    let (what, place) = match text.rsplit_once(" at Line: ") {
        Some((what, place)) => (what, place.split_once(", Column: ")),
        None => (text, None),
    };
    let report = match place {
        Some((line, column)) => report.at(format!("{file}:{line}:{column}")),
        None => report,
    };
    match what.split_once(", found: ") {
        Some((expected, "EOF")) => {
            report.expected(expected.trim_start_matches("Expected: ")).found("the end of the query")
        }
        Some((expected, found)) => {
            report.expected(expected.trim_start_matches("Expected: ")).found(first_line(found))
        }
        None => report.found(first_line(what)),
    }
}

fn column(schema: &SchemaError) -> Report {
    match schema {
        SchemaError::FieldNotFound { field, valid_fields } => {
            let mut names: Vec<String> = valid_fields.iter().map(|f| f.name.clone()).collect();
            names.dedup();
            let report = Report::new(format!("no column `{}`", printable(&field.name)));
            did_you_mean(report.expected(listed(&names, "columns")), &field.name, &names)
        }
        SchemaError::AmbiguousReference { field } => {
            Report::new(format!("two tables have a column `{}`", printable(&field.name)))
                .hint("write the table's name before it")
        }
        other => Report::new("the columns do not fit").found(first_line(&other.to_string())),
    }
}

fn planning(text: &str, known: Known<'_>) -> Report {
    let quoted = |text: &str| text.split('\'').nth(1).unwrap_or_default().to_owned();
    if text.contains("not supported: ")
        && ["DDL", "DML", "Statement"].iter().any(|k| text.starts_with(k))
    {
        let found = text.split_once(": ").map_or(text, |(_, what)| what);
        return Report::new("a query may only read")
            .expected("SELECT, WITH, EXPLAIN, SHOW or DESCRIBE")
            .found(first_line(found))
            .hint("to save an answer: `oddlot sql --format parquet QUERY > FILE`");
    }
    if text.contains("single SQL statement") {
        return Report::new("more than one query")
            .expected("one SELECT")
            .found("several, parted by ;")
            .hint("ask one at a time");
    }
    if text.starts_with("No SQL statements") {
        return Report::new("no query")
            .expected("one SQL query")
            .found("nothing to do")
            .hint("ask `SHOW TABLES` for what there is");
    }
    if text.starts_with("table '") && text.contains("not found") {
        return table(&quoted(text), known);
    }
    if text.starts_with("table function '") {
        return Report::new(format!("no table function `{}`", printable(&quoted(text))))
            .expected("a table: a query reads nothing else")
            .hint("SHOW TABLES lists them");
    }
    if text.starts_with("Invalid function '") {
        // The planner's own suggestion changes from run to run among equally near names.
        let name = quoted(text);
        let report = Report::new(format!("no function `{}`", printable(&name)))
            .expected("a function that SHOW FUNCTIONS lists");
        return did_you_mean(report, &name, known.functions);
    }
    Report::new("the query cannot be planned").found(first_line(text))
}

fn table(qualified: &str, known: Known<'_>) -> Report {
    let name = qualified.trim_start_matches("datafusion.public.");
    let report = Report::new(format!("no table `{}`", printable(name)));
    if known.tables.is_empty() {
        return report
            .expected(format!(
                "tables under {}/tables",
                printable(known.root.trim_end_matches('/'))
            ))
            .found("none")
            .hint("`oddlot run PIPELINE` writes them; or name another output root");
    }
    let report = report.expected(listed(known.tables, "tables"));
    if CELL_TABLES.iter().chain(&RUN_TABLES).any(|ours| *ours == name) {
        return report.hint("no run has written that table yet");
    }
    let is_cell = |table: &&String| CELL_TABLES.contains(&table.as_str());
    let twins = known.tables.iter().filter(is_cell).map(|table| format!("{table}_all"));
    let all: Vec<String> = known.tables.iter().cloned().chain(twins).collect();
    did_you_mean(report, name, &all)
}

fn did_you_mean(report: Report, name: &str, names: &[String]) -> Report {
    let name = name.to_lowercase();
    let nearest = names
        .iter()
        .map(|other| (strsim::osa_distance(&name, &other.to_lowercase()), other))
        .filter(|(distance, other)| *distance <= 3 && *distance * 2 < other.chars().count())
        .min();
    match nearest {
        Some((_, nearest)) => report.hint(format!("did you mean `{}`?", printable(nearest))),
        None => report,
    }
}

fn listed(names: &[String], what: &str) -> String {
    let shown: Vec<String> = names.iter().take(NAMES_SHOWN).map(|name| printable(name)).collect();
    match names.len().saturating_sub(NAMES_SHOWN) {
        0 if names.is_empty() => format!("no {what} are here"),
        0 => format!("one of the {what} {}", shown.join(", ")),
        more => format!("one of the {what} {} and {more} more", shown.join(", ")),
    }
}

/// The message alone: no "Error during planning", no backtrace.
pub(super) fn plain(cause: &DataFusionError) -> String {
    let message = match innermost(cause) {
        DataFusionError::ArrowError(arrow, _) => arrow_text(arrow).into(),
        other => other.message(),
    };
    let text = message.split("\n\nbacktrace: ").next().unwrap_or_default();
    first_line(text)
}

/// Arrow's message without the name of its variant.
fn arrow_text(cause: &ArrowError) -> String {
    match cause {
        ArrowError::CastError(text)
        | ArrowError::ParseError(text)
        | ArrowError::ComputeError(text)
        | ArrowError::InvalidArgumentError(text)
        | ArrowError::SchemaError(text)
        | ArrowError::ParquetError(text) => text.clone(),
        ArrowError::DivideByZero => "division by zero".to_owned(),
        other => other.to_string(),
    }
}

fn first_line(text: &str) -> String {
    printable(text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default())
}

/// Text of unknown origin without control characters.
pub(super) fn printable(text: &str) -> String {
    text.chars()
        .flat_map(|c| match c.is_control() || is_invisible(c) {
            true => c.escape_default().collect::<Vec<char>>(),
            false => vec![c],
        })
        .collect()
}
