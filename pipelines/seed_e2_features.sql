-- seed_e2_features: class and confidence as they are.
-- grain     one row per (ticker, ts)
-- needs     segmented_prices(ticker, ts, trade_date, segment, is_break, price_defect, value, confidence)
-- gives     ticker Utf8, ts Timestamp(µs, "UTC"), trade_date Date32, segment Int64,
--           is_break Boolean, price_defect Utf8, class Float64, confidence Float64
-- features  class, confidence
-- lookback  1
-- causal    yes
SELECT
  ticker,
  ts,
  trade_date,
  segment,
  is_break,
  price_defect,
  value AS class,
  confidence
FROM segmented_prices
