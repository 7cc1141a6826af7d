//! What is told of one key or value, word for word: what, where, expected, found, and the mend.

use super::*;

#[test]
fn an_unknown_key() {
    assert_snapshot!(told("length = 30", "lenght = 30\nlength = 30"), @r"
    error: unknown key `lenght` in [windows]
      --> pipelines/p.toml:9:1
      expected  one of length, sql, max_gap_days, break_log_return
      found     lenght = 30
      hint: did you mean `length`?
    ");
    // A misspelt key is told once, not as a missing one too.
    assert_snapshot!(told("length = 30", "Lenght = 30"), @r"
    error: unknown key `Lenght` in [windows]
      --> pipelines/p.toml:9:1
      expected  one of length, sql, max_gap_days, break_log_return
      found     Lenght = 30
      hint: did you mean `length`?
    ");
    assert_snapshot!(told("[output]", "[outputs]"), @r"
    error: unknown key `outputs` in the file
      --> pipelines/p.toml:26:2
      expected  one of profile, memory_limit, retrain, source, features, windows, split, scaling, models, threshold, calibration, score, merge, events, universe, checks, output, as_published
      found     [outputs]
      hint: did you mean `output`?
    ");
    assert_snapshot!(told("units = 16", "units = 16\nhorizon = 3"), @r"
    error: unknown key `horizon` in [models.ae.detector.lstm_autoencoder]
      --> pipelines/p.toml:18:1
      expected  one of units, encoder, decoder, latent, latent_mode, hide_newest, dropout, activation
      found     horizon = 3
      hint: delete `horizon`
    ");
}

#[test]
fn an_unknown_table() {
    assert_snapshot!(told("[output]", "[treshold.quantile]\nq = 0.9\n[output]"), @r"
    error: unknown key `treshold` in the file
      --> pipelines/p.toml:26:2
      expected  one of profile, memory_limit, retrain, source, features, windows, split, scaling, models, threshold, calibration, score, merge, events, universe, checks, output, as_published
      found     [treshold]
      hint: did you mean `threshold`?
    ");
}

#[test]
fn a_wrong_type() {
    assert_snapshot!(told("length = 30", "length = \"thirty\""), @r#"
    error: `windows.length` has the wrong type
      --> pipelines/p.toml:9:10
      expected  a whole number from 2 to 4096
      found     a text: length = "thirty"
      hint: for example `length = 30`
    "#);
    assert_snapshot!(told("length = 30", "length = \"30\""), @r#"
    error: `windows.length` has the wrong type
      --> pipelines/p.toml:9:10
      expected  a whole number from 2 to 4096
      found     a text: length = "30"
      hint: take the quotes away
    "#);
    assert_snapshot!(told("length = 30", "length = 30.0"), @r"
    error: `windows.length` has the wrong type
      --> pipelines/p.toml:9:10
      expected  a whole number from 2 to 4096
      found     a number: length = 30.0
      hint: for example `length = 30`
    ");
    assert_snapshot!(told("root = \"out\"", "root = [\"out\"]"), @r#"
    error: `output.root` has the wrong type
      --> pipelines/p.toml:27:8
      expected  a text in quotes, not empty
      found     a list: root = ["out"]
      hint: for example `root = "../out"`
    "#);
    assert_snapshot!(told("units = 16", "units = { n = 16 }"), @r"
    error: `models.ae.detector.lstm_autoencoder.units` has the wrong type
      --> pipelines/p.toml:17:1
      expected  a whole number from 1 to 4096
      found     a table: [models.ae.detector.lstm_autoencoder.units]
      hint: delete `units` for the default, 64
    ");
}

#[test]
fn a_table_that_is_none() {
    assert_snapshot!(told("[windows]\nlength = 30", "[windows.length]\nrows = 30"), @r"
    error: `windows.length` has the wrong type
      --> pipelines/p.toml:8:10
      expected  a whole number from 2 to 4096
      found     a table: [windows.length]
      hint: for example `length = 30`
    ");
    assert_snapshot!(told_of(&format!("merge = \"median\"\n{BASE}")), @r#"
    error: `merge` has the wrong type
      --> pipelines/p.toml:1:9
      expected  a table, [merge]
      found     a text: merge = "median"
      hint: write [merge] and its keys below
    "#);
}

#[test]
fn an_unset_variable() {
    assert_snapshot!(told("\"prices.parquet\"", "\"s3://${PRICES_BUCKET}/eod/\""), @r#"
    error: the variable `PRICES_BUCKET` is not set
      --> pipelines/p.toml:2:8
      expected  `PRICES_BUCKET` in the environment, not empty
      found     path = "s3://${PRICES_BUCKET}/eod/"
      hint: `export PRICES_BUCKET=…`, or give a default: ${PRICES_BUCKET:-…}
    "#);
    assert_snapshot!(told("\"prices.parquet\"", "\"s3://${BUCKET/eod/\""), @r#"
    error: a variable is not closed
      --> pipelines/p.toml:2:8
      expected  ${VAR} or ${VAR:-default}
      found     path = "s3://${BUCKET/eod/"
      hint: add the closing }; a literal ${ is written $${
    "#);
}

#[test]
fn a_text_with_a_variable_is_shown_unexpanded() {
    let text = told("length = 30", "length = \"${BUCKET}\"");
    assert!(text.contains("${BUCKET}") && !text.contains("secret-bucket"), "{text}");
}

#[test]
fn an_unknown_variant() {
    assert_snapshot!(told("[threshold.quantile]", "[threshold.quantil]"), @r"
    error: unknown choice `quantil` in [threshold]
      --> pipelines/p.toml:23:12
      expected  one of quantile, fixed, k_sigma, mad, peaks, conformal, dynamic, budget
      found     [threshold.quantil]
      hint: did you mean `quantile`?
    ");
    assert_snapshot!(told("detector.ewma_z", "detector.garch"), @r"
    error: unknown choice `garch` in [models.ewma.detector]
      --> pipelines/p.toml:20:23
      expected  one of lstm_autoencoder, lstm_forecaster, persistence, ewma_z, robust_z, median_distance, auto_regression, window_pca, polynomial, k_means, nearest_neighbour
      found     [models.ewma.detector.garch]
      hint: name one of them: [models.ewma.detector.lstm_autoencoder]
    ");
    assert_snapshot!(told("[output]", "[threshold.fixed]\nvalue = 4\n[output]"), @r"
    error: [threshold] names more than one choice
      --> pipelines/p.toml:23:2
      expected  one of quantile, fixed, k_sigma, mad, peaks, conformal, dynamic, budget
      found     `quantile`, `fixed`
      hint: keep one of them
    ");
    assert_snapshot!(told("[threshold.quantile]\nq = 0.995", "[threshold]"), @r"
    error: [threshold] names no choice
      --> pipelines/p.toml:23:2
      expected  one of quantile, fixed, k_sigma, mad, peaks, conformal, dynamic, budget
      found     nothing
      hint: name it in the header: [threshold.quantile]
    ");
}

#[test]
fn an_unknown_name() {
    assert_snapshot!(told("lambda = 0.94", "[models.ae.train]\nloss = \"hubber\""), @r#"
    error: `models.ae.train.loss` is none of its choices
      --> pipelines/p.toml:22:8
      expected  one of "mae", "mse", "huber"
      found     loss = "hubber"
      hint: did you mean "huber"?
    "#);
}

#[test]
fn an_unknown_builtin_query() {
    assert_snapshot!(told("builtin:log_return", "builtin:log_retrun"), @r#"
    error: unknown feature query `builtin:log_retrun`
      --> pipelines/p.toml:6:7
      expected  builtin:close, builtin:log_return, builtin:market_residual, builtin:volatility_scaled_return, or the path of an .sql file
      found     sql = "builtin:log_retrun"
      hint: did you mean `builtin:log_return`?
    "#);
    assert_snapshot!(told("builtin:log_return", "log_return"), @r#"
    error: cannot read the feature query
      --> pipelines/p.toml:6:7
      expected  builtin:close, builtin:log_return, builtin:market_residual, builtin:volatility_scaled_return, or the path of an .sql file
      found     sql = "log_return": no such file
      hint: did you mean `builtin:log_return`?
    "#);
    assert_snapshot!(told("builtin:log_return", "my/features.sql"), @r#"
    error: cannot read the feature query
      --> pipelines/p.toml:6:7
      expected  builtin:close, builtin:log_return, builtin:market_residual, builtin:volatility_scaled_return, or the path of an .sql file
      found     sql = "my/features.sql": no such file
      hint: paths are relative to the pipeline file
    "#);
}

#[test]
fn nan_is_in_no_range() {
    assert_snapshot!(told("q = 0.995", "q = nan"), @r"
    error: `threshold.quantile.q` is out of range
      --> pipelines/p.toml:24:5
      expected  a number with 0 < q < 1
      found     q = nan
      hint: for example `q = 0.995`
    ");
    assert_snapshot!(told("lambda = 0.94", "lambda = nan"), @r"
    error: `models.ewma.detector.ewma_z.lambda` is out of range
      --> pipelines/p.toml:21:10
      expected  a number with 0 < lambda < 1
      found     lambda = nan
      hint: delete `lambda` for the default, 0.94
    ");
}
