-- median_returns: the market's move of each day, as the median of all tickers' log returns.
-- grain     one row per trade_date on which at least five tickers have a return
-- needs     segmented_prices(ticker, ts, trade_date, segment, value)
-- gives     trade_date Date32, market_return Float64, n_tickers Int64
-- lookback  2
-- causal    yes
--
-- Of all tickers that the pipeline keeps, whichever of them a run scores. A return leads from the row before
-- within a segment: a day after a gap, a break and a price that cannot be used count for nothing. A median of
-- fewer than five would tell of single tickers, not of a market: such a day has none.
WITH returns AS (
  SELECT
    trade_date,
    ln(value / lag(value) OVER (PARTITION BY ticker, segment ORDER BY ts)) AS log_return
  FROM segmented_prices
)
SELECT
  trade_date,
  median(log_return) AS market_return,
  count(log_return) AS n_tickers
FROM returns
WHERE trade_date BETWEEN $first_day AND $last_day
GROUP BY trade_date
HAVING count(log_return) >= 5
ORDER BY trade_date
