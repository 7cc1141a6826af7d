"""What an autoencoder should see of a window, asked of prices before 2012 only: the table in src/series/README.md.

    pip install duckdb numpy safetensors
    python tests/acceptance/rehearsal.py BINARY FOLDER [--codes 1 2 4 8 16] [--seeds 5]

A rehearsal of pipelines/sp500.toml that ends on 2011-12-22: train to 1975, validation to 1978, calibration to 1985,
judged on what follows. At equal alarms: named days found, and days found that get `PLANTED` added to their feature,
each in a window of its own, by the weights of the trained networks. `code` has read the newest row, `hidden` has not.
"""

import argparse
import json
import statistics
import subprocess
from pathlib import Path

import duckdb
import numpy as np
from safetensors.numpy import load_file

ROOT = Path(__file__).resolve().parents[2]
PLANTED = 3.5
"""In deviations of the 63 days before."""
SHARES = (0.005, 0.01, 0.02)
LENGTH = 30

JOB = """
[source]
path = "{root}/data/sp500/*.parquet"
columns = {{ ticker = "ticker", ts = "date", value = "close" }}
to = "2011-12-22"
[features]
sql = "builtin:volatility_scaled_return"
[windows]
length = {length}
[split]
train_to = "1975-12-31"
validation_to = "1978-12-31"
calibration_to = "1985-12-31"
[models.ewma.detector.ewma_z]
[models.robust.detector.robust_z]
rows = 60
{networks}
[threshold.quantile]
q = 0.995
[output]
root = "out"
"""

AUTOENCODER = """
[models.{kind}{code}_seed{seed}.detector.lstm_autoencoder]
units = 64
latent = {code}
hide_newest = {hide}
[models.{kind}{code}_seed{seed}.train]
seed = {seed}
"""

FORECASTER = """
[models.forecaster_seed{seed}.detector.lstm_forecaster]
units = 64
[models.forecaster_seed{seed}.train]
seed = {seed}
"""


def lstm(x, weights, name, is_sequence):
    """Hidden states `[window, time, unit]` of `[window, time, input]`, or the last; gates i, f, candidate, o."""
    recurrent = weights[f"{name}.weight_recurrent"]
    units = recurrent.shape[0]
    given = x @ weights[f"{name}.weight_input"] + weights[f"{name}.bias"]
    hidden = np.zeros((len(x), units), np.float32)
    cell, states = hidden, []
    gate = lambda values: 1 / (1 + np.exp(-values))
    for step in range(x.shape[1]):
        i, f, candidate, o = np.split(given[:, step] + hidden @ recurrent, 4, axis=1)
        cell = gate(f) * cell + gate(i) * np.tanh(candidate)
        hidden = gate(o) * np.tanh(cell)
        states.append(hidden)
    return np.stack(states, axis=1) if is_sequence else hidden


def reconstructed(x, weights, hides_newest):
    """What the autoencoder gives back of `[window, time, 1]`."""
    read = x[:, :-1] if hides_newest else x
    code = lstm(read, weights, "lstm_0", False) @ weights["dense_0.weight"] + weights["dense_0.bias"]
    decoded = lstm(np.repeat(code[:, None], x.shape[1], axis=1), weights, "lstm_1", True)
    return decoded @ weights["dense_1.weight"] + weights["dense_1.bias"]


def named_days(errors):
    """Named days found by each model at each share of alarms."""
    found = f"""
        SELECT model, trade_date, score FROM '{errors}' WHERE split = 'test' AND score IS NOT NULL
        ORDER BY model, score DESC, trade_date"""
    named = duckdb.sql(f"SELECT CAST(date AS DATE) FROM read_csv('{ROOT}/data/sp500/events.csv')").fetchall()
    named = {day for (day,) in named}
    of = {}
    for model, day, _ in duckdb.sql(found).fetchall():
        of.setdefault(model, []).append(day in named)
    return {model: [sum(hits[: int(share * len(hits))]) for share in SHARES] for model, hits in of.items()}


