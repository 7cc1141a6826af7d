-- busiest_tickers: tickers with most flagged rows lately
-- grain     one row per (pipeline, ticker)
-- needs     errors, anomalies
-- gives     pipeline, ticker, n_days (sessions with a flag), n_flags (of all models), n_models, last_day
-- takes     sessions = 21: how many of the newest trading days to look at; rows = 50: how many tickers at most
WITH days AS (
  SELECT
    pipeline,
    trade_date,
    row_number() OVER (
      PARTITION BY pipeline ORDER BY trade_date DESC
      ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
    ) AS back
  FROM errors
  GROUP BY pipeline, trade_date
),
flags AS (
  SELECT
    anomalies.pipeline,
    anomalies.ticker,
    anomalies.trade_date,
    anomalies.model
  FROM anomalies
  INNER JOIN days
    ON anomalies.pipeline = days.pipeline AND anomalies.trade_date = days.trade_date
  WHERE days.back <= CAST($sessions AS BIGINT)
),
counted AS (
  SELECT
    pipeline,
    ticker,
    count(DISTINCT trade_date) AS n_days,
    count(*) AS n_flags,
    count(DISTINCT model) AS n_models,
    max(trade_date) AS last_day
  FROM flags
  GROUP BY pipeline, ticker
),
ranked AS (
  SELECT
    pipeline,
    ticker,
    n_days,
    n_flags,
    n_models,
    last_day,
    row_number() OVER (
      PARTITION BY pipeline ORDER BY n_days DESC, n_flags DESC, ticker
      ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
    ) AS place
  FROM counted
)
SELECT
  pipeline,
  ticker,
  n_days,
  n_flags,
  n_models,
  last_day
FROM ranked
WHERE place <= CAST($rows AS BIGINT)
ORDER BY pipeline, place
