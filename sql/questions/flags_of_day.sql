-- flags_of_day: what stands out on one day, the most striking first
-- grain     one row per (pipeline, ticker, model) that is flagged
-- needs     errors, anomalies
-- gives     pipeline, ticker, model, trade_date, rule, direction, threshold_ratio, return_pct, event_id
-- takes     day = : the trading day, such as 2026-02-11, the newest of each pipeline if empty
WITH newest AS (
  SELECT
    pipeline,
    max(trade_date) AS trade_date
  FROM errors
  GROUP BY pipeline
),
asked AS (
  SELECT
    pipeline,
    coalesce(CAST(nullif($day, '') AS DATE), trade_date) AS trade_date
  FROM newest
)
SELECT
  anomalies.pipeline,
  anomalies.ticker,
  anomalies.model,
  anomalies.trade_date,
  anomalies.rule,
  anomalies.direction,
  anomalies.threshold_ratio,
  anomalies.return_pct,
  anomalies.event_id
FROM anomalies
INNER JOIN asked
  ON anomalies.pipeline = asked.pipeline AND anomalies.trade_date = asked.trade_date
ORDER BY
  anomalies.pipeline,
  anomalies.threshold_ratio DESC NULLS LAST,
  anomalies.ticker,
  anomalies.model
