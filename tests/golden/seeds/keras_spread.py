"""Seeds A and B in real Keras, several seeds each: how far its own figures spread.

    KERAS_BACKEND=jax python tests/golden/seeds/keras_spread.py A 1 2 3 4 5
    KERAS_BACKEND=jax python tests/golden/seeds/keras_spread.py B 1 2 3

Reads data/sp500/sp500.parquet (8,192 sessions from 1986-01-02 to 2018-06-29) with pyarrow. For each seed: last and best
validation loss, epochs, test loss against the next close, and flags at .60 and .65. Nothing of ours is computed here.
"""

import datetime
import sys
from pathlib import Path

import keras
import numpy
import pyarrow.parquet

FOLDER = Path(__file__).parents[3]
rows = pyarrow.parquet.read_table(FOLDER / "data/sp500/sp500.parquet").to_pylist()
first, last = datetime.date(1986, 1, 2), datetime.date(2018, 6, 29)
close = numpy.array([row["close"] for row in rows if first <= row["date"] <= last])
assert len(close) == 8192


def windows(values):
    x = numpy.lib.stride_tricks.sliding_window_view(values, 31)
    return x[:, :30, None].astype("float32"), x[:, 30:].astype("float32")


def run(system, seed):
    keras.utils.set_random_seed(seed)
    n_train, units, epochs = {"A": (7782, 64, 10), "B": (6553, 128, 100)}[system]
    z = (close - close[:n_train].mean()) / close[:n_train].std()
    (x, y), (x_test, y_test) = windows(z[:n_train]), windows(z[n_train:])
    layers = keras.layers
    model = keras.Sequential([
        keras.Input((30, 1)),
        layers.LSTM(units),
        layers.Dropout(0.2),
        layers.RepeatVector(30),
        layers.LSTM(units, return_sequences=True),
        layers.Dropout(0.2),
        layers.TimeDistributed(layers.Dense(1)),
    ])
    model.compile(keras.optimizers.Adam(1e-3), "mae")
    stop = [keras.callbacks.EarlyStopping("val_loss", patience=3, mode="min")] if system == "B" else []
    course = model.fit(x, y, batch_size=32, epochs=epochs, validation_split=0.1, shuffle=False, callbacks=stop, verbose=0)
    losses = course.history["val_loss"]
    told = model.predict(x_test, verbose=0)[:, :, 0]
    test = numpy.abs(told - y_test).mean()
    score = numpy.abs(told - x_test[:, :, 0]).mean(axis=1)
    print(f"{system} seed {seed}: validation last {losses[-1]:.4f} best {min(losses):.4f} epochs {len(losses)}, "
          f"test {test:.4f}, flags at .60 {(score > .6).sum()} at .65 {(score > .65).sum()}", flush=True)


for seed in sys.argv[2:]:
    run(sys.argv[1], int(seed))
