-- event_returns: how events are spread by model, direction and length, and what the price did on their worst day
-- grain     one row per (pipeline, model, direction)
-- needs     events
-- gives     pipeline, model, direction, n_events, n_long (of more than one row), mean_points, mean_return_pct,
--           worst_return_pct, best_return_pct (of the peak, percent)
-- takes     split = : one span only, such as test, all of them if empty
SELECT
  pipeline,
  model,
  direction,
  count(*) AS n_events,
  count(CASE WHEN n_points > 1 THEN 1 END) AS n_long,
  avg(CAST(n_points AS DOUBLE)) AS mean_points,
  avg(peak_return_pct) AS mean_return_pct,
  min(peak_return_pct) AS worst_return_pct,
  max(peak_return_pct) AS best_return_pct
FROM events
WHERE nullif($split, '') IS NULL OR split = nullif($split, '')
GROUP BY pipeline, model, direction
ORDER BY pipeline, model, direction NULLS LAST
