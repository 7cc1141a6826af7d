//! Mistakes in the pipeline file: exit 78, before anything is read.

use std::fs;

use insta::assert_snapshot;

use super::Folder;

#[test]
fn an_unknown_key() {
    let folder = Folder::with_prices();
    folder.change("length = 10", "lenght = 10");
    assert_snapshot!(folder.told_by_run(), @r"
    error: unknown key `lenght` in [windows]
      --> pipelines/job.toml:9:1
      expected  one of length, sql, max_gap_days, break_log_return
      found     lenght = 10
      hint: did you mean `length`?

    exit 78
    ");
}

#[test]
fn a_wrong_type() {
    let folder = Folder::with_prices();
    folder.change("length = 10", "length = \"ten\"");
    assert_snapshot!(folder.told_by_run(), @r#"
    error: `windows.length` has the wrong type
      --> pipelines/job.toml:9:10
      expected  a whole number from 2 to 4096
      found     a text: length = "ten"
      hint: for example `length = 30`

    exit 78
    "#);
}

#[test]
fn an_unset_variable() {
    let folder = Folder::with_prices();
    folder.change("../data/prices", "${ODDLOT_TEST_UNSET}/prices");
    assert_snapshot!(folder.told_by_run(), @r#"
    error: the variable `ODDLOT_TEST_UNSET` is not set
      --> pipelines/job.toml:2:8
      expected  `ODDLOT_TEST_UNSET` in the environment, not empty
      found     path = "${ODDLOT_TEST_UNSET}/prices/*.parquet"
      hint: `export ODDLOT_TEST_UNSET=…`, or give a default: ${ODDLOT_TEST_UNSET:-…}

    exit 78
    "#);
}

#[test]
fn a_misspelt_builtin() {
    let folder = Folder::with_prices();
    folder.change("builtin:log_return", "builtin:log_retrun");
    assert_snapshot!(folder.told_by_run(), @r#"
    error: unknown feature query `builtin:log_retrun`
      --> pipelines/job.toml:6:7
      expected  builtin:close, builtin:log_return, builtin:market_residual, builtin:volatility_scaled_return, or the path of an .sql file
      found     sql = "builtin:log_retrun"
      hint: did you mean `builtin:log_return`?

    exit 78
    "#);
}

#[test]
fn dates_out_of_order() {
    let folder = Folder::with_prices();
    folder.change("validation_to = \"2020-03-31\"", "validation_to = \"2019-03-31\"");
    assert_snapshot!(folder.told_by_run(), @r"
    error: the split's dates are out of order
      --> pipelines/job.toml:13:17
      expected  `validation_to` later than 2020-02-29 (train_to)
      found     validation_to = 2019-03-31
      hint: train, validation and calibration follow each other; the test span is the rest

    exit 78
    ");
}

#[test]
fn several_mistakes_are_told_at_once() {
    let folder = Folder::with_prices();
    folder.change("length = 10", "length = 1\nlenght = 10");
    folder.change("q = 0.99", "q = 99");
    assert_snapshot!(folder.told_by_run(), @r"
    error: `windows.length` is out of range
      --> pipelines/job.toml:9:10
      expected  a whole number from 2 to 4096
      found     length = 1
      hint: for example `length = 30`

    error: unknown key `lenght` in [windows]
      --> pipelines/job.toml:10:1
      expected  one of length, sql, max_gap_days, break_log_return
      found     lenght = 10
      hint: did you mean `length`?

    error: `threshold.quantile.q` is out of range
      --> pipelines/job.toml:21:5
      expected  a number with 0 < q < 1
      found     q = 99
      hint: for example `q = 0.995`

    3 mistakes found
    exit 78
    ");
}

#[test]
fn a_slip_in_every_table_is_told_with_line_column_and_what_was_meant() {
    let folder = Folder::with_prices();
    folder.change("path =", "paht =");
    folder.change("builtin:log_return", "builtin:logreturn");
    folder.change("length = 10", "length = 10\nmax_gap_day = 5");
    folder.change("train_to = \"2020-02-29\"", "train_to = \"2020-02-30\"");
    folder.change("ewma_z]\nlambda", "ewma_zz]\nlambda");
    folder.change("[threshold.quantile]", "[threshold.quantil]");
    folder.change("root =", "rot =");
    folder.write("pipelines/job.toml", {
        let job = fs::read_to_string(folder.path("pipelines/job.toml")).expect("the job");
        job + "\n[treshold]\nq = 1\n"
    });
    assert_snapshot!(folder.told_by_run(), @r#"
    error: unknown key `paht` in [source]
      --> pipelines/job.toml:2:1
      expected  one of path, ticker, columns, sorted, from, to, session_close, s3
      found     paht = "../data/prices/*.parquet"
      hint: did you mean `path`?

    error: unknown feature query `builtin:logreturn`
      --> pipelines/job.toml:6:7
      expected  builtin:close, builtin:log_return, builtin:market_residual, builtin:volatility_scaled_return, or the path of an .sql file
      found     sql = "builtin:logreturn"
      hint: did you mean `builtin:log_return`?

    error: unknown key `max_gap_day` in [windows]
      --> pipelines/job.toml:10:1
      expected  one of length, sql, max_gap_days, break_log_return
      found     max_gap_day = 5
      hint: did you mean `max_gap_days`?

    error: `split.train_to` is no date
      --> pipelines/job.toml:13:12
      expected  a date such as "2001-12-31"
      found     train_to = "2020-02-30"
      hint: for example `train_to = "2001-12-31"`

    error: unknown choice `ewma_zz` in [models.ewma.detector]
      --> pipelines/job.toml:17:23
      expected  one of lstm_autoencoder, lstm_forecaster, persistence, ewma_z, robust_z, median_distance, auto_regression, window_pca, polynomial, k_means, nearest_neighbour
      found     [models.ewma.detector.ewma_zz]
      hint: did you mean `ewma_z`?

    error: unknown choice `quantil` in [threshold]
      --> pipelines/job.toml:20:12
      expected  one of quantile, fixed, k_sigma, mad, peaks, conformal, dynamic, budget
      found     [threshold.quantil]
      hint: did you mean `quantile`?

    error: unknown key `rot` in [output]
      --> pipelines/job.toml:24:1
      expected  one of root, parts, s3
      found     rot = "../out"
      hint: did you mean `root`?

    error: unknown key `treshold` in the file
      --> pipelines/job.toml:26:2
      expected  one of profile, memory_limit, retrain, source, features, windows, split, scaling, models, threshold, calibration, score, merge, events, universe, checks, output, as_published
      found     [treshold]
      hint: did you mean `threshold`?

    8 mistakes found
    exit 78
    "#);
}

#[test]
fn a_file_that_is_not_toml() {
    let folder = Folder::with_prices();
    folder.change("length = 10", "length = 10 days");
    assert_snapshot!(folder.told_by_run(), @r#"
    error: this is not TOML: string values must be quoted
      --> pipelines/job.toml:9:10
      expected  literal string
      found     length = 10 days
      hint: texts stand in "quotes", tables are headed by [name]

    exit 78
    "#);
}
