-- corrected: figures of the corrected autoencoders of A, B and C on their test spans.
-- grain   one row per (system, model)
-- needs   errors, closes (closes.sql)
-- gives   figure Utf8, form Utf8, model Utf8, and a Float64 a figure: its name is figure, `_` and the column's
SELECT
  substr(errors.pipeline, 6, 1) || '_autoencoder_test' AS figure,
  'corrected' AS form,
  errors.model,
  CAST(count(*) AS DOUBLE) AS windows,
  CAST(to_char(min(errors.trade_date), '%Y%m%d') AS DOUBLE) AS first_day,
  CAST(count(*) FILTER (WHERE errors.is_anomaly) AS DOUBLE) AS flags,
  avg(CASE WHEN abs(closes.move) > 2 THEN 1.0 ELSE 0.0 END) FILTER (WHERE errors.is_anomaly) AS precision_2pct
FROM errors
JOIN closes
  ON closes.system = substr(errors.pipeline, 1, 6) || '_as_published'
  AND closes.trade_date = errors.trade_date
WHERE errors.pipeline IN ('seed_a_corrected', 'seed_b_corrected', 'seed_c_corrected')
  AND errors.split = 'test'
  AND (errors.model LIKE 'seed%' OR errors.model LIKE 'autoencoder%')
GROUP BY errors.pipeline, errors.model
