//! One time format for a whole column: days, instants or epoch numbers.
//!
//! Times are `i64`: days since 1970-01-01 for days, microseconds since then (UTC) for instants.

use std::fmt;

use chrono::format::{Fixed, Item, Numeric, StrftimeItems};
use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime, Timelike};

/// Patterns tried when none is given. Where two read a whole column differently, as
/// 03/04/2020, the column is ambiguous.
const PATTERNS: [&str; 31] = [
    "%Y-%m-%d",
    "%Y/%m/%d",
    "%Y.%m.%d",
    "%Y%m%d",
    "%d-%b-%y",
    "%d-%b-%Y",
    "%d %b %Y",
    "%b %d, %Y",
    "%d %B %Y",
    "%B %d, %Y",
    "%d.%m.%Y",
    "%d.%m.%y",
    "%d/%m/%Y",
    "%m/%d/%Y",
    "%d/%m/%y",
    "%m/%d/%y",
    "%d-%m-%Y",
    "%m-%d-%Y",
    "%Y-%m-%d %H:%M:%S%.f",
    "%Y-%m-%dT%H:%M:%S%.f",
    "%Y-%m-%d %H:%M",
    "%Y-%m-%dT%H:%M",
    "%Y/%m/%d %H:%M:%S",
    "%d.%m.%Y %H:%M:%S",
    "%d/%m/%Y %H:%M:%S",
    "%m/%d/%Y %H:%M:%S",
    "%d/%m/%Y %H:%M",
    "%m/%d/%Y %H:%M",
    "%Y-%m-%d %H:%M:%S%.f%#z",
    "%Y-%m-%dT%H:%M:%S%.f%#z",
    "%Y-%m-%d %H:%M:%S%.f UTC",
];

/// Years outside these are a misread pattern (`86` under `%Y`), not history.
const YEARS: std::ops::RangeInclusive<i32> = 1000..=9999;

/// How the time of a column is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum TimeFormat {
    /// A `strftime` pattern, and what it reads.
    Pattern(String, PatternKind),
    /// Digits since 1970-01-01 UTC; so many of them to the second.
    Epoch(EpochUnit),
    /// No time: the row's number within its ticker.
    RowNumber,
}

/// What a pattern reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PatternKind {
    Day,
    /// An instant without a zone, read as UTC.
    Local,
    Zoned,
}

/// Unit of an epoch number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum EpochUnit {
    Seconds,
    Milliseconds,
    Microseconds,
}

/// What a time column becomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TimeKind {
    Date,
    Instant,
    RowNumber,
}

/// One cell read: days or microseconds, and whether digits were cut off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Time {
    pub(super) value: i64,
    pub(super) is_cut: bool,
}

impl TimeFormat {
    /// A pattern of the user's, or what is wrong with it.
    pub(super) fn of_pattern(pattern: &str) -> Result<Self, &'static str> {
        let items: Vec<Item<'_>> = StrftimeItems::new(pattern).collect();
        let has = |test: fn(&Item<'_>) -> bool| items.iter().any(test);
        if has(|item| matches!(item, Item::Error)) {
            return Err("no strftime pattern");
        }
        let is_zoned = has(|item| matches!(item, Item::Fixed(fixed) if is_zone(fixed)));
        let has_epoch = has(|item| matches!(item, Item::Numeric(Numeric::Timestamp, _)));
        let has_hour =
            has(|item| matches!(item, Item::Numeric(Numeric::Hour | Numeric::Hour12, _)));
        let has_day = has(|item| {
            matches!(
                item,
                Item::Numeric(Numeric::Day | Numeric::Ordinal, _)
                    | Item::Fixed(Fixed::RFC3339 | Fixed::RFC2822)
            )
        });
        if !has_day && !has_epoch {
            return Err("a pattern without a day");
        }
        let kind = match (is_zoned, has_hour || has_epoch) {
            (true, _) => PatternKind::Zoned,
            (false, true) => PatternKind::Local,
            (false, false) => PatternKind::Day,
        };
        Ok(Self::Pattern(pattern.to_owned(), kind))
    }

    /// Every format that is tried when none is given, in order of preference.
    pub(super) fn candidates() -> Vec<Self> {
        let patterns = PATTERNS.iter().filter_map(|pattern| Self::of_pattern(pattern).ok());
        let epochs = [EpochUnit::Seconds, EpochUnit::Milliseconds, EpochUnit::Microseconds];
        patterns.chain(epochs.map(Self::Epoch)).collect()
    }

