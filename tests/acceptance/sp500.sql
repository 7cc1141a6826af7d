-- sp500: what `oddlot run pipelines/sp500.toml` must hold; every row is a broken promise.
-- grain   one row per broken promise
-- needs   errors
-- gives   promise Utf8, model Utf8, found Int64
WITH tested AS (
  SELECT model, trade_date, is_anomaly, score
  FROM errors
  WHERE pipeline = 'sp500' AND split = 'test'
),
counts AS (
  SELECT
    model,
    count(*) AS n_rows,
    count(score) AS n_scored,
    count(*) FILTER (WHERE is_anomaly) AS n_flags,
    count(*) FILTER (
      WHERE is_anomaly AND trade_date IN (
        DATE '2016-06-24', DATE '2018-02-05', DATE '2018-10-10', DATE '2025-04-09'
      )
    ) AS n_of_four,
    count(*) FILTER (
      WHERE is_anomaly AND trade_date BETWEEN DATE '2020-02-24' AND DATE '2020-03-16'
    ) AS n_of_2020
  FROM tested
  GROUP BY model
)
SELECT 'every one of the 3,553 test days is scored' AS promise, model, n_scored AS found
FROM counts
WHERE n_rows <> 3553 OR n_scored <> 3553
UNION ALL
SELECT 'at most 2 % of the test days are flagged' AS promise, model, n_flags AS found
FROM counts
WHERE n_flags > 0.02 * n_rows
UNION ALL
SELECT 'networks flag the four days that stand out most' AS promise, model, n_of_four AS found
FROM counts
WHERE model IN ('autoencoder', 'forecaster') AND n_of_four <> 4
UNION ALL
SELECT 'networks flag a day of 2020-02-24 to 2020-03-16' AS promise, model, n_of_2020 AS found
FROM counts
WHERE model IN ('autoencoder', 'forecaster') AND n_of_2020 = 0
UNION ALL
SELECT 'five models judge' AS promise, 'all' AS model, count(*) AS found
FROM counts
HAVING count(*) <> 5
ORDER BY promise, model
