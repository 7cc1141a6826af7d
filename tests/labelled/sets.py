"""The labelled series of `data/labelled` that have a label: NAB's and Microsoft's.

Sorted by time, rows without a value dropped; what remains is taken as evenly spaced. (How the files were read:
`data/labelled.py`.)
"""

from dataclasses import dataclass

import duckdb
import numpy as np


@dataclass
class Series:
    """One labelled series: values and labels, `[time]`."""

    set: str
    name: str
    values: np.ndarray
    labels: np.ndarray


def read(folder):
    """In order of ticker: `cloud/…`, then `nab/…`."""
    rows = duckdb.sql(
        f"""
        SELECT s.ticker, s.value, EXISTS (
          FROM '{folder}/labels.parquet' l
          WHERE l.ticker = s.ticker AND s.ts BETWEEN l.start_ts AND l.end_ts) AS label
        FROM '{folder}/series.parquet' s WHERE s.value IS NOT NULL ORDER BY s.ticker, s.ts"""
    ).fetchnumpy()
    tickers = rows["ticker"].astype(str)
    for ticker in np.unique(tickers):
        own = tickers == ticker
        labels = np.asarray(rows["label"][own]).astype(int)
        if labels.any():
            yield Series(ticker.split("/")[0], ticker, np.asarray(rows["value"][own]), labels)
