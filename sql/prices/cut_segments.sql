-- cut_segments: number each ticker's segments; a gap or a break starts a new one.
-- grain     one row per (ticker, ts)
-- needs     prices(ticker, ts, trade_date, value, is_conflict, is_dropped)
-- gives     every column of prices, segment Int64 (from 0), is_break Boolean,
--           price_defect Utf8 (why the price cannot be used; null where it can)
-- lookback  2
-- causal    yes
--
-- A gap is more than $max_gap_days calendar days since the row before. A break is
-- |ln(value / previous)| > $break_log_return, where previous is the newest positive finite value,
-- so that a NULL does not hide a decimal slip; there is none where the parameter is NULL.
-- A price that cannot be used is a break too, whatever the parameter: a wrong number each time, a
-- missing one on the day that it goes missing, so that years before a listing are not flagged.
-- What a check takes out counts as missing. Prices of zero or less are wrong where $requires_positive, as logarithms are taken of them.
-- A segment's first row tells its cause: is_break, or else a gap, or else (segment 0) the start.
-- `*` carries the pipeline's other mapped columns, whose names only it knows.
WITH judged AS (
  SELECT
    prices.*,
    CASE
      WHEN is_dropped THEN 'check'
      WHEN is_conflict THEN 'duplicate'
      WHEN value IS NULL THEN 'null_value'
      WHEN isnan(value) OR abs(value) = CAST('Infinity' AS DOUBLE) THEN 'not_finite'
      WHEN $requires_positive AND value <= 0 THEN 'non_positive'
    END AS price_defect,
    (value IS NULL OR isnan(value)) AND (is_dropped OR NOT is_conflict) AS is_missing,
    CASE WHEN value > 0 AND value < CAST('Infinity' AS DOUBLE) THEN value END AS positive_value
  FROM prices
),
neighbours AS (
  SELECT
    judged.*,
    lag(trade_date) OVER by_ticker AS previous_date,
    lag(positive_value) IGNORE NULLS OVER by_ticker AS previous_value,
    lag(price_defect IS NULL) OVER by_ticker AS previous_is_usable
  FROM judged
  WINDOW by_ticker AS (PARTITION BY ticker ORDER BY ts)
),
cuts AS (
  SELECT
    neighbours.*,
    coalesce(CAST(trade_date AS INT) - CAST(previous_date AS INT) > $max_gap_days, false) AS is_gap,
    CASE
      WHEN is_missing THEN coalesce(previous_is_usable, false)
      WHEN price_defect IS NOT NULL THEN true
      ELSE coalesce(abs(ln(positive_value / previous_value)) > $break_log_return, false)
    END AS is_break
  FROM neighbours
)
SELECT
  cuts.* EXCLUDE (is_conflict, is_dropped, is_missing, positive_value, previous_date, previous_value, previous_is_usable, is_gap),
  running_count(is_gap OR is_break) OVER (PARTITION BY ticker ORDER BY ts) AS segment
FROM cuts
