-- list_troubled: tickers of a run that are not ok.
-- grain   one row per ticker
-- needs   ticker_status
-- gives   ticker, status, reason, n_rows, n_all (tickers in all)
SELECT
  ticker,
  status,
  reason,
  n_rows,
  count(*) OVER () AS n_all
FROM ticker_status
WHERE pipeline = $pipeline AND run_id = $run_id AND status <> 'ok'
ORDER BY status, ticker
LIMIT 100
