//! Values for the `$name`s of a query as a command line gives them: text, which becomes what the query needs.
//!
//! The planner says what stands where: a day where a `$name` is compared with days, a number where with
//! numbers. Where it cannot tell, a whole number, a number and a day are taken for what they look like, and
//! anything else for text. Values are bound, never pasted: whatever they say, they say it as one value.

use std::collections::HashMap;

use datafusion::arrow::datatypes::DataType;
use datafusion::common::ScalarValue;
use datafusion::common::metadata::ScalarAndMetadata;
use datafusion::error::DataFusionError;
use datafusion::logical_expr::LogicalPlan;

use super::message;
use crate::error::{Error, Kind, Report, Result};
use crate::sql_file::with_suggestion;

/// What to bind the `$name`s of `plan` to.
///
/// # Errors
/// `Config`: a `$name` has no value, or one that does not fit it; `Usage`: there is no such `$name`.
pub(super) fn bind(
    plan: &LogicalPlan,
    given: &[(String, String)],
    told: &dyn Fn(DataFusionError) -> Error,
) -> Result<HashMap<String, ScalarAndMetadata>> {
    let mut needed: Vec<(String, Option<DataType>)> = plan
        .get_parameter_types()
        .map_err(told)?
        .into_iter()
        .map(|(name, data_type)| (name.trim_start_matches('$').to_owned(), data_type))
        .collect();
    needed.sort_by(|a, b| a.0.cmp(&b.0));
    let names: Vec<&str> = needed.iter().map(|(name, _)| name.as_str()).collect();
    if let Some((unknown, _)) = given.iter().find(|(name, _)| !names.contains(&name.as_str())) {
        return Err(unneeded(unknown, &names));
    }
    // The last of several counts, as with other options.
    let given: HashMap<&str, &str> =
        given.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    let missing: Vec<&str> =
        names.iter().copied().filter(|name| !given.contains_key(name)).collect();
    if let [first, ..] = missing[..] {
        return Err(unfilled(first, &missing));
    }
    let value = |(name, data_type): (String, Option<DataType>)| {
        let text = given.get(name.as_str()).copied().unwrap_or_default();
        let value = of_type(text, data_type.as_ref()).ok_or_else(|| {
            let expected = data_type.as_ref().map_or("a value", example);
            Error::config(
                Report::new(format!("the value of `${name}` does not fit"))
                    .expected(format!("{expected}, by where it stands in the query"))
                    .found(message::printable(text))
                    .hint(format!("give another: `--param {name}=…`; or CAST(${name} AS …) there")),
            )
        })?;
        Ok((name, value.into()))
    };
    needed.into_iter().map(value).collect()
}

fn of_type(text: &str, data_type: Option<&DataType>) -> Option<ScalarValue> {
    match data_type {
        Some(data_type) if *data_type != DataType::Null => {
            let value = ScalarValue::try_from_string(text.to_owned(), data_type).ok()?;
            // A cast that fails is null to some types, and nobody asked for null.
            (!value.is_null()).then_some(value)
        }
        _ => guessed(text).and_then(|guess| of_type(text, Some(&guess))).or(Some(text.into())),
    }
}

/// What a text looks like. `0005` and `1E5` are names of tickers before they are numbers.
fn guessed(text: &str) -> Option<DataType> {
    let is_whole = text.parse::<i64>().is_ok_and(|n| n.to_string() == text);
    let digits = text.strip_prefix('-').unwrap_or(text);
    let is_decimal = digits.split_once('.').is_some_and(|(whole, rest)| {
        let is_number = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        is_number(whole) && is_number(rest) && (whole == "0" || !whole.starts_with('0'))
    });
    match text.len() == 10 && text.as_bytes()[4] == b'-' {
        _ if is_whole => Some(DataType::Int64),
        _ if is_decimal => Some(DataType::Float64),
        true => Some(DataType::Date32),
        false => None,
    }
}

fn example(data_type: &DataType) -> &'static str {
    match data_type {
        DataType::Date32 | DataType::Date64 => "a date such as 2026-02-11",
        DataType::Timestamp(..) => "an instant such as 2026-02-11T22:30:00Z",
        DataType::Boolean => "true or false",
        other if other.is_integer() => "a whole number",
        other if other.is_numeric() => "a number",
        _ => "a value of the type of its neighbours",
    }
}

fn unneeded(name: &str, names: &[&str]) -> Error {
    let name = message::printable(name);
    let report = Report::new(format!("the query has no `${name}`"))
        .expected(match names {
            [] => "a query without parameters takes none".to_owned(),
            names => format!("values for ${}", names.join(", $")),
        })
        .found(format!("--param {name}=…"));
    Error::new(Kind::Usage, with_suggestion(report, &name, names.iter().copied()))
}

fn unfilled(first: &str, missing: &[&str]) -> Error {
    let report = Report::new(format!("no value for ${}", missing.join(", $")))
        .expected("a value for every $name of the query")
        .hint(format!("add `--param {first}=…`"));
    Error::new(Kind::Usage, report)
}
