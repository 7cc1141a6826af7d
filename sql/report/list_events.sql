-- list_events: the strongest events of a pipeline; those of the test span come first.
-- grain   one row per event
-- needs   events
-- gives   ticker, model, from_day, to_day, peak_day Int32, split, n_points, ratio, return_pct, n_all (events in all)
SELECT
  ticker,
  model,
  CAST(start_date AS INT) AS from_day,
  CAST(end_date AS INT) AS to_day,
  CAST(CAST(peak_ts AS DATE) AS INT) AS peak_day,
  split,
  n_points,
  peak_threshold_ratio AS ratio,
  peak_return_pct AS return_pct,
  count(*) OVER () AS n_all
FROM events
WHERE pipeline = $pipeline
ORDER BY
  CASE WHEN split = $split THEN 0 ELSE 1 END,
  peak_threshold_ratio DESC NULLS FIRST,
  ticker,
  model,
  start_ts
LIMIT 300
