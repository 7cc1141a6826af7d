-- list_ticker_events: a model's events of a ticker that touch the days between two, both included.
-- grain   one row per event
-- needs   events
-- gives   start Int64 (µs), end Int64 (µs), start_day, end_day, peak_day Int32, n_points, ratio
SELECT
  CAST(start_ts AS BIGINT) AS start,
  CAST(end_ts AS BIGINT) AS "end",
  CAST(start_date AS INT) AS start_day,
  CAST(end_date AS INT) AS end_day,
  CAST(CAST(peak_ts AS DATE) AS INT) AS peak_day,
  n_points,
  peak_threshold_ratio AS ratio
FROM events
WHERE pipeline = $pipeline
  AND ticker = $ticker
  AND model = $model
  AND end_date >= $from
  AND start_date <= $to
ORDER BY start_ts
