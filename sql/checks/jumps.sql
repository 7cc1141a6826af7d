-- jumps: a price three times that of the row before, or a third of it.
-- grain     one row per (ticker, ts) where that is so
-- needs     prices(ticker, ts, value)
-- gives     ticker Utf8, ts Timestamp(µs, "UTC"), found Utf8
-- severity  warn
-- causal    yes
--
-- A row that comes back from such a jump to where the price was two rows before is no failure itself:
-- of a decimal slip only the slip is.
WITH prices_above_zero AS (
  SELECT
    ticker,
    ts,
    value
  FROM prices
  WHERE value > 0 AND value < CAST('Infinity' AS DOUBLE)
),
neighbours AS (
  SELECT
    ticker,
    ts,
    value,
    lag(value) OVER by_ticker AS previous,
    lag(value, 2) OVER by_ticker AS one_before
  FROM prices_above_zero
  WINDOW by_ticker AS (PARTITION BY ticker ORDER BY ts)
)
SELECT
  ticker,
  ts,
  concat(value, ' after ', previous) AS found
FROM neighbours
WHERE
  abs(ln(value / previous)) >= ln(3.0)
  AND NOT coalesce(
    abs(ln(previous / one_before)) >= ln(3.0) AND abs(ln(value / one_before)) < ln(3.0),
    false
  )
ORDER BY ticker, ts
