-- market_residual: log return less the market's, which is the median of all tickers that day.
-- grain     one row per (ticker, ts)
-- needs     segmented_prices(ticker, ts, trade_date, segment, is_break, price_defect, value)
-- gives     ticker Utf8, ts Timestamp(µs, "UTC"), trade_date Date32, segment Int64,
--           is_break Boolean, price_defect Utf8, reference_price Float64,
--           market_residual Float64 (null on the first row of a segment, and on a day without a market),
--           market_residual_scale Float64 (1)
-- features  market_residual
-- lookback  2
-- requires  positive value
-- causal    yes
--
-- market_return(trade_date) looks up what median_returns told of the full universe, once a run: the same whatever
-- tickers, parts or years are read. It is of the same day, so that nothing later is seen. An expectation is no
-- price: what the market will do is not known.
SELECT
  ticker,
  ts,
  trade_date,
  segment,
  is_break,
  price_defect,
  value AS reference_price,
  ln(value / lag(value) OVER by_segment) - market_return(trade_date) AS market_residual,
  1.0 AS market_residual_scale
FROM segmented_prices
WINDOW by_segment AS (PARTITION BY ticker, segment ORDER BY ts)
