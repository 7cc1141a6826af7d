-- future_dates: a day that has not come yet.
-- grain     one row per (ticker, ts) where that is so
-- needs     prices(ticker, ts, trade_date)
-- gives     ticker Utf8, ts Timestamp(µs, "UTC")
-- severity  warn
-- causal    yes
--
-- `$today` is the day of the run, UTC.
SELECT
  ticker,
  ts
FROM prices
WHERE trade_date > $today
ORDER BY ticker, ts
