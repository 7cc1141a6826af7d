"""The job that is killed: a few tickers over a few years, a network of about a second's training.

Three editions of one pipeline share its name and its output:

    first    into an empty output
    revised  over the first: prices of the test span revised and new days added; nothing is trained,
             and the cells of two years are replaced
    retrained  over the first: another seed; the network is trained and every cell replaced
"""

import datetime
import random
import shutil
import subprocess

TICKERS = ("AAA", "BBB", "CCC", "DDD")
FIRST, LAST, LAST_REVISED = "2012-01-02", "2017-11-30", "2017-12-29"

PIPELINE = """
[source]
path = "prices.parquet"
columns = {{ ticker = "ticker", ts = "date", value = "close" }}
[features]
sql = "builtin:log_return"
[windows]
length = 20
[split]
train_to = "2014-06-30"
validation_to = "2014-12-31"
calibration_to = "2015-12-31"
[models.autoencoder.detector.lstm_autoencoder]
units = {units}
[models.autoencoder.train]
epochs = {epochs}
seed = {seed}
[models.ewma.detector.ewma_z]
[threshold.quantile]
q = 0.99
[output]
root = "${{KILLS_ROOT}}"
parts = 4
"""

# Edition -> the one whose output it finds.
EDITIONS = {"first": None, "revised": "first", "retrained": "first"}


def make(folder, binary, units, epochs):
    """Writes the three editions below `folder`; gives the folder of each."""
    files = {}
    for name in EDITIONS:
        place = folder / name
        place.mkdir(parents=True)
        (place / "prices.csv").write_text(prices(is_revised=name == "revised"))
        subprocess.run(
            [binary, "import", "prices.csv", "-o", ".", "--name", "prices"],
            cwd=place, check=True, capture_output=True,
        )
        seed = 2 if name == "retrained" else 1
        (place / "job.toml").write_text(PIPELINE.format(units=units, epochs=epochs, seed=seed))
        files[name] = place
    return files


def take(edition):
    """Makes an edition the one that is run: an output belongs to one pipeline file."""
    place = edition.parent / "now"
    shutil.rmtree(place, ignore_errors=True)
    shutil.copytree(edition, place)
    return place / "job.toml"


def prices(is_revised):
    """Random walks with a few jumps, the same in every run of the script."""
    lines = ["ticker,date,close"]
    last = LAST_REVISED if is_revised else LAST
    for ticker in TICKERS:
        draw = random.Random(ticker)
        price, day = 100.0, datetime.date.fromisoformat(FIRST)
        while day <= datetime.date.fromisoformat(last):
            if day.weekday() < 5:
                size = 8 if draw.random() < 0.01 else 1
                price *= 1 + size * 0.01 * draw.gauss(0, 1)
                price = max(price, 1.0)
                shown = price * 1.3 if is_revised and day == datetime.date(2016, 10, 5) else price
                lines.append(f"{ticker},{day},{shown:.4f}")
            day += datetime.timedelta(days=1)
    return "\n".join(lines) + "\n"
