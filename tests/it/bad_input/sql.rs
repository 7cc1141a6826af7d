//! Feature SQL of the user's own: exit 78, at the line of the SQL file where it can be known.

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
      expected  one of is_break, segment, ticker, trade_date, ts, value
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
