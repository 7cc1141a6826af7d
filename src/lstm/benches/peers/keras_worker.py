"""Keras on JAX: one jitted function a training step, weights and optimiser state handed over in place.

XLA's number of threads is that of the cores a process may use when it starts, so each number has a process of
its own; the one that is asked hands on.
"""

import itertools
import os
import sys

from protocol import DROPOUT, LEARNING_RATE, WINDOW, Unsupported, Worker, fastest, serve

CHILDREN, TRAINED, SCORED = {}, {}, {}


def handed_on(request):
    threads = request.get("threads", 1)
    if threads not in CHILDREN:
        CHILDREN[threads] = Worker([sys.executable, __file__, str(threads)])
    return CHILDREN[threads].ask(request)


def no_bulk(_):
    raise Unsupported("Keras is not asked to train many models at once")


if len(sys.argv) == 1:
    serve({"describe": handed_on, "train": handed_on, "score": handed_on, "bulk": no_bulk})
    sys.exit()

THREADS = int(sys.argv[1])
os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:THREADS])
os.environ["KERAS_BACKEND"] = "jax"
os.environ["JAX_PLATFORMS"] = "cpu"

import jax  # noqa: E402
import keras  # noqa: E402
import numpy as np  # noqa: E402
from keras import layers  # noqa: E402


def built(name):
    sequence = {"return_sequences": True}
    parts = {
        "A": lambda: [layers.LSTM(64), layers.Dropout(DROPOUT), layers.RepeatVector(WINDOW),
                      layers.LSTM(64, **sequence), layers.Dropout(DROPOUT), layers.Dense(1)],
        "B": lambda: [layers.LSTM(128, **sequence), layers.LSTM(64), layers.RepeatVector(WINDOW),
                      layers.LSTM(64, **sequence), layers.LSTM(128, **sequence), layers.Dense(1)],
        "C": lambda: [layers.LSTM(64), layers.Dropout(DROPOUT), layers.Dense(1)],
    }
    return keras.Sequential([keras.Input((WINDOW, 1)), *parts[name]()])


def windows(name, n):
    series = np.cumsum(np.random.default_rng(0).standard_normal(n + WINDOW) * 0.01).astype("f4")
    x = np.lib.stride_tricks.sliding_window_view(series, WINDOW)[:n, :, None].copy()
    return jax.device_put(x), jax.device_put(series[WINDOW:, None] if name == "C" else x)


def training(name, batch):
    model, optimiser = built(name), keras.optimizers.Adam(LEARNING_RATE)
    optimiser.build(model.trainable_variables)

    def loss(trained, others, x, y):
        found, others = model.stateless_call(trained, others, x, training=True)
        return keras.ops.mean(keras.ops.abs(found - y)), others

    def update(state, x, y):
        trained, others, moments = state
        (value, others), slopes = jax.value_and_grad(loss, has_aux=True)(trained, others, x, y)
        trained, moments = optimiser.stateless_apply(moments, slopes, trained)
        return (trained, others, moments), value

    update = jax.jit(update, donate_argnums=0)
    held = [[jax.numpy.array(v.value) for v in variables] for variables in
            (model.trainable_variables, model.non_trainable_variables, optimiser.variables)]
    batches = [windows(name, batch)] * 2
    turn = itertools.cycle(batches)

    def step():
        nonlocal held
        held, value = update(held, *next(turn))
        value.block_until_ready()
        jax.block_until_ready(held)

    return step


def train(request):
    key = request["model"], request["batch"]
    if key not in TRAINED:
        TRAINED[key] = training(*key)
        TRAINED[key]()  # compiles
    return fastest(TRAINED[key], request["batch"], request["seconds"])


def score(request):
    name, batch = request["model"], request["batch"]
    if (name, batch) not in SCORED:
        model = built(name)
        held = [[v.value for v in variables] for variables in
                (model.trainable_variables, model.non_trainable_variables)]
        run = jax.jit(lambda held, x: model.stateless_call(*held, x, training=False)[0])
        x, _ = windows(name, batch)
        SCORED[name, batch] = lambda: run(held, x).block_until_ready()
        SCORED[name, batch]()
    return fastest(SCORED[name, batch], batch, request["seconds"])


def describe(_):
    return {"name": "keras", "version": keras.__version__, "backend": f"jax {jax.__version__}"}


serve({"describe": describe, "train": train, "score": score})
