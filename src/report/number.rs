//! Numbers and instants as people read them.

use chrono::{DateTime, NaiveDate, Timelike};

/// With thousands separated and `digits` decimals; a true minus sign; a dash for what is not finite.
///
/// ```
/// assert_eq!(oddlot_report::number::fixed(-12345.678, 2), "−12,345.68");
/// ```
pub fn fixed(value: f64, digits: usize) -> String {
    if !value.is_finite() {
        return "–".into();
    }
    let text = format!("{:.digits$}", value.abs());
    let (whole, decimals) = match text.split_once('.') {
        Some((whole, decimals)) => (whole, format!(".{decimals}")),
        None => (text.as_str(), String::new()),
    };
    let is_zero = text.chars().all(|c| matches!(c, '0' | '.'));
    let sign = if value < 0.0 && !is_zero { "−" } else { "" };
    format!("{sign}{}{decimals}", thousands(whole))
}

/// A count, with thousands separated.
pub fn count(n: u64) -> String {
    thousands(&n.to_string())
}

fn thousands(digits: &str) -> String {
    let mut text = String::new();
    for (idx, digit) in digits.chars().enumerate() {
        if idx > 0 && (digits.len() - idx).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// About four significant digits, and cents of what is larger, for figures of any size.
pub fn short(value: f64) -> String {
    let size = value.abs();
    match size {
        _ if !value.is_finite() => "–".into(),
        0.0 => "0".into(),
        _ if (100.0..1e5).contains(&size) => fixed(value, 2),
        _ if !(1e-4..1e9).contains(&size) => format!("{value:.2e}").replace('-', "−"),
        _ => fixed(value, (3.0 - size.log10().floor()).clamp(0.0, 6.0) as usize),
    }
}

/// A share as percent.
pub fn percent(share: f64) -> String {
    match share.is_finite() {
        true => format!("{} %", fixed(100.0 * share, 2)),
        false => "–".into(),
    }
}

/// With its sign, as a change is told.
pub fn change(percent: f64) -> String {
    match percent.is_finite() {
        true if percent > 0.0 => format!("+{} %", fixed(percent, 2)),
        true => format!("{} %", fixed(percent, 2)),
        false => "–".into(),
    }
}

/// `what`, or a dash.
pub fn or_dash(value: Option<f64>, write: impl Fn(f64) -> String) -> String {
    value.map_or_else(|| "–".into(), write)
}

/// The day of an instant in µs since 1970-01-01 UTC.
pub fn day(ts: i64) -> NaiveDate {
    moment(ts).date_naive()
}

/// A day since 1970-01-01 as ISO writes it.
pub fn iso_day(days: i32) -> String {
    day(i64::from(days) * DAY_US).to_string()
}

/// An instant as ISO writes it: only the day, where it is midnight.
pub fn iso(ts: i64) -> String {
    let moment = moment(ts);
    match moment.num_seconds_from_midnight() {
        0 => moment.format("%Y-%m-%d").to_string(),
        _ => moment.format("%Y-%m-%d %H:%M").to_string(),
    }
}

/// Microseconds of a day.
pub const DAY_US: i64 = 86_400_000_000;

pub(crate) fn moment(ts: i64) -> DateTime<chrono::Utc> {
    DateTime::from_timestamp_micros(ts).unwrap_or_default()
}

/// A name as it may be shown: control characters, those that turn the direction of what follows, and those without
/// width are written out.
pub fn printable(name: &str) -> String {
    let is_hidden = |c: char| {
        let is_invisible = matches!(
            c,
            '\u{ad}'
                | '\u{61c}'
                | '\u{180e}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{feff}'
                | '\u{fff9}'..='\u{fffb}'
                | '\u{e0000}'..='\u{e007f}'
        );
        c.is_control() || is_invisible
    };
    name.chars()
        .flat_map(|c| match is_hidden(c) {
            true => c.escape_unicode().collect::<Vec<char>>(),
            false => vec![c],
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_separators_and_a_true_minus_and_never_a_negative_zero() {
        assert_eq!(fixed(1234567.891, 1), "1,234,567.9");
        assert_eq!(fixed(-0.001, 2), "0.00");
        assert_eq!(fixed(999.0, 0), "999");
        assert_eq!(fixed(f64::NAN, 2), "–");
        assert_eq!(count(1000), "1,000");
        let whole = [0.4, 999.0, 1_000.0, 12_345.6, 1_234_567.0].map(|number| fixed(number, 0));
        assert_eq!(whole, ["0", "999", "1,000", "12,346", "1,234,567"]);
        assert_eq!(short(0.012344), "0.01234");
        assert_eq!(
            (short(3379.6), short(99.5), short(250_000.4)),
            ("3,379.60".into(), "99.50".into(), "250,000".into())
        );
        assert_eq!(short(1.5e12), "1.50e12");
        assert_eq!(short(-2.5e-7), "−2.50e−7");
        assert_eq!((change(9.52), change(-3.66)), ("+9.52 %".into(), "−3.66 %".into()));
        assert_eq!(percent(0.0099), "0.99 %");
    }

    #[test]
    fn instants_at_midnight_are_days() {
        assert_eq!(iso(0), "1970-01-01");
        assert_eq!(iso(DAY_US + 3_600_000_000), "1970-01-02 01:00");
        assert_eq!(iso_day(18_337), "2020-03-16");
    }

    #[test]
    fn what_would_turn_or_hide_text_is_written_out() {
        assert_eq!(printable("A\u{202e}B\n"), "A\\u{202e}B\\u{a}");
        assert_eq!(printable("<b>&\"ש😀"), "<b>&\"ש😀");
    }
}
