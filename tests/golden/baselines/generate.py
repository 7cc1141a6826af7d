"""Writes `windows.json`: distances of windows to neighbours and to centres, by scikit-learn.

    pip install -r tests/golden/baselines/requirements.txt
    python tests/golden/baselines/generate.py

Windows of eight rows are learnt from the first 300 rows; distances are those of a row, in deviations of the values
of the windows that were learnt. Values are whole hundredths, so that both sides read the same series.
"""

import json
import math
import pathlib

import numpy as np
from sklearn.cluster import KMeans
from sklearn.neighbors import NearestNeighbors

ROWS, LEARNT, CLUSTERS = 8, 300, 6
TOLD = [290, 300, 317, 350, 399]


def main() -> None:
    values = [round(100 * math.sin(k * k * 0.01) + 40 * math.cos(k * 0.37)) / 100 for k in range(400)]
    windows = np.lib.stride_tricks.sliding_window_view(np.array(values), ROWS)
    learnt = windows[: LEARNT - ROWS + 1]
    unit = learnt.std() * math.sqrt(ROWS)
    told = windows[[row - ROWS + 1 for row in TOLD]]

    def pairs(distances: np.ndarray) -> list:
        return [[row, float(distance / unit)] for row, distance in zip(TOLD, distances)]

    neighbours = NearestNeighbors(n_neighbors=3, algorithm="brute").fit(learnt)
    # Differences and not products, so that no digit is lost.
    exact = np.array([np.sort(np.linalg.norm(learnt - window, axis=1))[:3] for window in told])
    assert np.allclose(neighbours.kneighbors(told)[0], exact, atol=1e-6)
    centres = KMeans(CLUSTERS, n_init=10, random_state=0).fit(learnt)
    to_centres = np.linalg.norm(told[:, None] - centres.cluster_centers_[None], axis=2).min(axis=1)
    assert np.allclose(centres.transform(told).min(axis=1), to_centres)
    golden = {
        "values": values,
        "to_first": pairs(exact[:, 0]),
        "to_third": pairs(exact[:, 2]),
        "centres": centres.cluster_centers_.tolist(),
        "to_centres": pairs(to_centres),
        "mean_square": float(centres.inertia_ / len(learnt) / unit**2),
    }
    (pathlib.Path(__file__).parent / "windows.json").write_text(json.dumps(golden) + "\n")


if __name__ == "__main__":
    main()
