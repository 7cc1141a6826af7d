-- equal_alerts: named days that each model finds if everybody may alert on the same share of days.
-- Asked by DuckDB after `oddlot run pipelines/sp500.toml`, from the top of the repository:
--   duckdb < tests/acceptance/equal_alerts.sql
WITH named AS (
  SELECT CAST(date AS DATE) AS trade_date
  FROM read_csv('data/sp500/events.csv')
),
ranked AS (
  SELECT
    model,
    trade_date,
    row_number() OVER (PARTITION BY model ORDER BY score DESC) AS place,
    count(*) OVER (PARTITION BY model) AS n_days
  FROM read_parquet('out/tables/errors/pipeline=sp500/*/*.parquet')
  WHERE split = 'test' AND score IS NOT NULL
)
SELECT
  model,
  count(*) FILTER (WHERE place <= 0.005 * n_days) AS found_at_half_a_percent,
  count(*) FILTER (WHERE place <= 0.01 * n_days) AS found_at_one_percent,
  count(*) FILTER (WHERE place <= 0.02 * n_days) AS found_at_two_percent,
  count(*) AS named_days
FROM ranked
JOIN named USING (trade_date)
GROUP BY model
ORDER BY found_at_one_percent DESC, model
