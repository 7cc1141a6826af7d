-- count_anomalies: flagged rows of each ticker and model of a pipeline between two trade dates, both included.
-- grain   one row per (ticker, model_id) that has any
-- needs   anomalies_all
-- gives   ticker Utf8, n Int64, model_id Utf8
--
-- Of all models: `anomalies` shows those of the last complete run, which a shard may not be.
SELECT
  ticker,
  count(*) AS n,
  model_id
FROM anomalies_all
WHERE pipeline = $pipeline AND trade_date >= $from AND trade_date <= $to
GROUP BY ticker, model_id
ORDER BY ticker, model_id
