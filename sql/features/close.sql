-- close: the price itself. Test prices leave the training range: prefer a return where you can.
-- grain     one row per (ticker, ts)
-- needs     segmented_prices(ticker, ts, trade_date, segment, is_break, price_defect, value)
-- gives     ticker Utf8, ts Timestamp(µs, "UTC"), trade_date Date32, segment Int64,
--           is_break Boolean, price_defect Utf8, reference_price Float64, close Float64
-- features  close
-- lookback  1
-- link      level
-- causal    yes
SELECT
  ticker,
  ts,
  trade_date,
  segment,
  is_break,
  price_defect,
  value AS reference_price,
  value AS close
FROM segmented_prices
