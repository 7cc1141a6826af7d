use proptest::prelude::*;

use super::*;
use crate::relation::{PipelineSql, windows};
use crate::source::{Part, WholePrices};
use crate::testing::{Price, floats, register_prices, rows, session_of};

const NAMES: [&str; 6] = ["A", "B", "C", "D", "E", "F"];

fn sql() -> PipelineSql {
    PipelineSql::new(SqlFile::builtin_features("market_residual").unwrap(), 2)
}

/// A session over `prices` with its market, measured in as many passes as `most_bytes` make.
async fn measured(prices: &[Price<'_>], most_bytes: u64) -> SessionContext {
    let context = session_of(3);
    register_prices(&context, prices, 4, true);
    let relation = windows(&context, &sql()).await.unwrap();
    let n_rows = prices.len() as u64;
    measure(&context, &relation, (0, 40), n_rows, most_bytes).await.unwrap();
    context
}

fn market(context: &SessionContext) -> Vec<(i32, f64)> {
    Market::of(context).unwrap().days()
}

/// Ticker `k` of `n` is at 1 on day 0 and has the log returns `change(k, day)` on the days 1 and 2.
fn prices(n: usize, change: impl Fn(usize, i32) -> f64) -> Vec<Price<'static>> {
    let of = |k: usize| {
        let price = |day: i32| (1..=day).map(|day| change(k, day)).sum::<f64>().exp();
        [0, 1, 2].map(|day| (NAMES[k], day, Some(price(day))))
    };
    (0..n).flat_map(of).collect()
}

#[tokio::test]
async fn the_market_is_the_median_return_of_the_day_and_the_residual_what_is_left() {
    // Returns of day 1: .00 .01 .02 .03 .04, median .02; of day 2 the same downwards.
    let change = |k: usize, day: i32| 0.01 * k as f64 * if day == 1 { 1.0 } else { -1.0 };
    let context = measured(&prices(5, change), u64::MAX).await;
    let found = market(&context);
    assert_eq!(found.iter().map(|(day, _)| *day).collect::<Vec<_>>(), [1, 2]);
    for ((_, median), expected) in found.iter().zip([0.02, -0.02]) {
        assert!((median - expected).abs() < 1e-15, "{median}");
    }
    let residuals =
        rows(&context, "SELECT market_residual FROM features ORDER BY ticker, ts").await;
    for (idx, residual) in floats(&residuals, "market_residual").into_iter().enumerate() {
        let (k, day) = (idx / 3, (idx % 3) as i32);
        let expected = (day > 0).then(|| change(k, day) - change(2, day));
        match (residual, expected) {
            // An exponential and a logarithm of numbers near 1.
            (Some(residual), Some(expected)) => assert!((residual - expected).abs() < 1e-15),
            other => assert_eq!(other, (None, None), "{idx}"),
        }
    }
}

/// python3 tests/golden/market/median.py
const GOLDEN: [(i32, f64); 5] = [
    (1, -0.09377063160419752),
    (2, 0.09494731227773068),
    (3, -0.094222435995996),
    (4, 0.09123663335252852),
    (5, -0.09051280238990023),
];

#[tokio::test]
async fn of_six_tickers_it_is_what_numpy_says() {
    let price = |k: usize, day: i32| 100.0 + 10.0 * (7.0 * k as f64 + 3.0 * f64::from(day)).sin();
    let of = |k: usize| (0..6).map(move |day| (NAMES[k], day, Some(price(k, day))));
    let prices: Vec<Price<'_>> = (0..6).flat_map(of).collect();
    let found = market(&measured(&prices, u64::MAX).await);
    assert_eq!(found.len(), GOLDEN.len());
    for ((day, median), golden) in found.into_iter().zip(GOLDEN) {
        // A sine, a quotient and a logarithm, each rounded once.
        assert!(day == golden.0 && (median - golden.1).abs() < 1e-14, "{day} {median} {golden:?}");
    }
}

#[tokio::test]
async fn a_day_with_fewer_than_five_returns_has_no_market() {
    assert!(market(&measured(&prices(4, |_, _| 0.01), u64::MAX).await).is_empty());
    // F jumps by a factor of e on day 2, which is a break: four returns are left.
    let jump = |k: usize, day: i32| if k == 4 && day == 2 { 1.0 } else { 0.01 };
    let context = measured(&prices(5, jump), u64::MAX).await;
    assert_eq!(market(&context).into_iter().map(|(day, _)| day).collect::<Vec<_>>(), [1]);
    let residuals =
        rows(&context, "SELECT market_residual FROM features ORDER BY ticker, ts").await;
    assert_eq!(floats(&residuals, "market_residual")[2], None);
}