    /// Reads one cell; blanks around it do not count.
    pub(super) fn read(&self, cell: &str) -> Option<Time> {
        let cell = cell.trim();
        match self {
            Self::Pattern(pattern, PatternKind::Day) => {
                let day = NaiveDate::parse_from_str(cell, pattern).ok()?;
                let days = day.to_epoch_days();
                YEARS.contains(&day.year()).then_some(Time { value: days.into(), is_cut: false })
            }
            Self::Pattern(pattern, PatternKind::Local) => {
                instant(NaiveDateTime::parse_from_str(cell, pattern).ok()?)
            }
            Self::Pattern(pattern, PatternKind::Zoned) => {
                instant(DateTime::parse_from_str(cell, pattern).ok()?.naive_utc())
            }
            Self::Epoch(unit) => unit.read(cell),
            Self::RowNumber => None,
        }
    }

    pub(super) fn kind(&self) -> TimeKind {
        match self {
            Self::Pattern(_, PatternKind::Day) => TimeKind::Date,
            Self::Pattern(..) | Self::Epoch(_) => TimeKind::Instant,
            Self::RowNumber => TimeKind::RowNumber,
        }
    }

    pub(super) fn has_two_digit_year(&self) -> bool {
        let is_short = |item| matches!(item, Item::Numeric(Numeric::YearMod100, _));
        matches!(self, Self::Pattern(pattern, _) if StrftimeItems::new(pattern).any(is_short))
    }

    pub(super) fn is_without_zone(&self) -> bool {
        matches!(self, Self::Pattern(pattern, PatternKind::Local) if !pattern.ends_with("UTC") && pattern != "%s")
    }
}

impl fmt::Display for TimeFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pattern(pattern, _) => f.write_str(pattern),
            Self::Epoch(EpochUnit::Seconds) => f.write_str("seconds since 1970"),
            Self::Epoch(EpochUnit::Milliseconds) => f.write_str("milliseconds since 1970"),
            Self::Epoch(EpochUnit::Microseconds) => f.write_str("microseconds since 1970"),
            Self::RowNumber => f.write_str("row number"),
        }
    }
}

impl EpochUnit {
    /// The number of digits tells the unit: 10 digits of seconds reach from 2001 to 2286.
    fn read(self, cell: &str) -> Option<Time> {
        let (digits, factor) = match self {
            Self::Seconds => (9..=10, 1_000_000),
            Self::Milliseconds => (12..=13, 1_000),
            Self::Microseconds => (15..=16, 1),
        };
        if !digits.contains(&cell.len()) || !cell.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let number: i64 = cell.parse().ok()?;
        Some(Time { value: number.checked_mul(factor)?, is_cut: false })
    }
}

fn instant(at: NaiveDateTime) -> Option<Time> {
    let time = Time {
        value: at.and_utc().timestamp_micros(),
        is_cut: !at.nanosecond().is_multiple_of(1_000),
    };
    YEARS.contains(&at.year()).then_some(time)
}

fn is_zone(fixed: &Fixed) -> bool {
    matches!(
        fixed,
        Fixed::TimezoneOffset
            | Fixed::TimezoneOffsetColon
            | Fixed::TimezoneOffsetDoubleColon
            | Fixed::TimezoneOffsetTripleColon
            | Fixed::TimezoneOffsetColonZ
            | Fixed::TimezoneOffsetZ
            | Fixed::RFC3339
            | Fixed::RFC2822
    ) || format!("{fixed:?}").contains("Permissive")
}

/// A time whose year was written with two digits, put into the hundred years from `first_year`.
/// None where that year has no such day (29 February).
pub(super) fn in_century(kind: TimeKind, value: i64, first_year: i32) -> Option<i64> {
    let moved = |day: NaiveDate| {
        let year = first_year + (day.year() - first_year).rem_euclid(100);
        day.with_year(year)
    };
    match kind {
        TimeKind::Date => {
            let day = NaiveDate::from_epoch_days(i32::try_from(value).ok()?)?;
            Some(moved(day)?.to_epoch_days().into())
        }
        TimeKind::Instant => {
            let at = DateTime::from_timestamp_micros(value)?.naive_utc();
            Some(moved(at.date())?.and_time(at.time()).and_utc().timestamp_micros())
        }
        TimeKind::RowNumber => Some(value),
    }
}

