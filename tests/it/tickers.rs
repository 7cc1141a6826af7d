//! Tickers that are too young, and tickers whose data are bad.

use serde_json::Value;

use crate::market::{closes, csv, date, revise, ticker_from};
use crate::workshop::{PIPELINE, Workshop, changed};

/// Settings with a scaler and a threshold for each ticker.
fn per_ticker() -> String {
    format!(
        "{PIPELINE}\n[scaling.standard]\nscope = \"ticker\"\n[calibration]\nscope = \"ticker\"\n"
    )
}

#[test]
fn a_ticker_younger_than_the_training_span_takes_the_pooled_scaler_and_threshold() {
    let workshop = Workshop::new(&per_ticker());
    let mut prices = closes();
    prices.extend(ticker_from("YOUNG", date("2014-03-03")));
    workshop.prices(&csv(&prices));
    workshop.run();

    let id = workshop.one("SELECT model_id FROM models WHERE model = 'forecaster'");
    let artifact = std::fs::read(workshop.path(&format!("out/models/{id}/model.json"))).unwrap();
    let artifact: Value = serde_json::from_slice(&artifact).unwrap();
    let scalers = &artifact["scalers"];
    let own = scalers["per_ticker"].as_object().unwrap();
    assert_eq!(own.keys().collect::<Vec<_>>(), ["0005", "AAA", "TRUE"]);
    let thresholds = &artifact["thresholds"]["causal"];

    // A bound lies a threshold of scales away from the expectation.
    let used = |ticker: &str| {
        let query = "SELECT (r.upper_bound - r.expected) / e.threshold, e.threshold \
            FROM reconstructions r JOIN errors e \
            ON r.ticker = e.ticker AND r.ts = e.ts AND r.model = e.model \
            WHERE r.ticker = '$ticker' AND r.model = 'forecaster' AND r.trade_date = '2015-03-02'";
        let row = workshop.one(&query.replace("$ticker", ticker));
        let (sd, threshold) = row.split_once(',').unwrap();
        (sd.parse::<f64>().unwrap(), threshold.parse::<f64>().unwrap())
    };
    let stored = |scaler: &Value, threshold: &Value| {
        (scaler["sd"][0].as_f64().unwrap(), threshold["threshold"].as_f64().unwrap())
    };
    let pooled = stored(&scalers["pooled"], &thresholds["pooled"]);
    let aaa = stored(&own["AAA"], &thresholds["per_ticker"]["AAA"]);
    assert_ne!(pooled, aaa);
    for (ticker, (sd, threshold)) in [("YOUNG", pooled), ("AAA", aaa)] {
        let found = used(ticker);
        assert_eq!(found.1, threshold, "{ticker}");
        // (expected + threshold · sd) - expected has lost two digits or three.
        assert!((found.0 / sd - 1.0).abs() < 1e-12, "{ticker}: {} instead of {sd}", found.0);
    }
    // It is marked, and nobody else is.
    let marked = "SELECT ticker, reason FROM ticker_status WHERE reason IS NOT NULL";
    let reason = "YOUNG,too few rows of its own: pooled scaler or threshold";
    assert_eq!(workshop.sql(marked), [reason]);
}

#[test]
fn a_ticker_with_a_zero_price_fails_alone() {
    let without = Workshop::with_prices(&csv(&closes()));
    without.run();
    let mut prices = closes();
    prices.extend(ticker_from("ZERO", date("2010-01-01")));
    revise(&mut prices, "ZERO", "2015-02-03", 0, 1);
    let with = Workshop::with_prices(&csv(&prices));
    let ran = with.oddlot(&["run", "job.toml"]).ends_with(1);
    assert!(
        ran.stderr.contains("failed ZERO: a price is zero and has no logarithm"),
        "{}",
        ran.stderr
    );
    assert_eq!(ran.json()["failed"], 1);
    assert_eq!(ran.json()["anomalies"], without.run()["anomalies"]);

    assert_eq!(changed(&without.cells(), &with.cells()), [""; 0], "the others lose nothing");
    assert_eq!(with.model_ids(), without.model_ids());
    let rows = "SELECT ticker, status, n_rows, coalesce(reason, '') FROM ticker_status";
    let status = with.sql(&format!("{rows} ORDER BY ticker"));
    assert_eq!(status[..3], ["0005,ok,1826,", "AAA,ok,1826,", "TRUE,ok,1826,"]);
    let reason = "ZERO,failed,1826,\"a price is zero and has no logarithm; expected close > 0, since \
        builtin:log_return takes log returns; found close = 0; in ";
    assert!(status[3].starts_with(reason), "{}", status[3]);
    assert!(status[3].ends_with("ticker ZERO, 2015-02-03\""), "{}", status[3]);
    assert_eq!(with.one("SELECT status, n_failed FROM runs"), "partial,1");
    // The others are there for a reader who asks for no `_all`.
    assert_eq!(with.one("SELECT count(DISTINCT ticker) FROM errors"), "3");
}

#[test]
fn a_ticker_whose_new_price_is_bad_makes_all_models_new() {
    let mut prices = closes();
    let workshop = Workshop::with_prices(&csv(&prices));
    workshop.run();
    let model_ids = workshop.model_ids();
    revise(&mut prices, "TRUE", "2016-12-30", 0, 1);
    workshop.prices(&csv(&prices));
    workshop.oddlot(&["run", "job.toml"]).ends_with(1);
    // FIXME: a bad price in the test span should cost TRUE that day. It costs TRUE its whole history,
    // and the others their models: these learn from the rows of the tickers that are left.
    assert_eq!(workshop.model_ids().len(), 2 * model_ids.len());
    assert_eq!(workshop.one("SELECT count(DISTINCT ticker) FROM errors"), "2");
}
