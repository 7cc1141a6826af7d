//! The sessions of US stock exchanges: weekdays without their holidays and without the days on which they were
//! closed out of turn.
//!
//! Source: rule 7.2 of the New York Stock Exchange, as it was from 1994 on; its historical closings.

/// 1994-01-03, a Monday, as days since 1970-01-01: before it, rules were others.
pub const FIRST_SESSION: i32 = 8_768;

/// Days since 1970-01-01 on which exchanges were closed though their rules had them open.
const CLOSED: [i32; 11] = [
    8_882,  // 1994-04-27, funeral of Nixon
    11_576, // 2001-09-11, attacks …
    11_577, 11_578, 11_579, // … to 2001-09-14
    12_580, // 2004-06-11, funeral of Reagan
    13_515, // 2007-01-02, funeral of Ford
    15_642, 15_643, // 2012-10-29 and 30, a hurricane
    17_870, // 2018-12-05, funeral of Bush
    20_097, // 2025-01-09, funeral of Carter
];

/// The first `n` sessions from [`FIRST_SESSION`], as days since 1970-01-01.
pub fn sessions(n: usize) -> Vec<i32> {
    (FIRST_SESSION..).filter(|&day| is_session(day)).take(n).collect()
}

/// Whether US exchanges are open on a day since 1970-01-01, by the rules since 1994.
pub fn is_session(day: i32) -> bool {
    !matches!(weekday(day), SATURDAY | SUNDAY) && !is_holiday(day) && !CLOSED.contains(&day)
}

const SUNDAY: i32 = 0;
const MONDAY: i32 = 1;
const THURSDAY: i32 = 4;
const FRIDAY: i32 = 5;
const SATURDAY: i32 = 6;

/// Days since Sunday.
fn weekday(day: i32) -> i32 {
    // 1970-01-01 was a Thursday.
    (day + THURSDAY).rem_euclid(7)
}

fn is_holiday(day: i32) -> bool {
    let (year, month, date) = civil(day);
    let nth = (date - 1) / 7 + 1;
    match (month, weekday(day)) {
        // Martin Luther King's, Washington's birthday, Labor Day.
        (1, MONDAY) if nth == 3 && year >= 1998 => true,
        (2, MONDAY) if nth == 3 => true,
        (9, MONDAY) if nth == 1 => true,
        (11, THURSDAY) if nth == 4 => true,
        // Memorial Day: the last Monday.
        (5, MONDAY) if date > 24 => true,
        (_, FRIDAY) if day == easter(year) - 2 => true,
        // New Year's Day on a Saturday is not made up for on the last day of a year's books.
        _ => {
            is_observed(day, 1, 1) && !(month == 12 && date == 31)
                || (year >= 2022 && is_observed(day, 6, 19))
                || is_observed(day, 7, 4)
                || is_observed(day, 12, 25)
        }
    }
}

/// Whether `day` is that date, or the Friday before or the Monday after one of a weekend.
fn is_observed(day: i32, month: i32, date: i32) -> bool {
    let is = |day: i32| {
        let (_, found_month, found_date) = civil(day);
        (found_month, found_date) == (month, date)
    };
    match weekday(day) {
        MONDAY => is(day) || is(day - 1),
        FRIDAY => is(day) || is(day + 1),
        _ => is(day),
    }
}

/// Year, month and day of the month of days since 1970-01-01.
///
/// Source: Hinnant 2013, "chrono-Compatible Low-Level Date Algorithms", `civil_from_days`.
fn civil(day: i32) -> (i32, i32, i32) {
    let z = day + 719_468;
    let era = z.div_euclid(146_097);
    let of_era = z.rem_euclid(146_097);
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let date = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (year + era * 400 + i32::from(month <= 2), month, date)
}

/// Days since 1970-01-01 of a date: `days_from_civil` of the same source.
fn day_of(year: i32, month: i32, date: i32) -> i32 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * (if month > 2 { month - 3 } else { month + 9 }) + 2) / 5 + date - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// Easter Sunday of the Gregorian calendar.
///
/// Source: Meeus 1991, "Astronomical Algorithms", chapter 8.
fn easter(year: i32) -> i32 {
    let a = year % 19;
    let (b, c) = (year / 100, year % 100);
    let (d, e) = (b / 4, b % 4);
    let g = (8 * b + 13) / 25;
    let h = (19 * a + b - d - g + 15) % 30;
    let (i, k) = (c / 4, c % 4);
    let l = (32 + 2 * e + 2 * i - h - k) % 7;
    let m = (a + 11 * h + 19 * l) / 433;
    let month = (h + l - 7 * m + 90) / 25;
    let date = (h + l - 7 * m + 33 * month + 19) % 32;
    day_of(year, month, date)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_and_days_are_each_other_s_inverse() {
        assert_eq!(day_of(1994, 1, 3), FIRST_SESSION);
        assert_eq!(civil(0), (1970, 1, 1));
        for day in -800_000..200_000 {
            let (year, month, date) = civil(day);
            assert_eq!(day_of(year, month, date), day);
        }
    }

    #[test]
    fn the_closings_are_those_of_the_dates_beside_them() {
        let dates = [
            (1994, 4, 27),
            (2001, 9, 11),
            (2001, 9, 12),
            (2001, 9, 13),
            (2001, 9, 14),
            (2004, 6, 11),
            (2007, 1, 2),
            (2012, 10, 29),
            (2012, 10, 30),
            (2018, 12, 5),
            (2025, 1, 9),
        ];
        assert_eq!(dates.map(|(year, month, date)| day_of(year, month, date)), CLOSED);
    }

    #[test]
    fn easter_is_where_the_almanac_has_it() {
        let found = [1994, 2000, 2019, 2024, 2038].map(|year| civil(easter(year)));
        assert_eq!(
            found,
            [(1994, 4, 3), (2000, 4, 23), (2019, 4, 21), (2024, 3, 31), (2038, 4, 25)]
        );
    }

    #[test]
    fn holidays_are_observed_as_the_exchange_has_observed_them() {
        let closed = [
            (1998, 1, 19),
            (1999, 12, 24), // Christmas on a Saturday
            (2010, 12, 24),
            (2020, 7, 3),
            (2021, 7, 5),
            (2022, 6, 20),
            (2023, 1, 2),
            (2024, 3, 29),
            (2024, 11, 28),
            (2025, 5, 26),
        ];
        for (year, month, date) in closed {
            assert!(!is_session(day_of(year, month, date)), "{year}-{month}-{date}");
        }
        let open = [
            (1997, 1, 20),  // not yet a holiday
            (1999, 12, 31), // New Year's Day on a Saturday
            (2010, 12, 31),
            (2021, 6, 18),
            (2021, 12, 31),
            (2018, 12, 4),
            (2001, 9, 17),
        ];
        for (year, month, date) in open {
            assert!(is_session(day_of(year, month, date)), "{year}-{month}-{date}");
        }
    }
}
