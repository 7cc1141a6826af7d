"""A stack of layers in torch, float64, read from the words that the goldens are written in.

`lstm UNITS tanh|relu last|sequence`, `dropout RATE`, `repeat STEPS`, `dense UNITS`. Dropout is off. An LSTM
with tanh is `torch.nn.LSTM` with `bias_hh` frozen at zero; torch has none with relu, so that one is spelt
out in torch operations and differentiated by autograd like the rest.
"""

import torch
from torch import nn

import draws


class ReluLstm(nn.Module):
    """Gates input, forget, candidate, output; relu instead of tanh in the candidate and the output."""

    def __init__(self, inputs, units):
        super().__init__()
        self.weight_ih_l0 = nn.Parameter(torch.empty(4 * units, inputs))
        self.weight_hh_l0 = nn.Parameter(torch.empty(4 * units, units))
        self.bias_ih_l0 = nn.Parameter(torch.empty(4 * units))
        self.bias_hh_l0 = nn.Parameter(torch.empty(4 * units))
        self.kinks = []

    def forward(self, x):
        units = self.weight_hh_l0.shape[1]
        hidden = state = x.new_zeros(x.shape[0], units)
        out, self.kinks = [], []
        for step in x.unbind(1):
            gates = step @ self.weight_ih_l0.T + self.bias_ih_l0 + hidden @ self.weight_hh_l0.T
            i, f, g, o = gates.split(units, 1)
            state = f.sigmoid() * state + i.sigmoid() * g.relu()
            hidden = o.sigmoid() * state.relu()
            # The state is never below 0, so that only a candidate can be near its kink.
            self.kinks.append(g.abs())
            out.append(hidden)
        return torch.stack(out, 1), None


class Network(nn.Module):
    def __init__(self, layers, features):
        super().__init__()
        self.words = [layer.split() for layer in layers]
        self.parts = nn.ModuleList()
        width = features
        for kind, *given in self.words:
            units = int(given[0]) if kind in ("lstm", "dense") else width
            if kind == "lstm" and given[1] == "tanh":
                self.parts.append(nn.LSTM(width, units, batch_first=True))
            elif kind == "lstm":
                self.parts.append(ReluLstm(width, units))
            elif kind == "dense":
                self.parts.append(nn.Linear(width, units))
            else:
                self.parts.append(nn.Identity())
            width = units
        self.double()

    def forward(self, x):
        for (kind, *given), part in zip(self.words, self.parts):
            if kind == "lstm":
                sequence, _ = part(x)
                x = sequence[:, -1] if given[2] == "last" else sequence
            elif kind == "repeat":
                x = x.unsqueeze(1).expand(-1, int(given[0]), -1)
            elif kind == "dense":
                x = part(x)
        return x

    def arrays(self):
        """Parameter, its canonical shape, and what its bound is the root of, in canonical order.

        LSTM: input [in, 4u], recurrent [u, 4u], bias [4u]; dense: weight [in, units], bias [units].
        torch keeps the matrices transposed.
        """
        for part in self.parts:
            if isinstance(part, (nn.LSTM, ReluLstm)):
                units = part.weight_hh_l0.shape[1]
                yield part.weight_ih_l0, units
                yield part.weight_hh_l0, units
                yield part.bias_ih_l0, units
            elif isinstance(part, nn.Linear):
                yield part.weight, part.in_features
                yield part.bias, part.in_features

    def draw(self, seed):
        for part in self.parts:
            if isinstance(part, (nn.LSTM, ReluLstm)):
                part.bias_hh_l0.data.zero_()
                part.bias_hh_l0.requires_grad_(False)
        for array_idx, (parameter, fan) in enumerate(self.arrays()):
            drawn = torch.from_numpy(draws.weights(seed, array_idx, parameter.numel(), fan))
            shape = tuple(parameter.shape)[::-1]
            parameter.data.copy_(drawn.to(parameter.dtype).reshape(shape).T if len(shape) == 2 else drawn)
        return self

    def gradients(self):
        """Of every array, flat, in canonical order."""
        return [canonical(parameter.grad).reshape(-1).numpy() for parameter, _ in self.arrays()]

    def distance_to_relu_kinks(self, n):
        """Of each of `n` windows, from the last forward pass; infinite without relu."""
        kinks = [kink for part in self.parts if isinstance(part, ReluLstm) for kink in part.kinks]
        nearest = torch.full((n,), torch.inf, dtype=torch.float64)
        for kink in kinks:
            nearest = torch.minimum(nearest, kink.detach().amin(1))
        return nearest


def canonical(matrix):
    return matrix.T.contiguous() if matrix.dim() == 2 else matrix
