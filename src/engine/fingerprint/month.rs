//! Calendar months, as digests are cut.

use std::fmt;
use std::ops::Range;

use chrono::{DateTime, Datelike, NaiveDate};

/// Months since January of the year 0, UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Month(pub(super) i32);

impl Month {
    /// Of an instant, µs since 1970-01-01; what lies beyond all dates is in January of the year 0.
    pub(super) fn of(ts_us: i64) -> Self {
        let date = DateTime::from_timestamp_micros(ts_us);
        Self(date.map_or(0, |date| 12 * date.year() + date.month0().cast_signed()))
    }

    /// January of a year.
    pub(super) fn first_of(year: i32) -> Self {
        Self(year.saturating_mul(12))
    }

    /// December of a year.
    pub(super) fn last_of(year: i32) -> Self {
        Self(year.saturating_mul(12).saturating_add(11))
    }

    /// The year it lies in.
    pub(super) fn year(self) -> i32 {
        self.0.div_euclid(12)
    }

    /// Its first day, counted from 1970-01-01.
    pub(super) fn first_day(self) -> i32 {
        self.first_date().map_or(i32::MIN, |date| date.to_epoch_days())
    }

    /// Its instants, µs UTC; none of a month beyond what dates can tell.
    pub(super) fn instants(self) -> Range<i64> {
        let from = |month: Self| Some(month.first_date()?.and_time(Default::default()).and_utc());
        let bounds = from(self).zip(from(Self(self.0.saturating_add(1))));
        bounds.map_or(0..0, |(from, to)| from.timestamp_micros()..to.timestamp_micros())
    }

    fn first_date(self) -> Option<NaiveDate> {
        NaiveDate::from_ymd_opt(self.year(), self.0.rem_euclid(12).cast_unsigned() + 1, 1)
    }
}

/// `2016-03`
impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}", self.year(), self.0.rem_euclid(12) + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn months_are_those_of_utc() {
        let day_us = 86_400_000_000;
        assert_eq!(Month::of(0), Month::first_of(1970));
        assert_eq!(Month::of(-1), Month::last_of(1969));
        assert_eq!(Month::of(31 * day_us - 1), Month::of(0));
        assert_eq!(Month::of(31 * day_us), Month(1970 * 12 + 1));
        assert_eq!(Month::of(0).instants(), 0..31 * day_us);
        assert_eq!(Month::of(-1).to_string(), "1969-12");
        assert_eq!((Month::of(-1).year(), Month::of(-1).first_day()), (1969, -31));
        // February of a leap year.
        assert_eq!(
            Month(2000 * 12 + 1).instants(),
            951_782_400_000_000 - 28 * day_us..951_868_800_000_000
        );
    }

    #[test]
    fn years_beyond_all_dates_are_no_month() {
        assert_eq!(Month::last_of(i32::MAX).instants(), 0..0);
        assert_eq!(Month::of(i64::MAX), Month(0));
    }
}
