-- trivial: what rules without any learning make of the same windows as seeds A, B and C.
-- grain   one row per (system, span)
-- needs   closes (closes.sql)
-- gives   figure Utf8, form Utf8, model Utf8, and a Float64 a figure: its name is figure, `_` and the column's
--
-- `persistence` tells the close of the day before. `perfect` is the score of whoever knew the close: mean
-- |z - z of each of the thirty days before|. `scatter` is the sum of squares of these thirty around their mean.
WITH steps_back AS (
  SELECT tens.ten * 10 + ones.one + 1 AS n
  FROM (VALUES (0), (1), (2)) AS tens(ten)
  CROSS JOIN (VALUES (0), (1), (2), (3), (4), (5), (6), (7), (8), (9)) AS ones(one)
),
judged AS (
  SELECT
    closes.*,
    -- Windows lie wholly in their span; A's and B's validation is the last tenth of their training windows.
    CASE
      WHEN system = 'seed_a_as_published' AND row_number > 7782 + 30 THEN 'test'
      WHEN system = 'seed_a_as_published' AND row_number BETWEEN 6976 + 31 AND 7782 THEN 'validation'
      WHEN system = 'seed_b_as_published' AND row_number > 6553 + 30 THEN 'test'
      WHEN system = 'seed_b_as_published' AND row_number BETWEEN 5870 + 31 AND 6553 THEN 'validation'
      WHEN system = 'seed_c_as_published' AND row_number > 7782 + 30 THEN 'test'
      WHEN system = 'seed_c_as_published' AND row_number BETWEEN 7003 + 31 AND 7782 THEN 'validation'
      ELSE 'train' END AS split
  FROM closes
),
pairs AS (
  SELECT system, split, row_number, z, move, persistence, row_number - steps_back.n AS earlier
  FROM judged
  CROSS JOIN steps_back
  WHERE split <> 'train'
),
windowed AS (
  SELECT
    pairs.system,
    pairs.split,
    pairs.row_number,
    min(pairs.move) AS move,
    min(pairs.persistence) AS persistence,
    avg(abs(pairs.z - closes.z)) AS perfect,
    (avg(closes.z * closes.z) - avg(closes.z) * avg(closes.z)) * count(*) AS scatter
  FROM pairs
  JOIN closes ON closes.system = pairs.system AND closes.row_number = pairs.earlier
  GROUP BY pairs.system, pairs.split, pairs.row_number
),
figures AS (
  SELECT
    substr(system, 6, 1) AS letter,
    split,
    avg(persistence) AS loss,
    avg(scatter) AS loss_of_window,
    CAST(count(*) FILTER (WHERE perfect > 0.65) AS DOUBLE) AS flags,
    CAST(count(*) FILTER (WHERE perfect > 0.6) AS DOUBLE) AS flags_060,
    CAST(count(*) FILTER (WHERE scatter > 12) AS DOUBLE) AS flags_by_scatter,
    max(perfect) AS perfect_max,
    avg(CASE WHEN abs(move) > 2 THEN 1.0 ELSE 0.0 END) AS precision_2pct
  FROM windowed
  GROUP BY system, split
)
SELECT
  letter || '_autoencoder_' || split AS figure,
  'trivial' AS form,
  'persistence' AS model,
  loss,
  loss_of_window,
  CASE letter WHEN 'c' THEN flags_by_scatter ELSE flags END AS flags,
  flags_060,
  perfect_max,
  precision_2pct
FROM figures
UNION ALL
SELECT 'b_lstm_' || split, 'trivial', 'persistence', avg(persistence * persistence), NULL, NULL, NULL, NULL, NULL
FROM judged
WHERE system = 'seed_b_as_published' AND split <> 'train'
GROUP BY split
