//! What is told of values that do not fit each other.

use super::*;

#[test]
fn dates_out_of_order() {
    assert_snapshot!(told("2004-12-31", "2001-12-31"), @r"
    error: the split's dates are out of order
      --> pipelines/p.toml:13:17
      expected  `validation_to` later than 2001-12-31 (train_to)
      found     validation_to = 2001-12-31
      hint: train, validation and calibration follow each other; the test span is the rest
    ");
    assert_snapshot!(told("2001-12-31", "2020-01-01"), @r"
    error: the split's dates are out of order
      --> pipelines/p.toml:13:17
      expected  `validation_to` later than 2020-01-01 (train_to)
      found     validation_to = 2004-12-31
      hint: train, validation and calibration follow each other; the test span is the rest
    ");
    assert_snapshot!(told("2001-12-31", "2001-12-32"), @r#"
    error: `split.train_to` is no date
      --> pipelines/p.toml:12:12
      expected  a date such as "2001-12-31"
      found     train_to = "2001-12-32"
      hint: for example `train_to = "2001-12-31"`
    "#);
}

#[test]
fn a_split_that_is_incomplete_or_mixed() {
    assert_snapshot!(told("validation_to = \"2004-12-31\"", ""), @r#"
    error: `split.validation_to` is missing
      --> pipelines/p.toml:11:2
      expected  all of train_to, validation_to, calibration_to
      found     only train_to, calibration_to
      hint: add `validation_to = "YYYY-MM-DD"`
    "#);
    assert_snapshot!(told("validation_to = \"2004-12-31\"", "validation = 0.1"), @r"
    error: [split] mixes dates and fractions
      --> pipelines/p.toml:11:2
      expected  train_to, validation_to, calibration_to; or train, validation, calibration
      found     train_to, calibration_to, validation
      hint: keep one kind
    ");
    let dates = "train_to = \"2001-12-31\"\nvalidation_to = \"2004-12-31\"\ncalibration_to = \"2011-12-22\"";
    assert_snapshot!(told(dates, ""), @r#"
    error: [split] has neither dates nor fractions
      --> pipelines/p.toml:11:2
      expected  train_to, validation_to, calibration_to; or train, validation, calibration
      found     none of them
      hint: add `train_to = "2001-12-31"` and so on, or `train = 0.6` and so on
    "#);
    assert_snapshot!(told(dates, "train = 0.8\nvalidation = 0.1\ncalibration = 0.1"), @r"
    error: the split leaves nothing to test
      --> pipelines/p.toml:12:9
      expected  train + validation + calibration < 1
      found     0.8 + 0.1 + 0.1 = 1
      hint: lower one of them: the rest is the test span
    ");
}

#[test]
fn a_split_by_dates_of_rows_without_dates() {
    assert_snapshot!(told("ts = \"date\", ", ""), @r"
    error: a split by dates needs dates
      --> pipelines/p.toml:11:2
      expected  a time column, `source.columns.ts`, or a split by fractions
      found     rows numbered without dates
      hint: name the time column, or write `train = 0.6` and so on
    ");
}

#[test]
fn a_baseline_with_a_train_table() {
    assert_snapshot!(told("[threshold.q", "[models.ewma.train]\nepochs = 3\n[threshold.q"), @r"
    error: `models.ewma.train` belongs to a network
      --> pipelines/p.toml:23:14
      expected  no [train]: the baseline `ewma_z` learns nothing
      found     [models.ewma.train]
      hint: delete [models.ewma.train]
    ");
}

#[test]
fn numbers_that_do_not_fit_each_other() {
    assert_snapshot!(told("lambda = 0.94", "rows = 10"), @r"
    error: `min_rows` is larger than `rows`
      --> pipelines/p.toml:21:8
      expected  min_rows <= 10 (`rows`)
      found     min_rows = 20 (the default)
      hint: no row would ever be scored: raise `rows` or lower `min_rows`
    ");
    let curve = "[models.curve.detector.polynomial]\nrows = 5\ndegree = 4\n[models.ae.detector";
    assert_snapshot!(told("[models.ae.detector", curve), @r"
    error: the rows are too few for a curve of that degree
      --> pipelines/p.toml:17:8
      expected  rows >= 6 (`degree` + 2)
      found     rows = 5
      hint: a curve through every row has no deviation to judge by: raise `rows` or lower `degree`
    ");
    assert_snapshot!(told("lambda = 0.94", "[models.ae.train]\nhuber_delta = 2.0"), @r#"
    error: `models.ae.train.huber_delta` has no use here
      --> pipelines/p.toml:22:15
      expected  `loss = "huber"` beside it
      found     no `loss`, so "mae"
      hint: delete `huber_delta`, or set `loss = "huber"`
    "#);
}

#[test]
fn a_ticker_from_nowhere_or_from_two_places() {
    assert_snapshot!(told("ticker = \"ticker\", ", ""), @r#"
    error: no ticker
      --> pipelines/p.toml:3:1
      expected  a column, `columns.ticker`, or one name for all rows, `source.ticker`
      found     neither
      hint: add `ticker = "ticker"` to the columns, or `ticker = "SPX"` to [source]
    "#);
    assert_snapshot!(told("path = ", "ticker = \"SPX\"\npath = "), @r"
    error: the ticker is given twice
      --> pipelines/p.toml:4:1
      expected  either `columns.ticker` (a column) or `source.ticker` (one name for all rows)
      found     both
      hint: delete one of them
    ");
    assert_snapshot!(told("ticker = \"ticker\"", "tiker = \"ticker\""), @r#"
    error: `source.columns.tiker` is unknown
      --> pipelines/p.toml:3:13
      expected  ticker, ts, value, or further columns for the feature SQL
      found     tiker = "ticker"
      hint: did you mean `ticker`?
    "#);
}

#[test]
fn a_threshold_for_nobody() {
    assert_snapshot!(told("[threshold.quantile]\nq = 0.995", ""), @r"
    error: there is no threshold
      --> pipelines/p.toml:16:9
      expected  [threshold.quantile] or another, or one in each model
      found     none for `ae`, `ewma`
      hint: add `[threshold.quantile]` with `q = 0.995`
    ");
}

#[test]
fn no_model() {
    let models = "[models.ae.detector.lstm_autoencoder]\nunits = 16\nlatent = 4\n\n[models.ewma.detector.ewma_z]\nlambda = 0.94";
    assert_snapshot!(told(models, "[models]"), @r"
    error: there is no model
      --> pipelines/p.toml:16:2
      expected  at least one [models.NAME.detector.VARIANT]
      found     an empty [models]
      hint: add one: lstm_autoencoder, lstm_forecaster, persistence, ewma_z, robust_z, median_distance, auto_regression, window_pca, polynomial, k_means, nearest_neighbour
    ");
    assert_snapshot!(told(models, "[models.My-Net]"), @r"
    error: `My-Net` cannot name a model
      --> pipelines/p.toml:16:9
      expected  1 to 64 lowercase letters, digits and _
      found     [models.My-Net]
      hint: call it `my_net`

    error: [models.My-Net.detector] is missing
      --> pipelines/p.toml:16:9
      expected  a table [models.My-Net.detector]
      found     no `detector` in [models.My-Net]
      hint: add [models.My-Net.detector.lstm_autoencoder]

    2 mistakes found
    ");
}

#[test]
fn the_newest_row_is_hidden_only_where_a_code_tells_it() {
    let sequence = "latent = 4\nlatent_mode = \"sequence\"\nhide_newest = true";
    assert_snapshot!(told("latent = 4", sequence), @r#"
    error: the newest row of a window cannot be hidden here
      --> pipelines/p.toml:20:15
      expected  `latent_mode = "vector"`: one code, told as rows
      found     latent_mode = "sequence"
      hint: delete `hide_newest`
    "#);
    let hidden = changed("latent = 4", "latent = 4\nhide_newest = true");
    let published = told_of(&format!("{hidden}\n[as_published]\n"));
    assert!(published.contains("no `hide_newest` beside [as_published]"), "{published}");
    // Without it a plan says what it said before there was such a key.
    assert!(!serde_json::to_string(&read(BASE).unwrap().models[0]).unwrap().contains("hides"));
    let plan = plan("latent = 4", "latent = 4\nhide_newest = true");
    assert!(plan.models[0].to_string().contains("code 4, newest row hidden"), "{}", plan.models[0]);
}

#[test]
fn a_code_as_wide_as_the_window_is_a_warning() {
    assert_snapshot!(warned("latent = 4", "latent = 30"), @r"
    warning: the code of `ae` is as wide as its window
      --> pipelines/p.toml:18:10
      expected  latent < 30 (`windows.length`, for one feature)
      found     latent = 30
      hint: a code that wide can copy its input, faults and all; set `latent` to, say, half the length
    ");
    assert_eq!(warned("latent = 4", "latent = 29"), "");
}
