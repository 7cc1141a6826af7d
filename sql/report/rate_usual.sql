-- rate_usual: the share of rows that a model flags in the year of a day.
-- grain   one row
-- needs   errors
-- gives   share Float64
SELECT
  avg(CASE WHEN is_anomaly THEN 1.0 ELSE 0.0 END) AS share
FROM errors
WHERE pipeline = $pipeline
  AND model = $model
  AND year = $year
  AND (threshold_ratio IS NOT NULL OR is_anomaly)
