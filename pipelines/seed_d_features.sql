-- seed_d_features: births of the day, and how much they moved in the week that ends with it.
-- grain     one row per (ticker, ts)
-- needs     segmented_prices(ticker, ts, trade_date, segment, is_break, price_defect, value)
-- gives     ticker Utf8, ts Timestamp(µs, "UTC"), trade_date Date32, segment Int64,
--           is_break Boolean, price_defect Utf8, births Float64, spread Float64 (null on the first six rows)
-- features  births, spread
-- lookback  7
-- causal    yes
--
-- A fake that happens to look like a day of births is told by the days around it.
SELECT
  ticker,
  ts,
  trade_date,
  segment,
  is_break,
  price_defect,
  value AS births,
  rolling_std(value, 7) OVER (PARTITION BY ticker, segment ORDER BY ts) AS spread
FROM segmented_prices
