-- ohlc_order: the open or the close lies outside low and high.
-- grain     one row per (ticker, ts) where that is so
-- needs     prices(ticker, ts, open, high, low, close)
-- gives     ticker Utf8, ts Timestamp(µs, "UTC"), found Utf8
-- severity  warn
-- causal    yes
--
-- Rounded prices may differ by their last digit: a ten-thousandth is let pass.
SELECT
  ticker,
  ts,
  concat('open ', open, ', high ', high, ', low ', low, ', close ', close) AS found
FROM prices
WHERE
  least(open, close) < low * 0.9999
  OR greatest(open, close) > high * 1.0001
  OR low > high
ORDER BY ticker, ts
