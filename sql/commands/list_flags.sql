-- list_flags: flagged rows of a pipeline's test span between two years, both included.
-- grain   one row per (ticker, ts, model)
-- needs   anomalies_all
-- gives   ticker, ts, trade_date, split, model, model_id, event_id, rule, score, threshold
--
-- Of all models: while a run is not yet in `runs`, `anomalies` shows those of the run before.
SELECT
  ticker,
  ts,
  trade_date,
  split,
  model,
  model_id,
  event_id,
  rule,
  score,
  threshold
FROM anomalies_all
WHERE pipeline = $pipeline AND year >= $from AND year <= $to AND split = 'test'
ORDER BY ticker, ts, model
