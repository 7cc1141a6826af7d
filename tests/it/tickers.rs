//! Tickers that are too young for what they ought to have of their own.

use serde_json::Value;

use crate::market::{closes, csv, date, ticker_from};
use crate::workshop::{PIPELINE, Workshop};

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
