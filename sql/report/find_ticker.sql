-- find_ticker: which pipelines and models have looked at a ticker.
-- grain   one row per (pipeline, model)
-- needs   reconstructions
-- gives   pipeline, model, feature (the first by name), features (all), last_day Int32
SELECT
  pipeline,
  model,
  min(feature) AS feature,
  string_agg(DISTINCT feature, ',' ORDER BY feature) AS features,
  CAST(max(trade_date) AS INT) AS last_day
FROM reconstructions
WHERE ticker = $ticker
GROUP BY pipeline, model
ORDER BY pipeline, model
