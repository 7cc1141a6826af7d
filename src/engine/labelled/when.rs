//! Days and instants: a label dated to a day means all rows of that day.

use chrono::NaiveDate;
use datafusion::arrow::array::{Array, ArrayRef, AsArray};
use datafusion::arrow::compute::cast;
use datafusion::arrow::compute::kernels::cast_utils::string_to_timestamp_nanos;
use datafusion::arrow::datatypes::{DataType, Date32Type, Int64Type, TimestampMicrosecondType};

use crate::step::instant_type;

/// Microseconds of a day.
const DAY_US: i64 = 86_400_000_000;

/// Days and row numbers lie within so many of 1970-01-01, so that their instants fit 64 bits: 273,790 years.
const DAYS_MAX: i64 = 100_000_000;

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

    /// A day or a row number, if it is none of the seconds since 1970 that some write.
    fn day(day: i64) -> Option<Self> {
        let is_in = (-DAYS_MAX..=DAYS_MAX).contains(&day);
        i32::try_from(day).ok().filter(|_| is_in).map(Self::Day)
    }

    /// A date, a time (with a zone, or UTC) or a whole number.
    pub(super) fn parse(text: &str) -> Option<Self> {
        if let Ok(day) = NaiveDate::parse_from_str(text, "%Y-%m-%d") {
            return Self::day((day - NaiveDate::default()).num_days());
        }
        if let Ok(row) = text.parse() {
            return Self::day(row);
        }
        string_to_timestamp_nanos(text).ok().map(|ns| Self::Instant(ns.div_euclid(1000)))
    }
}

/// A column of dates, times, row numbers or texts of these; a cell that is none is `Err` with its text.
pub(super) fn column(column: &ArrayRef) -> Result<Vec<Result<When, String>>, String> {
    let told = |error: &dyn std::error::Error| error.to_string();
    let null = || Err("nothing".to_owned());
    let of_day = |day: i64| When::day(day).ok_or_else(|| day.to_string());
    let whens = match column.data_type() {
        DataType::Date32 | DataType::Date64 => {
            let days = cast(column, &DataType::Date32).map_err(|error| told(&error))?;
            let days = days.as_primitive::<Date32Type>().iter();
            days.map(|cell| cell.map_or_else(null, |day| of_day(day.into()))).collect()
        }
        DataType::Timestamp(..) => {
            let instants = cast(column, &instant_type()).map_err(|error| told(&error))?;
            let instants = instants.as_primitive::<TimestampMicrosecondType>().iter();
            instants.map(|ts| ts.map_or_else(null, |ts| Ok(When::Instant(ts)))).collect()
        }
        kind if kind.is_integer() => {
            let rows = cast(column, &DataType::Int64).map_err(|error| told(&error))?;
            let rows = rows.as_primitive::<Int64Type>().iter();
            rows.map(|cell| cell.map_or_else(null, of_day)).collect()
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
    use std::sync::Arc;

    use datafusion::arrow::array::{Date32Array, Int64Array};

    use super::*;

    #[test]
    fn dates_are_days_and_times_are_instants() {
        assert_eq!(When::parse("1970-01-03"), Some(When::Day(2)));
        assert_eq!(When::parse("1959-12-31"), Some(When::Day(-3654)));
        assert_eq!(When::parse("17"), Some(When::Day(17)));
        assert_eq!(When::parse("1970-01-02 00:00:00"), Some(When::Instant(DAY_US)));
        assert_eq!(When::parse("1970-01-01T01:00:00+01:00"), Some(When::Instant(0)));
        assert_eq!(When::parse("1970-01-01 00:00:00.5Z"), Some(When::Instant(500_000)));
        // Seconds since 1970 would be a day whose instant no 64 bits hold.
        for text in ["", "yesterday", "2024-02-30", "02/11/2024", "1577836800", "-99999999999"] {
            assert_eq!(When::parse(text), None, "{text}");
        }
    }

    #[test]
    fn the_first_and_the_last_day_have_instants_and_those_beyond_are_refused() {
        for day in [-DAYS_MAX, DAYS_MAX] {
            let when = When::day(day).unwrap();
            assert_eq!(when.last() - when.first(), DAY_US - 1);
            assert_eq!(When::day(day + day.signum()), None);
        }
        let days: ArrayRef = Arc::new(Date32Array::from(vec![7, i32::MAX]));
        assert_eq!(column(&days), Ok(vec![Ok(When::Day(7)), Err(i32::MAX.to_string())]));
        let rows: ArrayRef = Arc::new(Int64Array::from(vec![7, 1_577_836_800]));
        assert_eq!(column(&rows), Ok(vec![Ok(When::Day(7)), Err("1577836800".to_owned())]));
        assert!(When::parse("+262142-12-31").is_some(), "the last date that can be read");
    }

    #[test]
    fn a_day_lasts_until_the_next() {
        assert_eq!((When::Day(1).first(), When::Day(1).last()), (DAY_US, 2 * DAY_US - 1));
        assert_eq!((When::Instant(7).first(), When::Instant(7).last()), (7, 7));
    }
}
