"""Writes `length_rank.json`: the window that TSB-AD takes for a series (`find_length_rank`, rank 1).

    pip install --no-deps -r tests/golden/evaluate/requirements.txt
    pip install -r <(grep -v -e TSB -e prts tests/golden/evaluate/requirements.txt)
    python tests/golden/evaluate/length_rank.py

Values are whole numbers, so that both sides read the same series. `find_length_rank` asks for plots that
the function never draws, so `statsmodels.graphics` is replaced by an empty module.
"""

import json
import sys
import types
from pathlib import Path

import numpy

sys.modules["statsmodels.graphics.tsaplots"] = types.SimpleNamespace(plot_acf=None)
from TSB_AD.utils.slidingWindows import find_length_rank  # noqa: E402

rng = numpy.random.default_rng(20240701)


def wave(n, period, noise, second=0):
    time = numpy.arange(n)
    values = 1000 * numpy.sin(2 * numpy.pi * time / period)
    if second:
        values = values + 700 * numpy.sin(2 * numpy.pi * time / second)
    return numpy.round(values + noise * rng.standard_normal(n)).astype(int)


def walk(n):
    return numpy.cumsum(rng.integers(-50, 51, n))


SERIES = {
    "a clean wave": wave(300, 25, 0),
    "a noisy wave": wave(700, 48, 400),
    "two waves": wave(900, 24, 150, second=168),
    "a long period": wave(1300, 288, 100),
    "a period beyond the largest lag that counts": wave(1500, 330, 20),
    "a period of five, too short to count": wave(300, 5, 0),
    "a period of six, the shortest that counts": wave(300, 6, 0),
    "the best peak at lag four": wave(200, 4, 30),
    "a random walk": walk(800),
    "another random walk": walk(2500),
    "white noise": rng.integers(-500, 500, 600),
    "more white noise": rng.integers(-500, 500, 1200),
    "fewer rows than lags": wave(90, 20, 100),
    "ten rows": numpy.array([0, 5, 9, 5, 0, 5, 9, 5, 0, 5]),
    "a few spikes": numpy.where(numpy.isin(numpy.arange(400), [40, 131, 222, 313]), 900, 0),
    "a trend": 3 * numpy.arange(500) + rng.integers(-3, 4, 500),
    "constant": numpy.full(100, 7),
    "three rows": numpy.array([1, 3, 2]),
    "one row": numpy.array([4]),
}

cases = [
    {
        "name": name,
        "values": values.tolist(),
        "window": int(find_length_rank(values.astype(float).reshape(-1, 1), rank=1)) if len(values) > 1 else 125,
    }
    for name, values in SERIES.items()
]
lines = ",\n".join(json.dumps(case, separators=(",", ":")) for case in cases)
(Path(__file__).parent / "length_rank.json").write_text(f"[\n{lines}\n]\n")
for case in cases:
    print(case["window"], case["name"])
