//! The S&P 500 as it is shipped, with networks small enough for a test.

use crate::workshop::{MODELS, PIPELINE, Workshop};

/// `pipelines/sp500.toml` with small networks.
fn pipeline() -> String {
    let prices = concat!(env!("CARGO_MANIFEST_DIR"), "/data/sp500/*.parquet");
    PIPELINE
        .replace("prices/*.parquet", prices)
        .replace("builtin:log_return", "builtin:volatility_scaled_return")
        .replace("length = 8", "length = 30")
        .replace("2011-12-31", "2001-12-31")
        .replace("2012-12-31", "2004-12-31")
        .replace("2013-12-31", "2011-12-22")
}

#[test]
fn every_test_day_is_scored_causally_and_dated_to_itself() {
    let workshop = Workshop::new(&pipeline());
    let done = workshop.run();
    assert_eq!(done["cells"], 4 * 77, "4 tables, the years 1950 to 2026");
    // The rate that each model states, and the one it had, with its 95 % interval.
    for model in done["models"].as_array().unwrap() {
        let number = |name: &str| model[name].as_f64().unwrap_or_else(|| panic!("{model}"));
        assert!((number("stated_rate") - 0.005).abs() < 1e-12, "{model}");
        let realised = number("realised_rate");
        assert!(
            (realised - number("flags") / 3553.0).abs() < 1e-12,
            "no flag is a break's: {model}"
        );
        let [low, high] = [0, 1].map(|end| model["realised_interval"][end].as_f64().unwrap());
        assert!(low < realised && realised < high && high < 0.05, "{model}");
    }

    // The spans of the pipeline file; the sessions were counted in the CSV that the series came from.
    let spans = workshop.sql(
        "SELECT model, split, count(*), min(trade_date), max(trade_date) \
         FROM errors GROUP BY model, split ORDER BY model, min(trade_date)",
    );
    let expected: Vec<String> = MODELS
        .iter()
        .flat_map(|model| {
            [
                format!("{model},train,13082,1950-01-03,2001-12-31"),
                format!("{model},validation,756,2002-01-02,2004-12-31"),
                format!("{model},calibration,1758,2005-01-03,2011-12-22"),
                format!("{model},test,3553,2011-12-23,2026-02-11"),
            ]
        })
        .collect();
    assert_eq!(spans, expected);

    let unscored = "SELECT count(*) FROM errors WHERE split IN ('test', 'calibration') \
        AND (score IS NULL OR rule <> 'model' OR skip_reason IS NOT NULL OR threshold IS NULL)";
    assert_eq!(workshop.one(unscored), "0");
    // A row without a score says why.
    let silent = "SELECT count(*) FROM errors WHERE score IS NULL AND skip_reason IS NULL";
    assert_eq!(workshop.one(silent), "0");
    for table in ["errors", "reconstructions", "anomalies"] {
        let misdated = format!("SELECT count(*) FROM {table} WHERE trade_date <> CAST(ts AS DATE)");
        assert_eq!(workshop.one(&misdated), "0", "{table}");
        let misfiled = format!("SELECT count(*) FROM {table} WHERE year <> date_part('year', ts)");
        assert_eq!(workshop.one(&misfiled), "0", "{table}");
    }
    let flag = "SELECT count(*) FROM errors WHERE is_anomaly <> (score > threshold)";
    assert_eq!(workshop.one(flag), "0");

    // Brexit: 2037.41 after 2113.32, so -3.592 %; RiskMetrics gives it -6.1 deviations (SEEDS §3).
    let brexit = "SELECT direction, round(return_pct, 3), round(score, 1), split FROM anomalies \
        WHERE model = 'ewma' AND trade_date = '2016-06-24'";
    assert_eq!(workshop.one(brexit), "below,-3.592,6.1,test");
    // Of 1,758 calibration days the 99.5 % quantile leaves 9 above it.
    let above = "SELECT model, count(*) FROM anomalies WHERE split = 'calibration' \
        GROUP BY model ORDER BY model";
    assert_eq!(workshop.sql(above), MODELS.map(|model| format!("{model},9")));
}
