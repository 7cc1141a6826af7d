-- list_runs: every committed run, oldest first.
-- grain   one row per (pipeline, run_id)
-- needs   runs
-- gives   run_id, pipeline, status, command, started_at, finished_at, counts
SELECT
  run_id,
  pipeline,
  status,
  command,
  started_at,
  finished_at,
  n_tickers,
  n_failed,
  n_rows,
  n_cells,
  n_cells_replaced,
  n_alerts
FROM runs
ORDER BY pipeline, run_id
