"""Writes gradients.txt and adam.txt: what torch's autograd and Adam make of drawn networks, in float64.

    pip install -r requirements.txt && python generate.py [--float32]

README.md tells the format. `--float32` writes nothing and tells how far torch in float32 is from itself in
float64 on the same cases: the yardstick for an engine in float32.
"""

import math
import sys

import numpy as np
import torch
from torch import nn

import draws
from network import Network

MARGIN = 1e-4  # no absolute error and no relu is nearer to its kink
ALIVE = 5e-5  # every array's largest gradient, at least, as a share of the network's largest
LOSSES = {"mae": nn.L1Loss(), "mse": nn.MSELoss(), "huber 1.0": nn.HuberLoss(delta=1.0)}
ENCODER, DECODER = "lstm 64 tanh last", "lstm 64 tanh sequence"
A = [ENCODER, "dropout 0.2", "repeat 30", DECODER, "dropout 0.2", "dense 1"]
B = ["lstm 128 tanh sequence", ENCODER, "repeat 30", DECODER, "lstm 128 tanh sequence", "dense 1"]
C = [ENCODER, "dropout 0.2", "dense 1"]
LARGE = {"A": (A, "window"), "B": (B, "window"), "C": (C, "next")}
# name: (layers, window, features, target, seed). Units on both sides of one vector of 8 or 16. The seeds are
# such that no gradient cancels out, as then f32 tells nothing: that of the last bias keeps a fifth of the
# sum of its terms' absolute values, and the largest of every array is 1/500 of the network's, or more.
SMALL = {
    "two_features": (
        ["lstm 20 tanh last", "repeat 6", "lstm 17 tanh sequence", "dense 2"], 6, 2, "window", 5),
    "bottleneck": (
        ["lstm 6 tanh sequence", "lstm 9 tanh last", "dense 3", "repeat 7", "lstm 5 tanh sequence",
         "dense 1"],
        7, 1, "window", 38),
    "sequences": (["lstm 5 tanh sequence", "lstm 16 tanh sequence", "dense 1"], 9, 1, "window", 10),
    "dense_between": (
        ["lstm 7 tanh sequence", "dense 3", "lstm 8 tanh last", "dense 4", "dense 1"], 5, 2, "next", 15),
    "relu": (
        ["lstm 18 relu sequence", "lstm 5 relu last", "repeat 6", "lstm 7 relu sequence", "dense 1"],
        6, 1, "window", 18),
}


class Case:
    """A drawn network, and windows that stay away from every kink."""

    def __init__(self, name, layers, window, features, target, loss, seed, n_windows):
        self.name, self.layers, self.window, self.features = name, layers, window, features
        self.target, self.loss, self.seed, self.n_windows = target, loss, seed, n_windows
        values = draws.series(seed, n_windows + window, features)
        self.values = torch.from_numpy(values).double()
        self.order = iter(draws.shuffle(seed, 1, n_windows))
        self.left_out = []
        self.nearest = math.inf
        self.network = Network(layers, features).draw(seed)

    def tensors(self, starts):
        x = torch.stack([self.values[i:i + self.window] for i in starts])
        if self.target == "window":
            return x, x
        width = int(self.layers[-1].split()[1])
        return x, torch.stack([self.values[i + self.window, :width] for i in starts])

    def batch(self, n):
        """The next `n` windows of the order, without those too near to a kink under the present weights."""
        kept = []
        while len(kept) < n:
            drawn = [next(self.order) for _ in range(n - len(kept))]
            x, y = self.tensors(drawn)
            with torch.no_grad():
                distance = self.network(x).sub(y).abs().flatten(1).amin(1)
            if self.loss != "mae":
                distance = torch.full_like(distance, torch.inf)
            distance = torch.minimum(distance, self.network.distance_to_relu_kinks(len(drawn)))
            self.left_out += [i for i, d in zip(drawn, distance) if d < MARGIN]
            self.nearest = min([self.nearest] + [float(d) for d in distance if d >= MARGIN])
            kept += [i for i, d in zip(drawn, distance) if d >= MARGIN]
        return self.tensors(kept)

    def head(self, batch, steps):
        yield f"case {self.name}"
        yield f"windows {self.n_windows} of {self.window} features {self.features} target {self.target}"
        yield from self.layers
        yield f"loss {self.loss}"
        yield f"seed {self.seed} batch {batch} steps {steps}"
        yield " ".join(["left_out", *map(str, self.left_out)])


