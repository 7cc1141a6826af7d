//! Days and instants: a label dated to a day means all rows of that day.

use chrono::NaiveDate;
use datafusion::arrow::array::{Array, ArrayRef, AsArray};
use datafusion::arrow::compute::cast;
use datafusion::arrow::compute::kernels::cast_utils::string_to_timestamp_nanos;
use datafusion::arrow::datatypes::{DataType, Date32Type, Int64Type, TimestampMicrosecondType};

use crate::step::instant_type;

/// Microseconds of a day.
const DAY_US: i64 = 86_400_000_000;

/// When something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// A day since 1970-01-01, or a row number.
    Day(i32),
    /// Microseconds since then, UTC.
    Instant(i64),
}

impl When {
    /// The first instant that it means.
    pub fn first(self) -> i64 {
        match self {
            Self::Day(day) => i64::from(day) * DAY_US,
            Self::Instant(ts) => ts,
        }
    }

    /// The last instant that it means.
    pub fn last(self) -> i64 {
        match self {
            Self::Day(day) => i64::from(day) * DAY_US + (DAY_US - 1),
            Self::Instant(ts) => ts,
        }
    }

    /// A date, a time (with a zone, or UTC) or a whole number.
    pub(super) fn parse(text: &str) -> Option<Self> {
        if let Ok(day) = NaiveDate::parse_from_str(text, "%Y-%m-%d") {
            return i32::try_from((day - NaiveDate::default()).num_days()).ok().map(Self::Day);
        }
        if let Ok(row) = text.parse() {
            return Some(Self::Day(row));
        }
        string_to_timestamp_nanos(text).ok().map(|ns| Self::Instant(ns.div_euclid(1000)))
    }
}

/// A column of dates, times, row numbers or texts of these; a cell that is none is `Err` with its text.
pub(super) fn column(column: &ArrayRef) -> Result<Vec<Result<When, String>>, String> {
    let told = |error: &dyn std::error::Error| error.to_string();
    let null = || Err("nothing".to_owned());
    let whens = match column.data_type() {
        DataType::Date32 | DataType::Date64 => {
            let days = cast(column, &DataType::Date32).map_err(|error| told(&error))?;
            let days = days.as_primitive::<Date32Type>().iter();
            days.map(|day| day.map_or_else(null, |day| Ok(When::Day(day)))).collect()
        }
        DataType::Timestamp(..) => {
            let instants = cast(column, &instant_type()).map_err(|error| told(&error))?;
            let instants = instants.as_primitive::<TimestampMicrosecondType>().iter();
            instants.map(|ts| ts.map_or_else(null, |ts| Ok(When::Instant(ts)))).collect()
        }
        kind if kind.is_integer() => {
            let rows = cast(column, &DataType::Int64).map_err(|error| told(&error))?;
            let row = |row: i64| i32::try_from(row).map(When::Day).map_err(|_| row.to_string());
            rows.as_primitive::<Int64Type>()
                .iter()
                .map(|cell| cell.map_or_else(null, row))
                .collect()
        }
        _ => {
            let texts = cast(column, &DataType::Utf8).map_err(|error| told(&error))?;
            let texts = texts.as_string::<i32>();
            let parse = |text: &str| When::parse(text).ok_or_else(|| text.to_owned());
            texts.iter().map(|text| text.map_or_else(null, parse)).collect()
        }
    };
    Ok(whens)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_days_and_times_are_instants() {
        assert_eq!(When::parse("1970-01-03"), Some(When::Day(2)));
        assert_eq!(When::parse("1959-12-31"), Some(When::Day(-3654)));
        assert_eq!(When::parse("17"), Some(When::Day(17)));
        assert_eq!(When::parse("1970-01-02 00:00:00"), Some(When::Instant(DAY_US)));
        assert_eq!(When::parse("1970-01-01T01:00:00+01:00"), Some(When::Instant(0)));
        assert_eq!(When::parse("1970-01-01 00:00:00.5Z"), Some(When::Instant(500_000)));
        for text in ["", "yesterday", "2024-02-30", "02/11/2024"] {
            assert_eq!(When::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_day_lasts_until_the_next() {
        assert_eq!((When::Day(1).first(), When::Day(1).last()), (DAY_US, 2 * DAY_US - 1));
        assert_eq!((When::Instant(7).first(), When::Instant(7).last()), (7, 7));
    }
}
