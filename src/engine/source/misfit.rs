//! What is told of a mapped column that files lack or have in a type that does not fit.
//!
//! A column that no file has is a slip in the pipeline file: the report points there. One that only
//! some files lack is a defect of those files.

use datafusion::arrow::datatypes::{DataType, Schema};

use super::Source;
use super::columns::{Part, Wanted};
use crate::error::{Error, Kind, Report};
use crate::sql_file::with_suggestion;

/// Reports that are told one by one; the same mistake in a thousand files is one mistake.
const NAMED: usize = 10;

/// A column and the files (name, schema) that do not have it as it is wanted.
pub(super) struct Misfit<'a> {
    pub(super) wanted: &'a Wanted<'a>,
    pub(super) lacking: Vec<(String, &'a Schema)>,
    pub(super) unfit: Vec<(String, &'a Schema)>,
}

/// All misfits of a source of `n_files` as one error.
pub(super) fn error(misfits: &[Misfit], n_files: usize, keys: &[String], source: &Source) -> Error {
    let mut kind = Kind::Data;
    let mut reports = Vec::new();
    for misfit in misfits {
        if let Some((file, schema)) = misfit.lacking.first() {
            let of_file = columns_of(schema, keys);
            if misfit.lacking.len() == n_files {
                kind = Kind::Config;
                reports.push(unknown(misfit.wanted, file, &of_file, source));
            } else {
                let more = misfit.lacking.len() - 1;
                reports.push(incomplete(misfit.wanted, file, &of_file, more));
            }
        }
        if let Some((file, schema)) = misfit.unfit.first() {
            reports.push(unfit(misfit, file, schema, source));
        }
    }
    let n_more = reports.len().saturating_sub(NAMED);
    reports.truncate(NAMED);
    if n_more > 0 {
        let report = Report::new(format!("{n_more} more columns do not fit the source"));
        reports.push(report.at(source.path.as_str()).hint("the first ten are told above"));
    }
    Error { kind, reports }
}

fn columns_of<'a>(schema: &'a Schema, keys: &'a [String]) -> Vec<&'a str> {
    let fields = schema.fields().iter().map(|field| field.name().as_str());
    fields.chain(keys.iter().map(String::as_str)).collect()
}

/// No file has it.
fn unknown(wanted: &Wanted, file: &str, known: &[&str], source: &Source) -> Report {
    let report = Report::new(format!("the source has no column `{}`", wanted.name))
        .at(file)
        .expected(format!("one of {}, the columns of {file}", listed(known)))
        .found(wanted.name)
        .hint(format!("name one of them in `{}`", wanted.key));
    with_suggestion(source.places.point(report, &wanted.key), wanted.name, known.iter().copied())
}

/// Other files have it.
fn incomplete(wanted: &Wanted, file: &str, known: &[&str], n_more: usize) -> Report {
    Report::new(format!("the file has no column `{}`, which other files have", wanted.name))
        .at(place(file, n_more))
        .expected(format!("{}: {}", wanted.name, wanted.part.expected()))
        .found(format!("only {}", listed(known)))
        .hint("write the file with that column, or take it out of the source")
}

fn unfit(misfit: &Misfit, file: &str, schema: &Schema, source: &Source) -> Report {
    let Wanted { name, part, key } = misfit.wanted;
    let found = schema.field_with_name(name).map_or("nothing", |field| words(field.data_type()));
    let fitting = schema.fields().iter().filter(|field| part.fits(field.data_type()));
    let fitting: Vec<&str> = fitting.map(|field| field.name().as_str()).collect();
    let key = source.places.named(key);
    Report::new(format!("column `{name}` has the wrong type"))
        .at(place(file, misfit.unfit.len() - 1))
        .expected(format!("{name}: {}", part.expected()))
        .found(format!("{name}: {found}"))
        .hint(match (fitting.as_slice(), part) {
            ([], Part::Ticker) => "write the file with its tickers as text".to_owned(),
            ([], Part::Ts) => {
                "write the file with dates, as `oddlot import` does from CSV".to_owned()
            }
            ([], Part::Number) => {
                "write the file with numbers, as `oddlot import` does from CSV".to_owned()
            }
            (some, _) => format!(
                "write the file with {}, or name another column in {key}: {}",
                part.expected(),
                listed(some)
            ),
        })
}

/// Names with commas; of very many the first.
fn listed(names: &[&str]) -> String {
    const LISTED: usize = 40;
    match names.len().saturating_sub(LISTED) {
        0 => names.join(", "),
        n_more => format!("{} and {n_more} more", names[..LISTED].join(", ")),
    }
}

fn place(file: &str, n_more: usize) -> String {
    match n_more {
        0 => file.to_owned(),
        1 => format!("{file} and 1 more file"),
        _ => format!("{file} and {n_more} more files"),
    }
}

/// A type as a person calls it.
fn words(data_type: &DataType) -> &'static str {
    match data_type {
        DataType::Dictionary(_, value) => words(value),
        DataType::Boolean => "true or false",
        DataType::Date32 | DataType::Date64 => "dates",
        DataType::Timestamp(..) => "timestamps",
        DataType::Time32(_) | DataType::Time64(_) => "times of day",
        DataType::Null => "nothing but nulls",
        other if other.is_string() => "text",
        other if other.is_integer() => "whole numbers",
        other if other.is_numeric() => "numbers",
        other if other.is_nested() => "lists or structs",
        _ => "bytes",
    }
}
