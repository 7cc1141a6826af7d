"""Joins the closes of the S&P 500 from their sources: join_sp500.py OHLCV.csv LATER.csv > closes.csv

To 2015-12-31 the close of OHLCV.csv (great_tables, MIT), from 2016-01-04 that of LATER.csv (as
published to 2016-02-11, FRED from 2016-02-12, ODC-PDDL). Both have columns date and close.
"""

import csv
import sys

FIRST_LATER = "2016-01-01"


def closes(path):
    with open(path, newline="") as file:
        return [(row["date"], row["close"]) for row in csv.DictReader(file)]


earlier, later = (closes(path) for path in sys.argv[1:3])
rows = [row for row in earlier if row[0] < FIRST_LATER]
rows += [row for row in later if row[0] >= FIRST_LATER]
print("date,close")
for date, close in sorted(rows):
    print(f"{date},{close}")
