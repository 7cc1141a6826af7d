"""Prints the small series that the seed pipelines need besides the published data, as CSV.

    python3 data/make_seeds.py fakes              > fakes.csv              births, then five series of fakes
    python3 data/make_seeds.py births_then_fakes  > births_then_fakes.csv  the same, each after 30 true days
    python3 data/make_seeds.py sequences          > sequences.csv          1 … 10 and the two published rivals
    python3 data/make_seeds.py ramps              > ramps.csv              noisy ramps, and sequences that are none
    python3 data/make_seeds.py confidences        > confidences.csv        25 pairs, and two windows to score

`fakes` and `births_then_fakes` read `daily-total-female-births.csv` on stdin, `confidences` reads
`class_confidence.csv`, whose rows are dated one a day instead of by time stamps that repeat.

The published fakes, `randint(50, 60) * sin(k)` for k = 0 … 199, were drawn without a seed; here each of five
series has its own. Every draw is Python's `random.Random`, the same on every machine since Python 3.2.
"""

import csv
import datetime
import math
import random
import sys
from pathlib import Path

DAY = datetime.timedelta(days=1)


def births():
    """`daily-total-female-births.csv` as handed in, on stdin: "Date","Births"."""
    return [(datetime.date.fromisoformat(row["Date"]), float(row["Births"])) for row in csv.DictReader(sys.stdin)]


def fakes(seed):
    draw = random.Random(seed)
    first = datetime.date(1960, 1, 1)
    return [(first + k * DAY, round(draw.randint(50, 60) * math.sin(k), 6)) for k in range(200)]


def with_fakes(context):
    days = births()
    yield from (("BIRTHS", *day) for day in days)
    for seed in range(1, 6):
        yield from ((f"FAKES_{seed}", *day) for day in days[len(days) - context:] + fakes(seed))


def dated(ticker, first, values):
    return ((ticker, first + k * DAY, value) for k, value in enumerate(values))


KNOWN = [float(k) for k in range(1, 11)]
LOW = [0.9, 1.9, 2.9, 3.9, 4.9, 6.2, 7.3, 8.4, 9.2, 10.0]
ANOMALY = [0.4, 1.0, 2.9, 3.9, 4.1, 5.4, 6.5, 7.8, 8.9, 9.7]


def sequences():
    """Each on days of its own: the first ten teach, the others are only scored."""
    for month, (ticker, values) in enumerate([("KNOWN", KNOWN), ("LOW", LOW), ("ANOMALY", ANOMALY)], 1):
        yield from dated(ticker, datetime.date(2000, month, 1), values)


def ramps():
    """1 … 10 with noise of .15: 60 to learn from, 20 to stop by, 60 to calibrate on, 40 held out, then what is odd."""
    draw = random.Random(1)
    noisy = lambda: [round(k + draw.gauss(0, 0.15), 6) for k in KNOWN]
    for year, n in [(2000, 60), (2001, 20), (2002, 60), (2003, 40)]:
        for k in range(n):
            yield from dated(f"RAMP_{year}_{k:02}", datetime.date(year, 1, 1), noisy())
    yield from dated("PUBLISHED_LOW", datetime.date(2003, 2, 1), LOW)
    yield from dated("PUBLISHED_ANOMALY", datetime.date(2003, 2, 1), ANOMALY)
    for k in range(10):
        shuffled, frozen, reversed_ = noisy(), noisy(), noisy()
        middle = shuffled[2:8]
        draw.shuffle(middle)
        shuffled[2:8] = middle
        frozen[4:8] = [frozen[4]] * 4
        yield from dated(f"SHUFFLED_{k:02}", datetime.date(2003, 3, 1), shuffled)
        yield from dated(f"FROZEN_{k:02}", datetime.date(2003, 3, 1), frozen)
        yield from dated(f"REVERSED_{k:02}", datetime.date(2003, 3, 1), reversed_[::-1])


def confidences():
    """The published test windows are not known; these two stand for them: one like the sample, one unlike it.

    Six rows each: a window of five, and the row that it is dated to.
    """
    sample = [(float(row["Class"]), float(row["Confidence"])) for row in csv.DictReader(sys.stdin)]
    seen = [(1.0, 0.8), (2.0, 0.7), (3.0, 0.5), (4.0, 0.5), (5.0, 0.6), (1.0, 0.7)]
    unseen = [(5.0, 0.1), (5.0, 0.9), (1.0, 0.1), (1.0, 0.9), (5.0, 0.1), (1.0, 0.7)]
    for month, (ticker, pairs) in enumerate([("TOY", sample), ("SEEN", seen), ("UNSEEN", unseen)], 1):
        yield from dated(ticker, datetime.date(2000, month, 1), pairs)


MADE = {
    "fakes": lambda: with_fakes(0),
    "births_then_fakes": lambda: with_fakes(30),
    "sequences": sequences,
    "ramps": ramps,
    "confidences": confidences,
}

if __name__ == "__main__":
    if len(sys.argv) != 2 or sys.argv[1] not in MADE:
        sys.exit(f"usage: {Path(__file__).name} {'|'.join(MADE)}")
    writer = csv.writer(sys.stdout, lineterminator="\n")
    if sys.argv[1] == "confidences":
        writer.writerow(["ticker", "date", "class", "confidence"])
        writer.writerows((ticker, day, *pair) for ticker, day, pair in confidences())
    else:
        writer.writerow(["ticker", "date", "value"])
        writer.writerows(MADE[sys.argv[1]]())