#[tokio::test]
async fn nobody_is_read_who_asks_for_no_market() {
    let context = session_of(3);
    register_prices(&context, &prices(5, |_, _| 0.01), 4, true);
    let other = PipelineSql::new(SqlFile::builtin_features("log_return").unwrap(), 2);
    let relation = windows(&context, &other).await.unwrap();
    measure(&context, &relation, (0, 40), 15, u64::MAX).await.unwrap();
    assert!(market(&context).is_empty());
}

/// Whether a pipeline with the feature `x` and these windows makes a market of five tickers measured.
async fn is_measured(x: &str, windows_sql: SqlFile) -> bool {
    let context = session_of(3);
    register_prices(&context, &prices(5, |_, _| 0.01), 4, true);
    let text = format!(
        "-- x: of the price.\n-- grain one row per (ticker, ts)\n-- needs segmented_prices(ticker, ts)\n\
         -- gives ticker Utf8\n-- features x\n-- lookback 2\n-- causal yes\n\
         SELECT ticker, ts, trade_date, segment, is_break, {x} AS x FROM segmented_prices \
         ORDER BY ticker, ts"
    );
    let sql = PipelineSql::new(SqlFile::new("mine.sql", text), 2);
    let relation = windows(&context, &PipelineSql { windows: windows_sql, ..sql }).await.unwrap();
    measure(&context, &relation, (0, 40), 15, u64::MAX).await.unwrap();
    !market(&context).is_empty()
}

#[tokio::test]
async fn it_is_measured_however_the_call_is_spelt() {
    for x in [
        "market_return(trade_date)",
        "MARKET_RETURN(trade_date)",
        "Market_Return (trade_date)",
        "market_return /* of all */ (trade_date)",
        "\"market_return\"(trade_date)",
        "value - coalesce(abs(market_return\n(trade_date)), 0)",
        "lag(market_return (trade_date)) OVER (PARTITION BY ticker, segment ORDER BY ts)",
        "(SELECT max(MARKET_RETURN(p.trade_date)) FROM segmented_prices AS p \
         WHERE p.ticker = segmented_prices.ticker AND p.ts = segmented_prices.ts GROUP BY p.ts)",
    ] {
        assert!(is_measured(x, SqlFile::builtin_windows()).await, "{x}");
    }
}

#[tokio::test]
async fn what_only_speaks_of_it_does_not_measure_it() {
    for x in [
        "value /* not market_return(trade_date) */",
        "value + length('market_return(trade_date)')",
        "value -- market_return(trade_date)\n",
    ] {
        assert!(!is_measured(x, SqlFile::builtin_windows()).await, "{x}");
    }
}

#[tokio::test]
async fn windows_of_the_users_own_may_ask_for_it() {
    let builtin = SqlFile::builtin_windows();
    let with = |condition: &str| {
        let from = format!("FROM features WHERE {condition}");
        SqlFile::new("windows.sql", builtin.text.replace("FROM features", &from))
    };
    assert!(is_measured("value", with("Market_Return (trade_date) IS NOT NULL")).await);
    assert!(!is_measured("value", with("'market_return(' <> ''")).await);
}

#[tokio::test]
async fn one_part_and_its_later_days_see_the_market_of_all() {
    let change = |k: usize, day: i32| (0.007 * (k * k) as f64 - 0.01) * f64::from(day);
    let context = measured(&prices(6, change), u64::MAX).await;
    let of = "SELECT ticker, market_residual FROM features WHERE trade_date > '1970-01-02' \
              ORDER BY ticker, ts";
    let whole = floats(&rows(&context, of).await, "market_residual");
    let all = WholePrices::of(&context).await.unwrap();
    let mut parts = Vec::new();
    for part in 0..3 {
        all.narrow(&context, Part { part, of: 3 }, (Some(1), None)).unwrap();
        windows(&context, &sql()).await.unwrap();
        let own = rows(&context, of).await;
        let names = crate::testing::texts(&own, "ticker");
        parts.extend(names.into_iter().zip(floats(&own, "market_residual")));
    }
    parts.sort_by(|a, b| a.0.cmp(&b.0));
    assert_eq!(parts.into_iter().map(|(_, residual)| residual).collect::<Vec<_>>(), whole);
}

#[tokio::test]
async fn measuring_in_many_passes_gives_the_same() {
    let prices = prices(6, |k, day| 0.003 * k as f64 * f64::from(day));
    let once = market(&measured(&prices, u64::MAX).await);
    assert_eq!(market(&measured(&prices, 1).await), once);
    assert_eq!(once.len(), 2);
}

proptest! {
    #[test]
    fn spans_cover_every_day_once(first in -500_i32..500, n_days in 1_i32..500, n in 0_u64..700) {
        let found = spans(first, first + n_days - 1, n);
        let mut next = first;
        for (from, to) in found {
            prop_assert_eq!(from, next);
            prop_assert!(to >= from);
            next = to + 1;
        }
        prop_assert_eq!(next, first + n_days);
    }
}
