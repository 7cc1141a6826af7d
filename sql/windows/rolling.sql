-- rolling: one window of $length rows for each row, or the reason why there is none.
-- grain     one row per (ticker, ts)
-- needs     features(ticker, ts, trade_date, segment, is_break, price_defect, reference_price,
--           feature_row)
-- gives     every column of features but price_defect, window ListView<Float32>, skip_reason Utf8
-- causal    yes
--
-- feature_row is a struct of the features, in the order of the feature file's header.
-- A price that cannot be used is its own reason.
-- A short history takes the name of what cut it: a gap, a break, or the start of the ticker.
-- Only the first row of a segment can be a break.
-- `*` carries the features, whose names only the feature file knows.
WITH segments AS (
  SELECT
    features.*,
    running_count(is_break) OVER (PARTITION BY ticker, segment ORDER BY ts) > 0 AS began_with_break
  FROM features
),
cut AS (
  SELECT
    segments.*,
    rolling_window(feature_row, $length) OVER by_segment AS window,
    rolling_window_reason(feature_row, $length) OVER by_segment AS reason
  FROM segments
  WINDOW by_segment AS (PARTITION BY ticker, segment ORDER BY ts)
)
SELECT
  cut.* EXCLUDE (price_defect, began_with_break, reason),
  CASE
    WHEN reason IS NULL THEN NULL
    WHEN price_defect IS NOT NULL THEN price_defect
    WHEN reason <> 'history_short' THEN reason
    WHEN began_with_break THEN 'break'
    WHEN segment > 0 THEN 'gap'
    ELSE 'history_short'
  END AS skip_reason
FROM cut
