-- list_flagged_tickers: the tickers with the most flagged days of a span.
-- grain   one row per ticker
-- needs   anomalies
-- gives   ticker, n_flags, n_days, last_day Int32, ratio, n_all (tickers in all)
SELECT
  ticker,
  count(*) AS n_flags,
  count(DISTINCT trade_date) AS n_days,
  CAST(max(trade_date) AS INT) AS last_day,
  max(threshold_ratio) AS ratio,
  count(*) OVER () AS n_all
FROM anomalies
WHERE pipeline = $pipeline AND split = $split
GROUP BY ticker
ORDER BY n_days DESC, ratio DESC NULLS LAST, ticker
LIMIT 100
