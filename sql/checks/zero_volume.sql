-- zero_volume: nothing was traded, so that the price is not of that day.
-- grain     one row per (ticker, ts) where that is so
-- needs     prices(ticker, ts, volume)
-- gives     ticker Utf8, ts Timestamp(µs, "UTC"), found Utf8
-- severity  warn
-- causal    yes
SELECT
  ticker,
  ts,
  concat('volume ', volume) AS found
FROM prices
WHERE volume <= 0
ORDER BY ticker, ts
