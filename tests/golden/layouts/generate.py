"""Writes the golden files of `src/nets/layouts`: weights and outputs of real Keras and PyTorch models.

    pip install -r tests/golden/layouts/requirements.txt
    KERAS_BACKEND=torch python tests/golden/layouts/generate.py

For each model `<name>.safetensors` holds its weights, saved as README.md tells users to, and
`<name>_outputs.safetensors` holds `windows` [window, time, feature] and `expected` [window, step, feature], what the
library gives for them. All weights, biases too, are drawn by NumPy, so that they are the same in every run;
the outputs may differ in their last bits between versions of a library. A forecaster reads all rows of a window
but the last.
"""

from pathlib import Path

import keras
import numpy
import safetensors.numpy
import safetensors.torch
import torch

FOLDER = Path(__file__).parent
N_WINDOWS = 5
rng = numpy.random.default_rng(20240607)


def drawn(shape):
    """Weights large enough for gates that are neither open nor shut."""
    return rng.uniform(-0.8, 0.8, shape).astype("float32")


def windows(length, features):
    return rng.standard_normal((N_WINDOWS, length, features)).astype("float32")


def save_outputs(name, windows, expected):
    arrays = {"windows": windows, "expected": numpy.ascontiguousarray(expected, dtype="float32")}
    safetensors.numpy.save_file(arrays, FOLDER / f"{name}_outputs.safetensors")


def save_keras(name, model, windows, inputs):
    model.set_weights([drawn(w.shape) for w in model.weights])
    safetensors.numpy.save_file({w.path: w.numpy() for w in model.weights}, FOLDER / f"{name}.safetensors")
    expected = model.predict(inputs, verbose=0)
    save_outputs(name, windows, expected.reshape(N_WINDOWS, -1, windows.shape[2]))


def save_pytorch(name, model, windows, inputs):
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(torch.from_numpy(drawn(parameter.shape)))
        expected = model(torch.from_numpy(inputs)).numpy()
    safetensors.torch.save_file(model.state_dict(), FOLDER / f"{name}.safetensors")
    save_outputs(name, windows, expected.reshape(N_WINDOWS, -1, windows.shape[2]))


def keras_autoencoder():
    """Names as Keras gives them: sequential/lstm, sequential/dense, sequential/lstm_1 …"""
    layers = keras.layers
    model = keras.Sequential([
        keras.Input((6, 2)),
        layers.LSTM(4),
        layers.Dropout(0.1),
        layers.Dense(3),
        layers.RepeatVector(6),
        layers.LSTM(4, return_sequences=True),
        layers.Dropout(0.1),
        layers.TimeDistributed(layers.Dense(2)),
    ], name="sequential")
    x = windows(6, 2)
    save_keras("keras_autoencoder", model, x, x)


def keras_forecaster():
    """Names of the user's, and cells that rectify."""
    layers = keras.layers
    x = keras.Input((6, 3))
    y = layers.LSTM(5, activation="relu", name="memory")(x)
    model = keras.Model(x, layers.Dense(3, name="tomorrow")(layers.Dropout(0.1)(y)))
    x = windows(7, 3)
    save_keras("keras_forecaster", model, x, x[:, :-1])


class Autoencoder(torch.nn.Module):
    """A code as wide as a row: encoder and decoder have the same shapes."""

    def __init__(self):
        super().__init__()
        self.encoder = torch.nn.LSTM(2, 4, batch_first=True)
        self.bottleneck = torch.nn.Linear(4, 2)
        self.decoder = torch.nn.LSTM(2, 4, batch_first=True)
        self.output = torch.nn.Linear(4, 2)

    def forward(self, x):
        _, (last, _) = self.encoder(x)
        code = self.bottleneck(last[-1])
        states, _ = self.decoder(code[:, None].expand(-1, x.shape[1], -1))
        return self.output(states)


class Forecaster(torch.nn.Module):
    """Two layers in one module, of the same shapes."""

    def __init__(self):
        super().__init__()
        self.lstm = torch.nn.LSTM(3, 3, num_layers=2, batch_first=True)
        self.head = torch.nn.Linear(3, 3)

    def forward(self, x):
        return self.head(self.lstm(x)[0][:, -1])


if __name__ == "__main__":
    keras_autoencoder()
    keras_forecaster()
    x = windows(6, 2)
    save_pytorch("pytorch_autoencoder", Autoencoder(), x, x)
    x = windows(7, 3)
    save_pytorch("pytorch_forecaster", Forecaster(), x, x[:, :-1])
    print(f"keras {keras.__version__} on {keras.backend.backend()}, torch {torch.__version__}, numpy {numpy.__version__}")
