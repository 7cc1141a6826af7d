-- share_contributions: how much each feature has of a row's causal score before it is smoothed.
-- grain   one row per (ticker, ts, model, feature)
-- needs   reconstructions(pipeline, ticker, ts, model, feature, error, expected, upper_bound)
-- gives   pipeline, ticker, ts, model, feature, share Float64 (of the squared score; 1 in all)
-- causal  yes
-- An error over its distance to the bound is the scaled error in units common to all features, so that
-- under `norm = "l2"` the squared shares are exact. Under "l1" leave the squares out; under "max" the
-- largest has it all. Under "mahalanobis" the score is no sum of features: this tells how far each alone
-- would be from a flag.
WITH relative AS (
  SELECT pipeline, ticker, ts, model, feature,
    power(error / nullif(upper_bound - expected, 0.0), 2) AS part
  FROM reconstructions
  WHERE error IS NOT NULL AND upper_bound IS NOT NULL
),
whole AS (
  SELECT pipeline, ticker, ts, model, sum(part) AS parts
  FROM relative
  GROUP BY pipeline, ticker, ts, model
)
SELECT
  relative.pipeline,
  relative.ticker,
  relative.ts,
  relative.model,
  relative.feature,
  relative.part / nullif(whole.parts, 0.0) AS share
FROM relative
JOIN whole
  ON relative.pipeline = whole.pipeline
  AND relative.ticker = whole.ticker
  AND relative.ts = whole.ts
  AND relative.model = whole.model
ORDER BY relative.pipeline, relative.model, relative.ticker, relative.ts, relative.feature
