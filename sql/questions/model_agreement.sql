-- model_agreement: which models flag the same rows
-- grain     one row per (pipeline, model, other) with model before other by name
-- needs     anomalies
-- gives     pipeline, model, other, n_model, n_other, n_both, jaccard (both over either)
-- takes     split = : one span only, such as test, all of them if empty
WITH flags AS (
  SELECT
    pipeline,
    model,
    ticker,
    ts
  FROM anomalies
  WHERE nullif($split, '') IS NULL OR split = nullif($split, '')
),
counts AS (
  SELECT
    pipeline,
    model,
    count(*) AS n
  FROM flags
  GROUP BY pipeline, model
),
shared AS (
  SELECT
    flags.pipeline,
    flags.model,
    others.model AS other,
    count(*) AS n
  FROM flags
  INNER JOIN flags AS others
    ON flags.pipeline = others.pipeline AND flags.ticker = others.ticker AND flags.ts = others.ts
  WHERE flags.model < others.model
  GROUP BY flags.pipeline, flags.model, others.model
)
SELECT
  counts.pipeline,
  counts.model,
  others.model AS other,
  counts.n AS n_model,
  others.n AS n_other,
  coalesce(shared.n, 0) AS n_both,
  CAST(coalesce(shared.n, 0) AS DOUBLE)
  / (counts.n + others.n - coalesce(shared.n, 0)) AS jaccard
FROM counts
INNER JOIN counts AS others
  ON counts.pipeline = others.pipeline AND counts.model < others.model
LEFT JOIN shared
  ON
    counts.pipeline = shared.pipeline
    AND counts.model = shared.model
    AND others.model = shared.other
ORDER BY counts.pipeline, counts.model, others.model
