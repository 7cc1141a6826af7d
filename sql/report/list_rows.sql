-- list_rows: what a model said of a ticker between two days, both included.
-- grain   one row per ts
-- needs   errors, reconstructions, anomalies
-- gives   ts Int64 (µs), score (that decided), threshold, ratio, is_anomaly, rule, value, expected,
--         lower, upper, price_expected, return_pct
WITH scored AS (
  SELECT ts, score, score_hindsight, threshold, threshold_ratio, is_anomaly, rule
  FROM errors
  WHERE pipeline = $pipeline
    AND ticker = $ticker
    AND model = $model
    AND trade_date >= $from
    AND trade_date <= $to
    AND year >= $from_year
    AND year <= $to_year
),
seen AS (
  SELECT ts, value, expected, lower_bound, upper_bound, price_expected
  FROM reconstructions
  WHERE pipeline = $pipeline
    AND ticker = $ticker
    AND model = $model
    AND feature = $feature
    AND trade_date >= $from
    AND trade_date <= $to
    AND year >= $from_year
    AND year <= $to_year
),
flagged AS (
  SELECT ts, return_pct
  FROM anomalies
  WHERE pipeline = $pipeline
    AND ticker = $ticker
    AND model = $model
    AND trade_date >= $from
    AND trade_date <= $to
    AND year >= $from_year
    AND year <= $to_year
)
SELECT
  CAST(scored.ts AS BIGINT) AS ts,
  coalesce(scored.threshold_ratio * scored.threshold, scored.score, scored.score_hindsight) AS score,
  scored.threshold,
  scored.threshold_ratio AS ratio,
  scored.is_anomaly,
  scored.rule,
  seen.value,
  seen.expected,
  seen.lower_bound AS lower,
  seen.upper_bound AS upper,
  seen.price_expected,
  flagged.return_pct
FROM scored
LEFT JOIN seen ON seen.ts = scored.ts
LEFT JOIN flagged ON flagged.ts = scored.ts
ORDER BY ts
