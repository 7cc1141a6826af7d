"""Models A, B and C of PERFORMANCE in torch, and windows for them."""

import torch
from torch import nn

from protocol import DROPOUT, WINDOW


class A(nn.Module):
    """The seed autoencoder: 64, dropout, repeat, 64, dropout, dense."""

    def __init__(self):
        super().__init__()
        self.encoder = nn.LSTM(1, 64, batch_first=True)
        self.decoder = nn.LSTM(64, 64, batch_first=True)
        self.dropout, self.dense = nn.Dropout(DROPOUT), nn.Linear(64, 1)

    def forward(self, x):
        _, (hidden, _) = self.encoder(x)
        latent = self.dropout(hidden[-1])
        y, _ = self.decoder(latent.unsqueeze(1).expand(-1, WINDOW, -1))
        return self.dense(self.dropout(y))


class B(nn.Module):
    """The deep autoencoder: 128, 64, repeat, 64, 128, dense."""

    def __init__(self):
        super().__init__()
        self.first = nn.LSTM(1, 128, batch_first=True)
        self.second = nn.LSTM(128, 64, batch_first=True)
        self.third = nn.LSTM(64, 64, batch_first=True)
        self.fourth = nn.LSTM(64, 128, batch_first=True)
        self.dense = nn.Linear(128, 1)

    def forward(self, x):
        x, _ = self.first(x)
        _, (hidden, _) = self.second(x)
        y, _ = self.third(hidden[-1].unsqueeze(1).expand(-1, WINDOW, -1))
        y, _ = self.fourth(y)
        return self.dense(y)


class C(nn.Module):
    """The forecaster: 64, dropout, dense."""

    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(1, 64, batch_first=True)
        self.dropout, self.dense = nn.Dropout(DROPOUT), nn.Linear(64, 1)

    def forward(self, x):
        y, _ = self.lstm(x)
        return self.dense(self.dropout(y[:, -1]))


MODELS = {"A": A, "B": B, "C": C}


def windows(model, n):
    """`n` windows of a random walk `[n, WINDOW, 1]`, and what `model` is to make of them."""
    series = torch.cumsum(torch.randn(n + WINDOW) * 0.01, 0)
    x = series.unfold(0, WINDOW, 1)[:n].unsqueeze(-1).contiguous()
    return (x, series[WINDOW:].unsqueeze(-1).contiguous()) if model == "C" else (x, x)
