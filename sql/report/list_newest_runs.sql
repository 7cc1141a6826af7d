-- list_newest_runs: the newest committed runs of a pipeline, newest first.
-- grain   one row per run
-- needs   runs
-- gives   run_id, status, command, started_at, finished_at Int64 (µs), n_tickers, n_failed, n_cells, n_cells_replaced,
--         n_alerts, tool_version, machine, n_all (runs in all)
SELECT
  run_id,
  status,
  command,
  CAST(started_at AS BIGINT) AS started_at,
  CAST(finished_at AS BIGINT) AS finished_at,
  n_tickers,
  n_failed,
  n_cells,
  n_cells_replaced,
  n_alerts,
  tool_version,
  machine,
  count(*) OVER () AS n_all
FROM runs
WHERE pipeline = $pipeline
ORDER BY started_at DESC, run_id DESC
LIMIT 20
