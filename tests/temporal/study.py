"""What only a sequence model can see: temporal anomalies, networks against rules, at equal false alarms.

    pip install -r requirements.txt
    python study.py BINARY [--seeds 3] [--rate 0.01] [-o table.md]

Each seed draws anomalies (anomalies.py) into the last quarter of each series (series.py), writes the series and
its twin without them as Parquet, runs one pipeline over all of them, and reads the `errors` table. A detector's
level is what the share `--rate` of the twins' rows in that quarter exceeds: as many false alarms for everybody. It finds
an anomaly if a row within it is above its level and no row of the twin is, at the same place. |z| and the range
rule go by mean, deviation, least and greatest value of the training span. Networks learn from the training spans
alone, which hold no anomaly.
"""

import argparse
import collections
import os
import statistics
import subprocess
import tempfile
from datetime import date, timedelta
from pathlib import Path

import duckdb
import numpy as np
import pyarrow
import pyarrow.parquet as parquet

from anomalies import CLASSES, inject
from series import STUDIES

# Values reach the job as 100 + z, so that a source of prices holds them, and the models as z.
PIPELINE = """
[source]
path = "prices.parquet"
columns = {{ ticker = "ticker", ts = "date", value = "close" }}
[features]
sql = "level.sql"
[windows]
length = {window}
break_log_return = false
[split]
train_to = "{train}"
validation_to = "{validation}"
calibration_to = "{calibration}"
[scaling.none]
[models.autoencoder.detector.lstm_autoencoder]
units = 32
latent = 8
dropout = 0.0
[models.autoencoder.train]
epochs = 300
patience = 30
loss = "mse"
seed = {seed}
[models.forecaster.detector.lstm_forecaster]
units = 32
dropout = 0.0
[models.forecaster.train]
epochs = 300
patience = 30
loss = "mse"
seed = {seed}
[models.ewma.detector.ewma_z]
[models.robust.detector.robust_z]
[models.persistence.detector.persistence]
[threshold.quantile]
q = 0.99
[output]
root = "out"
"""

LEVEL = """-- level: standardised values, as they are.
-- grain     one row per (ticker, ts)
-- needs     segmented_prices(ticker, ts, trade_date, segment, is_break, price_defect, value)
-- gives     ticker Utf8, ts Timestamp(µs, "UTC"), trade_date Date32, segment Int64,
--           is_break Boolean, price_defect Utf8, reference_price Float64, level Float64
-- features  level
-- lookback  1
-- causal    yes
SELECT ticker, ts, trade_date, segment, is_break, price_defect,
  value AS reference_price, value - 100.0 AS level
FROM segmented_prices
"""

FIRST = date(2000, 1, 1)
LABELS = {
    "autoencoder": "LSTM autoencoder",
    "autoencoder window": "LSTM autoencoder, hindsight",
    "forecaster": "LSTM forecaster",
    "z": "abs(z)",
    "ewma": "EWMA z",
    "robust": "robust z",
    "persistence": "persistence",
    "range": "range rule",
}


def day(row):
    return FIRST + timedelta(days=int(row))


class Ticker:
    """A series with anomalies of one class in its test span, or its twin without any."""

    def __init__(self, study, kind, copy, seed, is_twin):
        name = f"{kind.replace(' ', '_')}-{copy}"
        self.twin, self.kind, self.is_twin = f"{name}-twin", kind, is_twin
        self.name = self.twin if is_twin else name
        draw = np.random.default_rng([seed, copy, list(CLASSES).index(kind)])
        plain = study.values(draw)
        ends = [int(len(plain) * share) for share in study.spans]
        learnt = plain[: ends[0]]
        plain = (plain - learnt.mean()) / learnt.std()
        learnt = plain[: ends[0]]
        self.n, self.ends = len(plain), ends
        self.places = places(study, ends[2], self.n, draw)
        self.values = plain if is_twin else inject(plain, kind, self.places, study.length, study.period, draw)
        if study.trend:
            before = np.concatenate([[0.0], np.cumsum(self.values)])
            first = np.maximum(np.arange(self.n) - study.trend, 0)
            count = np.maximum(np.arange(self.n) - first, 1)
            self.values = self.values - (before[np.arange(self.n)] - before[first]) / count
            learnt = self.values[: ends[0]]
            self.values = (self.values - learnt.mean()) / learnt.std()
            learnt = self.values[: ends[0]]
        self.rules = {
            "z": np.abs(self.values),
            "range": np.maximum(self.values - learnt.max(), learnt.min() - self.values),
        }


def places(study, first, n, draw):
    """Where anomalies begin: as many as asked for, with calm rows between them."""
    room = (n - first - study.window) // study.events
    slack = room - study.length - study.window
    begin = first + study.window
    return [begin + idx * room + int(draw.integers(max(slack, 1))) for idx in range(study.events)]


