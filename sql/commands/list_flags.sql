-- list_flags: flagged rows of a pipeline's test span, as the cells hold them now.
-- grain   one row per (ticker, ts, model)
-- needs   anomalies_all
-- gives   ticker, ts, trade_date, model, model_id, event_id, split, rule Utf8,
--         score, threshold Float64
SELECT
  ticker,
  ts,
  trade_date,
  model,
  model_id,
  event_id,
  split,
  rule,
  score,
  threshold
FROM anomalies_all
WHERE pipeline = $pipeline AND split = 'test'
ORDER BY ticker, ts, model
