"""Drift as SciPy has it: the two-sample Kolmogorov-Smirnov statistic of scores that are named after the percentile
of calibration that they reach, its limit distribution at Stephens' argument, and the population stability index
between deciles as a sum of two Kullback-Leibler divergences.

    python3 -m venv venv && venv/bin/pip install -r requirements.txt
    venv/bin/python generate.py > golden.json
"""
import json

import numpy as np
from scipy import special, stats


def scores(n, step, power):
    """Spread over (0, 1) and bent, in an order that looks drawn; `power` 1 is even. Exact but for the power."""
    u = ((np.arange(n, dtype=np.int64) * step + step // 2) % 100_003) / 100_003
    return {1: u, 2: u * u, 3: u * u * u}[power]


def coarse(n, step, levels):
    """Many ties."""
    return np.floor(scores(n, step, 1) * levels)


def case(name, calibration, later):
    m, n = len(calibration), len(later)
    ordered = np.sort(calibration)
    edges = np.unique([ordered[min(int(k / 100 * m), m - 1)] for k in range(1, 100)])
    of_calibration, of_later = (np.searchsorted(edges, x, side="right") for x in (calibration, later))
    exact = stats.ks_2samp(calibration, later, method="asymp")
    binned = stats.ks_2samp(of_calibration, of_later, method="asymp").statistic
    root = np.sqrt(n * m / (n + m))
    p_value = special.kolmogorov((root + 0.12 + 0.11 / root) * binned)

    counts = [np.bincount(x, minlength=len(edges) + 1) for x in (of_calibration, of_later)]
    before = np.concatenate([[0], np.cumsum(counts[0])[:-1]])
    group = np.minimum((200 * before + m) // (20 * m), 9)  # half a bin for percentiles between two scores
    names = np.unique(group)
    q, p = (np.array([c[group == g].sum() for g in names]) + 0.5 for c in counts)
    p, q = p / (n + 0.5 * len(names)), q / (m + 0.5 * len(names))
    return {
        "name": name, "psi": float(stats.entropy(p, q) + stats.entropy(q, p)), "ks": float(binned),
        "p_value": float(p_value), "ks_of_all": float(exact.statistic), "p_value_of_scipy": float(exact.pvalue),
        "is_larger": bool(exact.statistic_sign > 0),
    }


print(json.dumps([
    case("same", scores(5000, 61_803, 1), scores(400, 38_197, 1)),
    case("shrunk", scores(5000, 61_803, 1), scores(400, 38_197, 2)),
    case("grown", scores(3000, 61_803, 3), scores(400, 70_711, 2)),
    case("ties", coarse(2000, 61_803, 7), coarse(300, 38_197, 6)),
    case("few", scores(80, 61_803, 1), scores(45, 38_197, 2)),
    case("thinned", scores(30_000, 61_803, 1), scores(20_000, 38_197, 2)),
], indent=1))