def gradient(case, limit):
    """Loss and gradient of one batch of 8; of a large array every stride-th element."""
    x, y = case.batch(8)
    value = LOSSES[case.loss](case.network(x), y)
    value.backward()
    gradients = case.network.gradients()
    largest = [np.abs(flat).max() for flat in gradients]
    assert min(largest) >= ALIVE * max(largest), (case.name, largest)
    yield from case.head(8, 1)
    yield f"value {value.item()!r}"
    for (parameter, _), flat in zip(case.network.arrays(), gradients):
        columns = parameter.shape[0]  # of the canonical matrix; torch's is transposed
        stride = next(s for s in range(max(1, math.ceil(flat.size / limit)), flat.size + 1)
                      if math.gcd(s, columns * (parameter.numel() // columns)) == 1)
        kept = flat[::stride]
        quarters_hit = {4 * (i % columns) // columns for i in range(0, flat.size, stride)}
        assert len(quarters_hit) == min(4, columns), (case.name, flat.size, stride)
        norms = f"max {float(np.abs(flat).max())!r} norm {float(np.sqrt((flat**2).sum()))!r}"
        yield f"array {flat.size} stride {stride} {norms} values {' '.join(repr(float(v)) for v in kept)}"


def adam(case, other=None):
    """Mean loss of each of the first 64 batches, before its step; `other` learns them in its own width."""
    optimisers = [torch.optim.Adam([p for p in network.parameters() if p.requires_grad], lr=1e-3,
                                   betas=(0.9, 0.999), eps=1e-8)
                  for network in filter(None, [case.network, other])]
    losses, others = [], []
    for _ in range(64):
        x, y = case.batch(32)
        for network, optimiser, told in zip([case.network, other], optimisers, [losses, others]):
            dtype = next(network.parameters()).dtype
            optimiser.zero_grad()
            value = LOSSES[case.loss](network(x.to(dtype)), y.to(dtype))
            value.backward()
            optimiser.step()
            told.append(value.item())
    return losses, others


def gradient_cases():
    for seed, (name, (layers, target)) in enumerate(LARGE.items(), start=1):
        yield Case(name, layers, 30, 1, target, "mae", seed, 64), 256
    for name, (*shape, seed) in SMALL.items():
        for loss in LOSSES:
            yield Case(f"{name}_{loss.split()[0]}", *shape, loss, seed, 64), 48


def adam_cases():
    for seed, (name, (layers, target)) in enumerate(LARGE.items(), start=1):
        yield Case(name, layers, 30, 1, target, "mae", seed, 2_176)


def tell_float32():
    for case, _ in gradient_cases():
        x, y = case.batch(8)
        narrow = Network(case.layers, case.features).float().draw(case.seed)
        for network, dtype in ((case.network, torch.float64), (narrow, torch.float32)):
            LOSSES[case.loss](network(x.to(dtype)), y.to(dtype)).backward()
        wide = case.network.gradients()
        worst = [np.abs(n - w).max() for n, w in zip(narrow.gradients(), wide)]
        largest = [np.abs(w).max() for w in wide]
        print(f"{case.name:22} of its array's largest {max(np.divide(worst, largest)):.1e},"
              f" of the gradient's largest {max(worst) / max(largest):.1e}")
    for case in adam_cases():
        losses, others = map(np.array, adam(case, Network(case.layers, 1).float().draw(case.seed)))
        print(f"{case.name:22} 64 Adam steps {np.abs(others / losses - 1).max():.1e}")


def write(name, cases):
    torch_version = torch.__version__.split("+")[0]
    lines = [f"# Written by generate.py with torch {torch_version}, float64; README.md tells the format."]
    for case, body in cases:
        lines += body
        lines.append(f"# {len(case.left_out)} windows left out, nearest kink {case.nearest:.1e}")
        print(name, case.name, lines[-1])
    with open(name, "w") as file:
        file.write("\n".join(lines) + "\n")


def main():
    torch.set_num_threads(1)
    if sys.argv[1:] == ["--float32"]:
        return tell_float32()
    write("gradients.txt", ((case, list(gradient(case, limit))) for case, limit in gradient_cases()))

    def trained(case):
        losses, _ = adam(case)
        return [*case.head(32, 64), f"losses {' '.join(map(repr, losses))}"]

    write("adam.txt", ((case, trained(case)) for case in adam_cases()))


main()
