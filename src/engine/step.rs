//! One step of a pipeline: a SQL file planned with its parameters bound, as a view for the next.

use std::collections::HashMap;
use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, Schema, TimeUnit};
use datafusion::common::{ParamValues, ScalarValue, metadata::ScalarAndMetadata};
use datafusion::execution::context::SQLOptions;
use datafusion::prelude::{DataFrame, SessionContext};

use crate::error::{Error, Kind, Report, Result};
use crate::failure::from_datafusion;
use crate::sql_file::{SqlFile, nearest, with_suggestion};

/// A parameter's name, without the dollar, and its value.
pub(crate) type Parameter = (&'static str, ScalarValue);

/// Plans `file`; its parameters are bound as values, never as text. It may only read.
pub(crate) async fn plan(
    context: &SessionContext,
    file: &SqlFile,
    parameters: &[Parameter],
) -> Result<DataFrame> {
    let blame = |error| from_datafusion(&file.name, error);
    let state = context.state();
    let plan = state.create_logical_plan(&file.text).await.map_err(blame)?;
    let read_only =
        SQLOptions::new().with_allow_ddl(false).with_allow_dml(false).with_allow_statements(false);
    read_only.verify_plan(&plan).map_err(|_| {
        let report = Report::new("the file does more than read")
            .at(file.name.as_str())
            .expected("one SELECT")
            .found("a statement that writes or sets something")
            .hint("keep the SELECT, and leave out the rest");
        Error::config(report)
    })?;
    let asked = plan.get_parameter_names().map_err(blame)?;
    for name in asked.iter().map(|name| name.trim_start_matches('$')) {
        if !parameters.iter().any(|(known, _)| *known == name) {
            let known: Vec<&str> = parameters.iter().map(|(known, _)| *known).collect();
            let report = Report::new(format!("there is no parameter `${name}`"))
                .at(file.name.as_str())
                .expected(format!("one of ${}", known.join(", $")))
                .found(format!("${name}"))
                .hint("write the value into the file, or use one of these");
            return Err(Error::config(with_suggestion(report, name, known)));
        }
    }
    let values: HashMap<String, ScalarAndMetadata> = parameters
        .iter()
        .map(|(name, value)| ((*name).to_owned(), ScalarAndMetadata::from(value.clone())))
        .collect();
    let plan = plan.with_param_values(ParamValues::Map(values)).map_err(blame)?;
    Ok(DataFrame::new(state, plan))
}

/// Makes `step` the view `name`, in place of one that was there.
pub(crate) fn register(context: &SessionContext, name: &str, step: DataFrame) -> Result<()> {
    let bug = |error| from_datafusion(name, error);
    context.deregister_table(name).map_err(bug)?;
    context.register_table(name, step.into_view()).map_err(bug)?;
    Ok(())
}

/// Type of `ts` everywhere: a UTC instant.
pub fn instant_type() -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, Some(Arc::from("UTC")))
}

/// Checks that `schema` holds each of `columns` with its type; tells all mistakes at once.
pub(crate) fn expect_columns(
    place: &str,
    schema: &Schema,
    columns: &[(String, DataType)],
) -> Result<()> {
    let reports: Vec<Report> = columns
        .iter()
        .filter_map(|(name, expected)| wrong_column(place, schema, name, expected))
        .collect();
    if reports.is_empty() { Ok(()) } else { Err(Error { kind: Kind::Config, reports }) }
}

fn wrong_column(place: &str, schema: &Schema, name: &str, expected: &DataType) -> Option<Report> {
    let Ok(field) = schema.field_with_name(name) else {
        let known: Vec<&str> = schema.fields().iter().map(|f| f.name().as_str()).collect();
        let report = Report::new(format!("the query does not give column `{name}`"))
            .at(place)
            .expected(format!("{name} {expected}"))
            .found(format!("columns {}", known.join(", ")));
        return Some(match nearest(name, known) {
            Some(near) => report.hint(format!("write `AS {name}` in place of `AS {near}`")),
            None => report.hint(format!("add it to the SELECT: `… AS {name}`")),
        });
    };
    let found = field.data_type();
    (found != expected).then(|| {
        let report = Report::new(format!("column `{name}` has the wrong type"))
            .at(place)
            .expected(format!("{name} {expected}"))
            .found(format!("{name} {found}"));
        match expected {
            DataType::Float64 => report.hint(format!("write `CAST(… AS DOUBLE) AS {name}`")),
            _ => report,
        }
    })
}
