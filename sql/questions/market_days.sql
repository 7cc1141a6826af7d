-- market_days: days on which many tickers stand out at once, so that the cause is the market's
-- grain     one row per (pipeline, model, trade_date)
-- needs     errors
-- gives     pipeline, model, trade_date, n_flagged, n_tickers (with a score that day), share
-- takes     share = 0.2: least share of tickers that are flagged; tickers = 2: least number of them
WITH days AS (
  SELECT
    pipeline,
    model,
    trade_date,
    count(DISTINCT CASE WHEN is_anomaly THEN ticker END) AS n_flagged,
    count(DISTINCT ticker) AS n_tickers
  FROM errors
  WHERE rule IS NOT NULL
  GROUP BY pipeline, model, trade_date
)
SELECT
  pipeline,
  model,
  trade_date,
  n_flagged,
  n_tickers,
  CAST(n_flagged AS DOUBLE) / n_tickers AS share
FROM days
WHERE n_flagged >= CAST($tickers AS BIGINT)
  AND CAST(n_flagged AS DOUBLE) / n_tickers >= CAST($share AS DOUBLE)
ORDER BY pipeline, model, trade_date DESC
