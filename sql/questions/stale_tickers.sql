-- stale_tickers: tickers whose rows end before those of the others
-- grain     one row per (pipeline, ticker)
-- needs     errors
-- gives     pipeline, ticker, last_day, newest_day (of the pipeline), n_missed (sessions since last_day)
-- takes     sessions = 5: least number of sessions that were missed
WITH days AS (
  SELECT
    pipeline,
    trade_date,
    row_number() OVER (
      PARTITION BY pipeline ORDER BY trade_date DESC
      ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
    ) - 1 AS back
  FROM errors
  GROUP BY pipeline, trade_date
),
newest AS (
  SELECT
    pipeline,
    max(trade_date) AS newest_day
  FROM errors
  GROUP BY pipeline
),
tickers AS (
  SELECT
    pipeline,
    ticker,
    max(trade_date) AS last_day
  FROM errors
  GROUP BY pipeline, ticker
)
SELECT
  tickers.pipeline,
  tickers.ticker,
  tickers.last_day,
  newest.newest_day,
  days.back AS n_missed
FROM tickers
INNER JOIN newest ON tickers.pipeline = newest.pipeline
INNER JOIN days
  ON tickers.pipeline = days.pipeline AND tickers.last_day = days.trade_date
WHERE days.back >= CAST($sessions AS BIGINT)
ORDER BY tickers.pipeline, days.back DESC, tickers.ticker
