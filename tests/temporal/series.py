"""The series of the study: births, generated periodic series, and the volatility of the S&P 500."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow.parquet as parquet

DATA = Path(__file__).parent.parent.parent / "data"


@dataclass
class Study:
    """One kind of series and how anomalies are put into its test span."""

    name: str
    window: int
    """Rows of a model's window."""
    length: int
    """Rows of an anomaly."""
    period: int | None
    spans: tuple
    """Ends of training, validation and calibration, as shares."""
    copies: int
    """Tickers of each class of anomaly, in each fold."""
    events: int
    """Anomalies of a ticker."""
    trend: int = 0
    """Rows before, whose mean is taken off each value; 0 takes off none."""
    folds: int = 1
    """Beginnings of the series, as far from each other as may be: each quarter is the test span once."""
    is_drawn: bool = False
    """Whether each ticker is a series of its own."""
    code: int = 4
    """Numbers that the autoencoder squeezes a window through, as in `pipelines/births.toml` and `sp500.toml`."""
    epochs: int = 300
    """At most; a tenth of them without a better validation loss ends training."""

    @property
    def half(self):
        """Rows of half a window: over these the second feature looks, and scores are smoothed."""
        return self.window // 2

    def values(self, fold, draw):
        return SOURCES[self.name](fold / self.folds, draw)


def births(begin, _):
    """52 weeks of 1959, so that weekdays go on where the year is closed to a ring; from the share `begin` of it."""
    days = parquet.read_table(DATA / "births/births.parquet")["births"].to_numpy().astype(float)[:364]
    return np.roll(days, -int(begin * 52) * 7)


def periodic(_, draw):
    """Two sines of 24 and 168 rows, each series with phases and noise of its own; noise is AR(1)."""
    t = np.arange(1800)
    daily = np.sin(2 * np.pi * (t / 24 + draw.random()))
    weekly = 0.5 * np.sin(2 * np.pi * (t / 168 + draw.random()))
    noise = np.empty(len(t))
    last = 0.0
    for idx, shock in enumerate(draw.normal(0, 0.15, len(t))):
        last = noise[idx] = 0.5 * last + shock
    return daily + weekly + noise


def volatility(_, __):
    """Logarithm of the mean |log return| of 5 days, every 5th day: no two values share a day."""
    table = parquet.read_table(DATA / "sp500/sp500.parquet", columns=["date", "close"])
    close = table.sort_by("date")["close"].to_numpy()
    moves = np.abs(np.diff(np.log(close)))
    weeks = moves[: len(moves) // 5 * 5].reshape(-1, 5).mean(axis=1)
    return np.log(weeks)


SOURCES = {"births": births, "periodic": periodic, "S&P volatility": volatility}
QUARTERS = (0.5, 0.6, 0.75)

STUDIES = [
    Study("births", 14, 21, 7, QUARTERS, copies=4, events=2, trend=28, folds=4),
    Study("periodic", 48, 24, 24, QUARTERS, copies=4, events=3, is_drawn=True, code=8, epochs=40),
    Study("S&P volatility", 24, 12, None, QUARTERS, copies=4, events=10, trend=24),
]
