-- count_anomalies: flagged rows of a pipeline between two trade dates, both included.
-- grain   one row
-- needs   anomalies
-- gives   n Int64
SELECT count(*) AS n
FROM anomalies
WHERE pipeline = $pipeline AND trade_date >= $from AND trade_date <= $to
