-- list_prices: the prices of a ticker between two days, both included, as the source has them.
-- grain   one row per row of the source with a price
-- needs   prices
-- gives   ts Timestamp(µs, "UTC"), value Float64
SELECT
  ts,
  value
FROM prices
WHERE ticker = $ticker
  AND trade_date >= $from
  AND trade_date <= $to
  AND value IS NOT NULL
ORDER BY ts
