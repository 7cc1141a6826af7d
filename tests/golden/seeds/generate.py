"""Writes the golden files of `src/nets/fused/tests/as_published.rs`: how real Keras and PyTorch models learn.

    pip install -r tests/golden/layouts/requirements.txt
    KERAS_BACKEND=jax python tests/golden/seeds/generate.py

`<name>.safetensors` holds a model's first weights, saved as README.md tells users to; `<name>_course.safetensors`
holds `windows` [window, time, feature] (seven rows, of which the model reads six) and `losses` [step], what the
library's own loss was in each batch of four windows, in their order, again and again, before Adam moved the weights.

- `broadcast`: a Keras network that gives a sequence and is given one value as its target, the last row.
- `summed`: a PyTorch autoencoder that hands its whole sequence on, under `MSELoss(reduction="sum")`.
"""

from pathlib import Path

import keras
import numpy
import safetensors.numpy
import safetensors.torch
import torch

FOLDER = Path(__file__).parent
WINDOWS, BATCH, STEPS = 12, 4, 30
rng = numpy.random.default_rng(20240611)
windows = numpy.cumsum(rng.standard_normal((WINDOWS, 7, 1)) * 0.3, axis=1).astype("float32")


def drawn(shape):
    return rng.uniform(-0.5, 0.5, shape).astype("float32")


def batches():
    for step in range(STEPS):
        start = step * BATCH % WINDOWS
        yield windows[start:start + BATCH]


def save(name, losses):
    arrays = {"windows": windows, "losses": numpy.array(losses, dtype="float32")}
    safetensors.numpy.save_file(arrays, FOLDER / f"{name}_course.safetensors")


def broadcast():
    layers = keras.layers
    model = keras.Sequential([
        keras.Input((6, 1)),
        layers.LSTM(5, activation="relu", return_sequences=True),
        layers.LSTM(4),
        layers.RepeatVector(6),
        layers.LSTM(4, return_sequences=True),
        layers.TimeDistributed(layers.Dense(1)),
    ], name="sequential")
    model.set_weights([drawn(w.shape) for w in model.weights])
    safetensors.numpy.save_file({w.path: numpy.array(w) for w in model.weights}, FOLDER / "broadcast.safetensors")
    model.compile(keras.optimizers.Adam(1e-3), "mae")
    # The target has the shape [batch, 1], the output [batch, 6, 1].
    save("broadcast", [model.train_on_batch(x[:, :-1], x[:, -1]) for x in batches()])


class Stacked(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder_1 = torch.nn.LSTM(1, 6, batch_first=True)
        self.encoder_2 = torch.nn.LSTM(6, 3, batch_first=True)
        self.decoder_1 = torch.nn.LSTM(3, 3, batch_first=True)
        self.decoder_2 = torch.nn.LSTM(3, 6, batch_first=True)
        self.output = torch.nn.Linear(6, 1)

    def forward(self, x):
        for layer in [self.encoder_1, self.encoder_2, self.decoder_1, self.decoder_2]:
            x, _ = layer(x)
        return self.output(x)


def summed():
    model = Stacked()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(torch.from_numpy(drawn(parameter.shape)))
    safetensors.torch.save_file(model.state_dict(), FOLDER / "summed.safetensors")
    optimizer, loss_of, losses = torch.optim.Adam(model.parameters(), 1e-3), torch.nn.MSELoss(reduction="sum"), []
    for x in batches():
        x = torch.from_numpy(x[:, :-1])
        optimizer.zero_grad()
        loss = loss_of(model(x), x)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    save("summed", losses)


broadcast()
summed()
print(f"keras {keras.__version__} on {keras.backend.backend()}, torch {torch.__version__}, numpy {numpy.__version__}")
