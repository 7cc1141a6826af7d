//! Which trading dates a command is about: as dates, or as the last session that was closed at an instant.
//!
//! Sessions are the dates of which the source has rows; a day without a session is nothing to do and no mistake.
//! Where the source ends before the day that is asked for, the calendar of US exchanges tells a holiday from
//! rows that are late.

use chrono::{DateTime, NaiveDate, Utc};
use oddlot_engine::fingerprint::trade_days;
use oddlot_engine::ticker_rows::iso_date;
use oddlot_engine::{Error, Report};
use oddlot_series::simulate::is_session;

use crate::cells::Range;
use crate::plan::Plan;
use crate::prices::Prices;
use crate::split::day;

/// A range of so many days without a session is believed to be a holiday; exchanges are never closed longer.
const HOLIDAY_DAYS_MAX: i32 = 7;

/// What was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// Trading dates.
    Dates(Range),
    /// The last session that was closed by then.
    AsOf(DateTime<Utc>),
}

/// What that is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Days {
    /// Days of which at least one has a session.
    Within(Range),
    /// None, and why.
    None(String),
}

impl Default for When {
    fn default() -> Self {
        Self::Dates(Range::default())
    }
}

impl When {
    /// Holds it against the sessions of the source.
    ///
    /// # Errors
    /// The source has no row there, though exchanges were open; its rows are numbered, so that nothing closes.
    pub async fn resolve(self, plan: &Plan, prices: &Prices) -> Result<Days, Error> {
        match self {
            Self::Dates(range) if range == Range::default() => Ok(Days::Within(range)),
            Self::Dates(range) => {
                let sessions = trade_days(&prices.session).await?;
                match within(range, &sessions) {
                    Found::Sessions => Ok(Days::Within(range)),
                    Found::Holidays => {
                        Ok(Days::None(format!("{range} is no session of the source")))
                    }
                    Found::Nothing => Err(range.refusal(prices)),
                }
            }
            Self::AsOf(instant) if plan.source.columns.ts.is_none() => Err(numbered(plan, instant)),
            Self::AsOf(instant) => {
                let sessions = trade_days(&prices.session).await?;
                let closed = last_closed_day(instant, plan.source.session_close.minutes());
                Ok(as_of(instant, closed, &sessions))
            }
        }
    }
}

/// What the source has of a range.
#[derive(Debug, PartialEq, Eq)]
enum Found {
    Sessions,
    /// No row, and none to be expected.
    Holidays,
    /// No row, and exchanges were open.
    Nothing,
}

fn within(range: Range, sessions: &[i32]) -> Found {
    let (from, to) = (range.from.map_or(i32::MIN, day), range.to.map_or(i32::MAX, day));
    if sessions.iter().any(|session| (from..=to).contains(session)) {
        return Found::Sessions;
    }
    let is_inside = sessions.first().is_some_and(|first| *first < from)
        && sessions.last().is_some_and(|last| to < *last);
    let is_short = from.checked_add(HOLIDAY_DAYS_MAX).is_some_and(|end| to < end);
    match is_inside || (is_short && !(from..=to).any(is_session)) {
        true => Found::Holidays,
        false => Found::Nothing,
    }
}

/// The last day whose session is closed at `instant`, if there was one; days since 1970-01-01.
fn last_closed_day(instant: DateTime<Utc>, close_minutes: u16) -> i32 {
    let minutes = instant.timestamp().div_euclid(60) - i64::from(close_minutes);
    i32::try_from(minutes.div_euclid(24 * 60)).unwrap_or(i32::MAX)
}

fn as_of(instant: DateTime<Utc>, closed: i32, sessions: &[i32]) -> Days {
    let n = sessions.partition_point(|session| *session <= closed);
    let Some(session) = n.checked_sub(1).and_then(|last| sessions.get(last)).copied() else {
        return Days::None(format!(
            "no session of the source was closed at {}",
            instant.to_rfc3339()
        ));
    };
    let is_end = n == sessions.len();
    if let Some(missing) = (session + 1..=closed).find(|day| is_end && is_session(*day)) {
        tracing::warn!(
            day = iso_date(missing),
            "the source has no row of a day on which US exchanges were open: are its rows late?"
        );
    }
    let date = Some(date(session));
    Days::Within(Range { from: date, to: date })
}

fn date(day: i32) -> NaiveDate {
    // `num_days_from_ce` of 1970-01-01; sessions are dates of the source.
    NaiveDate::from_num_days_from_ce_opt(day.saturating_add(719_163)).unwrap_or_default()
}

