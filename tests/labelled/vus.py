"""VUS-PR of every model of an archive pipeline on labelled series, by the reference implementation.

    pip install --no-deps TSB_AD==1.5; pip install numpy pandas scipy scikit-learn statsmodels duckdb
    oddlot run pipelines/labelled.toml
    python tests/labelled/vus.py out labelled data/labelled [--seconds 170] [--cache figures.json]

The score is `errors.score_hindsight` as oddlot wrote it, the window that of TSB-AD's `find_length_rank`, the
figure `generate_curve(label, score, window, 'opt', 250)[7]`. Rows without a value are left out, series
without a label too. Figures are kept in a cache, so that a run that was cut short goes on where it was.
"""

import argparse
import json
import pathlib
import sys
import time
import types

import duckdb
import numpy

sys.modules["statsmodels.graphics.tsaplots"] = types.SimpleNamespace(plot_acf=None)
from TSB_AD.evaluation.basic_metrics import generate_curve  # noqa: E402
from TSB_AD.utils.slidingWindows import find_length_rank  # noqa: E402

QUERY = """
    WITH scored AS (
      SELECT e.ticker, e.model, e.ts, e.score_hindsight AS score, r.value, EXISTS (
        FROM '{labels}/labels.parquet' l
        WHERE l.ticker = e.ticker AND e.ts BETWEEN l.start_ts AND l.end_ts) AS label
      FROM '{out}/tables/errors/pipeline={pipeline}/*/*.parquet' e
      JOIN '{out}/tables/reconstructions/pipeline={pipeline}/*/*.parquet' r
        USING (ticker, ts, model)
      WHERE r.value IS NOT NULL AND e.ticker = ? AND e.model = ?)
    SELECT value, score, label FROM scored ORDER BY ts
"""


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("out")
    parser.add_argument("pipeline")
    parser.add_argument("labels")
    parser.add_argument("--seconds", type=float, default=1e9)
    parser.add_argument("--cache", type=pathlib.Path, default=pathlib.Path("vus.json"))
    parser.add_argument("--models", default="")
    args = parser.parse_args()
    known = json.loads(args.cache.read_text()) if args.cache.exists() else {}
    db = duckdb.connect()
    db.execute("SET threads = 1")
    errors = f"{args.out}/tables/errors/pipeline={args.pipeline}/*/*.parquet"
    pairs = db.execute(
        f"SELECT DISTINCT ticker, model FROM '{errors}' "
        f"WHERE ticker IN (FROM '{args.labels}/labels.parquet' SELECT ticker) ORDER BY model, ticker"
    ).fetchall()
    wanted = [name for name in args.models.split(",") if name]
    query = QUERY.format(out=args.out, pipeline=args.pipeline, labels=args.labels)
    begun = time.monotonic()
    n_left = 0
    for ticker, model in pairs:
        key = f"{model} {ticker}"
        if key in known or (wanted and model not in wanted):
            continue
        if time.monotonic() - begun > args.seconds:
            n_left += 1
            continue
        rows = db.execute(query, [ticker, model]).fetchnumpy()
        value, score, label = (numpy.asarray(rows[c]) for c in ("value", "score", "label"))
        window = find_length_rank(value.reshape(-1, 1), rank=1)
        known[key] = float(generate_curve(label.astype(int), score, window, "opt", 250)[7])
        args.cache.write_text(json.dumps(known, indent=1))
    print(f"{n_left} left" if n_left else "complete")
    models = sorted({key.split(" ", 1)[0] for key in known})
    for model in models:
        of = {k.split(" ", 1)[1]: v for k, v in known.items() if k.startswith(model + " ")}
        by = {}
        for ticker, figure in of.items():
            by.setdefault("/".join(ticker.split("/")[: 1 if ticker.startswith("nab") else 2]), []).append(figure)
        line = " ".join(f"{name} {numpy.mean(f):.3f} ({len(f)})" for name, f in sorted(by.items()))
        nab = [f for t, f in of.items() if t.startswith("nab/")]
        cloud = [f for t, f in of.items() if t.startswith("cloud/")]
        print(f"{model:20} all {numpy.mean(list(of.values())):.4f} ({len(of)})", end="  ")
        print(f"nab {numpy.mean(nab):.4f} cloud {numpy.mean(cloud):.4f}", end="  ")
        print(f"two collections {(numpy.mean(nab) + numpy.mean(cloud)) / 2:.4f}")
        print(f"    {line}")


if __name__ == "__main__":
    main()
