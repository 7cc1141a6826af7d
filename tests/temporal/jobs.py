"""The jobs of the study: series as Parquet, two pipelines over them, scores of every detector.

Networks learn from the twins, which hold no anomaly: a ticker with anomalies begins with what its test span
needs of rows before it. Rules see the value alone; networks see its deviation over half a window besides, as seed D does once corrected.
"""

import subprocess
from datetime import date, timedelta

import duckdb
import numpy as np
import pyarrow
import pyarrow.parquet as parquet

from anomalies import CLASSES, inject

# Values reach the jobs as 100 + z, so that a source of prices holds them, and the models as z.
HEAD = """
[source]
path = "prices.parquet"
columns = {{ ticker = "ticker", ts = "date", value = "close" }}
[features]
sql = "{features}.sql"
[windows]
length = {window}
break_log_return = false
[split]
train_to = "{train}"
validation_to = "{validation}"
calibration_to = "{calibration}"
[threshold.quantile]
q = 0.99
[output]
root = "out"
"""

NETWORKS = """
[scaling.standard]
[models.autoencoder.detector.lstm_autoencoder]
units = 32
latent = {code}
dropout = 0.0
[models.autoencoder.train]
epochs = {epochs}
patience = {patience}
loss = "mse"
seed = {seed}
[models.forecaster.detector.lstm_forecaster]
units = 32
dropout = 0.0
[models.forecaster.train]
epochs = {epochs}
patience = {patience}
loss = "mse"
seed = {seed}
[models.robust_of_both.detector.robust_z]
"""

RULES = """
[scaling.none]
[models.ewma.detector.ewma_z]
[models.robust.detector.robust_z]
[models.persistence.detector.persistence]
"""

LEVEL = """-- level: standardised values, as they are{and_spread}.
-- grain     one row per (ticker, ts)
-- needs     segmented_prices(ticker, ts, trade_date, segment, is_break, price_defect, value)
-- gives     ticker Utf8, ts Timestamp(µs, "UTC"), trade_date Date32, segment Int64,
--           is_break Boolean, price_defect Utf8, reference_price Float64, level Float64{gives}
-- features  level{feature}
-- lookback  {lookback}
-- causal    yes
SELECT ticker, ts, trade_date, segment, is_break, price_defect,
  value AS reference_price, value - 100.0 AS level{column}
FROM segmented_prices
"""

SPREAD = """,
  rolling_std(value, {rows}) OVER (PARTITION BY ticker, segment ORDER BY ts) AS spread"""

FIRST = date(2000, 1, 1)
CONTEXT = 130
"""Rows before the test span that a ticker with anomalies keeps: more than any window, rule or spread looks back."""


def level(rows):
    """The features' SQL: the value, and if `rows` the deviation of so many."""
    if rows == 0:
        return LEVEL.format(and_spread="", gives="", feature="", lookback=1, column="")
    gives = f", spread Float64 (null on the first {rows - 1} rows)"
    column = SPREAD.format(rows=rows)
    return LEVEL.format(
        and_spread=", and their deviation", gives=gives, feature=", spread", lookback=rows, column=column
    )


def day(row):
    return FIRST + timedelta(days=int(row))


class Ticker:
    """A series with anomalies of one class in its test span; or, without a class, what it was before: its twin."""

    def __init__(self, study, fold, copy, seed, kind, is_twin):
        kinds = list(CLASSES)
        of = f"{fold}" + (f"-{kind.replace(' ', '_')}-{copy}" if study.is_drawn or not is_twin else "")
        own_twin = of if study.is_drawn else f"{fold}"
        self.twin = f"{own_twin}-twin"
        self.name = self.twin if is_twin else of
        self.fold, self.kind, self.is_twin = fold, kind, is_twin
        draw = np.random.default_rng([seed, fold, copy, kinds.index(kind)])
        self.raw = study.values(fold, draw)
        self.n = len(self.raw)
        self.ends = [int(self.n * share) for share in study.spans]
        self.places = places(study, self.ends[2], self.n, draw)
        if not is_twin:
            self.raw = inject(self.raw, kind, self.places, study.length, study.period, draw)
        self.values = self.raw
        if study.trend:
            before = np.concatenate([[0.0], np.cumsum(self.values)])
            first = np.maximum(np.arange(self.n) - study.trend, 0)
            count = np.maximum(np.arange(self.n) - first, 1)
            self.values = self.values - (before[np.arange(self.n)] - before[first]) / count
        learnt = self.values[study.trend : self.ends[0]]
        self.values = (self.values - learnt.mean()) / learnt.std()
        learnt = self.values[study.trend : self.ends[0]]
        self.first = study.trend if is_twin else max(study.trend, self.ends[2] - CONTEXT)
        self.scores = {
            "z": np.abs(self.values),
            "range": np.maximum(self.values - learnt.max(), learnt.min() - self.values),
        }


def places(study, first, n, draw):
    """Where anomalies begin: as many as asked for, with calm rows between them."""
    room = (n - first - study.window) // study.events
    slack = room - study.length - study.window
    begin = first + study.window
    return [begin + idx * room + int(draw.integers(max(slack, 1))) for idx in range(study.events)]


def tickers(study, fold, seed):
    """All of a fold, twins first."""
    kinds = [kind for kind in CLASSES if study.period or kind != "frozen phase"]
    made = {}
    for is_twin in (True, False):
        for kind in kinds:
            for copy in range(study.copies):
                ticker = Ticker(study, fold, copy, seed, kind, is_twin)
                made.setdefault(ticker.name, ticker)
    return list(made.values())


def run(binary, study, fold, seed, threads, folder):
    """Tickers of a fold with the scores of every detector, `[row]`; what `folder` holds of it is not run again."""
    made = tickers(study, fold, seed)
    folder.mkdir(parents=True, exist_ok=True)
    rows = sorted((t.name, day(row), 100 + t.values[row]) for t in made for row in range(t.first, t.n))
    names, days, values = zip(*rows)
    columns = {"ticker": names, "date": pyarrow.array(days, pyarrow.date32()), "close": values}
    parquet.write_table(pyarrow.table(columns), folder / "prices.parquet")
    ends = dict(zip(("train", "validation", "calibration"), (day(end - 1) for end in made[0].ends)))
    training = {"code": study.code, "seed": seed, "epochs": study.epochs, "patience": study.epochs // 10}
    for pipeline, models, spread in (("networks", NETWORKS, study.half), ("rules", RULES, 0)):
        (folder / f"{pipeline}.sql").write_text(level(spread))
        text = HEAD.format(window=study.window, features=pipeline, **ends) + models.format(**training)
        (folder / f"{pipeline}.toml").write_text(text)
    command = [binary, "--quiet", "run", "networks.toml", "rules.toml", "--threads", str(threads)]
    subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)
    query = f"SELECT ticker, model, ts, score, score_hindsight FROM '{folder}/out/tables/errors/*/*/*.parquet'"
    collect(duckdb.sql(query).fetchnumpy(), made)
    return made


def collect(found, made):
    of = {ticker.name: ticker for ticker in made}
    rows = (found["ts"].astype("datetime64[D]") - np.datetime64(FIRST)).astype(int)
    causal, merged = (np.ma.filled(found[name], np.nan) for name in ("score", "score_hindsight"))
    for name, model, row, score, hindsight in zip(found["ticker"], found["model"], rows, causal, merged):
        ticker = of[name]
        put = lambda detector, value: ticker.scores.setdefault(detector, np.full(ticker.n, np.nan)).__setitem__(row, value)
        put(model, score)
        if model == "autoencoder":
            put("hindsight", hindsight)
