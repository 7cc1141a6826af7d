//! Scales: from values and instants to pixels, and where ticks stand.

use chrono::{DateTime, Datelike, Days, Months, NaiveDate, Timelike, Utc};

use crate::number::{DAY_US, moment};

/// How values lie between two pixels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Scale {
    values: (f64, f64),
    pixels: (f64, f64),
    is_log: bool,
}

impl Scale {
    /// From the first value at the first pixel to the second at the second; equal values are set apart.
    pub(crate) fn linear(values: (f64, f64), pixels: (f64, f64)) -> Self {
        let (low, high) = values;
        let values = match high > low {
            true => values,
            false => (low - 0.5 * low.abs().max(1.0), low + 0.5 * low.abs().max(1.0)),
        };
        Self { values, pixels, is_log: false }
    }

    /// The same with equal ratios at equal distances; both values are positive.
    pub(crate) fn log((low, high): (f64, f64), pixels: (f64, f64)) -> Self {
        Self { is_log: true, ..Self::linear((low.ln(), high.ln()), pixels) }
    }

    /// Whether equal distances are equal ratios.
    pub(crate) fn is_log(&self) -> bool {
        self.is_log
    }

    /// The values at its two pixels.
    pub(crate) fn values(&self) -> (f64, f64) {
        let (low, high) = self.values;
        if self.is_log { (low.exp(), high.exp()) } else { (low, high) }
    }

    /// The pixel of a value.
    pub(crate) fn at(&self, value: f64) -> f64 {
        let value = if self.is_log { value.max(f64::MIN_POSITIVE).ln() } else { value };
        let share = (value - self.values.0) / (self.values.1 - self.values.0);
        self.pixels.0 + share * (self.pixels.1 - self.pixels.0)
    }

    /// The pixel of a value, or of the nearest end.
    pub(crate) fn within(&self, value: f64) -> f64 {
        let (a, b) = self.pixels;
        self.at(value).clamp(a.min(b), a.max(b))
    }

    /// The pixels of [`Self::ticks`], with their labels.
    pub(crate) fn placed(&self, n: usize) -> Vec<(f64, String)> {
        self.ticks(n).into_iter().map(|(value, label)| (self.at(value), label)).collect()
    }

    /// Up to about `n` round values with their labels.
    pub(crate) fn ticks(&self, n: usize) -> Vec<(f64, String)> {
        let (low, high) = self.values;
        if self.is_log {
            return log_ticks(low.exp(), high.exp(), n);
        }
        let step = round_step((high - low) / n.max(1) as f64);
        let digits = (-step.log10().floor()).clamp(0.0, 12.0) as usize;
        let first = (low / step).ceil() as i64;
        let last = (high / step).floor() as i64;
        (first..=last)
            .map(|idx| {
                let value = idx as f64 * step;
                (value, label(value, digits))
            })
            .collect()
    }
}

fn label(value: f64, digits: usize) -> String {
    match value.abs() < 1e12 {
        true => crate::number::fixed(value, digits),
        false => crate::number::short(value),
    }
}

/// 1, 2 or 5 times a power of ten, at least `least`.
fn round_step(least: f64) -> f64 {
    let power = 10f64.powf(least.log10().floor());
    let times = [1.0, 2.0, 5.0].into_iter().find(|times| times * power >= least * 0.999);
    times.unwrap_or(10.0) * power
}

fn log_ticks(low: f64, high: f64, n: usize) -> Vec<(f64, String)> {
    let powers = low.log10().floor() as i32..=high.log10().ceil() as i32;
    for times in [&[1.0, 2.0, 5.0][..], &[1.0, 3.0], &[1.0]] {
        let ticks: Vec<(f64, String)> = powers
            .clone()
            .flat_map(|power| times.iter().map(move |times| times * 10f64.powi(power)))
            .filter(|value| (low..=high).contains(value))
            .map(|value| (value, label(value, (-value.log10().floor()).clamp(0.0, 12.0) as usize)))
            .collect();
        if ticks.len() <= n.max(2) || times.len() == 1 {
            return ticks;
        }
    }
    Vec::new()
}

