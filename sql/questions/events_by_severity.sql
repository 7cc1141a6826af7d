-- events_by_severity: events with the severity of their worst row, worst first
-- grain     one row per (pipeline, event_id)
-- needs     events, errors
-- gives     pipeline, ticker, model, start_date, end_date, n_points, direction, severity (0 to 100; 100 of a break, which
--           no score decides), peak_threshold_ratio, peak_return_pct, event_id
-- takes     severity = 0: least severity; rows = 50: how many of each pipeline at most
--
-- Severity is that of sql/results/rate_severity.sql: 33 at one day in 100, 50 at one in 1,000.
WITH rated AS (
  SELECT
    events.pipeline,
    events.ticker,
    events.model,
    events.start_date,
    events.end_date,
    events.n_points,
    events.direction,
    coalesce(least(100.0, -100.0 / 6.0 * log10(min(errors.p_value))), 100.0) AS severity,
    events.peak_threshold_ratio,
    events.peak_return_pct,
    events.event_id
  FROM events
  INNER JOIN errors
    ON
      events.pipeline = errors.pipeline
      AND events.ticker = errors.ticker
      AND events.model = errors.model
      AND errors.ts BETWEEN events.start_ts AND events.end_ts
  WHERE errors.is_anomaly
  GROUP BY
    events.pipeline,
    events.ticker,
    events.model,
    events.start_date,
    events.end_date,
    events.n_points,
    events.direction,
    events.peak_threshold_ratio,
    events.peak_return_pct,
    events.event_id
),
ranked AS (
  SELECT
    pipeline,
    ticker,
    model,
    start_date,
    end_date,
    n_points,
    direction,
    severity,
    peak_threshold_ratio,
    peak_return_pct,
    event_id,
    row_number() OVER (
      PARTITION BY pipeline
      ORDER BY severity DESC, peak_threshold_ratio DESC NULLS FIRST, event_id
      ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
    ) AS place
  FROM rated
  WHERE severity >= CAST($severity AS DOUBLE)
)
SELECT
  pipeline,
  ticker,
  model,
  start_date,
  end_date,
  n_points,
  direction,
  severity,
  peak_threshold_ratio,
  peak_return_pct,
  event_id
FROM ranked
WHERE place <= CAST($rows AS BIGINT)
ORDER BY pipeline, place
