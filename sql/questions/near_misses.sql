-- near_misses: the largest errors that are not flagged, nearest to the threshold first
-- grain     one row per (pipeline, ticker, ts, model)
-- needs     errors
-- gives     pipeline, ticker, model, trade_date, score, threshold, threshold_ratio, percentile
-- takes     split = test: one span only, all of them if empty; rows = 50: how many of each pipeline at most
WITH missed AS (
  SELECT
    pipeline,
    ticker,
    model,
    trade_date,
    score,
    threshold,
    threshold_ratio,
    percentile,
    row_number() OVER (
      PARTITION BY pipeline ORDER BY threshold_ratio DESC, ticker, ts, model
      ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
    ) AS place
  FROM errors
  WHERE NOT is_anomaly
    AND threshold_ratio IS NOT NULL
    AND (nullif($split, '') IS NULL OR split = nullif($split, ''))
)
SELECT
  pipeline,
  ticker,
  model,
  trade_date,
  score,
  threshold,
  threshold_ratio,
  percentile
FROM missed
WHERE place <= CAST($rows AS BIGINT)
ORDER BY pipeline, place
