"""Levels of thresholds as other implementations have them: SciPy's generalised Pareto distribution for
`peaks`, the published algorithm of Hundman et al. 2018 in NumPy for `dynamic` and its pruning, NumPy for
the Mahalanobis distance and for rolling scores.

    python3 -m venv venv && venv/bin/pip install -r requirements.txt
    venv/bin/python generate.py > golden.json
"""
import json

import numpy as np
from scipy import optimize, stats


def uniform(n, step):
    """Evenly spread in (0, 1), in an order that looks drawn; exact in any language."""
    return ((np.arange(n) * step + step // 2) % 100_003) / 100_003 + 1 / 200_006


def pareto(n, step, shape):
    """Scores with a tail of the given shape."""
    u = uniform(n, step)
    return -np.log1p(-u) if shape == 0 else np.expm1(-shape * np.log1p(-u)) / shape


def fit(excesses):
    """SciPy's fit, refined until it stands still."""
    shape, _, scale = stats.genpareto.fit(excesses, floc=0)
    best = None
    for start in ([shape, np.log(scale)], [0.1, np.log(excesses.mean())]):
        found = optimize.minimize(
            lambda p: stats.genpareto.nnlf((p[0], 0, np.exp(p[1])), excesses),
            start, method="Nelder-Mead", options={"xatol": 1e-12, "fatol": 1e-13, "maxiter": 20_000})
        best = found if best is None or found.fun < best.fun else best
    return best.x[0], np.exp(best.x[1])


def peaks():
    cases = []
    for n, step, true, rate, initial in [
        (2000, 61_803, 0.25, 0.005, 0.98), (5000, 38_197, 0.0, 0.001, 0.95), (3000, 70_711, -0.3, 0.01, 0.9),
        (20_000, 14_142, 0.6, 0.0001, 0.98),
    ]:
        scores = pareto(n, step, true)
        above = np.quantile(scores, initial)
        excesses = scores[scores > above] - above
        shape, scale = fit(excesses)
        level = above + stats.genpareto.isf(rate * n / len(excesses), shape, 0, scale)
        far = above + 10 * scale
        p_value = stats.genpareto.sf(far - above, shape, 0, scale) * len(excesses) / n
        cases.append({"n": n, "step": step, "true_shape": true, "rate": rate, "initial": initial,
                      "n_above": len(excesses), "shape": shape, "scale": scale, "level": level,
                      "far": far, "p_value": p_value})
    return cases


def consecutive(indices):
    return np.split(indices, np.where(np.diff(indices) != 1)[0] + 1) if len(indices) else []


def find_epsilon(e):
    """Hundman et al. 2018, equations 4 and 5, with the z of telemanom and without its buffer of 100 rows and
    its limit of five sequences, which the paper does not have."""
    mean, sd = np.mean(e), np.std(e)
    epsilon, best = mean + 12 * sd, -np.inf
    for z in np.arange(2.5, 12, 0.5):
        level = mean + z * sd
        above, kept = np.argwhere(e > level).reshape(-1), e[e <= level]
        if len(above) == 0 or len(above) >= 0.5 * len(e):
            continue
        score = ((mean - np.mean(kept)) / mean + (sd - np.std(kept)) / sd) / (
            len(consecutive(above)) ** 2 + len(above))
        if score >= best:
            best, epsilon = score, level
    return epsilon


def prune(e, epsilon, p):
    """telemanom's `prune_anoms`: which runs above epsilon stay."""
    runs = consecutive(np.argwhere(e > epsilon).reshape(-1))
    peaks = np.array([e[run].max() for run in runs])
    in_order = np.append(np.sort(peaks)[::-1], e[e <= epsilon].max())
    removed = np.array([], dtype=int)
    for i in range(len(in_order) - 1):
        if (in_order[i] - in_order[i + 1]) / in_order[i] < p:
            removed = np.append(removed, np.argwhere(peaks == in_order[i]).reshape(-1))
        else:
            removed = np.array([], dtype=int)
    return peaks.tolist(), float(in_order[-1]), [i not in removed for i in range(len(peaks))]


def dynamic():
    cases = []
    for n, step, cut, bumps in [
        (1500, 61_803, 7.0, [(300, 4, 9.0), (700, 1, 14.0)]), (2100, 38_197, 0.499, []),
        (900, 14_142, 5.0, [(100, 20, 3.0), (500, 2, 20.0), (600, 3, 19.0), (800, 1, 7.0)]),
        (900, 14_142, 3.35, [(100, 2, 10.0), (500, 1, 3.2), (600, 1, 3.0), (700, 1, 2.9)]),
        # One spike over six lower runs: only the square of their number keeps the level above them.
        (1000, 61_803, 5.3, [(500, 1, 7.0)] + [(100 * i + 20, 3, 5.0) for i in range(6)]),
    ]:
        e = np.abs(uniform(n, step) - 0.5)
        for at, length, height in bumps:
            e[at:at + length] += height
        epsilon = find_epsilon(e)
        peaks, unflagged, kept = prune(e, cut, 0.13)
        cases.append({"n": n, "step": step, "bumps": bumps, "epsilon": epsilon,
                      "peaks": peaks, "unflagged": unflagged, "kept": kept})
    return cases


def mahalanobis():
    """Malhotra 2016 §2: absolute errors `[row, feature]`, mean and population covariance; root of the form."""
    errors = np.abs(np.stack([uniform(400, 61_803) - 0.5,
                              0.3 * uniform(400, 61_803) + uniform(400, 38_197) - 0.6,
                              uniform(400, 14_142) ** 3], axis=1))
    mean, covariance = errors.mean(axis=0), np.cov(errors.T, bias=True)
    covariance += 1e-6 * np.trace(covariance) / 3 * np.eye(3)
    inverse = np.linalg.inv(covariance)
    points = np.array([[0.0, 0.0, 0.0], [0.5, 0.1, 0.2], [2.0, 3.0, 0.0]])
    distances = [float(np.sqrt((p - mean) @ inverse @ (p - mean))) for p in points]
    return {"points": points.tolist(), "distances": distances}


def smoothed():
    x = uniform(40, 61_803)
    trailing = [x[max(0, i - 4):i + 1] for i in range(40)]
    centred = [x[max(0, i - 2):i + 3] for i in range(40)]
    weights = 0.7 ** np.arange(5)
    two_sided = 0.7 ** np.abs(np.arange(-2, 3))
    ewma = [float((w[::-1] * weights[:len(w)]).sum() / weights[:len(w)].sum()) for w in trailing]
    both = []
    for i in range(40):
        offsets = np.arange(max(-2, -i), min(2, 39 - i) + 1)
        w = 0.7 ** np.abs(offsets)
        both.append(float((x[i + offsets] * w).sum() / w.sum()))
    return {"mean": [float(w.mean()) for w in trailing], "median": [float(np.median(w)) for w in trailing],
            "ewma": ewma, "centred_mean": [float(w.mean()) for w in centred],
            "centred_median": [float(np.median(w)) for w in centred], "centred_ewma": both}


print(json.dumps({"peaks": peaks(), "dynamic": dynamic(), "mahalanobis": mahalanobis(),
                  "smoothed": smoothed()}, indent=1))
