-- closes: the closes that seeds A, B and C saw, numbered and in units of their training rows.
-- grain   one row per (system, trade_date)
-- needs   reconstructions
-- gives   system, row_number, trade_date, z (by mean and population deviation of the training rows), move (of the
--         close in percent), persistence (|z - z of the day before|)
WITH raw AS (
  SELECT
    pipeline AS system,
    trade_date,
    value,
    row_number() OVER (PARTITION BY pipeline ORDER BY trade_date) AS row_number
  FROM reconstructions
  -- By the pipeline alone, so that no other pipeline's files are read.
  WHERE pipeline IN ('seed_a_as_published', 'seed_b_as_published', 'seed_c_as_published')
    AND model = CASE pipeline WHEN 'seed_b_as_published' THEN 'lstm1' ELSE 'seed1' END
),
units AS (
  SELECT system, avg(value) AS mean, stddev_pop(value) AS deviation
  FROM raw
  WHERE row_number <= CASE system
    WHEN 'seed_a_as_published' THEN 7782
    WHEN 'seed_b_as_published' THEN 6553
    ELSE 7003 END
  GROUP BY system
)
SELECT
  raw.system,
  raw.row_number,
  raw.trade_date,
  (raw.value - units.mean) / units.deviation AS z,
  100 * (raw.value / lag(raw.value) OVER (PARTITION BY raw.system ORDER BY raw.row_number) - 1) AS move,
  abs(raw.value - lag(raw.value) OVER (PARTITION BY raw.system ORDER BY raw.row_number))
    / units.deviation AS persistence
FROM raw
JOIN units ON units.system = raw.system
