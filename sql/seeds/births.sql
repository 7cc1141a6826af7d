-- births: figures of seed D that the tables hold.
-- grain   one row per (figure, form, model)
-- needs   errors, reconstructions
-- gives   figure Utf8, form Utf8 (ours, trivial, corrected), model Utf8, value Float64
--
-- Series k of the fakes is held against seed k, so that the spread is that of networks and fakes together.
WITH values_seen AS (
  SELECT ticker, trade_date, value
  FROM reconstructions
  WHERE pipeline = 'seed_d_as_published' AND model = 'seed1'
),
learnt AS (
  SELECT min(value) AS low, max(value) AS high
  FROM values_seen
  WHERE ticker = 'BIRTHS' AND trade_date <= DATE '1959-07-19'
),
judged AS (
  SELECT pipeline, ticker, trade_date, model, is_anomaly, split
  FROM errors
  WHERE pipeline IN ('seed_d_as_published', 'seed_d_corrected') AND model LIKE 'seed%'
)
SELECT 'd_normals' AS figure, 'ours' AS form, model, CAST(count(*) FILTER (WHERE NOT is_anomaly) AS DOUBLE) AS value
FROM judged
WHERE pipeline = 'seed_d_as_published' AND ticker = 'BIRTHS' AND split = 'train'
GROUP BY model
UNION ALL
SELECT 'd_fakes', 'ours', model, CAST(count(*) FILTER (WHERE is_anomaly) AS DOUBLE)
FROM judged
WHERE pipeline = 'seed_d_as_published' AND ticker = 'FAKES_' || right(model, 1)
GROUP BY model
UNION ALL
SELECT 'd_normals', 'trivial', 'training range', CAST(count(*) FILTER (WHERE value BETWEEN low AND high) AS DOUBLE)
FROM values_seen CROSS JOIN learnt
WHERE ticker = 'BIRTHS' AND trade_date <= DATE '1959-07-19'
GROUP BY ticker
UNION ALL
SELECT 'd_fakes', 'trivial', ticker, CAST(count(*) FILTER (WHERE NOT value BETWEEN low AND high) AS DOUBLE)
FROM values_seen CROSS JOIN learnt
WHERE ticker LIKE 'FAKES_%'
GROUP BY ticker
UNION ALL
SELECT 'd_held_out_normals_pct', 'corrected', model, 100 * avg(CASE WHEN is_anomaly THEN 0.0 ELSE 1.0 END)
FROM judged
WHERE pipeline = 'seed_d_corrected' AND ticker = 'BIRTHS' AND split = 'test'
GROUP BY model
UNION ALL
SELECT 'd_held_out_normals_pct', 'ours', model, 100 * avg(CASE WHEN is_anomaly THEN 0.0 ELSE 1.0 END)
FROM judged
WHERE pipeline = 'seed_d_as_published' AND ticker = 'BIRTHS' AND trade_date >= DATE '1959-11-01'
GROUP BY model
UNION ALL
SELECT 'd_held_out_normals_pct', 'trivial', 'training range', 100 * avg(CASE WHEN value BETWEEN low AND high THEN 1.0 ELSE 0.0 END)
FROM values_seen CROSS JOIN learnt
WHERE ticker = 'BIRTHS' AND trade_date >= DATE '1959-11-01'
UNION ALL
SELECT 'd_fakes', 'corrected', model, CAST(count(*) FILTER (WHERE is_anomaly) AS DOUBLE)
FROM judged
WHERE pipeline = 'seed_d_corrected' AND ticker = 'FAKES_' || right(model, 1) AND trade_date >= DATE '1960-01-01'
GROUP BY model
