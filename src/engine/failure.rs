//! DataFusion's errors as ours: who must act, and in which words.

use datafusion::common::SchemaError;
use datafusion::error::DataFusionError;
use datafusion::parquet::errors::ParquetError;

use crate::error::{Error, Kind, Report};
use crate::query::{message, pinned};
use crate::s3::failure_in;
use crate::sql_file::with_suggestion;

/// What went wrong while `place` (a file, a table) was planned or read.
///
/// Wrong SQL is the author's ([`Kind::Config`]), a file that cannot be decoded or a value that
/// cannot be converted is the data's, a store's refusal may pass, and the rest is a bug.
pub fn from_datafusion(place: &str, error: DataFusionError) -> Error {
    if let Some(error) = pinned::changed(&error) {
        return error;
    }
    if let Some(refusal) = failure_in(&error) {
        return refusal.error(place, Kind::Store);
    }
    let root = error.find_root();
    if let Some(ours) = within(root).and_then(|inner| inner.downcast_ref::<Error>()) {
        return ours.clone();
    }
    let text = plain(root);
    match root {
        DataFusionError::SchemaError(schema, _) => {
            let place = message::place(&error, place).unwrap_or_else(|| place.to_owned());
            Error::config(unknown_column(schema, text).at(place))
        }
        DataFusionError::SQL(parser, _) => {
            let report = message::syntax(&parser.to_string(), place);
            let is_placed = report.place.is_some();
            Error::config(match is_placed {
                true => report.hint("mend the SQL at this place"),
                false => report.at(place).hint("mend the SQL"),
            })
        }
        DataFusionError::Plan(_)
        | DataFusionError::Configuration(_)
        | DataFusionError::NotImplemented(_) => {
            let place = message::place(&error, place).unwrap_or_else(|| place.to_owned());
            Error::config(unplanned(text).at(place))
        }
        DataFusionError::ParquetError(_)
            if within(root).is_some_and(|inner| inner.is::<object_store::Error>()) =>
        {
            Error::new(Kind::Store, unreachable(place, text))
        }
        DataFusionError::ParquetError(_) | DataFusionError::ArrowError(..) => {
            Error::data(unreadable(place, text))
        }
        DataFusionError::Execution(_) => Error::data(unreadable(place, text)),
        DataFusionError::ObjectStore(store) => match store.as_ref() {
            object_store::Error::NotFound { .. } => Error::data(unreadable(place, text)),
            _ => Error::new(Kind::Store, unreachable(place, text)),
        },
        DataFusionError::IoError(_) => Error::new(Kind::Store, unreachable(place, text)),
        DataFusionError::ResourcesExhausted(_) => Error::new(
            Kind::Store,
            Report::new("there is not enough memory")
                .at(place)
                .found(text)
                .hint("raise the memory limit, or declare the source as sorted"),
        ),
        _ => Error::new(Kind::Bug, Report::new(text).at(place)),
    }
}

/// What another library carries through DataFusion.
fn within(root: &DataFusionError) -> Option<&(dyn std::error::Error + Send + Sync + 'static)> {
    match root {
        DataFusionError::External(inner) => Some(inner.as_ref()),
        DataFusionError::ParquetError(error) => match error.as_ref() {
            ParquetError::External(inner) => Some(inner.as_ref()),
            _ => None,
        },
        _ => None,
    }
}

/// A query that is SQL and still cannot be answered.
fn unplanned(text: String) -> Report {
    if let Some(name) =
        text.strip_prefix("table '").and_then(|rest| rest.strip_suffix("' not found"))
    {
        let name = name.trim_start_matches("datafusion.public.");
        return Report::new(format!("there is no table `{name}`"))
            .expected("`segmented_prices` in a feature file, `features` in a windows file")
            .found(name)
            .hint("read from that relation: a file sees what the step before it gives");
    }
    if let Some(name) = text.strip_prefix("Invalid function '") {
        let name = name.trim_end_matches('\'');
        return Report::new(format!("there is no function `{name}`"))
            .expected("a function of SQL, or rolling_mean, rolling_std, rolling_median, ewma")
            .found(format!("{name}(…)"))
            .hint("`oddlot sql 'SHOW FUNCTIONS'` lists them");
    }
    Report::new("the query cannot be planned")
        .expected("one SELECT over the relation that the header's `needs` names")
        .found(text)
        .hint("mend the SQL")
}

/// Rows that cannot be decoded or converted.
fn unreadable(place: &str, text: String) -> Report {
    Report::new("the rows cannot be read")
        .at(place)
        .expected("a whole file whose values can be converted")
        .found(text)
        .hint("write the file again, or take it out of the source")
}

/// A disk or a network that refuses.
fn unreachable(place: &str, text: String) -> Report {
    Report::new("the files cannot be reached")
        .at(place)
        .expected("a store that answers and lets this user read")
        .found(text)
        .hint("check the network and the permissions, then run the same command again")
}

/// The root's own message, first line, without DataFusion's prefixes and backtrace.
fn plain(error: &DataFusionError) -> String {
    let text = match error {
        DataFusionError::Plan(text)
        | DataFusionError::Execution(text)
        | DataFusionError::Configuration(text)
        | DataFusionError::NotImplemented(text)
        | DataFusionError::ResourcesExhausted(text) => text.clone(),
        DataFusionError::ArrowError(error, _) => error.to_string(),
        DataFusionError::ParquetError(error) => error.to_string(),
        other => other.strip_backtrace(),
    };
    let text = text.split("\n\nbacktrace").next().unwrap_or_default();
    let line = text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
    let prefixes = ["Parquet argument error: ", "Parquet error: ", "Cast error: ", "External: "];
    let line = prefixes.iter().fold(line.trim(), |line, prefix| line.trim_start_matches(prefix));
    line.trim_end_matches('.').to_owned()
}

fn unknown_column(error: &SchemaError, text: String) -> Report {
    let SchemaError::FieldNotFound { field, valid_fields } = error else { return unplanned(text) };
    let mut report = Report::new(format!("there is no column `{}`", field.name()))
        .found(field.name())
        .hint("name a column of the relation that the file reads");
    let mut known: Vec<&str> = valid_fields.iter().map(|column| column.name()).collect();
    known.sort_unstable();
    known.dedup();
    if !known.is_empty() {
        report = report.expected(format!("one of {}", known.join(", ")));
    }
    with_suggestion(report, field.name(), known)
}
