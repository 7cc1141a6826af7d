-- volatility_scaled_return: log return over the volatility known the day before.
-- grain     one row per (ticker, ts)
-- needs     segmented_prices(ticker, ts, trade_date, segment, is_break, price_defect, value)
-- gives     ticker Utf8, ts Timestamp(µs, "UTC"), trade_date Date32, segment Int64,
--           is_break Boolean, price_defect Utf8, reference_price Float64,
--           volatility_scaled_return Float64 (null on the first 64 rows of a segment),
--           volatility_scaled_return_scale Float64 (the volatility)
-- features  volatility_scaled_return
-- lookback  65
-- requires  positive value
-- link      return
-- causal    yes
--
-- Volatility is the sample deviation of the 63 returns (a quarter's sessions) strictly before
-- the row, so that a shock does not shrink itself. 63 returns take 64 prices, and today's one more.
WITH returns AS (
  SELECT
    ticker,
    ts,
    trade_date,
    segment,
    is_break,
    price_defect,
    value,
    ln(value / lag(value) OVER by_segment) AS log_return
  FROM segmented_prices
  WINDOW by_segment AS (PARTITION BY ticker, segment ORDER BY ts)
),
volatilities AS (
  SELECT
    ticker,
    ts,
    trade_date,
    segment,
    is_break,
    price_defect,
    value,
    log_return,
    rolling_std(log_return, 63) OVER by_segment AS volatility_with_today
  FROM returns
  WINDOW by_segment AS (PARTITION BY ticker, segment ORDER BY ts)
),
scaled AS (
  SELECT
    ticker,
    ts,
    trade_date,
    segment,
    is_break,
    price_defect,
    value,
    log_return,
    nullif(lag(volatility_with_today) OVER by_segment, 0.0) AS volatility
  FROM volatilities
  WINDOW by_segment AS (PARTITION BY ticker, segment ORDER BY ts)
)
SELECT
  ticker,
  ts,
  trade_date,
  segment,
  is_break,
  price_defect,
  value AS reference_price,
  log_return / volatility AS volatility_scaled_return,
  volatility AS volatility_scaled_return_scale
FROM scaled
