-- published: figures of seeds A, B and C as published, by span.
-- grain   one row per (system, kind of network, span, model)
-- needs   errors, closes (closes.sql)
-- gives   figure Utf8, form Utf8, model Utf8, and a Float64 a figure: its name is figure, `_` and the column's
SELECT
  substr(errors.pipeline, 6, 1) || CASE WHEN errors.model LIKE 'lstm%' THEN '_lstm_' ELSE '_autoencoder_' END
    || errors.split AS figure,
  'ours' AS form,
  errors.model,
  CAST(count(*) AS DOUBLE) AS windows,
  CAST(to_char(min(errors.trade_date), '%Y%m%d') AS DOUBLE) AS first_day,
  CAST(count(*) FILTER (WHERE errors.is_anomaly) AS DOUBLE) AS flags,
  CAST(count(*) FILTER (WHERE errors.score > 0.6) AS DOUBLE) AS flags_060,
  100 * avg(CASE WHEN errors.is_anomaly THEN 1.0 ELSE 0.0 END) AS flags_pct,
  avg(CASE WHEN abs(closes.move) > 2 THEN 1.0 ELSE 0.0 END) FILTER (WHERE errors.is_anomaly) AS precision_2pct,
  avg(errors.window_error) AS loss,
  30 * avg(errors.window_error) AS loss_of_window
FROM errors
JOIN closes ON closes.system = errors.pipeline AND closes.trade_date = errors.trade_date
WHERE errors.pipeline IN ('seed_a_as_published', 'seed_b_as_published', 'seed_c_as_published')
  AND errors.rule = 'model'
GROUP BY errors.pipeline, errors.split, errors.model
