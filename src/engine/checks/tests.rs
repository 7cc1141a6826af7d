use chrono::NaiveDate;
use datafusion::arrow::array::{ArrayRef, Float64Array};
use datafusion::datasource::MemTable;
use std::sync::Arc;

use super::*;
use crate::testing::{register_prices, rows, session_of};

const DAY_US: i64 = 86_400_000_000;

fn check(name: &str, severity: Severity) -> Check {
    Check { name: name.into(), file: SqlFile::builtin_check(name).unwrap(), severity }
}

/// Days and words of what `check` finds in the values of one ticker on the days 0, 1, 2 …
async fn found(check: &Check, values: &[f64]) -> (u64, Option<(i64, Option<String>)>) {
    let context = session_of(3);
    let prices = values.iter().zip(0..).map(|(value, day)| ("A", day, Some(*value)));
    let prices: Vec<_> = prices.collect();
    register_prices(&context, &prices, 3, true);
    let today = NaiveDate::from_ymd_opt(1970, 1, 5).unwrap();
    let found = run(&context, std::slice::from_ref(check), today).await.unwrap().remove(0);
    let of_a = found.tickers.get("A").cloned().unwrap_or_default();
    (of_a.n_rows, of_a.first.map(|(ts, words)| (ts / DAY_US, words)))
}

#[tokio::test]
async fn a_jump_is_a_tripling_and_the_way_back_from_a_slip_is_none() {
    let jumps = check("jumps", Severity::Drop);
    let of = async |values: &[f64]| found(&jumps, values).await;
    assert_eq!(of(&[10.0, 29.0, 10.0, 3.4]).await, (0, None));
    let words = |day, words: &str| Some((day, Some(words.to_owned())));
    assert_eq!(of(&[10.0, 11.0, 1100.0, 11.0]).await, (1, words(2, "1100.0 after 11.0")));
    assert_eq!(of(&[30.0, 10.0, 10.0]).await, (1, words(1, "10.0 after 30.0")));
    // Twice up is two jumps; zero and NaN are for others to tell.
    assert_eq!(of(&[1.0, 4.0, 16.0]).await.0, 2);
    assert_eq!(of(&[1.0, 0.0, f64::NAN, f64::INFINITY, 1.0]).await, (0, None));
    assert_eq!(of(&[]).await, (0, None));
}

#[tokio::test]
async fn the_fifth_equal_price_is_stale() {
    let stale = check("stale_prices", Severity::Drop);
    assert_eq!(found(&stale, &[1.0, 2.0, 2.0, 2.0, 2.0, 3.0]).await.0, 0);
    let (n, first) = found(&stale, &[2.0; 7]).await;
    assert_eq!((n, first.unwrap().0), (3, 4));
}

#[tokio::test]
async fn a_day_after_today_is_in_the_future() {
    // The fifth of January is today.
    let future = check("future_dates", Severity::Warn);
    assert_eq!(found(&future, &[1.0; 5]).await, (0, None));
    assert_eq!(found(&future, &[1.0; 8]).await, (3, Some((5, None))));
}

#[tokio::test]
async fn a_row_told_again_is_a_duplicate() {
    let context = session_of(2);
    let prices = [("A", 0), ("A", 0), ("A", 1), ("B", 0), ("B", 1), ("B", 1), ("B", 1)];
    register_prices(&context, &prices.map(|(t, day)| (t, day, Some(1.0))), 2, true);
    let check = [check("duplicate_rows", Severity::Drop)];
    let found = run(&context, &check, NaiveDate::default()).await.unwrap();
    assert_eq!(found[0].n_rows(), 3);
    let instants = dropped(&found);
    assert_eq!(instants["A"], [0]);
    assert_eq!(instants["B"], [DAY_US]);
}

#[tokio::test]
async fn volume_and_the_order_of_the_four_prices_are_checked_where_they_are_there() {
    let context = session_of(8);
    register_prices(&context, &[("A", 0, Some(1.0)), ("A", 1, Some(1.0))], 8, true);
    let table = rows(&context, "SELECT * FROM prices ORDER BY ts").await;
    let columns: [(&str, [f64; 2]); 5] = [
        ("open", [10.0, 10.0]),
        ("high", [11.0, 9.5]),
        ("low", [9.0, 9.0]),
        ("close", [11.0005, 9.2]),
        ("volume", [1.0, 0.0]),
    ];
    let mut fields = table.schema().fields().to_vec();
    let mut arrays = table.columns().to_vec();
    for (name, values) in columns {
        let field = datafusion::arrow::datatypes::Field::new(name, DataType::Float64, true);
        fields.push(Arc::new(field));
        arrays.push(Arc::new(Float64Array::from(values.to_vec())) as ArrayRef);
    }
    let schema = Arc::new(datafusion::arrow::datatypes::Schema::new(fields));
    let batch = RecordBatch::try_new(Arc::clone(&schema), arrays).unwrap();
    context.deregister_table("prices").unwrap();
    let table = MemTable::try_new(schema, vec![vec![batch]]).unwrap();
    context.register_table("prices", Arc::new(table)).unwrap();
    let checks = ["ohlc_order", "zero_volume"].map(|name| check(name, Severity::Warn));
    let found = run(&context, &checks, NaiveDate::default()).await.unwrap();
    let first = |idx: usize| found[idx].tickers["A"].first.clone().unwrap();
    assert_eq!(found.iter().map(Findings::n_rows).collect::<Vec<_>>(), [1, 1]);
    assert_eq!(first(0), (DAY_US, Some("open 10.0, high 9.5, low 9.0, close 9.2".into())));
    assert_eq!(first(1), (DAY_US, Some("volume 0.0".into())));
}

#[tokio::test]
async fn a_check_that_takes_rows_out_may_not_see_the_future_and_one_that_warns_may() {
    let sql = "-- own: the next is lower\nWITH n AS (SELECT ticker, ts, value, lead(value) OVER \
        (PARTITION BY ticker ORDER BY ts) AS next FROM prices) SELECT ticker, ts FROM n WHERE next < value";
    let own = |severity| Check { name: "own".into(), file: SqlFile::new("own.sql", sql), severity };
    assert_eq!(found(&own(Severity::Warn), &[2.0, 1.0]).await, (1, Some((0, None))));
    let context = session_of(3);
    register_prices(&context, &[("A", 0, Some(1.0))], 3, true);
    let refused = run(&context, &[own(Severity::Drop)], NaiveDate::default()).await.unwrap_err();
    assert_eq!(refused.kind, Kind::Config);
    assert!(refused.to_string().contains("sees the future"), "{refused}");
    // Keys are needed, and nothing but a SELECT is run.
    let wrong = |sql: &str| Check {
        name: "own".into(),
        file: SqlFile::new("own.sql", sql),
        severity: Severity::Warn,
    };
    for (sql, words) in [
        ("SELECT ticker FROM prices", "does not give column `ts`"),
        ("DROP TABLE prices", "the file does more than read"),
        ("SELECT ticker, ts FROM prices WHERE value > $most", "no parameter `$most`"),
        (
            "SELECT ticker, ts FROM prices WHERE abs(MARKET_RETURN (trade_date)) > 0.1",
            "asks for the market's move",
        ),
    ] {
        let refused = run(&context, &[wrong(sql)], NaiveDate::default()).await.unwrap_err();
        assert_eq!(refused.kind, Kind::Config);
        assert!(refused.to_string().contains(words), "{refused}");
    }
}
