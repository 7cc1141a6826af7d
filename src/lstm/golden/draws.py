"""The counter-based generator of `../random.rs`, for whole arrays at once.

Weights and windows of the goldens are drawn, not stored: both sides compute the same bits. Every draw is
SplitMix64's finaliser chained over (seed, stream, words...); all sums run in order, so that a sum in Rust
gives the same last bit.
"""

import numpy as np

SAMPLE, SHUFFLE = 4, 2  # `Stream::Sample` and `Stream::Shuffle`
GOLDEN_GAMMA = np.uint64(0x9E3779B97F4A7C15)
FIRST, SECOND = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)


def mix(state, word):
    with np.errstate(over="ignore"):
        z = (np.asarray(state, np.uint64) ^ np.asarray(word, np.uint64)) + GOLDEN_GAMMA
        z = (z ^ (z >> np.uint64(30))) * FIRST
        z = (z ^ (z >> np.uint64(27))) * SECOND
        return z ^ (z >> np.uint64(31))


def hashed(seed, stream, words):
    state = mix(np.uint64(seed), np.uint64(stream))
    for word in words:
        state = mix(state, word)
    return state


def uniform_in(low, high, seed, words):
    """`random::uniform_in(low, high, seed, Stream::Sample, words)`; a word may be an array."""
    unit = (hashed(seed, SAMPLE, words) >> np.uint64(11)).astype(np.float64) * 2.0**-53
    return low + (high - low) * unit


def shuffle(seed, epoch, n):
    """`random::shuffle`: Fisher and Yates, the high half of a 128-bit product instead of a division."""
    order = list(range(n))
    for i in range(n - 1, 0, -1):
        j = (int(hashed(seed, SHUFFLE, [epoch, i])) * (i + 1)) >> 64
        order[i], order[j] = order[j], order[i]
    return order


def weights(seed, array_idx, n, fan):
    """Words [0, array, element], uniform in ±1/√fan, rounded to f32."""
    bound = 1.0 / np.sqrt(np.float64(fan))
    drawn = uniform_in(-bound, bound, seed, [0, array_idx, np.arange(n, dtype=np.uint64)])
    return drawn.astype(np.float32)


def series(seed, rows, features):
    """Words [1, row, feature]: x[t] = 0.95 x[t-1] + uniform ±1, then standardised, rounded to f32."""
    columns = []
    for feature in range(features):
        noise = uniform_in(-1.0, 1.0, seed, [1, np.arange(rows, dtype=np.uint64), feature])
        walk, level = np.empty(rows), 0.0
        for row in range(rows):
            level = 0.95 * level + noise[row]
            walk[row] = level
        mean = np.cumsum(walk)[-1] / rows  # cumsum adds in order, sum does not
        variance = np.cumsum((walk - mean) ** 2)[-1] / rows
        columns.append(((walk - mean) / np.sqrt(variance)).astype(np.float32))
    return np.stack(columns, axis=1)


assert int(mix(0, 0)) == 0xE220A8397B1DCDAF  # first output of SplitMix64 seeded with 0
