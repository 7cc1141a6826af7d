-- cut_segments: number each ticker's segments; a gap or a break starts a new one.
-- grain     one row per (ticker, ts)
-- needs     prices(ticker, ts, trade_date, value)
-- gives     every column of prices, segment Int64 (from 0), is_break Boolean
-- lookback  2
-- causal    yes
--
-- A gap is more than $max_gap_days calendar days since the row before. A break is
-- |ln(value / previous)| > $break_log_return, where previous is the newest positive finite value,
-- so that a NULL does not hide a decimal slip; there is none where the parameter is NULL.
-- A segment's first row tells its cause: is_break, or else a gap, or else (segment 0) the start.
-- `*` carries the pipeline's other mapped columns, whose names only it knows.
WITH positive AS (
  SELECT
    prices.*,
    CASE WHEN value > 0 AND value < CAST('Infinity' AS DOUBLE) THEN value END AS positive_value
  FROM prices
),
neighbours AS (
  SELECT
    positive.*,
    lag(trade_date) OVER by_ticker AS previous_date,
    lag(positive_value) IGNORE NULLS OVER by_ticker AS previous_value
  FROM positive
  WINDOW by_ticker AS (PARTITION BY ticker ORDER BY ts)
),
cuts AS (
  SELECT
    neighbours.*,
    coalesce(CAST(trade_date AS INT) - CAST(previous_date AS INT) > $max_gap_days, false) AS is_gap,
    coalesce(abs(ln(positive_value / previous_value)) > $break_log_return, false) AS is_break
  FROM neighbours
)
SELECT
  cuts.* EXCLUDE (positive_value, previous_date, previous_value, is_gap),
  running_count(is_gap OR is_break) OVER (PARTITION BY ticker ORDER BY ts) AS segment
FROM cuts
