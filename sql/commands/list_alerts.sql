-- list_alerts: what a pipeline has told already.
-- grain   one row per (ticker, ts, model)
-- needs   alerts
-- gives   ticker Utf8, ts Timestamp(µs, "UTC"), model Utf8
SELECT DISTINCT
  ticker,
  ts,
  model
FROM alerts
WHERE pipeline = $pipeline
