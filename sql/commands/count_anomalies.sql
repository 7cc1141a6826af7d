-- count_anomalies: flagged rows of each ticker of a pipeline between two trade dates, both included.
-- grain   one row per ticker that has any
-- needs   anomalies
-- gives   ticker Utf8, n Int64
SELECT
  ticker,
  count(*) AS n
FROM anomalies
WHERE pipeline = $pipeline AND trade_date >= $from AND trade_date <= $to
GROUP BY ticker
ORDER BY ticker
