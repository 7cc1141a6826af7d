-- duplicate_rows: a row of an instant that its ticker has told before.
-- grain     one row per row that repeats one
-- needs     prices(ticker, ts)
-- gives     ticker Utf8, ts Timestamp(µs, "UTC")
-- severity  warn
-- causal    yes
WITH neighbours AS (
  SELECT
    ticker,
    ts,
    lag(ts) OVER by_ticker AS previous_ts
  FROM prices
  WINDOW by_ticker AS (PARTITION BY ticker ORDER BY ts)
)
SELECT
  ticker,
  ts
FROM neighbours
WHERE ts = previous_ts
ORDER BY ticker, ts
