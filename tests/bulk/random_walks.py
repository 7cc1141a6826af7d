"""Daily closes of many tickers, made up: random_walks.py [TICKERS [DAYS]] > prices.csv

Geometric random walks with volatility that comes in clusters and one jump in about 2,000 days, on
weekdays from 1994-01-03. The same arguments give the same bytes, and a ticker the same closes
however many others there are. Columns: ticker, date, close.
"""

import datetime
import math
import random
import sys

FIRST_DAY = datetime.date(1994, 1, 3)
JUMP_CHANCE = 1 / 2000


def weekdays(count):
    day, days = FIRST_DAY, []
    while len(days) < count:
        if day.weekday() < 5:
            days.append(day.isoformat())
        day += datetime.timedelta(days=1)
    return days


def closes(ticker, count):
    draw = random.Random(f"oddlot {ticker}")
    price = math.exp(draw.uniform(1.5, 5.5))
    usual = draw.uniform(0.008, 0.03)
    volatility = usual
    for _ in range(count):
        yield price
        # The square decays by a tenth a day and is fed by the day's own change (GARCH(1, 1)).
        change = volatility * draw.gauss(0.0, 1.0)
        volatility = math.sqrt(0.02 * usual**2 + 0.90 * volatility**2 + 0.08 * change**2)
        if draw.random() < JUMP_CHANCE:
            change += draw.choice((-1, 1)) * draw.uniform(0.08, 0.3)
        price = max(price * math.exp(change), 0.01)


tickers, days = (int(word) for word in (sys.argv[1:] + ["500", "8000"][len(sys.argv) - 1 :]))
dates = weekdays(days)
print("ticker,date,close")
for number in range(tickers):
    name = f"T{number:04d}"
    sys.stdout.write("".join(f"{name},{d},{p:.4f}\n" for d, p in zip(dates, closes(name, days))))
