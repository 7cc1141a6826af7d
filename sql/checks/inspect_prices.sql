-- inspect_prices: what is odd about each ticker's rows.
-- grain     one row per ticker
-- needs     prices(ticker, ts, trade_date, value, is_conflict, is_dropped)
-- gives     ticker Utf8, n_rows Int64, n_null_ts Int64, n_null Int64, n_not_finite Int64,
--           n_non_positive Int64, n_conflict Int64, n_dropped Int64, n_duplicate_ts Int64,
--           n_out_of_order Int64,
--           first_null_date Date32, first_not_finite_date Date32, first_not_finite Float64,
--           first_non_positive_date Date32, first_non_positive Float64,
--           first_conflict_date Date32, first_duplicate_ts Timestamp(µs, "UTC"),
--           first_out_of_order_ts Timestamp(µs, "UTC"),
--           first_ts Timestamp(µs, "UTC"), last_ts Timestamp(µs, "UTC")
-- causal    yes
--
-- A dropped row is one that a check takes out, and counted as nothing else. A conflict is a row that stands for several rows of one instant which differ: its value is NULL
-- and not counted as such.
-- Rows out of order can only be seen where the source was declared sorted: elsewhere
-- ORDER BY ticker, ts sorts them.
WITH neighbours AS (
  SELECT
    ticker,
    ts,
    trade_date,
    value,
    is_conflict AND NOT is_dropped AS is_conflict,
    is_dropped,
    lag(ticker) OVER by_row AS previous_ticker,
    lag(ts) OVER by_row AS previous_ts
  FROM prices
  WINDOW by_row AS (ORDER BY ticker, ts)
),
marked AS (
  SELECT
    ticker,
    ts,
    trade_date,
    value,
    is_conflict,
    is_dropped,
    value IS NULL AND NOT is_conflict AND NOT is_dropped AS is_null,
    isnan(value) OR abs(value) = CAST('Infinity' AS DOUBLE) AS is_not_finite,
    value <= 0 AND value > CAST('-Infinity' AS DOUBLE) AND NOT isnan(value) AS is_non_positive,
    ticker = previous_ticker AND ts = previous_ts AS is_duplicate,
    ticker < previous_ticker OR (ticker = previous_ticker AND ts < previous_ts) AS is_out_of_order
  FROM neighbours
)
SELECT
  ticker,
  count(*) AS n_rows,
  count(*) FILTER (WHERE ts IS NULL) AS n_null_ts,
  count(*) FILTER (WHERE is_null) AS n_null,
  count(*) FILTER (WHERE is_not_finite) AS n_not_finite,
  count(*) FILTER (WHERE is_non_positive) AS n_non_positive,
  count(*) FILTER (WHERE is_conflict) AS n_conflict,
  count(*) FILTER (WHERE is_dropped) AS n_dropped,
  count(*) FILTER (WHERE is_duplicate) AS n_duplicate_ts,
  count(*) FILTER (WHERE is_out_of_order) AS n_out_of_order,
  min(trade_date) FILTER (WHERE is_null) AS first_null_date,
  min(trade_date) FILTER (WHERE is_not_finite) AS first_not_finite_date,
  first_value(value ORDER BY ts) FILTER (WHERE is_not_finite) AS first_not_finite,
  min(trade_date) FILTER (WHERE is_non_positive) AS first_non_positive_date,
  first_value(value ORDER BY ts) FILTER (WHERE is_non_positive) AS first_non_positive,
  min(trade_date) FILTER (WHERE is_conflict) AS first_conflict_date,
  min(ts) FILTER (WHERE is_duplicate) AS first_duplicate_ts,
  min(ts) FILTER (WHERE is_out_of_order) AS first_out_of_order_ts,
  min(ts) AS first_ts,
  max(ts) AS last_ts
FROM marked
GROUP BY ticker
ORDER BY ticker
