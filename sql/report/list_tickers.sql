-- list_tickers: every ticker that has been looked at.
-- grain   one row per ticker
-- needs   errors
-- gives   ticker
SELECT DISTINCT ticker
FROM errors
ORDER BY ticker