def run(binary, study, seed, threads):
    """Scores of every detector for every ticker, `[row]`, by detector and ticker."""
    kinds = [kind for kind in CLASSES if study.period or kind != "frozen phase"]
    tickers = [
        Ticker(study, kind, copy, seed, is_twin)
        for kind in kinds
        for copy in range(study.copies)
        for is_twin in (False, True)
    ]
    with tempfile.TemporaryDirectory(prefix="temporal-") as place:
        folder = Path(place)
        rows = sorted(((t.name, day(row), 100 + t.values[row]) for t in tickers for row in range(t.n)))
        names, days, values = zip(*rows)
        columns = {"ticker": names, "date": pyarrow.array(days, pyarrow.date32()), "close": values}
        parquet.write_table(pyarrow.table(columns), folder / "prices.parquet")
        ends = dict(zip(("train", "validation", "calibration"), (day(end - 1) for end in tickers[0].ends)))
        (folder / "level.sql").write_text(LEVEL)
        (folder / "job.toml").write_text(PIPELINE.format(window=study.window, seed=seed, **ends))
        command = [binary, "--quiet", "run", "job.toml", "--threads", str(threads)]
        subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)
        errors = f"{folder}/out/tables/errors/*/*/*.parquet"
        query = f"SELECT ticker, model, ts, score, score_hindsight FROM '{errors}'"
        return tickers, collect(duckdb.sql(query).fetchnumpy(), tickers)


def collect(found, tickers):
    scores = {}
    n = {ticker.name: ticker.n for ticker in tickers}
    rows = (found["ts"].astype("datetime64[D]") - np.datetime64(FIRST)).astype(int)
    causal, merged = (np.ma.filled(found[name], np.nan) for name in ("score", "score_hindsight"))
    for ticker, model, row, score, hindsight in zip(found["ticker"], found["model"], rows, causal, merged):
        of = lambda name: scores.setdefault((name, ticker), np.full(n[ticker], np.nan))
        of(model)[row] = score
        if model == "autoencoder":
            of("autoencoder window")[row] = hindsight
    for ticker in tickers:
        for name, values in ticker.rules.items():
            scores[name, ticker.name] = values
    return scores


def recall(study, tickers, scores, rate):
    """Share of anomalies that each detector finds, by class."""
    found = {}
    for name in LABELS:
        calm = np.concatenate([scores[name, t.name][t.ends[2] :] for t in tickers if t.is_twin])
        level = np.quantile(calm[np.isfinite(calm)], 1 - rate)
        hits = collections.defaultdict(list)
        for ticker in (ticker for ticker in tickers if not ticker.is_twin):
            for start in ticker.places:
                within = slice(start, start + study.length)
                is_flagged = np.any(scores[name, ticker.name][within] > level)
                was_flagged = np.any(scores[name, ticker.twin][within] > level)
                hits[ticker.kind].append(bool(is_flagged and not was_flagged))
        found[name] = {kind: sum(of) / len(of) for kind, of in hits.items()}
    return found


def table(found, seeds):
    """Markdown: a row a detector, a column a class, mean ± sd over the seeds in percent."""
    lines = []
    for study, of_seeds in found.items():
        kinds = list(of_seeds[0]["z"])
        lines += [f"**{study}**", "", "| detector | " + " | ".join(kinds) + " | all |"]
        lines += ["|---|" + "---|" * (len(kinds) + 1)]
        for name, label in LABELS.items():
            cells = []
            for kind in [*kinds, None]:
                of = [seed[name] for seed in of_seeds]
                shares = [100 * (seed[kind] if kind else statistics.mean(seed.values())) for seed in of]
                spread = statistics.stdev(shares) if seeds > 1 else 0.0
                cells.append(f"{statistics.mean(shares):.0f} ± {spread:.0f}")
            lines.append(f"| {label} | " + " | ".join(cells) + " |")
        lines.append("")
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description="what only a sequence model can see")
    parser.add_argument("binary", type=Path)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--rate", type=float, default=0.01)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--only")
    parser.add_argument("--no-trend", action="store_true")
    parser.add_argument("-o", type=Path)
    arguments = parser.parse_args()
    binary = str(arguments.binary.resolve())
    found = collections.defaultdict(list)
    for study in STUDIES:
        if arguments.only in (None, study.name):
            if arguments.no_trend:
                study.trend = 0
            for seed in range(1, arguments.seeds + 1):
                tickers, scores = run(binary, study, seed, arguments.threads)
                found[study.name].append(recall(study, tickers, scores, arguments.rate))
    text = table(found, arguments.seeds)
    print(text)
    if arguments.o:
        arguments.o.write_text(text)


if __name__ == "__main__":
    main()
