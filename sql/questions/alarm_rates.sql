-- alarm_rates: share of flagged rows by month, beside the share that the calibration span had
-- grain     one row per (pipeline, model, month)
-- needs     errors
-- gives     pipeline, model, month (its first day), n_rows, n_flags, realised, calibrated, ratio (null where nothing
--           was flagged in calibration)
-- takes     split = test: the span whose months to tell, all of them if empty
--
-- A threshold promises the share of flags that it had where it was calibrated; rows without a score, and breaks,
-- which no threshold decides, are left out of both.
WITH judged AS (
  SELECT
    pipeline,
    model,
    split,
    CAST(date_trunc('month', trade_date) AS DATE) AS month_begins,
    is_anomaly
  FROM errors
  WHERE threshold_ratio IS NOT NULL AND rule = 'model'
),
calibrated AS (
  SELECT
    pipeline,
    model,
    avg(CASE WHEN is_anomaly THEN 1.0 ELSE 0.0 END) AS share
  FROM judged
  WHERE split = 'calibration'
  GROUP BY pipeline, model
),
months AS (
  SELECT
    pipeline,
    model,
    month_begins,
    count(*) AS n_rows,
    count(CASE WHEN is_anomaly THEN 1 END) AS n_flags
  FROM judged
  WHERE nullif($split, '') IS NULL OR split = nullif($split, '')
  GROUP BY pipeline, model, month_begins
)
SELECT
  months.pipeline,
  months.model,
  months.month_begins AS month,
  months.n_rows,
  months.n_flags,
  CAST(months.n_flags AS DOUBLE) / months.n_rows AS realised,
  CAST(calibrated.share AS DOUBLE) AS calibrated,
  CAST(months.n_flags AS DOUBLE) / months.n_rows / nullif(CAST(calibrated.share AS DOUBLE), 0)
    AS ratio
FROM months
LEFT JOIN calibrated
  ON months.pipeline = calibrated.pipeline AND months.model = calibrated.model
ORDER BY months.pipeline, months.model, months.month_begins
