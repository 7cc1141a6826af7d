"""Writes `scores.json`: what archive detectors give, by NumPy and SciPy.

    pip install --no-deps -r tests/golden/archive/requirements.txt
    python tests/golden/archive/generate.py

The formulas stand in `tests/labelled/recipe.py`. Where a library has the detector itself, it must agree:
principal components with scikit-learn, the autoregression with statsmodels, the matrix profile with stumpy.
Values are whole numbers, so that both sides read the same series.
"""

import json
import math
import pathlib
import sys

import numpy as np
import stumpy
from sklearn.decomposition import PCA
from statsmodels.tsa.ar_model import AutoReg

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE.parent.parent / "labelled"))
import recipe  # noqa: E402

DETECTORS = [
    "median_distance", "difference", "auto_regression", "polynomial", "spectral_residual", "window_pca",
    "window_pca_3", "nearest_neighbour", "matrix_profile", "ensemble",
]  # fmt: skip


def series():
    rng = np.random.default_rng(5)
    wave = 1000 * np.sin(np.arange(400) * 2 * np.pi / 25) + 60 * rng.standard_normal(400)
    wave[250:262] += 900
    yield "a wave with a bump", 25, wave
    yield "noise", 16, 500 * rng.standard_normal(230)
    walk = np.cumsum(20 * rng.standard_normal(600))
    walk[300:340] = walk[300]
    yield "a walk that stands still", 31, walk
    yield "a short series", 12, 100 * rng.standard_normal(37)
    long = 1000 * np.sin(np.arange(3300) * 2 * np.pi / 40) + 100 * rng.standard_normal(3300)
    long[1500:1530] *= -1
    yield "a long series, of which some windows are asked for", 40, long


def by_scikit_learn(view):
    windows = view.windows(view.w2)
    model = PCA(0.9, svd_solver="full").fit(windows)
    squares = (windows - model.inverse_transform(model.transform(windows))) ** 2
    merged = [np.mean(np.diagonal(squares[:, ::-1], view.w2 - 1 - row)) for row in range(view.n)]
    return view.smoothed(np.array(merged))


def by_statsmodels(view):
    order = min(20, view.n // 4)
    error = np.zeros(view.n)
    error[order:] = AutoReg(view.z, order).fit().resid
    return view.smoothed(error**2)


def by_stumpy(view):
    # stumpy leaves out windows up to ceil(m / denominator) away, ours those less than m away.
    stumpy.config.STUMPY_EXCL_ZONE_DENOM = view.w2 / (view.w2 - 1)
    assert math.ceil(view.w2 / stumpy.config.STUMPY_EXCL_ZONE_DENOM) == view.w2 - 1
    return recipe.windows_to_points(stumpy.stump(view.z, view.w2)[:, 0].astype(float), view.w2)


def main():
    cases = []
    for name, period, values in series():
        values = np.round(values)
        view = recipe.View(values, period)
        rows = np.arange(0, view.n, max(1, view.n // 150))
        scores = {detector: recipe.DETECTORS[detector](view) for detector in DETECTORS}
        np.testing.assert_allclose(by_scikit_learn(view), scores["window_pca"], atol=1e-9)
        np.testing.assert_allclose(by_statsmodels(view), scores["auto_regression"], atol=1e-9)
        if "stands still" not in name:  # stumpy has no floor under deviations
            np.testing.assert_allclose(by_stumpy(view), scores["matrix_profile"], atol=2e-7)
        cases.append({
            "name": name, "period": period, "values": values.astype(int).tolist(), "rows": rows.tolist(),
            "scores": {key: np.round(found[rows], 10).tolist() for key, found in scores.items()},
        })  # fmt: skip
    lines = ",\n".join(json.dumps(case, separators=(",", ":")) for case in cases)
    (HERE / "scores.json").write_text(f"[\n{lines}\n]\n")


if __name__ == "__main__":
    main()
