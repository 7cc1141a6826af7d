"""What can be known of births at best: an oracle that has the truth, for an upper bound.

It knows the mean of each day (trend and weekly pattern, from the whole year), the deviation of the noise, how
long an anomaly is, and of which class. Its score of a row is the log likelihood ratio, that class against
none, of the stretch that ends there, days independent and normal about their means; of `stuck` and
`autocorrelation`, which chance all but never makes, how near the stretch comes to being one.
"""

import numpy as np

from anomalies import alternating

PERMUTATIONS = 400
"""Drawn to average the likelihood of a shuffled stretch over."""


def truth(days):
    """Mean of each day and deviation of the noise, of the series without anomalies."""
    t = np.arange(len(days))
    ring = np.abs(t[:, None] - t[None, :])
    ring = np.minimum(ring, len(days) - ring)
    weights = np.exp(-0.5 * (ring / 15) ** 2)
    trend = weights @ days / weights.sum(axis=1)
    pattern = np.array([(days - trend)[phase::7].mean() for phase in range(7)])
    mean = trend + pattern[t % 7]
    return trend, pattern, mean, (days - mean).std()


def scores(days, calm, length, kind, draw):
    """Of each row of `days` [row], whose like without anomalies is `calm` [row]; NaN where no stretch ends."""
    trend, pattern, mean, sd = truth(calm)
    orders = [draw.permutation(length) for _ in range(PERMUTATIONS)]
    found = np.full(len(days), np.nan)
    for end in range(length, len(days) + 1):
        x, mu = days[end - length : end], mean[end - length : end]
        # Squares of the values cancel, and of a permutation those of the means too.
        moved = lambda order: x @ (mu[order] - mu) / sd**2
        if kind == "shuffled":
            found[end - 1] = average([moved(order) for order in orders])
        elif kind == "reversed":
            found[end - 1] = moved(np.arange(length)[::-1])
        elif kind == "frozen phase":
            calm_fit = -0.5 * ((x - mu) ** 2).sum() / sd**2
            level = trend[: end - length + 1].mean()
            frozen = [-0.5 * ((x - level - phase) ** 2).sum() / sd**2 for phase in pattern]
            found[end - 1] = average(frozen) - calm_fit
        elif kind == "stuck":
            found[end - 1] = -x.std()
        else:
            found[end - 1] = -np.abs(x - alternating(x, None, None)).sum()
    return found


def average(logs):
    """Logarithm of the mean of what these are logarithms of."""
    top = max(logs)
    return top + np.log(np.mean(np.exp(np.array(logs) - top)))
