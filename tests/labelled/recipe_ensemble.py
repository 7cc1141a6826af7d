"""The recipe's ensemble as a whole, its LSTM autoencoder in PyTorch: what our default is held against.

    pip install --no-deps TSB_AD==1.5
    pip install numpy pandas scipy scikit-learn statsmodels duckdb torch
    python tests/labelled/recipe_ensemble.py data/labelled KEPT [--seeds 42,1,2] [--seconds 170]

Nearest neighbour, matrix profile, window PCA and the autoencoder as they were tried, combined by peakedness;
the first three and the combination are those of `recipe.py`. KEPT is a folder: one file of scores a series and seed, one of figures.
A run goes on where an earlier one ended, and tells the means once nothing is left. One thread.
"""

import argparse
import json
import pathlib
import sys
import time
import types

import numpy as np
import torch

sys.modules["statsmodels.graphics.tsaplots"] = types.SimpleNamespace(plot_acf=None)
import recipe  # noqa: E402
from TSB_AD.utils.slidingWindows import find_length_rank  # noqa: E402

import sets  # noqa: E402


class Autoencoder(torch.nn.Module):
    """LSTM 1 → 32, its last state repeated, LSTM 32 → 32, dense 1."""

    def __init__(self, units=32):
        super().__init__()
        self.encoder = torch.nn.LSTM(1, units, batch_first=True)
        self.decoder = torch.nn.LSTM(units, units, batch_first=True)
        self.dense = torch.nn.Linear(units, 1)

    def forward(self, windows):
        _, (state, _) = self.encoder(windows)
        latent = state[-1].unsqueeze(1).expand(-1, windows.shape[1], -1)
        return self.dense(self.decoder(latent)[0])


def autoencoder(view, seed, steps=500, batch=32, rate=0.01, scored=3000):
    """Window RMSE of an autoencoder that learnt from random windows of the series; mean of those over a row."""
    torch.manual_seed(seed)
    draws = np.random.default_rng(seed)
    length = int(np.clip(view.period, 16, 128))
    windows = torch.from_numpy(np.array(view.windows(length), np.float32))[..., None]
    model = Autoencoder()
    adam = torch.optim.Adam(model.parameters(), lr=rate)
    cycle = torch.optim.lr_scheduler.OneCycleLR(adam, rate, total_steps=steps)
    for _ in range(steps):
        chosen = windows[draws.integers(0, len(windows), batch)]
        loss = torch.mean((model(chosen) - chosen) ** 2)
        adam.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        adam.step()
        cycle.step()
    stride = -(-len(windows) // scored)
    starts = np.unique(np.r_[0 : len(windows) : stride, len(windows) - 1])
    with torch.no_grad():
        told = torch.cat([model(windows[part]) for part in np.array_split(starts, -(-len(starts) // 512))])
    errors = torch.sqrt(torch.mean((told - windows[starts]) ** 2, dim=(1, 2))).double().numpy()
    total, count = np.zeros(view.n), np.zeros(view.n)
    for start, error in zip(starts, errors):
        total[start : start + length] += error
        count[start : start + length] += 1
    return total / count


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("labelled", type=pathlib.Path)
    parser.add_argument("kept", type=pathlib.Path)
    parser.add_argument("--seeds", type=lambda text: [int(s) for s in text.split(",")], default=[42, 1, 2])
    parser.add_argument("--seconds", type=float, default=1e9, help="begin nothing after so many")
    given = parser.parse_args()
    torch.set_num_threads(1)
    given.kept.mkdir(parents=True, exist_ok=True)
    figures = given.kept / "figures.json"
    known = json.loads(figures.read_text()) if figures.exists() else {}
    began, complete = time.monotonic(), True
    for seed in given.seeds:
        for series in sets.read(given.labelled):
            key = f"{series.name} {seed}"
            if key in known:
                continue
            if time.monotonic() - began > given.seconds:
                complete = False
                continue
            period = int(find_length_rank(series.values.reshape(-1, 1)))
            view = recipe.View(series.values, period, as_tried=True)
            stem = series.name.replace("/", "_")
            classical = given.kept / f"{stem}.npy"
            if not classical.exists():
                np.save(classical, np.array(recipe.members(view)))
            network = autoencoder(view, seed)
            np.save(given.kept / f"{stem}.{seed}.npy", network)
            members = [*np.load(classical), network]
            scores = {
                "recipe": recipe.combined(view, members),
                "autoencoder": network,
                "without autoencoder": recipe.combined(view, members[:3]),
            }
            known[key] = {name: recipe.vus_pr(series, of) for name, of in scores.items()}
            figures.write_text(json.dumps(known, indent=1))
    if not complete:
        print("more to do", file=sys.stderr)
        return
    for name in ("recipe", "autoencoder", "without autoencoder"):
        means = {}
        for group in ("nab", "cloud", ""):
            of_seed = [
                np.mean([f[name] for key, f in known.items() if key.startswith(group) and key.endswith(f" {seed}")])
                for seed in given.seeds
            ]
            means[group or "all"] = f"{np.mean(of_seed):.4f} ± {np.std(of_seed, ddof=1) if len(of_seed) > 1 else 0:.4f}"
        print(f"{name:20}", means)


if __name__ == "__main__":
    main()
