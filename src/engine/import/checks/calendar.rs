//! Days that a ticker lacks or has alone, against the calendar that all tickers make together.
//!
//! A session is a day that at least half of the tickers have whose history reaches over it. So one
//! ticker's stray Saturday is no session, and a day that one ticker lacks is one still.

use super::{Checks, OddityKind};
use crate::import::dates::TimeKind;
use crate::import::report::grouped;

/// A ticker alone has no calendar: gaps beyond this are told. The longest that the S&P 500 was
/// shut since 1950 is seven days, after 2001-09-10.
const GAP_DAYS_MAX: i64 = 10;

pub(super) fn check(checks: &mut Checks<'_>) {
    if checks.table.time_kind != TimeKind::Date {
        return;
    }
    match checks.tickers().as_slice() {
        [alone] => gaps_of_one(checks, alone.clone()),
        tickers => {
            let calendar = Calendar::of(&checks.table.times, tickers);
            for rows in tickers {
                off_calendar(checks, &calendar, rows.clone());
                gaps(checks, &calendar, rows.clone());
            }
            short(checks, &calendar, tickers);
        }
    }
}

/// Every day that occurs, in order, and whether it is a session.
struct Calendar {
    days: Vec<i64>,
    /// Sessions before each of the days, and at last all.
    n_before: Vec<usize>,
}

impl Calendar {
    fn of(times: &[i64], tickers: &[std::ops::Range<usize>]) -> Self {
        let mut days = times.to_vec();
        days.sort_unstable();
        days.dedup();
        let idx_of = |day: i64| days.partition_point(|other| *other < day);
        let mut n_present = vec![0_usize; days.len()];
        for day in times {
            n_present[idx_of(*day)] += 1;
        }
        let (mut begun, mut ended) = (vec![0_usize; days.len()], vec![0_usize; days.len()]);
        for rows in tickers {
            begun[idx_of(times[rows.start])] += 1;
            ended[idx_of(times[rows.end - 1])] += 1;
        }
        let (mut n_alive, mut n_sessions, mut n_before) = (0, 0, vec![0]);
        for day_idx in 0..days.len() {
            n_alive += begun[day_idx];
            n_sessions += usize::from(n_present[day_idx] * 2 >= n_alive);
            n_before.push(n_sessions);
            n_alive -= ended[day_idx];
        }
        Self { days, n_before }
    }

    fn idx(&self, day: i64) -> usize {
        self.days.partition_point(|other| *other < day)
    }

    fn is_session(&self, day: i64) -> bool {
        let idx = self.idx(day);
        self.n_before[idx + 1] > self.n_before[idx]
    }

    /// First, last and number of the sessions between two days, neither counted.
    fn between(&self, after: i64, before: i64) -> Option<(i64, i64, usize)> {
        let (start, end) = (self.idx(after) + 1, self.idx(before));
        let count = self.n_before.get(end)?.checked_sub(*self.n_before.get(start)?)?;
        let is_session = |idx: &usize| self.n_before[idx + 1] > self.n_before[*idx];
        let first = (start..end).find(is_session)?;
        let last = (start..end).rfind(is_session)?;
        Some((self.days[first], self.days[last], count))
    }

    fn n_sessions(&self) -> usize {
        self.n_before.last().copied().unwrap_or_default()
    }
}

fn off_calendar(checks: &mut Checks<'_>, calendar: &Calendar, rows: std::ops::Range<usize>) {
    for row_idx in rows {
        if !calendar.is_session(checks.table.times[row_idx]) {
            let what = || "no session of most other tickers".to_owned();
            checks.row(OddityKind::OffCalendar, row_idx, what);
        }
    }
}

/// A gap is told at the row after it.
fn gaps(checks: &mut Checks<'_>, calendar: &Calendar, rows: std::ops::Range<usize>) {
    for row_idx in rows.skip(1) {
        let times = (checks.table.times[row_idx - 1], checks.table.times[row_idx]);
        if let Some((first, last, count)) = calendar.between(times.0, times.1) {
            let day = |day| super::dates::shown(TimeKind::Date, day);
            let what = || match count {
                1 => format!("1 session missing before it, {}", day(first)),
                _ => format!("{count} sessions missing before it, {} to {}", day(first), day(last)),
            };
            checks.row(OddityKind::Gap, row_idx, what);
        }
    }
}

/// The shortest first.
fn short(checks: &mut Checks<'_>, calendar: &Calendar, tickers: &[std::ops::Range<usize>]) {
    let n_all = calendar.n_sessions();
    let mut short: Vec<(usize, std::ops::Range<usize>)> = tickers
        .iter()
        .map(|rows| {
            let days = &checks.table.times[rows.clone()];
            (days.iter().filter(|day| calendar.is_session(**day)).count(), rows.clone())
        })
        .filter(|(n_sessions, _)| *n_sessions < n_all)
        .collect();
    short.sort_by_key(|(n_sessions, rows)| (*n_sessions, rows.start));
    for (n_sessions, rows) in short {
        let span = (checks.time(rows.start), checks.time(rows.end - 1));
        let counts = (grouped(n_sessions as u64), grouped(n_all as u64));
        checks.whole(OddityKind::ShortHistory, rows, || {
            format!("{} of {} sessions, {} to {}", counts.0, counts.1, span.0, span.1)
        });
    }
}

/// Of a ticker that mostly has a row a day or a working day.
fn gaps_of_one(checks: &mut Checks<'_>, rows: std::ops::Range<usize>) {
    let days = &checks.table.times[rows.clone()];
    let n_daily = days.windows(2).filter(|pair| pair[1] - pair[0] <= 4).count();
    if n_daily * 2 <= days.len() {
        return;
    }
    for row_idx in rows.skip(1) {
        let step = checks.table.times[row_idx] - checks.table.times[row_idx - 1];
        if step > GAP_DAYS_MAX {
            checks.row(OddityKind::Gap, row_idx, || format!("{step} days after the row before it"));
        }
    }
}
