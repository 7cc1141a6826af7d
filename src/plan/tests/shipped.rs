//! The pipelines that come with the program.

use super::*;

fn shipped(name: &str) -> Plan {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("pipelines").join(name);
    Plan::load(&path, &|_| None).unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn all_of_them_are_plans_without_a_warning() {
    for name in ["sp500.toml", "births.toml"] {
        assert_eq!(shipped(name).warnings, []);
    }
}

#[test]
fn the_sp500_pipeline_is_on_one_screen() {
    let folder = std::fs::canonicalize(env!("CARGO_MANIFEST_DIR")).unwrap();
    let plan = shipped("sp500.toml");
    let screen = plan.to_string().replace(&folder.display().to_string(), "DIR");
    let screen = screen.replace(&format!("{}/", env!("CARGO_MANIFEST_DIR")), "");
    assert_snapshot!(screen, @r"
    pipeline   sp500 (DIR/pipelines/sp500.toml, config eae611e15c3b)
    source     DIR/data/sp500/*.parquet (ticker ticker, time date, value close)
    features   builtin:volatility_scaled_return
    windows    30 rows, cut at gaps of more than 10 days and log returns beyond 0.5
    split      train to 2001-12-31, validation to 2004-12-31, calibration to 2011-12-22, then test
    scaling    standard, on all tickers together
    models     autoencoder  lstm_autoencoder 64 units, code 4, newest row hidden, 30 epochs at most, seed 42; above quantile 0.995
               forecaster   lstm_forecaster 64 units, 30 epochs at most, seed 42; above quantile 0.995
               ewma         ewma_z lambda 0.94, 250 rows; above quantile 0.995
               robust       robust_z 60 rows; above quantile 0.995
               persistence  persistence; above quantile 0.995
    flags      by the causal score, calibrated on all tickers together
    output     DIR/out
    ");
}
