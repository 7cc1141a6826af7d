"""Forty generated periodic series with labels: a check that what suits `data/labelled` is not bought elsewhere.

    pip install duckdb numpy
    python tests/labelled/periodic.py FOLDER
    cd FOLDER && oddlot run periodic.toml && oddlot evaluate periodic.toml --labels labels.csv --group-by kind

Sums of five harmonics with an uneven beat, noise and, in every third, a drift. One to three stretches of .3 to 3
periods are hurried, quieter, frozen, reversed, shifted, noisier, replaced by a spike, or smoothed.
"""

import pathlib
import sys

import duckdb
import numpy as np

KINDS = ["hurried", "quieter", "frozen", "reversed", "shifted", "noisier", "spike", "smoothed"]


def moving_average(values, length):
    padded = np.pad(values, (length // 2, length - 1 - length // 2), mode="edge")
    return np.convolve(padded, np.ones(length) / length, mode="valid")


def series(seed):
    """Values, labels and the kind of anomaly."""
    draw = np.random.default_rng(seed)
    kind = KINDS[seed % len(KINDS)]
    period, n = int(draw.integers(20, 200)), int(draw.integers(3000, 9000))
    order = np.arange(1, 6)
    heights, phases = draw.normal(size=5) / order, draw.uniform(0, 2 * np.pi, 5)
    step = np.full(n, 2 * np.pi / period) * np.exp(0.03 * draw.normal(size=n))
    loudness, labels, stretches = np.ones(n), np.zeros(n, int), []
    for _ in range(int(draw.integers(1, 4))):
        length = int(draw.uniform(0.3, 3) * period)
        first = int(draw.integers(n // 5, n - length - 10))
        stretches.append(slice(first, first + length))
        labels[stretches[-1]] = 1
    for stretch in stretches:
        if kind == "hurried":
            step[stretch] *= draw.uniform(1.3, 2)
        if kind == "quieter":
            loudness[stretch] = draw.uniform(0.3, 0.7)
    time = np.cumsum(step) + draw.uniform(0, 6)
    values = np.sin(time[:, None] * order + phases) @ heights * loudness
    sd = values.std()
    for stretch in stretches:
        length = stretch.stop - stretch.start
        if kind == "frozen":
            values[stretch] = values[stretch.start]
        if kind == "reversed":
            values[stretch] = values[stretch][::-1].copy()
        if kind == "shifted":
            values[stretch] += draw.choice([-1, 1]) * sd * draw.uniform(0.3, 1)
        if kind == "noisier":
            values[stretch] += draw.normal(size=length) * sd * 0.3
        if kind == "spike":
            labels[stretch] = 0
            middle = (stretch.start + stretch.stop) // 2
            values[middle : middle + 3] += sd * draw.uniform(1, 2.5)
            labels[middle : middle + 3] = 1
        if kind == "smoothed":
            values[stretch] = moving_average(values, max(3, length // 4))[stretch]
    values += draw.normal(size=n) * sd * draw.uniform(0.02, 0.15)
    if seed % 3 == 0:
        values += np.cumsum(draw.normal(size=n)) * sd * 0.01
    return values, labels, kind


def main(folder):
    folder.mkdir(parents=True, exist_ok=True)
    rows, labelled = [], []
    for seed in range(40):
        values, labels, kind = series(seed)
        rows += [(f"{kind}/{seed}", row, float(value)) for row, value in enumerate(values)]
        edges = np.flatnonzero(np.diff(np.r_[0, labels, 0]))
        labelled += [(f"{kind}/{seed}", int(a), int(b) - 1, kind) for a, b in edges.reshape(-1, 2)]
    lines = ["ticker,ts,value", *(f"{ticker},{row},{value!r}" for ticker, row, value in rows)]
    (folder / "series.csv").write_text("\n".join(lines) + "\n")
    duckdb.sql(f"COPY (FROM '{folder}/series.csv' ORDER BY ticker, ts) TO '{folder}/series.parquet'")
    lines = ["ticker,start_ts,end_ts,kind", *(",".join(map(str, label)) for label in labelled)]
    (folder / "labels.csv").write_text("\n".join(lines) + "\n")
    (folder / "periodic.toml").write_text(
        'profile = "archive"\n[source]\npath = "series.parquet"\n'
        'columns = { ticker = "ticker", ts = "ts", value = "value" }\n[output]\nroot = "out"\n'
    )


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
