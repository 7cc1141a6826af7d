-- count_issues: why rows have no window of their own; every model has seen the same.
-- grain   one row per reason
-- needs   errors
-- gives   reason, n_rows, n_tickers, first_day, last_day Int32
WITH seen AS (
  SELECT min(model) AS model
  FROM errors
  WHERE pipeline = $pipeline
)
SELECT
  errors.skip_reason AS reason,
  count(*) AS n_rows,
  count(DISTINCT errors.ticker) AS n_tickers,
  CAST(min(errors.trade_date) AS INT) AS first_day,
  CAST(max(errors.trade_date) AS INT) AS last_day
FROM errors
INNER JOIN seen ON seen.model = errors.model
WHERE errors.pipeline = $pipeline AND errors.skip_reason IS NOT NULL
GROUP BY errors.skip_reason
ORDER BY n_rows DESC, reason
