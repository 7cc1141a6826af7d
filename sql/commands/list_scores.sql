-- list_scores: what the models of a pipeline said of each row, and what was compared with the threshold.
-- grain   one row per (ticker, model, ts)
-- needs   errors
-- gives   ticker, ts, model, score, score_hindsight, deciding, is_anomaly, split, rule
SELECT
  ticker,
  ts,
  model,
  score,
  score_hindsight,
  threshold_ratio * threshold AS deciding,
  is_anomaly,
  split,
  rule
FROM errors
WHERE pipeline = $pipeline
ORDER BY ticker, model, ts
