-- new_alerts: flags that were told for the first time after a run
-- grain     one row per (pipeline, run_id, ticker, ts, model)
-- needs     alerts
-- gives     pipeline, run_id, alerted_at, ticker, trade_date, model, rule, score, threshold
-- takes     run = : name of the run after which to begin, as `oddlot runs` lists it, if empty, the newest that told any
WITH told AS (
  SELECT
    pipeline,
    max(run_id) AS newest_run
  FROM alerts
  GROUP BY pipeline
)
SELECT
  alerts.pipeline,
  alerts.run_id,
  alerts.alerted_at,
  alerts.ticker,
  alerts.trade_date,
  alerts.model,
  alerts.rule,
  alerts.score,
  alerts.threshold
FROM alerts
INNER JOIN told ON alerts.pipeline = told.pipeline
WHERE (nullif($run, '') IS NULL AND alerts.run_id = told.newest_run)
  OR alerts.run_id > nullif($run, '')
ORDER BY alerts.pipeline, alerts.run_id, alerts.trade_date, alerts.ticker, alerts.model
