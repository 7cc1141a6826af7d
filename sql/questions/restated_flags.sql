-- restated_flags: what has become of alerts since they were told: withdrawn, rescored, or gone with their prices
-- grain     one row per (pipeline, ticker, ts, model) whose alert is no longer what it was
-- needs     alerts, errors
-- gives     pipeline, ticker, trade_date, model, run_id (that told it), became, score_told, score_now, ratio_told, ratio_now
-- takes     change = 0.01: least relative change of score over threshold that counts as rescored
WITH compared AS (
  SELECT
    alerts.pipeline,
    alerts.ticker,
    alerts.trade_date,
    alerts.model,
    alerts.run_id,
    CASE
      WHEN errors.ticker IS NULL THEN 'gone'
      WHEN NOT errors.is_anomaly THEN 'withdrawn'
      ELSE 'rescored'
    END AS became,
    alerts.score AS score_told,
    errors.threshold_ratio * errors.threshold AS score_now,
    alerts.score / alerts.threshold AS ratio_told,
    errors.threshold_ratio AS ratio_now
  FROM alerts
  LEFT JOIN errors
    ON
      alerts.pipeline = errors.pipeline
      AND alerts.ticker = errors.ticker
      AND alerts.ts = errors.ts
      AND alerts.model = errors.model
)
SELECT
  pipeline,
  ticker,
  trade_date,
  model,
  run_id,
  became,
  score_told,
  score_now,
  ratio_told,
  ratio_now
FROM compared
WHERE became <> 'rescored'
  OR abs(ratio_now - ratio_told) > CAST($change AS DOUBLE) * abs(ratio_told)
ORDER BY pipeline, trade_date, ticker, model
