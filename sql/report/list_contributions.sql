-- list_contributions: what a model expected of each feature of a row, and its share of the squared score.
-- grain   one row per feature
-- needs   reconstructions
-- gives   feature, value, expected, lower, upper, price_expected, share (as in sql/results/share_contributions.sql)
WITH seen AS (
  SELECT
    feature,
    value,
    expected,
    lower_bound AS lower,
    upper_bound AS upper,
    price_expected,
    power(error / nullif(upper_bound - expected, 0.0), 2) AS part
  FROM reconstructions
  WHERE pipeline = $pipeline
    AND ticker = $ticker
    AND model = $model
    AND CAST(ts AS BIGINT) = $ts
    AND year = $year
)
SELECT
  feature,
  value,
  expected,
  lower,
  upper,
  price_expected,
  part / nullif(sum(part) OVER (), 0.0) AS share
FROM seen
ORDER BY share DESC NULLS LAST, feature
