"""PyTorch: fused Adam in training, inference mode in scoring."""

import itertools
import sys

import torch

from protocol import BULK_WINDOWS, LEARNING_RATE, Worker, bulk_in_processes, fastest, serve
from torch_models import MODELS, windows

TRAINED = {}  # (model, batch): a training step; kept, so that a later slice goes on warm
SCORED = {}
MANY = {}  # (model, batch, windows): the batches of an epoch, a step for each model
CHILDREN = []
N_BATCHES = 16  # different batches, gathered beforehand: the step alone is timed


def training(name):
    """The step of a new model, over one batch."""
    model = MODELS[name]().train()
    optimiser = torch.optim.Adam(model.parameters(), lr=LEARNING_RATE, fused=True)
    loss = torch.nn.L1Loss()

    def step(x, y):
        optimiser.zero_grad(set_to_none=True)
        loss(model(x), y).backward()
        optimiser.step()

    return step


def train(request):
    torch.set_num_threads(request["threads"])
    name, batch = request["model"], request["batch"]
    if (name, batch) not in TRAINED:
        x, y = windows(name, N_BATCHES * batch)
        batches = itertools.cycle(list(zip(x.split(batch), y.split(batch))))
        step = training(name)
        TRAINED[name, batch] = lambda: step(*next(batches))
    return fastest(TRAINED[name, batch], batch, request["seconds"])


def score(request):
    torch.set_num_threads(request["threads"])
    name, batch = request["model"], request["batch"]
    if (name, batch) not in SCORED:
        SCORED[name, batch] = MODELS[name]().eval(), windows(name, batch)[0]
    model, x = SCORED[name, batch]
    with torch.inference_mode():
        return fastest(lambda: model(x), batch, request["seconds"])


def bulk(request):
    """Processes of one thread each, as Python's own threads would wait for each other."""
    while len(CHILDREN) < request["threads"]:
        CHILDREN.append(Worker([sys.executable, __file__]))
    return bulk_in_processes(CHILDREN[:request["threads"]], request)


def prepared(request):
    """The batches of an epoch and a step for each of `models` models, made once."""
    name, batch = request["model"], request["batch"]
    n_windows, n_models = request.get("windows", BULK_WINDOWS), request["models"]
    if (name, batch, n_windows) not in MANY:
        x, y = windows(name, n_windows)
        MANY[name, batch, n_windows] = list(zip(x.split(batch), y.split(batch))), []
    batches, steps = MANY[name, batch, n_windows]
    steps += [training(name) for _ in range(n_models - len(steps))]
    return batches, steps[:n_models]


def prepare(request):
    torch.set_num_threads(1)
    batches, steps = prepared(request)
    for step in steps:
        step(*batches[0])
    return {}


def epoch(request):
    """One epoch of each model, one model after the other."""
    batches, steps = prepared(request)
    for step in steps:
        for x, y in batches:
            step(x, y)
    return {}


def describe(_):
    return {"name": "torch", "version": torch.__version__, "adam": "fused",
            "capability": torch.backends.cpu.get_cpu_capability()}


serve({"describe": describe, "train": train, "score": score, "bulk": bulk, "prepare": prepare, "epoch": epoch})
