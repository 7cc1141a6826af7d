//! Feature SQL of the user's own: exit 78, at the line of the SQL file where it can be known.

use std::fs;

use insta::assert_snapshot;

use super::Folder;

/// A job whose feature is `expression`.
fn folder(expression: &str) -> Folder {
    let folder = Folder::with_prices();
    folder.change("builtin:log_return", "change.sql");
    folder.write(
        "pipelines/change.sql",
        format!(
            "-- change: of the price.
-- grain     one row per (ticker, ts)
-- needs     segmented_prices(ticker, ts, trade_date, segment, is_break, value)
-- gives     ticker Utf8, trade_date Date32, segment Int64, is_break Boolean
-- features  change
-- lookback  2
-- causal    yes
SELECT ticker, ts, trade_date, segment, is_break,
  {expression} AS change
FROM segmented_prices
ORDER BY ticker, ts
"
        ),
    );
    folder
}

#[test]
fn a_column_that_sees_the_future() {
    let folder = folder("lead(value) OVER (PARTITION BY ticker ORDER BY ts) - value");
    assert_snapshot!(folder.told_by_run(), @r"
    error: column `change` sees the future
      --> pipelines/change.sql
      expected  values known at the end of the row's day
      found     `lead` reads later rows
      hint: read earlier rows, as `lag` does; only a column named `target_…` may look ahead, and it is never an input

    exit 78
    ");
}

#[test]
fn a_column_of_the_wrong_type() {
    let folder = folder("CAST(value AS VARCHAR)");
    assert_snapshot!(folder.told_by_run(), @r"
    error: column `change` has the wrong type
      --> pipelines/change.sql
      expected  change Float64
      found     change Utf8
      hint: write `CAST(… AS DOUBLE) AS change`

    exit 78
    ");
}

#[test]
fn a_column_that_is_not_there() {
    let folder = folder("valeu");
    assert_snapshot!(folder.told_by_run(), @r"
    error: there is no column `valeu`
      --> pipelines/change.sql:9:3
      expected  one of is_break, price_defect, segment, ticker, trade_date, ts, value
      found     valeu
      hint: did you mean `value`?

    exit 78
    ");
}

#[test]
fn a_query_that_is_not_sql() {
    let folder = folder("value,,");
    assert_snapshot!(folder.told_by_run(), @r"
    error: the query is not valid SQL
      --> pipelines/change.sql:9:9
      expected  an expression
      found     ,
      hint: mend the SQL at this place

    exit 78
    ");
}

#[test]
fn a_join_with_the_day_after() {
    let folder = folder("next.value - p.value");
    let change = folder.path("pipelines/change.sql");
    let sql = fs::read_to_string(&change).expect("the query");
    let columns = "SELECT ticker, ts, trade_date, segment, is_break";
    let joined = sql
        .replace(columns, "SELECT p.ticker, p.ts, p.trade_date, p.segment, p.is_break")
        .replace(
            "FROM segmented_prices\n",
            "FROM segmented_prices AS p
LEFT JOIN segmented_prices AS next
  ON next.ticker = p.ticker AND next.trade_date = p.trade_date + INTERVAL '1 day'\n",
        )
        .replace("ORDER BY ticker, ts", "ORDER BY p.ticker, p.ts");
    fs::write(&change, &joined).expect("the query can be written");
    assert_snapshot!(folder.told_by_run(), @r"
    error: column `change` sees the future
      --> pipelines/change.sql
      expected  the same value whether later prices are there or not
      found     -6.0 for AAA on 2020-02-14; empty without the prices after that time
      hint: read earlier rows: a join must not reach a later date than the row's own

    exit 78
    ");
    assert!(folder.told(&["check", "pipelines/job.toml"]).contains("sees the future"));

    // The day before may be joined.
    fs::write(change, joined.replace("+ INTERVAL", "- INTERVAL")).expect("the query");
    let done = folder.run(&["run", "pipelines/job.toml"]);
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
}

#[test]
fn columns_that_the_query_does_not_give() {
    let folder = folder("value");
    let change = folder.path("pipelines/change.sql");
    let sql = fs::read_to_string(&change).expect("the query");
    let sql = sql.replace("trade_date, segment, is_break,\n", "segment,\n");
    fs::write(change, sql.replace("AS change", "AS chnage")).expect("the query can be written");
    assert_snapshot!(folder.told_by_run(), @r"
    error: the query does not give column `trade_date`
      --> pipelines/change.sql
      expected  trade_date Date32
      found     columns ticker, ts, segment, chnage
      hint: add it to the SELECT: `… AS trade_date`

    error: the query does not give column `is_break`
      --> pipelines/change.sql
      expected  is_break Boolean
      found     columns ticker, ts, segment, chnage
      hint: add it to the SELECT: `… AS is_break`

    error: the query does not give column `change`
      --> pipelines/change.sql
      expected  change Float64
      found     columns ticker, ts, segment, chnage
      hint: write `AS change` in place of `AS chnage`

    3 mistakes found
    exit 78
    ");
}

#[test]
fn a_query_that_writes() {
    let folder = folder("value");
    let change = folder.path("pipelines/change.sql");
    let sql = fs::read_to_string(&change).expect("the query");
    let header = sql.split("SELECT").next().expect("a header");
    fs::write(change, format!("{header}COPY prices TO 'stolen.csv'")).expect("the query");
    assert_snapshot!(folder.told_by_run(), @r"
    error: the file does more than read
      --> pipelines/change.sql
      expected  one SELECT
      found     a statement that writes or sets something
      hint: keep the SELECT, and leave out the rest

    exit 78
    ");
}
