-- equal_alerts_seeds: named days that the corrected forms of A, B and C find in their test spans, if everybody
-- may alert on the same share of days; mean ± sd over the five seeds of a network.
-- Asked by DuckDB after `oddlot run pipelines/seed_*.toml`, from the top of the repository:
--   duckdb < tests/acceptance/equal_alerts_seeds.sql
WITH named AS (
  SELECT CAST(date AS DATE) AS trade_date
  FROM read_csv('data/sp500/events.csv')
),
ranked AS (
  SELECT
    upper(pipeline[6]) AS system,
    model,
    CASE
      WHEN model LIKE 'forecaster%' THEN 'forecaster'
      WHEN model LIKE 'seed%' OR model LIKE 'autoencoder%' THEN 'autoencoder'
      ELSE model
    END AS kind,
    trade_date,
    row_number() OVER (PARTITION BY pipeline, model ORDER BY score DESC, trade_date) AS place,
    count(*) OVER (PARTITION BY pipeline, model) AS n_days
  FROM read_parquet('out/tables/errors/pipeline=seed_*_corrected/*/*.parquet', hive_partitioning = true)
  WHERE split = 'test'
    AND score IS NOT NULL
    AND pipeline IN ('seed_a_corrected', 'seed_b_corrected', 'seed_c_corrected')
),
found AS (
  SELECT
    system,
    kind,
    model,
    any_value(n_days) AS n_days,
    count(*) AS named_days,
    count(*) FILTER (WHERE place <= 0.005 * n_days) AS half,
    count(*) FILTER (WHERE place <= 0.01 * n_days) AS one,
    count(*) FILTER (WHERE place <= 0.02 * n_days) AS two
  FROM ranked
  JOIN named USING (trade_date)
  GROUP BY system, kind, model
)
SELECT
  system,
  kind,
  count(*) AS seeds,
  any_value(n_days) AS test_days,
  any_value(named_days) AS named_days,
  printf('%.1f ± %.1f', avg(half), coalesce(stddev_samp(half), 0)) AS found_at_half_a_percent,
  printf('%.1f ± %.1f', avg(one), coalesce(stddev_samp(one), 0)) AS found_at_one_percent,
  printf('%.1f ± %.1f', avg(two), coalesce(stddev_samp(two), 0)) AS found_at_two_percent
FROM found
GROUP BY system, kind
ORDER BY system, kind
