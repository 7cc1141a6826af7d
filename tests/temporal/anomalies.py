"""Temporal anomalies with unchanged marginals: what is odd is the order of values, never a value.

A stretch is given values that the series had there or elsewhere at an ordinary time, in an order that it
never has. No rule about single values can see that.
"""

import numpy as np


def shuffled(stretch, _, draw):
    """The stretch's own values in another order."""
    order = draw.permutation(len(stretch))
    while np.array_equal(order, np.arange(len(stretch))):
        order = draw.permutation(len(stretch))
    return stretch[order]


def reversed_(stretch, _, __):
    """The stretch's own values, backwards."""
    return stretch[::-1]


def frozen_phase(stretch, context, draw):
    """Values of one phase of the period only, each from another cycle of the history before."""
    before, period = context
    phase = draw.integers(period)
    same = before[phase::period]
    return draw.choice(same, len(stretch), replace=len(same) < len(stretch))


def stuck(stretch, _, __):
    """The stretch's own median, again and again."""
    return np.full(len(stretch), np.sort(stretch)[len(stretch) // 2])


def alternating(stretch, _, __):
    """The stretch's own values, low and high by turns: its autocorrelation changes sign."""
    ascending = np.sort(stretch)
    half = (len(stretch) + 1) // 2
    changed = np.empty_like(stretch)
    changed[0::2], changed[1::2] = ascending[:half], ascending[half:]
    return changed


CLASSES = {
    "shuffled": shuffled,
    "reversed": reversed_,
    "frozen phase": frozen_phase,
    "stuck": stuck,
    "autocorrelation": alternating,
}


def inject(values, name, places, length, period, draw):
    """`values` with the anomaly `name` at each of `places`; `period` is None where there is none."""
    changed = values.copy()
    for start in places:
        context = (values[:start], period)
        changed[start : start + length] = CLASSES[name](values[start : start + length], context, draw)
    return changed
