-- explain_rows: what every model of a pipeline said of a ticker on a day.
-- grain   one row per (model, ts)
-- needs   errors, anomalies
-- gives   model, model_id, ts Int64 (µs), split, rule, skip_reason, score, threshold, ratio, percentile,
--         p_value, severity (0 to 100, from the p-value), window_error, is_anomaly, is_interim, return_pct
WITH flagged AS (
  SELECT model, ts, return_pct
  FROM anomalies
  WHERE pipeline = $pipeline AND ticker = $ticker AND trade_date = $day AND year = $year
)
SELECT
  errors.model,
  errors.model_id,
  CAST(errors.ts AS BIGINT) AS ts,
  errors.split,
  errors.rule,
  errors.skip_reason,
  coalesce(errors.threshold_ratio * errors.threshold, errors.score, errors.score_hindsight) AS score,
  errors.threshold,
  errors.threshold_ratio AS ratio,
  errors.percentile,
  errors.p_value,
  least(100.0, -100.0 / 6.0 * log10(errors.p_value)) AS severity,
  errors.window_error,
  errors.is_anomaly,
  errors.is_interim,
  flagged.return_pct
FROM errors
LEFT JOIN flagged ON flagged.model = errors.model AND flagged.ts = errors.ts
WHERE errors.pipeline = $pipeline
  AND errors.ticker = $ticker
  AND errors.trade_date = $day
  AND errors.year = $year
ORDER BY model, ts
