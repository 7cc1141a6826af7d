-- follow_drift: mean score over threshold by quarter.
-- grain   one row per (model, split, quarter)
-- needs   errors
-- gives   model, split, from_day Int32 (the quarter's first), n, n_flags, mean_ratio
WITH scored AS (
  SELECT
    model,
    split,
    year,
    ceil(date_part('month', trade_date) / 3.0) AS quarter,
    threshold_ratio,
    is_anomaly
  FROM errors
  WHERE pipeline = $pipeline AND threshold_ratio IS NOT NULL AND rule = 'model'
)
SELECT
  model,
  split,
  CAST(make_date(year, CAST(3.0 * quarter - 2.0 AS INT), 1) AS INT) AS from_day,
  count(*) AS n,
  sum(CASE WHEN is_anomaly THEN 1 ELSE 0 END) AS n_flags,
  avg(threshold_ratio) AS mean_ratio
FROM scored
GROUP BY model, split, year, quarter
ORDER BY model, from_day, split
