-- last_prices: the newest price of each ticker that can be used.
-- grain     one row per ticker that has such a price
-- needs     prices(ticker, ts, value)
-- gives     ticker Utf8, last_price Float64
-- causal    yes
SELECT
  ticker,
  last_value(value ORDER BY ts) AS last_price
FROM prices
WHERE value IS NOT NULL AND NOT isnan(value) AND abs(value) < CAST('Infinity' AS DOUBLE)
GROUP BY ticker
ORDER BY ticker
