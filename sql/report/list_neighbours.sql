-- list_neighbours: what a model said of every ticker of a pipeline on a day.
-- grain   one row per ticker that has a score or a flag
-- needs   errors
-- gives   ticker, is_anomaly, ratio (of its strongest row)
SELECT
  ticker,
  bool_or(is_anomaly) AS is_anomaly,
  max(threshold_ratio) AS ratio
FROM errors
WHERE pipeline = $pipeline
  AND model = $model
  AND trade_date = $day
  AND year = $year
  AND (threshold_ratio IS NOT NULL OR is_anomaly)
GROUP BY ticker
ORDER BY is_anomaly DESC, ratio DESC NULLS FIRST, ticker
