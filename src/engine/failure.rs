//! DataFusion's errors as ours: who must act, and in which words.

use datafusion::common::SchemaError;
use datafusion::error::DataFusionError;

use crate::error::{Error, Kind, Report};
use crate::sql_file::with_suggestion;

/// What went wrong while `place` (a file, a table) was planned or read.
///
/// Wrong SQL is the author's ([`Kind::Config`]), a file that cannot be decoded or a value that
/// cannot be converted is the data's, a store's refusal may pass, and the rest is a bug.
pub fn from_datafusion(place: &str, error: DataFusionError) -> Error {
    let error = match error.find_root() {
        DataFusionError::External(inner) => match inner.downcast_ref::<Error>() {
            Some(ours) => return ours.clone(),
            None => error,
        },
        _ => error,
    };
    let root = error.find_root();
    let report = Report::new(title(root)).at(place);
    match root {
        DataFusionError::SchemaError(schema, _) => Error::config(unknown_column(report, schema)),
        DataFusionError::SQL(..)
        | DataFusionError::Plan(_)
        | DataFusionError::Configuration(_)
        | DataFusionError::NotImplemented(_) => Error::config(report),
        DataFusionError::ParquetError(_) | DataFusionError::ArrowError(..) => Error::data(report),
        DataFusionError::Execution(_) => Error::data(report),
        DataFusionError::ObjectStore(store) => match store.as_ref() {
            object_store::Error::NotFound { .. } => Error::data(report),
            _ => Error::new(Kind::Store, report),
        },
        DataFusionError::IoError(_) => Error::new(Kind::Store, report),
        DataFusionError::ResourcesExhausted(_) => Error::new(
            Kind::Store,
            report.hint("raise the memory limit, or declare the source as sorted"),
        ),
        _ => Error::new(Kind::Bug, report),
    }
}

/// The root's own message, first line, without DataFusion's prefixes and backtrace.
fn title(error: &DataFusionError) -> String {
    let text = match error {
        DataFusionError::Plan(text)
        | DataFusionError::Execution(text)
        | DataFusionError::Configuration(text)
        | DataFusionError::NotImplemented(text)
        | DataFusionError::ResourcesExhausted(text) => text.clone(),
        DataFusionError::SQL(error, _) => error.to_string().replace("sql parser error: ", ""),
        other => other.strip_backtrace(),
    };
    let text = text.split("\n\nbacktrace").next().unwrap_or_default();
    text.trim().trim_end_matches('.').to_owned()
}

fn unknown_column(mut report: Report, error: &SchemaError) -> Report {
    let SchemaError::FieldNotFound { field, valid_fields } = error else { return report };
    report.title = format!("there is no column `{}`", field.name());
    report.found = Some(field.name().to_owned());
    let mut known: Vec<&str> = valid_fields.iter().map(|column| column.name()).collect();
    known.dedup();
    if !known.is_empty() {
        report.expected = Some(format!("one of {}", known.join(", ")));
    }
    with_suggestion(report, field.name(), known)
}
