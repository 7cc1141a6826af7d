"""Median log return of a day over six tickers, by NumPy: the golden of src/engine/market/tests.rs.

    python3 tests/golden/market/median.py
"""

import numpy as np

days = np.arange(6)
tickers = np.arange(6)[:, None]
prices = 100 + 10 * np.sin(7 * tickers + 3 * days)
returns = np.diff(np.log(prices), axis=1)
for day, median in zip(days[1:], np.median(returns, axis=0)):
    print(f"({day}, {float(median)!r}),")