def planted(folder, tables):
    """Per autoencoder: error of windows over that of the better of mean and straight line, planted days found in %."""
    query = f"""
        SELECT trade_date >= DATE '1986-01-01', value
        FROM '{tables}/reconstructions/*/*/*.parquet' WHERE model = 'ewma' AND value IS NOT NULL ORDER BY trade_date"""
    rows = duckdb.sql(query).fetchall()
    judged = [idx for idx, (is_judged, _) in enumerate(rows) if is_judged]
    values = np.array([value for _, value in rows])
    sign = np.random.default_rng(1).choice([-1.0, 1.0], len(judged))
    found = {}
    for pointer in folder.glob("out/_state/models/*/*.json"):
        path = folder / "out/models" / json.loads(pointer.read_text())["model_id"]
        model = json.loads((path / "model.json").read_text())
        if not model["name"].startswith(("code", "hidden")):
            continue
        hides = model["name"].startswith("hidden")
        scaler, weights = model["scalers"]["pooled"], load_file(path / "weights.safetensors")
        scaled = ((values - scaler["mean"][0]) / scaler["sd"][0]).astype(np.float32)
        calm = np.stack([scaled[idx - LENGTH + 1 : idx + 1] for idx in judged])[:, :, None]
        odd = calm.copy()
        odd[:, -1, 0] += (PLANTED * sign / scaler["sd"][0]).astype(np.float32)
        error, shock = (np.abs(x - reconstructed(x, weights, hides))[:, :, 0] for x in (calm, odd))
        shares = [100 * (shock[:, -1] > np.quantile(error[:, -1], 1 - share)).mean() for share in SHARES]
        found[model["name"]] = (error.mean() / rival(calm[:, :, 0]), shares)
    return found


def rival(windows):
    """Error of the better of window mean and straight line."""
    t = np.arange(LENGTH) - (LENGTH - 1) / 2
    level = windows - windows.mean(axis=1, keepdims=True)
    line = level - (level @ t / (t @ t))[:, None] * t
    return min(np.abs(level).mean(), np.abs(line).mean())


def main():
    parser = argparse.ArgumentParser(description="what an autoencoder should see of a window")
    parser.add_argument("binary", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--codes", type=int, nargs="+", default=[1, 2, 4, 8, 16])
    parser.add_argument("--seeds", type=int, default=5)
    arguments = parser.parse_args()
    seeds = range(1, arguments.seeds + 1)
    arguments.folder.mkdir(parents=True, exist_ok=True)
    kinds = (("code", "false"), ("hidden", "true"))
    networks = [
        AUTOENCODER.format(kind=kind, hide=hide, code=code, seed=seed)
        for kind, hide in kinds
        for code in arguments.codes
        for seed in seeds
    ]
    networks += [FORECASTER.format(seed=seed) for seed in seeds]
    job = JOB.format(root=ROOT, length=LENGTH, networks="".join(networks))
    (arguments.folder / "rehearsal.toml").write_text(job)
    command = [str(arguments.binary.resolve()), "--quiet", "run", "rehearsal.toml"]
    subprocess.run(command, cwd=arguments.folder, check=True, stdout=subprocess.DEVNULL)
    tables = arguments.folder / "out/tables"
    named, shocked = named_days(f"{tables}/errors/*/*/*.parquet"), planted(arguments.folder, tables)
    spread = lambda of: f"{statistics.mean(of):.1f} ± {statistics.stdev(of) if len(of) > 1 else 0:.1f}"
    for kind in dict.fromkeys(name.split("_seed")[0] for name in sorted(named)):
        models = [name for name in named if name.split("_seed")[0] == kind]
        days = [spread([named[name][at] for name in models]) for at in range(len(SHARES))]
        ratios = [f"{shocked[name][0]:.3f}" for name in models if name in shocked]
        shares = [[shocked[name][1][at] for name in models if name in shocked] for at in range(len(SHARES))]
        print(kind, "named", *days, "error", *ratios, "planted", *(spread(of) for of in shares if of), sep="  ")


if __name__ == "__main__":
    main()
