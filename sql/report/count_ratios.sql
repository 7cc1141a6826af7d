-- count_ratios: how many rows of calibration and test span have which score over threshold.
-- grain   one row per (model, split, bin)
-- needs   errors
-- gives   model, split, bin Int64 (tenths of the threshold, 30 and above together), n
SELECT
  model,
  split,
  least(30, CAST(floor(threshold_ratio * 10.0) AS BIGINT)) AS bin,
  count(*) AS n
FROM errors
WHERE pipeline = $pipeline
  AND threshold_ratio IS NOT NULL
  AND threshold_ratio >= 0.0
  AND rule = 'model'
GROUP BY model, split, bin
ORDER BY model, split, bin
