use super::*;
use crate::testing::{Price, floats, register_prices, rows, session_of};

const DAY_US: i64 = 86_400_000_000;

fn day(day: i64) -> Option<i64> {
    Some(day * DAY_US)
}

#[tokio::test]
async fn each_oddity_is_counted_with_its_first_row() {
    let context = session_of(3);
    let rows = [
        ("A", 1, Some(1.0)),
        ("A", 2, None),
        ("A", 3, Some(0.0)),
        ("A", 4, Some(-1.0)),
        ("A", 5, Some(f64::NAN)),
        ("A", 6, Some(f64::NEG_INFINITY)),
        ("B", 9, Some(2.0)),
    ];
    register_prices(&context, &rows, 2, true);
    let Inspection { tickers, is_merged } = inspect(&context).await.unwrap();
    assert!(!is_merged);
    let a = &tickers[0];
    assert_eq!((a.n_rows, a.n_null, a.first_null_day), (6, 1, Some(2)));
    assert_eq!((a.n_non_positive, a.first_non_positive), (2, Some((3, 0.0))));
    assert_eq!(a.n_not_finite, 2);
    assert!(a.first_not_finite.is_some_and(|(day, value)| day == 5 && value.is_nan()));
    assert_eq!((a.first_ts, a.last_ts), (day(1), day(6)));
    assert_eq!((a.n_usable(false), a.n_usable(true)), (3, 1));
    let b = TickerFacts {
        ticker: "B".into(),
        n_rows: 1,
        first_ts: day(9),
        last_ts: day(9),
        ..TickerFacts::default()
    };
    assert_eq!(tickers[1..], [b]);
}

/// Each day of A is told twice, in one way or another; B's only day once.
const REPEATED: [Price; 13] = [
    ("A", 1, Some(5.0)),
    ("A", 1, Some(5.0)),
    ("A", 2, Some(5.0)),
    ("A", 2, Some(6.0)),
    ("A", 3, None),
    ("A", 3, None),
    ("A", 4, Some(7.0)),
    ("A", 4, None),
    ("A", 5, Some(f64::NAN)),
    ("A", 5, Some(7.0)),
    ("A", 6, Some(f64::INFINITY)),
    ("A", 6, Some(f64::INFINITY)),
    ("B", 1, Some(f64::NAN)),
];

#[tokio::test]
async fn a_day_told_twice_counts_once_and_is_a_conflict_where_the_numbers_differ() {
    for (batch_rows, sorted) in [(1, true), (3, true), (100, true), (2, false)] {
        let context = session_of(batch_rows);
        let mut prices = REPEATED;
        if !sorted {
            prices.reverse();
        }
        register_prices(&context, &prices, batch_rows, sorted);
        let Inspection { tickers, is_merged } = inspect(&context).await.unwrap();
        assert!(is_merged);
        let a = &tickers[0];
        assert_eq!((a.n_rows, a.n_duplicate_ts, a.first_duplicate_ts), (12, 6, day(1)));
        assert_eq!((a.n_conflict, a.first_conflict_day), (3, Some(2)));
        assert_eq!((a.n_null, a.n_not_finite), (1, 1));
        // Of days 1 … 6 only the first has one usable price.
        assert_eq!((a.n_instants(), a.n_usable(true)), (6, 1));
        assert_eq!((tickers[1].n_rows, tickers[1].n_not_finite), (1, 1));

        let merged = "SELECT value, CAST(is_conflict AS DOUBLE) AS is_conflict FROM prices \
            ORDER BY ticker, ts";
        let merged = rows(&context, merged).await;
        let values = floats(&merged, "value");
        let of_a = [Some(5.0), None, None, None, None];
        assert_eq!(values[..5], of_a, "{values:?}");
        assert!(values[5..].iter().all(|value| value.is_some_and(|value| !value.is_finite())));
        let conflicts = floats(&merged, "is_conflict");
        assert_eq!(conflicts, [0.0, 1.0, 0.0, 1.0, 1.0, 0.0, 0.0].map(Some));
    }
}

#[test]
fn a_ticker_that_is_missing_is_the_empty_one() {
    let facts = |ticker: &str, n_rows, first| TickerFacts {
        ticker: ticker.into(),
        n_rows,
        first_ts: day(first),
        ..TickerFacts::default()
    };
    let mut tickers = vec![facts("A", 1, 1)];
    add_nameless(&mut tickers, facts("", 2, 3));
    assert_eq!(tickers, [facts("", 2, 3), facts("A", 1, 1)]);
    add_nameless(&mut tickers, facts("", 1, 2));
    assert_eq!(tickers, [facts("", 3, 2), facts("A", 1, 1)]);
}
