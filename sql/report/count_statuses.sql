-- count_statuses: how many tickers of the last complete run have which status.
-- grain   one row per status
-- needs   ticker_status
-- gives   status, n
SELECT
  status,
  count(*) AS n
FROM ticker_status
WHERE pipeline = $pipeline AND run_id = $run_id
GROUP BY status
ORDER BY status