/// Lowest and highest of the finite values, a little set apart; `None` of none.
pub(crate) fn extent(values: impl IntoIterator<Item = f64>) -> Option<(f64, f64)> {
    values.into_iter().filter(|value| value.is_finite()).fold(None, |extent, value| {
        let (low, high) = extent.unwrap_or((value, value));
        Some((low.min(value), high.max(value)))
    })
}

/// How far apart ticks of a time axis stand.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Step {
    Minutes(i64),
    Days(u64),
    Months(u32),
}

const STEPS: [Step; 19] = [
    Step::Minutes(1),
    Step::Minutes(5),
    Step::Minutes(15),
    Step::Minutes(60),
    Step::Minutes(180),
    Step::Minutes(720),
    Step::Days(1),
    Step::Days(2),
    Step::Days(7),
    Step::Days(14),
    Step::Months(1),
    Step::Months(2),
    Step::Months(3),
    Step::Months(6),
    Step::Months(12),
    Step::Months(24),
    Step::Months(60),
    Step::Months(120),
    Step::Months(240),
];

impl Step {
    fn micros(self) -> i64 {
        match self {
            Self::Minutes(n) => n * 60_000_000,
            Self::Days(n) => n as i64 * DAY_US,
            Self::Months(n) => i64::from(n) * 30 * DAY_US,
        }
    }

    /// The last tick at or before an instant.
    fn before(self, ts: i64) -> DateTime<Utc> {
        let at = moment(ts);
        let date = at.date_naive();
        let start = match self {
            Self::Minutes(n) => {
                let since = i64::from(at.num_seconds_from_midnight()) / 60 / n * n;
                return midnight(date) + chrono::TimeDelta::minutes(since);
            }
            // Weeks begin on Monday.
            Self::Days(n) if n % 7 == 0 => {
                date - Days::new(u64::from(date.weekday().num_days_from_monday()))
            }
            Self::Days(_) => date,
            Self::Months(n) => {
                let months = date.year() * 12 + date.month0() as i32;
                let months = months.div_euclid(n as i32) * n as i32;
                NaiveDate::from_ymd_opt(months.div_euclid(12), months.rem_euclid(12) as u32 + 1, 1)
                    .unwrap_or(date)
            }
        };
        midnight(start)
    }

    fn next(self, at: DateTime<Utc>) -> Option<DateTime<Utc>> {
        match self {
            Self::Minutes(n) => at.checked_add_signed(chrono::TimeDelta::minutes(n)),
            Self::Days(n) => at.checked_add_days(Days::new(n)),
            Self::Months(n) => at.checked_add_months(Months::new(n)),
        }
    }

    /// What stands below a tick: the year where it is new, and only there.
    fn label(self, at: DateTime<Utc>, last: Option<DateTime<Utc>>) -> String {
        let is_new_year = last.is_none_or(|last| last.year() != at.year());
        let is_new_day = last.is_none_or(|last| last.date_naive() != at.date_naive());
        let format = match self {
            Self::Minutes(_) if is_new_day => "%-d %b %H:%M",
            Self::Minutes(_) => "%H:%M",
            Self::Days(_) if is_new_year => "%-d %b %Y",
            Self::Days(_) => "%-d %b",
            Self::Months(n) if n >= 12 => "%Y",
            Self::Months(_) if is_new_year => "%b %Y",
            Self::Months(_) => "%b",
        };
        at.format(format).to_string()
    }
}

fn midnight(date: NaiveDate) -> DateTime<Utc> {
    date.and_time(chrono::NaiveTime::MIN).and_utc()
}

