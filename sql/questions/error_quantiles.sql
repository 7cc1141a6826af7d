-- error_quantiles: how errors are spread by year, in thresholds: a drift shows as a shift of the middle
-- grain     one row per (pipeline, model, year)
-- needs     errors
-- gives     pipeline, model, year, n_rows, median, p90, p99, largest
-- takes     model = : one model only, all of them if empty
--
-- Quantiles by nearest rank, the least value that this share of the rows does not exceed: every engine finds the same
-- row, where those that interpolate differ.
WITH ranked AS (
  SELECT
    pipeline,
    model,
    year,
    threshold_ratio,
    row_number() OVER (
      PARTITION BY pipeline, model, year ORDER BY threshold_ratio, ticker, ts
      ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
    ) AS place,
    count(*) OVER (
      PARTITION BY pipeline, model, year
      ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
    ) AS n_rows
  FROM errors
  WHERE threshold_ratio IS NOT NULL
    AND rule = 'model'
    AND (nullif($model, '') IS NULL OR model = nullif($model, ''))
)
SELECT
  pipeline,
  model,
  year,
  max(n_rows) AS n_rows,
  max(CASE WHEN place = floor((n_rows + 1) / 2.0) THEN threshold_ratio END) AS median,
  max(CASE WHEN place = floor((9 * n_rows + 9) / 10.0) THEN threshold_ratio END) AS p90,
  max(CASE WHEN place = floor((99 * n_rows + 99) / 100.0) THEN threshold_ratio END) AS p99,
  max(threshold_ratio) AS largest
FROM ranked
GROUP BY pipeline, model, year
ORDER BY pipeline, model, year
