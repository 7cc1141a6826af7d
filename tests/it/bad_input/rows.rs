//! Rows that nothing can be made of: exit 3, every ticker told at once.

use insta::assert_snapshot;

use super::{Folder, prices, rows};

#[test]
fn no_row_in_the_range() {
    let folder = Folder::with_prices();
    let range = ["--from", "2031-01-01", "--to", "2031-02-01"];
    assert_snapshot!(folder.told(&[&["run", "pipelines/job.toml"][..], &range].concat()), @r"
    error: the source has no row in the range
      --> data/prices/prices.parquet
      expected  dates that the source has
      found     --from 2031-01-01 --to 2031-02-01; the source has rows from 2020-01-01 to 2020-06-28
      hint: choose other dates, or add the missing rows to the source

    exit 3
    ");
}

#[test]
fn histories_shorter_than_the_window() {
    let folder = Folder::new();
    folder.import(&[prices("AAA", 7), prices("BBB", 9)].concat());
    assert_snapshot!(folder.told_by_run(), @r"
    error: the window is longer than every history
      --> pipelines/job.toml:9:10
      expected  at least 11 rows with a value, 1 of them before the first window; AAA has 7, BBB has 9
      found     length = 10
      hint: write `length = 6` or less, or add rows

    exit 3
    ");
}

#[test]
fn a_column_without_a_value() {
    let folder = Folder::new();
    let nothing = || vec![String::new(); 180];
    folder.import(&[rows("AAA", nothing()), rows("BBB", nothing())].concat());
    assert_snapshot!(folder.told_by_run(), @r"
    error: column `close` has no value at all
      --> data/prices/prices.parquet, ticker AAA
      expected  a number in at least 11 rows
      found     all 180 rows are empty
      hint: name another column in `source.columns.value` (pipelines/job.toml:3:53), or leave the ticker out of the source

    error: column `close` has no value at all
      --> data/prices/prices.parquet, ticker BBB
      expected  a number in at least 11 rows
      found     all 180 rows are empty
      hint: name another column in `source.columns.value` (pipelines/job.toml:3:53), or leave the ticker out of the source

    2 mistakes found
    exit 3
    ");
}

#[test]
fn no_price_above_zero_under_log_returns() {
    let folder = Folder::new();
    let mixed = (0..180).map(|day| if day < 100 { "0" } else { "-1.5" }.to_owned());
    folder.import(&[rows("AAA", vec!["0".to_owned(); 180]), rows("BBB", mixed)].concat());
    assert_snapshot!(folder.told_by_run(), @r#"
    error: no price can be used
      --> data/prices/prices.parquet, ticker AAA
      expected  close > 0 in at least 11 rows, since builtin:log_return takes log returns
      found     180 of 180 rows cannot be used: 180 zero or negative (2020-01-01, close = 0)
      hint: repair the prices; for a series that reaches zero write `sql = "builtin:close"` (pipelines/job.toml:6:7)

    error: no price can be used
      --> data/prices/prices.parquet, ticker BBB
      expected  close > 0 in at least 11 rows, since builtin:log_return takes log returns
      found     180 of 180 rows cannot be used: 180 zero or negative (2020-01-01, close = 0)
      hint: repair the prices; for a series that reaches zero write `sql = "builtin:close"` (pipelines/job.toml:6:7)

    2 mistakes found
    exit 3
    "#);
}

#[test]
fn prices_that_cannot_be_used_leave_less_than_a_window() {
    let folder = Folder::new();
    let few = (0..180).map(|day| if day < 175 { "0" } else { "101.5" }.to_owned());
    folder.import(&rows("AAA", few));
    assert_snapshot!(folder.told_by_run(), @r"
    error: the window is longer than the history
      --> pipelines/job.toml:9:10
      expected  at least 11 rows with a value, 1 of them before the first window; AAA has 5, as 175 of 180 rows cannot be used: 175 zero or negative (2020-01-01, close = 0)
      found     length = 10
      hint: write `length = 4` or less, or add rows

    exit 3
    ");
}

/// 180 days of what `names` says, of which each is a SQL expression.
fn tickers(folder: &Folder, names: &[&str]) {
    let rows: Vec<String> = names.iter().map(|name| format!("({name})")).collect();
    folder.answer(&format!(
        "SELECT CAST(column1 AS VARCHAR) AS ticker, \
         arrow_cast(CAST(18262 + day AS INT), 'Date32') AS date, 100.0 + day AS close \
         FROM (VALUES {}), (SELECT value AS day FROM generate_series(0, 179))",
        rows.join(", ")
    ));
}

#[test]
fn no_row_has_a_ticker() {
    let folder = Folder::new();
    tickers(&folder, &["''", "NULL"]);
    assert_snapshot!(folder.told_by_run(), @r#"
    error: a ticker is empty
      --> data/prices/prices.parquet, row 1
      expected  a name in every row
      found     360 rows without one, this the first
      hint: name them, leave the rows out of the source, or write `ticker = "NAME"` in [source] if all rows are of one series

    exit 3
    "#);
}

#[test]
fn rows_without_a_ticker_cost_those_that_have_one_nothing() {
    for nameless in ["''", "NULL"] {
        let folder = Folder::new();
        tickers(&folder, &["'AAA'", nameless]);
        let done = folder.run(&["run", "pipelines/job.toml"]);
        assert_eq!(done.status.code(), Some(1));
        let told = String::from_utf8(done.stderr).expect("UTF-8");
        let failed = told.lines().find(|line| line.starts_with("failed"));
        let folder = folder.0.path().canonicalize().expect("a folder").display().to_string();
        assert_eq!(
            failed.map(|line| line.replace(&folder, "<dir>")).as_deref(),
            Some(
                "failed \"\": a ticker is empty; expected a name in every row; found 180 rows without one, this the first; in <dir>/data/prices/prices.parquet, row 181"
            )
        );
    }
}

#[test]
fn a_training_span_before_the_first_row_leaves_no_folder_behind() {
    let folder = Folder::with_prices();
    folder.change("2020-02-29", "2010-02-28");
    folder.change("2020-03-31", "2010-03-31");
    let told = folder.told(&["--quiet", "run", "pipelines/job.toml"]);
    assert_snapshot!(told, @r"
    error: `ewma` has nothing to learn from
      --> pipelines/job.toml:12:12
      expected  rows with a value in the training span
      found     no whole row in the training span; the source has rows from 2020-01-01 to 2020-06-28
      hint: move `split.train_to` later, or add history

    exit 3
    ");
}

#[test]
fn prices_that_never_change() {
    let folder = Folder::new();
    let constant = || (0..180).map(|_| "101.5".to_owned());
    folder.import(&[rows("AAA", constant()), rows("BBB", constant())].concat());
    assert_snapshot!(folder.told(&["--quiet", "run", "pipelines/job.toml"]), @r"
    error: `ewma` has nothing to judge by: no value ever changes
      --> pipelines/job.toml:2:8
      expected  a ticker whose values change up to the end of the calibration span
      found     the same in all rows of every ticker; the source has rows from 2020-01-01 to 2020-06-28
      hint: name another column in `source.columns.value` (pipelines/job.toml:3:53), or add tickers that move

    exit 3
    ");

    // Beside one that moves they are scored, and raise no flag.
    folder.import(&[rows("AAA", constant()), prices("BBB", 180)].concat());
    let done = folder.run(&["run", "pipelines/job.toml"]);
    let told = String::from_utf8_lossy(&done.stderr).into_owned();
    assert_eq!(done.status.code(), Some(0), "{told}");
    let query = "SELECT count(*) AS flags FROM anomalies_all WHERE ticker = 'AAA'";
    let flags = folder.run(&["sql", "--root", "out", "--format", "csv", query]);
    assert_eq!(String::from_utf8_lossy(&flags.stdout), "flags\n0\n", "{told}");
}

#[test]
fn a_calibration_span_without_a_row() {
    let folder = Folder::with_prices();
    folder.change("2020-03-31", "2020-07-31");
    folder.change("2020-05-31", "2020-08-31");
    assert_snapshot!(folder.told(&["--quiet", "run", "pipelines/job.toml"]), @r"
    error: the threshold of `ewma` cannot be calibrated
      --> pipelines/job.toml:14:18
      expected  scored rows in the calibration span
      found     no score of any ticker falls in the calibration span; the source has rows from 2020-01-01 to 2020-06-28
      hint: move `split.validation_to` and `split.calibration_to`, or take [threshold.fixed]

    exit 3
    ");
}
