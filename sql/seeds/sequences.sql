-- sequences: figures of seed E that the tables hold.
-- grain   one row per (figure, form, model)
-- needs   errors, reconstructions
-- gives   figure Utf8, form Utf8 (ours, trivial, corrected), model Utf8, value Float64
WITH scored AS (
  SELECT pipeline, ticker AS sequence, model, max(score) AS score
  FROM errors
  WHERE pipeline IN ('seed_e_as_published', 'seed_e2_as_published') AND rule = 'model'
  GROUP BY pipeline, ticker, model
),
points AS (
  SELECT
    ticker AS sequence,
    value,
    row_number() OVER (PARTITION BY ticker ORDER BY trade_date) AS step
  FROM reconstructions
  WHERE pipeline = 'seed_e_as_published' AND model = 'seed1'
),
verdicts AS (
  SELECT
    model,
    ticker,
    CASE WHEN ticker LIKE 'RAMP_2003%' THEN 'ramps' ELSE 'odd' END AS kind,
    max(CASE WHEN is_anomaly THEN 1.0 ELSE 0.0 END) AS is_flagged
  FROM errors
  WHERE pipeline = 'seed_e_corrected' AND split = 'test' AND ticker <> 'PUBLISHED_LOW'
  GROUP BY model, ticker
)
SELECT 'e_' || sequence AS figure, 'ours' AS form, model, score AS value
FROM scored
WHERE pipeline = 'seed_e_as_published'
UNION ALL
SELECT 'e2_' || sequence, 'ours', model, score
FROM scored
WHERE pipeline = 'seed_e2_as_published' AND sequence <> 'TOY'
UNION ALL
SELECT 'e_' || points.sequence, 'trivial', '1 … 10 again', avg((points.value - known.value) * (points.value - known.value))
FROM points
JOIN points AS known ON known.step = points.step AND known.sequence = 'KNOWN'
GROUP BY points.sequence
UNION ALL
SELECT 'e_ramps_pct', 'corrected', model, 100 * (1 - avg(is_flagged))
FROM verdicts
WHERE kind = 'ramps'
GROUP BY model
UNION ALL
SELECT 'e_odd_pct', 'corrected', model, 100 * avg(is_flagged)
FROM verdicts
WHERE kind = 'odd'
GROUP BY model
