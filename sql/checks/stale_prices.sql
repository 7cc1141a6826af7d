-- stale_prices: the same price for the fifth row in a row, or longer.
-- grain     one row per (ticker, ts) where that is so
-- needs     prices(ticker, ts, value)
-- gives     ticker Utf8, ts Timestamp(µs, "UTC"), found Utf8
-- severity  warn
-- causal    yes
WITH neighbours AS (
  SELECT
    ticker,
    ts,
    value,
    lag(value, 1) OVER by_ticker AS value_1,
    lag(value, 2) OVER by_ticker AS value_2,
    lag(value, 3) OVER by_ticker AS value_3,
    lag(value, 4) OVER by_ticker AS value_4
  FROM prices
  WINDOW by_ticker AS (PARTITION BY ticker ORDER BY ts)
)
SELECT
  ticker,
  ts,
  concat(value, ' once more') AS found
FROM neighbours
WHERE value = value_1 AND value = value_2 AND value = value_3 AND value = value_4
ORDER BY ticker, ts
