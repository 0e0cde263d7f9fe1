"""A step of an LSTM in plain operations."""

from __future__ import annotations

import torch
from torch import Tensor


def lstm_step(gates: Tensor, cell: Tensor) -> tuple[Tensor, Tensor]:
    """The output and the cell after a step; torch's own layers have no rule for tasks whose states differ.

        i, f, g, o = gates,   c' = σ(f) c + σ(i) tanh(g),   h' = σ(o) tanh(c')

    Args:
        gates: `(..., 4 H)`, what a linear map made of the input and of the last output.
        cell: `(..., H)` the cell before.

    Source: Hochreiter and Schmidhuber 1997, "Long short-term memory", with the forget gate of Gers et al. 2000.

    >>> h, c = lstm_step(torch.zeros(5, 8), torch.ones(5, 2))
    >>> c[0].tolist()
    [0.5, 0.5]
    """
    into, forget, candidate, out = gates.chunk(4, dim=-1)
    cell = torch.sigmoid(forget) * cell + torch.sigmoid(into) * torch.tanh(candidate)
    return torch.sigmoid(out) * torch.tanh(cell), cell
