-- failing_tickers: tickers that were not ok in the newest run that looked at them, and for how many runs
-- grain     one row per (pipeline, ticker)
-- needs     ticker_status
-- gives     pipeline, ticker, status, reason, run_id (the newest), n_runs (in which it was not ok), n_runs_all
-- takes     status = : failed, partial or skipped, all three if empty
WITH looked AS (
  SELECT
    pipeline,
    ticker,
    status,
    reason,
    run_id,
    row_number() OVER (
      PARTITION BY pipeline, ticker ORDER BY run_id DESC
      ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
    ) AS back
  FROM ticker_status
),
counted AS (
  SELECT
    pipeline,
    ticker,
    count(CASE WHEN status <> 'ok' THEN 1 END) AS n_runs,
    count(*) AS n_runs_all
  FROM ticker_status
  GROUP BY pipeline, ticker
)
SELECT
  looked.pipeline,
  looked.ticker,
  looked.status,
  looked.reason,
  looked.run_id,
  counted.n_runs,
  counted.n_runs_all
FROM looked
INNER JOIN counted
  ON looked.pipeline = counted.pipeline AND looked.ticker = counted.ticker
WHERE looked.back = 1
  AND looked.status <> 'ok'
  AND (nullif($status, '') IS NULL OR looked.status = nullif($status, ''))
ORDER BY looked.pipeline, looked.status, looked.ticker