/// At most `n` instants between two (µs, both included) with their labels.
pub(crate) fn time_ticks(first: i64, last: i64, n: usize) -> Vec<(i64, String)> {
    // Of a single instant its day is told.
    let room = if last > first { (last - first) / n.max(1) as i64 } else { DAY_US };
    let step = STEPS.into_iter().find(|step| step.micros() >= room);
    let step = step.unwrap_or(Step::Months(600));
    let mut ticks: Vec<(i64, String)> = Vec::new();
    let mut at = step.before(first);
    let mut told = None;
    while at.timestamp_micros() <= last {
        if at.timestamp_micros() >= first {
            ticks.push((at.timestamp_micros(), step.label(at, told)));
            told = Some(at);
        }
        match step.next(at) {
            Some(next) if ticks.len() < 1000 => at = next,
            _ => break,
        }
    }
    ticks
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ts(date: &str) -> i64 {
        midnight(date.parse().unwrap()).timestamp_micros()
    }

    fn labels(ticks: &[(i64, String)]) -> Vec<&str> {
        ticks.iter().map(|(_, label)| label.as_str()).collect()
    }

    #[test]
    fn a_scale_maps_its_ends_and_its_middle() {
        let scale = Scale::linear((10.0, 20.0), (100.0, 0.0));
        assert_eq!([10.0, 15.0, 20.0].map(|value| scale.at(value)), [100.0, 50.0, 0.0]);
        assert_eq!(scale.within(1e9), 0.0);
        // Ratios: 1 … 100, and 10 lies half way.
        let log = Scale::log((1.0, 100.0), (0.0, 200.0));
        assert!((log.at(10.0) - 100.0).abs() < 1e-9);
        assert!(log.at(0.0).is_finite() && log.at(-5.0).is_finite());
    }

    #[test]
    fn equal_values_still_have_a_scale() {
        for value in [0.0, 5.0, -3.0] {
            assert_eq!(Scale::linear((value, value), (0.0, 10.0)).at(value), 5.0);
        }
    }

    #[test]
    fn ticks_are_round_and_lie_within() {
        let ticks = Scale::linear((2191.0, 3393.0), (0.0, 1.0)).ticks(5);
        assert_eq!(
            ticks.iter().map(|(_, label)| label.as_str()).collect::<Vec<_>>(),
            ["2,500", "3,000"]
        );
        let ticks = Scale::linear((-0.3, 0.31), (0.0, 1.0)).ticks(6);
        let labels: Vec<&str> = ticks.iter().map(|(_, label)| label.as_str()).collect();
        assert_eq!(labels, ["−0.2", "0.0", "0.2"]);
        let ticks = Scale::log((17.0, 6900.0), (0.0, 1.0)).ticks(9);
        assert_eq!(ticks.first().unwrap().1, "20");
        assert_eq!(ticks.last().unwrap().1, "5,000");
    }

    #[test]
    fn times_are_told_in_steps_of_the_calendar_and_the_year_once() {
        let ticks = time_ticks(ts("2019-11-15"), ts("2020-04-20"), 8);
        assert_eq!(labels(&ticks), ["Dec 2019", "Jan 2020", "Feb", "Mar", "Apr"]);
        let years = time_ticks(ts("1950-01-03"), ts("2026-02-11"), 8);
        assert_eq!(
            labels(&years)[..3],
            ["1950", "1960", "1970"][..]
                .iter()
                .copied()
                .skip(1)
                .chain(["1980"])
                .collect::<Vec<_>>()[..]
        );
        let hours = time_ticks(0, 6 * 3_600_000_000, 8);
        assert_eq!(labels(&hours)[..2], ["1 Jan 00:00", "01:00"]);
        assert_eq!(labels(&time_ticks(ts("2020-03-16"), ts("2020-03-16"), 5)), ["16 Mar 2020"]);
    }

    #[test]
    fn the_extent_of_nothing_finite_is_none() {
        assert_eq!(extent([f64::NAN, f64::INFINITY]), None);
        assert_eq!(extent([2.0, f64::NAN, -1.0]), Some((-1.0, 2.0)));
    }
}
