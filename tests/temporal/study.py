"""What only a sequence model can see: temporal anomalies, networks against rules, at equal false alarms.

    pip install -r requirements.txt
    python study.py BINARY [--seeds 3] [--rate 0.1] [--only NAME] [--work FOLDER] [-o table.md]

Each seed draws anomalies (anomalies.py) into the last quarter of each series (series.py); pipelines score these
and their twins without anomalies (jobs.py). A detector's level is what the share `--rate` of all calm stretches,
as long as an anomaly, exceeds in one row at least: as many false alarms for everybody, in the unit in which
anomalies are counted. It finds an anomaly if a row within it is above its level and no row of the twin is, at the
same place: so whoever draws lots finds rate · (1 - rate) of them. Levels are pooled over all twins of a seed. |z| and
the range rule go by mean, deviation, least and greatest value of the training span.
"""

import argparse
import os
import statistics
import tempfile
from pathlib import Path

import numpy as np

import oracle
from jobs import run
from series import STUDIES

LABELS = {
    "autoencoder": "LSTM autoencoder",
    "hindsight": "LSTM autoencoder, hindsight",
    "forecaster": "LSTM forecaster",
    "z": "abs(z)",
    "ewma": "EWMA z",
    "range": "range rule",
    "robust": "robust z",
    "robust_of_both": "robust z of value and spread",
    "persistence": "persistence",
    "oracle": "oracle",
}


def smoothed(scores, rows):
    """Mean of so many rows up to each, as `[score.smoothing.mean]` takes it."""
    if rows == 1:
        return scores
    frames = np.lib.stride_tricks.sliding_window_view(scores, rows)
    return np.concatenate([np.full(rows - 1, np.nan), frames.mean(axis=1)])


def stretches(scores, length):
    """The greatest score of each stretch of a test span, `[stretch]`; scores that are not there are none."""
    filled = np.where(np.isfinite(scores), scores, -np.inf)
    return np.lib.stride_tricks.sliding_window_view(filled, length).max(axis=1)


def recall(study, made, name, rows, rate):
    """Share of anomalies that a detector finds, by class; its scores smoothed over so many rows."""
    kinds = dict.fromkeys(ticker.kind for ticker in made if not ticker.is_twin)
    found = {}
    for kind in kinds:
        # Only the oracle has a score for each class.
        of = {t.name: smoothed(t.scores.get(name, t.scores.get((name, kind))), rows) for t in made
              if name in t.scores or (name, kind) in t.scores}
        calm = [stretches(of[t.name][t.ends[2] :], study.length) for t in made if t.is_twin]
        level = np.quantile(np.concatenate(calm), 1 - rate)
        hits = []
        for ticker in (ticker for ticker in made if ticker.kind == kind and not ticker.is_twin):
            for start in ticker.places:
                within = slice(start, start + study.length)
                is_flagged = np.any(of[ticker.name][within] > level)
                hits.append(bool(is_flagged and not np.any(of[ticker.twin][within] > level)))
        found[kind] = statistics.mean(hits)
    return found


def ask_oracle(study, made, seed):
    """Gives every ticker of births the oracle's scores: a twin for each class, others for their own."""
    kinds = dict.fromkeys(ticker.kind for ticker in made if not ticker.is_twin)
    calm = {ticker.name: ticker.raw for ticker in made if ticker.is_twin}
    for ticker in made:
        for kind in kinds if ticker.is_twin else [ticker.kind]:
            draw = np.random.default_rng(seed)
            scores = oracle.scores(ticker.raw, calm[ticker.twin], study.length, kind, draw)
            ticker.scores["oracle", kind] = scores


def table(study, made_of_seeds, rate):
    """Markdown: a row a detector, a column a class, mean ± sd over the seeds in percent."""
    half = study.half
    has = lambda name: any(name in (key, key[0]) for key in made_of_seeds[0][0].scores)
    best = []
    for name, label in LABELS.items():
        if not has(name):
            continue
        for rows in (1,) if name in ("oracle", "range") else (1, half):
            seeds = [recall(study, made, name, rows, rate) for made in made_of_seeds]
            shares = [[100 * seed[kind] for seed in seeds] for kind in seeds[0]]
            shares.append([100 * statistics.mean(seed.values()) for seed in seeds])
            spread = lambda of: statistics.stdev(of) if len(of) > 1 else 0.0
            cells = [f"{statistics.mean(of):.0f} ± {spread(of):.0f}" for of in shares]
            more = f", mean of {rows}" if rows > 1 else ""
            best.append((statistics.mean(shares[-1]), f"| {label}{more} | " + " | ".join(cells) + " |"))
            kinds = list(seeds[0])
    lines = [f"**{study.name}**", "", "| detector | " + " | ".join(kinds) + " | all |"]
    lines += ["|---|" + "---|" * (len(kinds) + 1)]
    return "\n".join([*lines, *(line for _, line in sorted(best, key=lambda row: -row[0])), ""])


def main():
    parser = argparse.ArgumentParser(description="what only a sequence model can see")
    parser.add_argument("binary", type=Path)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--rate", type=float, default=0.1)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--only")
    parser.add_argument("--work", type=Path, help="keeps the jobs there, and runs none of them twice")
    parser.add_argument("-o", type=Path)
    arguments = parser.parse_args()
    binary = str(arguments.binary.resolve())
    texts = []
    with tempfile.TemporaryDirectory(prefix="temporal-") as place:
        work = (arguments.work or Path(place)).resolve()
        for study in STUDIES:
            if arguments.only not in (None, study.name):
                continue
            of_seeds = []
            for seed in range(1, arguments.seeds + 1):
                made = []
                for fold in range(study.folds):
                    folder = work / study.name.replace(" ", "_") / f"{seed}-{fold}"
                    made += run(binary, study, fold, seed, arguments.threads, folder)
                if study.name == "births":
                    ask_oracle(study, made, seed)
                of_seeds.append(made)
            texts.append(table(study, of_seeds, arguments.rate))
    text = "\n".join(texts)
    print(text)
    if arguments.o:
        arguments.o.write_text(text)


if __name__ == "__main__":
    main()