fn numbered(plan: &Plan, instant: DateTime<Utc>) -> Error {
    Error::config(
        Report::new("rows that are numbered have no sessions")
            .at(plan.places.place("source.columns", &plan.file))
            .expected("a time column, `source.columns.ts`")
            .found(format!("--as-of {}", instant.to_rfc3339()))
            .hint("leave `--as-of` out, or name the time column"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn days(texts: &[&str]) -> Vec<i32> {
        texts.iter().map(|text| day(text.parse().unwrap())).collect()
    }

    fn range(from: &str, to: &str) -> Range {
        Range { from: Some(from.parse().unwrap()), to: Some(to.parse().unwrap()) }
    }

    fn one(text: &str) -> Days {
        Days::Within(range(text, text))
    }

    #[test]
    fn a_session_is_closed_from_its_close_on_and_not_a_second_before() {
        let sessions = days(&["2026-02-09", "2026-02-10", "2026-02-11"]);
        let at = |text: &str, close: u16| {
            let instant: DateTime<Utc> = text.parse().unwrap();
            as_of(instant, last_closed_day(instant, close), &sessions)
        };
        let close = 21 * 60;
        assert_eq!(at("2026-02-10T20:59:59Z", close), one("2026-02-09"));
        assert_eq!(at("2026-02-10T21:00:00Z", close), one("2026-02-10"));
        // The same instant in New York, and the end of Airflow's daily interval.
        assert_eq!(at("2026-02-10T16:00:00-05:00", close), one("2026-02-10"));
        assert_eq!(at("2026-02-11T00:00:00+00:00", close), one("2026-02-10"));
        // Tokyo closes at 06:30 UTC; a session around the clock ends at midnight.
        assert_eq!(at("2026-02-10T06:30:00Z", 390), one("2026-02-10"));
        assert_eq!(at("2026-02-11T00:00:00Z", 1_440), one("2026-02-10"));
        assert_eq!(at("2026-02-10T23:59:59Z", 1_440), one("2026-02-09"));
        // Later than all, and earlier than all.
        assert_eq!(at("2027-01-01T00:00:00Z", close), one("2026-02-11"));
        assert!(matches!(at("2026-02-09T20:00:00Z", close), Days::None(_)));
    }

    #[test]
    fn on_the_days_that_exchanges_were_closed_out_of_turn_there_is_nothing_to_do() {
        let around = [
            (
                "2001-09-10",
                &["2001-09-11", "2001-09-12", "2001-09-13", "2001-09-14"][..],
                "2001-09-17",
            ),
            ("2012-10-26", &["2012-10-29", "2012-10-30"], "2012-10-31"),
            ("2018-12-04", &["2018-12-05"], "2018-12-06"),
            ("2025-01-08", &["2025-01-09"], "2025-01-10"),
        ];
        for (before, closed, after) in around {
            let whole = days(&[before, after]);
            // Also on the evening itself, when the source ends with the day before.
            for sessions in [&whole[..], &whole[..1]] {
                for day in closed {
                    assert_eq!(within(range(day, day), sessions), Found::Holidays, "{day}");
                    let evening: DateTime<Utc> = format!("{day}T22:30:00Z").parse().unwrap();
                    let closed = last_closed_day(evening, 21 * 60);
                    assert_eq!(as_of(evening, closed, sessions), one(before), "{day}");
                }
            }
            assert_eq!(within(range(after, after), &whole), Found::Sessions);
            // Rows that are late are no holiday.
            assert_eq!(within(range(after, after), &whole[..1]), Found::Nothing, "{after}");
        }
    }

    #[test]
    fn a_range_beyond_the_source_is_a_mistake_and_a_week_end_is_not() {
        let sessions = days(&["2026-02-12", "2026-02-13"]);
        assert_eq!(within(range("2026-02-14", "2026-02-15"), &sessions), Found::Holidays);
        // Monday is Washington's birthday, Tuesday is not.
        assert_eq!(within(range("2026-02-14", "2026-02-16"), &sessions), Found::Holidays);
        assert_eq!(within(range("2026-02-14", "2026-02-17"), &sessions), Found::Nothing);
        assert_eq!(within(range("2030-01-01", "2031-01-01"), &sessions), Found::Nothing);
        let open = Range { from: Some("2026-02-14".parse().unwrap()), to: None };
        assert_eq!(within(open, &sessions), Found::Nothing);
        assert_eq!(
            within(Range { from: None, ..range("2026-02-12", "2026-02-12") }, &sessions),
            Found::Sessions
        );
    }
}
