-- list_values: the first feature of each row of a pipeline; every model has seen the same.
-- grain   one row per (ticker, ts)
-- needs   reconstructions
-- gives   ticker, ts, value
WITH seen AS (
  SELECT
    min(model) AS model,
    min(feature) AS feature
  FROM reconstructions
  WHERE pipeline = $pipeline
)
SELECT
  reconstructions.ticker,
  reconstructions.ts,
  reconstructions.value
FROM reconstructions
INNER JOIN seen ON reconstructions.model = seen.model AND reconstructions.feature = seen.feature
WHERE reconstructions.pipeline = $pipeline
ORDER BY reconstructions.ticker, reconstructions.ts