/// `days` or microseconds as text, for the report.
pub(super) fn shown(kind: TimeKind, value: i64) -> String {
    let text = match kind {
        TimeKind::Date => i32::try_from(value)
            .ok()
            .and_then(NaiveDate::from_epoch_days)
            .map(|day| day.to_string()),
        TimeKind::Instant => DateTime::from_timestamp_micros(value)
            .map(|at| at.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true)),
        TimeKind::RowNumber => Some(format!("row {value}")),
    };
    text.unwrap_or_else(|| value.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Formats that read the cell, with the time they make of it.
    fn readings(cell: &str) -> Vec<String> {
        TimeFormat::candidates()
            .iter()
            .filter_map(|format| Some((format, format.read(cell)?)))
            .map(|(format, time)| format!("{format} {}", shown(format.kind(), time.value)))
            .collect()
    }

    #[test]
    fn every_pattern_of_ours_is_one() {
        assert_eq!(TimeFormat::candidates().len(), PATTERNS.len() + 3);
    }

    #[test]
    fn an_iso_day_is_read_one_way() {
        assert_eq!(readings("1950-01-03"), ["%Y-%m-%d 1950-01-03"]);
        assert_eq!(readings("20200131"), ["%Y%m%d 2020-01-31"]);
    }

    #[test]
    fn a_two_digit_year_turns_at_1970() {
        assert_eq!(readings("02-Jan-86"), ["%d-%b-%y 1986-01-02"]);
        assert_eq!(readings("29-Jun-18"), ["%d-%b-%y 2018-06-29"]);
        assert_eq!(readings("03-Jan-50"), ["%d-%b-%y 2050-01-03"]);
        assert!(TimeFormat::of_pattern("%d-%b-%y").unwrap().has_two_digit_year());
        assert!(!TimeFormat::of_pattern("%d-%b-%Y").unwrap().has_two_digit_year());
    }

    #[test]
    fn two_digits_are_moved_into_the_century_that_is_asked_for() {
        let day =
            |text: &str| TimeFormat::of_pattern("%d-%b-%y").unwrap().read(text).unwrap().value;
        let moved = |text: &str, first_year| {
            in_century(TimeKind::Date, day(text), first_year)
                .map(|value| shown(TimeKind::Date, value))
        };
        assert_eq!(moved("03-Jan-50", 1930).as_deref(), Some("1950-01-03"));
        assert_eq!(moved("03-Jan-29", 1930).as_deref(), Some("2029-01-03"));
        assert_eq!(moved("03-Jan-50", 1970).as_deref(), Some("2050-01-03"));
        assert_eq!(moved("29-Feb-00", 1850), None, "1900 was no leap year");
    }

    #[test]
    fn a_day_before_the_thirteenth_is_ambiguous_with_slashes() {
        assert_eq!(readings("03/04/2020"), ["%d/%m/%Y 2020-04-03", "%m/%d/%Y 2020-03-04"]);
        assert_eq!(readings("03/14/2020"), ["%m/%d/%Y 2020-03-14"]);
    }

    #[test]
    fn instants_with_a_zone_become_utc() {
        assert_eq!(
            readings("2020-01-31T09:30:00+01:00"),
            ["%Y-%m-%dT%H:%M:%S%.f%#z 2020-01-31T08:30:00Z"]
        );
        assert_eq!(
            readings("2020-01-31T09:30:00Z"),
            ["%Y-%m-%dT%H:%M:%S%.f%#z 2020-01-31T09:30:00Z"]
        );
        assert_eq!(readings("2014-04-01 00:05:00"), ["%Y-%m-%d %H:%M:%S%.f 2014-04-01T00:05:00Z"]);
    }

    #[test]
    fn the_number_of_digits_tells_the_unit_of_an_epoch() {
        assert_eq!(readings("1602438412"), ["seconds since 1970 2020-10-11T17:46:52Z"]);
        assert_eq!(readings("1602438412500"), ["milliseconds since 1970 2020-10-11T17:46:52.500Z"]);
    }

    #[test]
    fn nanoseconds_are_cut_and_told() {
        let format = TimeFormat::of_pattern("%Y-%m-%d %H:%M:%S%.f").unwrap();
        let time = format.read("1970-01-01 00:00:00.000001999").unwrap();
        assert_eq!(time, Time { value: 1, is_cut: true });
    }

    #[test]
    fn a_pattern_that_is_none_is_refused() {
        assert!(TimeFormat::of_pattern("%Q").is_err());
        assert!(TimeFormat::of_pattern("%H:%M").is_err());
    }
}
