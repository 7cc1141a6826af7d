//! What is odd about a ticker's rows, in a line: how many of each kind, and the first of them.

use oddlot_engine::inspect::TickerFacts;
use oddlot_engine::ticker_rows::iso_date;

/// Rows whose price cannot be used, if there are any. `column` is what the source calls the price.
pub(super) fn unusable(
    facts: &TickerFacts,
    column: &str,
    requires_positive: bool,
) -> Option<String> {
    let n = facts.n_unusable(requires_positive) + facts.n_null_ts;
    if n == 0 {
        return None;
    }
    let on = |day: Option<i32>| day.map_or_else(String::new, |day| format!(" ({})", iso_date(day)));
    let number = |first: Option<(i32, f64)>| match first {
        Some((day, value)) => format!(" ({}, {column} = {value})", iso_date(day)),
        None => String::new(),
    };
    let n_non_positive = if requires_positive { facts.n_non_positive } else { 0 };
    let kinds = [
        (n_non_positive, "zero or negative", number(facts.first_non_positive)),
        (facts.n_not_finite, "NaN or infinite", number(facts.first_not_finite)),
        (facts.n_null, "empty", on(facts.first_null_day)),
        (facts.n_conflict, "told in two ways", on(facts.first_conflict_day)),
        (facts.n_dropped, "taken out by checks", String::new()),
        (facts.n_null_ts, "without a date", String::new()),
    ];
    let kinds: Vec<String> = kinds
        .into_iter()
        .filter(|(n, ..)| *n > 0)
        .map(|(n, kind, first)| format!("{n} {kind}{first}"))
        .collect();
    Some(format!("{n} of {} rows cannot be used: {}", facts.n_rows, kinds.join(", ")))
}

/// Rows that repeat an instant, if there are any.
pub(super) fn repeated(facts: &TickerFacts) -> Option<String> {
    let first = facts.first_duplicate_ts.map(instant)?;
    Some(match facts.n_duplicate_ts {
        1 => format!("1 row repeats a date ({first})"),
        n => format!("{n} rows repeat a date ({first})"),
    })
}

/// An instant for people: a date, where it is a midnight.
fn instant(ts_us: i64) -> String {
    chrono::DateTime::from_timestamp_micros(ts_us).map_or_else(
        || format!("{ts_us} µs"),
        |instant| {
            let text = instant.format("%Y-%m-%dT%H:%M:%SZ").to_string();
            text.strip_suffix("T00:00:00Z").map_or(text.clone(), str::to_owned)
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts() -> TickerFacts {
        TickerFacts {
            n_rows: 100,
            n_null_ts: 1,
            n_null: 2,
            first_null_day: Some(0),
            n_not_finite: 3,
            first_not_finite: Some((1, f64::NEG_INFINITY)),
            n_non_positive: 4,
            first_non_positive: Some((2, -1.5)),
            n_conflict: 5,
            first_conflict_day: Some(3),
            n_duplicate_ts: 6,
            first_duplicate_ts: Some(86_400_000_001 - 1),
            ..TickerFacts::default()
        }
    }

    #[test]
    fn every_kind_is_counted_with_its_first_row() {
        assert_eq!(
            unusable(&facts(), "close", true).as_deref(),
            Some(
                "15 of 100 rows cannot be used: 4 zero or negative (1970-01-03, close = -1.5), \
                 3 NaN or infinite (1970-01-02, close = -inf), 2 empty (1970-01-01), \
                 5 told in two ways (1970-01-04), 1 without a date"
            )
        );
        assert_eq!(repeated(&facts()).as_deref(), Some("6 rows repeat a date (1970-01-02)"));
        // Of 100 rows 1 has no date and 6 repeat one; of 93 dates 14 have no usable price.
        assert_eq!(facts().n_usable(true), 79);
    }

    #[test]
    fn a_price_below_zero_is_none_where_no_logarithm_is_taken() {
        let told = unusable(&facts(), "close", false).unwrap_or_default();
        assert!(told.starts_with("11 of 100") && !told.contains("zero"), "{told}");
        assert_eq!(facts().n_usable(false), 83);
    }

    #[test]
    fn a_clean_history_has_nothing_to_tell() {
        let clean = TickerFacts { n_rows: 9, n_non_positive: 1, ..TickerFacts::default() };
        assert_eq!((unusable(&clean, "close", false), repeated(&clean)), (None, None));
    }
}
