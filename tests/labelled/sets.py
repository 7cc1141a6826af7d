"""The labelled series of `data/labelled`: NAB's and Microsoft's, read alike.

A series is sorted by time; of rows with one timestamp the first in the file is kept; rows without a value
are dropped. (Some files have duplicate, irregular or backward timestamps, and empty cells.) What remains is
taken as evenly spaced. Labels: NAB's windows, ends included; Microsoft's column.
"""

import json
import pathlib
from dataclasses import dataclass

import numpy as np
import pandas as pd


@dataclass
class Series:
    """One labelled series: values and labels, `[time]`."""

    set: str
    name: str
    values: np.ndarray
    labels: np.ndarray


def cleaned(frame):
    """Rows in order of time, the first of equal timestamps, those with a value."""
    frame = frame.set_axis(["ts", "value", *frame.columns[2:]], axis=1)
    frame["ts"] = pd.to_datetime(frame["ts"])
    frame = frame.sort_values("ts", kind="stable").drop_duplicates("ts", keep="first")
    return frame[np.isfinite(pd.to_numeric(frame["value"], errors="coerce"))]


def read(folder):
    """All series, in order of set and name; those without an anomaly too."""
    folder = pathlib.Path(folder)
    series = []
    windows = json.loads((folder / "nab/labels_windows.json").read_text())
    for path in sorted((folder / "nab").glob("*/*.csv")):
        frame = cleaned(pd.read_csv(path))
        labels = np.zeros(len(frame), int)
        for first, last in windows[f"{path.parent.name}/{path.name}"]:
            labels |= frame["ts"].between(pd.Timestamp(first), pd.Timestamp(last)).to_numpy()
        series.append(Series("nab", path.stem, frame["value"].to_numpy(float), labels))
    for path in sorted((folder / "ms-cloud").glob("*/*.csv")):
        frame = cleaned(pd.read_csv(path))
        labels = frame.iloc[:, 2].fillna(0).to_numpy(int)
        series.append(Series("ms", path.stem, frame["value"].to_numpy(float), labels))
    return series
