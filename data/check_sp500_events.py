"""Writes `sp500/events.csv`: 90 days on which the S&P 500 moved for a reason that has a name.

    pip install pyarrow
    python3 data/check_sp500_events.py sp500_events.csv > data/sp500/events.csv

Reads `date,close,ret_pct,ewma_z,...,event` and recomputes returns and EWMA z-scores (lambda 0.94, mean zero, the
variance of the days before, begun with the mean square of 1950 to 1985) from `sp500/sp500.parquet`. Stops where a
return differs by more than 0.02 per cent points: the list was made of a file with other decimals.
"""

import csv
import math
import sys
from pathlib import Path

import pyarrow.parquet

table = pyarrow.parquet.read_table(Path(__file__).parent / "sp500" / "sp500.parquet").to_pydict()
days = [day.isoformat() for day in table["date"]]
closes = table["close"]
returns = [math.nan] + [math.log(b / a) for a, b in zip(closes, closes[1:])]
early = [r for day, r in zip(days, returns) if day < "1986" and not math.isnan(r)]
variance = sum(r * r for r in early) / len(early)
z = {}
for day, r in zip(days, returns):
    if day >= "1986":
        z[day] = r / math.sqrt(variance)
        variance = 0.94 * variance + 0.06 * r * r
at = {day: row for row, day in enumerate(days)}

largest = {"close": 0.0, "return": 0.0, "z": 0.0}
writer = csv.writer(sys.stdout, lineterminator="\n")
writer.writerow(["ticker", "date", "label", "event"])
with open(sys.argv[1], newline="") as file:
    for event in csv.DictReader(file):
        row = at[event["date"]]
        change = 100 * (closes[row] / closes[row - 1] - 1)
        for what, ours, theirs in [("close", closes[row], event["close"]), ("return", change, event["ret_pct"]),
                                   ("z", z[event["date"]], event["ewma_z"])]:
            largest[what] = max(largest[what], abs(ours - float(theirs)))
            if what == "return" and abs(ours - float(theirs)) > 0.02:
                sys.exit(f"{event['date']}: {what} is {ours:.4f} and not {theirs}")
        writer.writerow(["SPX", event["date"], 1, event["event"]])
print("largest differences:", largest, file=sys.stderr)
