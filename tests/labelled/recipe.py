"""The archive detectors once more, in NumPy and scikit-learn: what ours are held against.

    python3 recipe.py LABELLED OUT.json                  scores here, VUS-PR by TSB-AD
    python3 recipe.py LABELLED OUT.json --program PATH   scores by our program, VUS-PR by TSB-AD
    python3 recipe.py --table NUMPY.json OURS.json       the two side by side

LABELLED is `data/labelled`. PATH is the example `archive` of `oddlot-series`. A run goes
on where an earlier one ended: what OUT.json holds is not computed again. Written from the formulas in
`src/series/archive/`, with other means: windows are copied and compared outright, principal components come
from a singular value decomposition, polynomials from `numpy.polyfit`.
"""

import argparse
import json
import pathlib
import subprocess
import sys
import time

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

import sets


def moving_average(values, length):
    # As SciPy's uniform_filter1d(values, length, mode="nearest"), whose running sum leaves 1e-16 where all
    # is 0: enough for ties among many zeros to fall otherwise.
    padded = np.pad(values, (length // 2, length - 1 - length // 2), mode="edge")
    return sliding_window_view(padded, length).mean(1)


def rms2(squares, period):
    return moving_average(np.sqrt(moving_average(squares, period)), period)


def windows_to_points(scores, length):
    n = len(scores) + length - 1
    total, count = np.zeros(n), np.zeros(n)
    for offset in range(length):
        total[offset : offset + len(scores)] += scores
        count[offset : offset + len(scores)] += 1
    return total / count


class View:
    """A series in units of its deviation, its period, and its windows.

    `as_tried`: errors smoothed over one period, and the neighbour's distance a window's, as the recipe had it.
    """

    def __init__(self, values, period, as_tried=False):
        sd = values.std()
        self.z = (values - values.mean()) / sd if sd > 0 else np.zeros(len(values))
        self.n, self.period = len(values), max(10, period)
        self.w = min(max(10, self.period), max(10, self.n // 4))
        self.w2 = max(1, min(2 * self.w, self.n // 4))
        self.scales = [max(1, min(int(self.period * share), self.n // 50)) for share in (0.25, 0.5, 1, 2)]
        if as_tried:
            self.scales = [self.period]
        self.compared = sorted({max(2, min(int(self.period * share), self.n // 16)) for share in (0.5, 1, 2)})
        self.as_tried = as_tried
        self.found = []

    def windows(self, length):
        return sliding_window_view(self.z, length)

    def smoothed(self, squares):
        return np.mean([rms2(squares, length) for length in self.scales], axis=0)


def median_distance(view):
    return moving_average(np.abs(view.z - np.median(view.z)), 50)


def difference(view):
    return view.smoothed(np.diff(view.z, prepend=view.z[0]) ** 2)


def auto_regression(view, order=20):
    order = min(order, view.n // 4)
    past = sliding_window_view(view.z[:-1], order)
    design = np.column_stack([np.ones(len(past)), past])
    coefficients, *_ = np.linalg.lstsq(design, view.z[order:], rcond=None)
    error = np.zeros(view.n)
    error[order:] = view.z[order:] - design @ coefficients
    return view.smoothed(error**2)


def window_pca(view, share=0.9, components=None):
    windows = view.windows(view.w2)
    centred = windows - windows.mean(0)
    _, sizes, axes = np.linalg.svd(centred, full_matrices=False)
    explained = np.cumsum(sizes**2) / np.sum(sizes**2)
    kept = components or int(np.argmax(explained >= share)) + 1
    axes = axes[:kept]
    residual = (centred - (centred @ axes.T) @ axes) ** 2
    total, count = np.zeros(view.n), np.zeros(view.n)
    for offset in range(view.w2):
        total[offset : offset + len(windows)] += residual[:, offset]
        count[offset : offset + len(windows)] += 1
    return view.smoothed(total / count)


def k_means(view, clusters=20):
    from sklearn.cluster import KMeans

    windows = np.ascontiguousarray(view.windows(view.w2))
    learnt = windows[np.linspace(0, len(windows) - 1, min(4000, len(windows))).astype(int)]
    model = KMeans(min(clusters, len(learnt)), n_init=1, random_state=0).fit(learnt)
    return windows_to_points(model.transform(windows).min(1), view.w2)


def polynomial(view, degree=4):
    """Each stretch of P rows against a polynomial through the 5 P rows on either side of it."""
    length, reach = view.period, 5 * view.period
    squares = np.zeros(view.n)
    for first in range(0, view.n, length):
        last = min(view.n, first + length)
        rows = np.r_[max(0, first - reach) : first, last : min(view.n, last + reach)]
        if len(rows) == 0:
            continue
        middle = (first + last - 1) / 2
        fit = np.polyfit((rows - middle) / reach, view.z[rows], min(degree, len(rows) - 1))
        guess = np.polyval(fit, (np.arange(first, last) - middle) / reach)
        squares[first:last] = (view.z[first:last] - guess) ** 2
    return view.smoothed(squares)


def neighbours(view, length):
    """First rows of some windows and of the nearest of some others, and the distances between them."""
    windows = np.ascontiguousarray(view.windows(length))
    n, whole = len(windows), view.n <= 3000
    most = n if whole and not view.as_tried else min(4000, n)
    references = np.unique(np.linspace(0, n - 1, most).astype(int))
    queries = np.unique(np.r_[0 : n : 1 if whole else max(1, length // 8), n - 1])
    squares = (windows**2).sum(1)
    others, found = queries.copy(), np.zeros(len(queries))
    for k, query in enumerate(queries):
        distances = squares[references] + squares[query] - 2 * windows[references] @ windows[query]
        distances[np.abs(references - query) < length] = np.inf
        if np.isfinite(distances.min()):
            others[k] = references[np.argmin(distances)]
            found[k] = np.sqrt(max(0, distances.min()))
    return queries, others, found


def nearest_neighbour(view):
    if view.as_tried:
        queries, _, found = neighbours(view, view.w2)
        return windows_to_points(np.interp(np.arange(view.n - view.w2 + 1), queries, found), view.w2)
    squares = np.zeros(view.n)
    for length in view.compared:
        total, count = np.zeros(view.n), np.zeros(view.n)
        for query, other, _ in zip(*neighbours(view, length)):
            total[query : query + length] += (view.z[query : query + length] - view.z[other : other + length]) ** 2
            count[query : query + length] += 1
        squares += total / count / len(view.compared)
    return view.smoothed(squares)


def matrix_profile(view):
    windows = np.array(view.windows(view.w2))
    windows -= windows.mean(1, keepdims=True)
    windows /= np.maximum(windows.std(1, keepdims=True), 1e-3)
    n, squares = len(windows), (windows**2).sum(1)
    nearest = np.empty(n)
    for k in range(0, n, 256):
        block = windows[k : k + 256]
        distances = squares[k : k + 256, None] + squares - 2 * block @ windows.T
        for row in range(len(block)):
            here = k + row
            distances[row, max(0, here - view.w2 + 1) : here + view.w2] = np.inf
        nearest[k : k + 256] = np.sqrt(np.maximum(0, distances.min(1)))
    return windows_to_points(nearest, view.w2)


def spectral_residual(view):
    spectrum = np.fft.fft(view.z)
    logs = np.log(np.abs(spectrum) + 1e-8)
    logs[0] = logs[1]  # z has mean 0: what is there is rounding
    residual = np.exp(logs - moving_average(logs, 3))
    residual[0] = 0
    saliency = np.abs(np.fft.ifft(residual * np.exp(1j * np.angle(spectrum))))
    return view.smoothed(saliency**2)


def isolation_forest(view):
    from sklearn.ensemble import IsolationForest

    windows = np.ascontiguousarray(view.windows(view.w2))
    model = IsolationForest(n_estimators=100, random_state=0).fit(windows)
    return windows_to_points(-model.score_samples(windows), view.w2)


def peakedness(scores, period):
    top = int(np.argmax(scores))
    height = scores[top] - np.median(scores)
    outside = np.r_[scores[: max(0, top - 2 * period)], scores[top + 2 * period + 1 :]]
    if height <= 0 or len(outside) == 0:
        return 0.0
    return float(np.clip((scores[top] - outside.max()) / height, 0, 1))


def combined(view, members, equal=False):
    total = np.zeros(view.n)
    weights = [1.0 if equal else peakedness(scores, view.period) + 0.1 for scores in members]
    for weight, scores in zip(weights, members):
        if scores.std() > 0:
            total += weight / sum(weights) * (scores - scores.mean()) / scores.std()
    return total


def members(view):
    """Those of the recipe's that need no network."""
    if not view.found:
        view.found = [nearest_neighbour(view), matrix_profile(view), window_pca(view)]
    return view.found


def ensemble(view):
    return combined(view, [nearest_neighbour(view), window_pca(view), auto_regression(view)])


def ensemble_equal(view):
    return combined(view, [nearest_neighbour(view), window_pca(view), auto_regression(view)], equal=True)


def random(view):
    return np.random.default_rng(0).random(view.n)


DETECTORS = {
    "random": random,
    "median_distance": median_distance,
    "difference": difference,
    "auto_regression": auto_regression,
    "window_pca": window_pca,
    "window_pca_3": lambda view: window_pca(view, components=3),
    "k_means": k_means,
    "polynomial": polynomial,
    "nearest_neighbour": nearest_neighbour,
    "matrix_profile": matrix_profile,
    "spectral_residual": spectral_residual,
    "isolation_forest": isolation_forest,
    "ensemble": ensemble,
    "ensemble_equal": ensemble_equal,
}


def vus_pr(series, scores):
    """TSB-AD's volume under the precision-recall surface, at that library's own window."""
    from TSB_AD.evaluation.basic_metrics import generate_curve
    from TSB_AD.utils.slidingWindows import find_length_rank

    window = int(find_length_rank(series.values.reshape(-1, 1)))
    return float(generate_curve(series.labels, scores, window, "opt", 250)[7])


def by_program(program, detector, values):
    """Scores by the example `archive`: a column in, a column out."""
    text = "".join(f"{value!r}\n" for value in values.tolist())
    done = subprocess.run([program, detector], input=text, capture_output=True, text=True, check=True)
    return np.array(done.stdout.split(), float)


def run(root, out, program, only, seconds):
    from TSB_AD.utils.slidingWindows import find_length_rank

    found = json.loads(out.read_text()) if out.exists() else {}
    began = time.monotonic()
    for series in sets.read(root):
        view = View(series.values, int(find_length_rank(series.values.reshape(-1, 1))))
        for name, detector in DETECTORS.items():
            key = f"{series.name}/{name}"
            if key in found or (only and name not in only) or (program and name == "random"):
                continue
            if time.monotonic() - began > seconds:
                print("more to do", file=sys.stderr)
                return
            if program:
                scores = by_program(program, name, series.values)
            else:
                scores = detector(view)
            found[key] = vus_pr(series, scores)
            out.write_text(json.dumps(found, indent=0))


def table(numpy_path, ours_path):
    recipe, ours = (json.loads(pathlib.Path(p).read_text()) for p in (numpy_path, ours_path))
    print("detector            NAB numpy   ours   MS numpy   ours   both numpy  ours   largest difference")
    for name in DETECTORS:
        line, worst = f"{name:18s}", (0.0, "")
        for group in ("nab", "cloud", ""):
            keys = [k for k in recipe if k.startswith(group) and k.endswith(f"/{name}")]
            # Means of the same series; where ours has none, of all.
            keys = [k for k in keys if k in ours] or keys
            sides = [[side[k] for k in keys if k in side] for side in (recipe, ours)]
            line += "".join(f"  {np.mean(side):7.4f}" if side else "        –" for side in sides)
            for k in keys:
                if k in ours:
                    worst = max(worst, (abs(recipe[k] - ours[k]), k))
        print(line, f"  {worst[0]:.4f} {worst[1]}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("paths", nargs=2)
    parser.add_argument("--program")
    parser.add_argument("--table", action="store_true")
    parser.add_argument("--only", type=lambda text: text.split(","))
    parser.add_argument("--seconds", type=float, default=1e9, help="begin nothing after so many")
    given = parser.parse_args()
    if given.table:
        table(*given.paths)
    else:
        run(given.paths[0], pathlib.Path(given.paths[1]), given.program, given.only, given.seconds)


if __name__ == "__main__":
    main()
