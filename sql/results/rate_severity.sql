-- rate_severity: a severity from 0 to 100 for every scored row, which compares across tickers and models.
-- grain   one row per (ticker, ts, model)
-- needs   errors(pipeline, ticker, ts, model, p_value)
-- gives   pipeline, ticker, ts, model, severity Float64 (-100/6 · log10 p_value, at most 100)
-- causal  as the score that decides
-- 0 where every calibration score is as high, 33 at one day in 100, 50 at one in 1,000, 100 at one in a
-- million or rarer. Of n calibration scores the rank alone gives no more than 100/6 · log10(n + 1);
-- `[calibration] p_values = "tail"` goes on from there.
SELECT
  pipeline,
  ticker,
  ts,
  model,
  least(100.0, -100.0 / 6.0 * log10(p_value)) AS severity
FROM errors
WHERE p_value IS NOT NULL
ORDER BY pipeline, model, ticker, ts
