"""VUS-PR of every archive detector on the labelled series, three seeds: the table of `src/series/README.md`.

    pip install duckdb
    python tests/labelled/table.py target/release/oddlot SCRATCH [--seeds 42,1,2]

Writes one pipeline a seed into SCRATCH, runs and evaluates it, and prints the means over the series of each
collection and over all, with the standard deviation over seeds. What is there from an earlier call is kept.
"""

import argparse
import json
import pathlib
import statistics
import subprocess

import duckdb

LABELLED = pathlib.Path(__file__).parents[2] / "data" / "labelled"

# Detectors whose draws begin from a seed, and those that draw nothing.
DRAWN = ["lstm_autoencoder", "lstm_forecaster", "k_means", "isolation_forest"]
FIXED = [
    "nearest_neighbour", "auto_regression", "spectral_residual", "difference", "window_pca", "polynomial",
    "median_distance", "matrix_profile",
]  # fmt: skip
ENSEMBLES = {
    "default": {"nearest_neighbour": 2, "lstm_forecaster": 1},
    "default_autoencoder": {"nearest_neighbour": 2, "lstm_forecaster": 1, "lstm_autoencoder": 1},
    "default_autoregression": {"nearest_neighbour": 2, "lstm_forecaster": 1, "auto_regression": 1},
    "autoencoder_for_forecaster": {"nearest_neighbour": 2, "lstm_autoencoder": 1},
    "autoregression_for_forecaster": {"nearest_neighbour": 2, "auto_regression": 1},
    "classical": {"nearest_neighbour": 2, "auto_regression": 1, "window_pca": 1},
    "nearest_neighbour_once": {"nearest_neighbour": 1, "lstm_forecaster": 1},
    "default_matrix_profile": {"nearest_neighbour": 2, "lstm_forecaster": 1, "matrix_profile": 1},
    "all_six": dict.fromkeys(
        ["nearest_neighbour", "matrix_profile", "window_pca", "lstm_autoencoder", "auto_regression", "lstm_forecaster"], 1
    ),
    "recipes_members": dict.fromkeys(["nearest_neighbour", "matrix_profile", "window_pca", "lstm_autoencoder"], 1),
}


def pipeline(seed):
    series = LABELLED / "series.parquet"
    lines = [
        'profile = "archive"\n[source]',
        f'path = "{series}"\ncolumns = {{ ticker = "ticker", ts = "ts", value = "value" }}',
        '[output]\nroot = "out"',
    ]
    seeded = lambda variant: f"seed = {seed}" if variant in DRAWN else ""  # noqa: E731
    for variant in FIXED + DRAWN:
        lines += [f"[models.{variant}.detector.{variant}]", seeded(variant)]
    lines += ["[models.window_pca_3.detector.window_pca]\ncomponents = 3"]
    for name, members in ENSEMBLES.items():
        for variant, times in members.items():
            lines += [f"[models.{name}.detector.ensemble.members.{variant}]", f"times = {times}", seeded(variant)]
    return "\n".join(lines) + "\n"


def figures(program, folder, seed):
    """`{collection: {model: VUS-PR}}`, the collection "" for all."""
    kept = folder / f"figures_{seed}.json"
    if not kept.exists():
        file, labels = folder / f"seed_{seed}.toml", folder / "labels.csv"
        file.write_text(pipeline(seed))
        duckdb.sql(
            f"SELECT *, split_part(ticker, '/', 1) AS collection FROM '{LABELLED}/labels.parquet'"
        ).write_csv(str(labels))
        subprocess.run([program, "--quiet", "run", file.name], cwd=folder, check=True, stdout=subprocess.DEVNULL)
        command = [program, "evaluate", file.name, "--labels", labels.name, "--group-by", "collection", "--format", "json"]
        kept.write_text(subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout)
    found = json.loads(kept.read_text())
    parts = {"": found["models"], **{part["name"]: part["models"] for part in found["by_group"]}}
    return {name: {m["model"]: m["any"]["vus_pr"] for m in models} for name, models in parts.items()}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("program", type=pathlib.Path)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--seeds", type=lambda text: [int(s) for s in text.split(",")], default=[42, 1, 2])
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    seeds = [figures(given.program.resolve(), given.folder, seed) for seed in given.seeds]
    collections = ["nab", "cloud", ""]
    mean = lambda name, collection: statistics.mean(of[collection][name] for of in seeds)  # noqa: E731
    print("| detector | NAB | Microsoft | all |\n|---|---|---|---|")
    for name in sorted(seeds[0][""], key=lambda name: -mean(name, "")):
        spread = statistics.stdev(of[""][name] for of in seeds) if len(seeds) > 1 else 0.0
        cells = [f"{mean(name, collection):.3f}" for collection in collections]
        print(f"| {name} | {' | '.join(cells)}{f' ± {spread:.3f}' if spread > 5e-7 else ''} |")


if __name__ == "__main__":
    main()
