-- log_return: change of the logarithm since the row before, within a segment.
-- grain     one row per (ticker, ts)
-- needs     segmented_prices(ticker, ts, trade_date, segment, is_break, price_defect, value)
-- gives     ticker Utf8, ts Timestamp(µs, "UTC"), trade_date Date32, segment Int64,
--           is_break Boolean, price_defect Utf8, reference_price Float64,
--           log_return Float64 (null on the first row of a segment), log_return_scale Float64 (1)
-- features  log_return
-- lookback  2
-- requires  positive value
-- link      return
-- causal    yes
SELECT
  ticker,
  ts,
  trade_date,
  segment,
  is_break,
  price_defect,
  value AS reference_price,
  ln(value / lag(value) OVER by_segment) AS log_return,
  1.0 AS log_return_scale
FROM segmented_prices
WINDOW by_segment AS (PARTITION BY ticker, segment ORDER BY ts)
