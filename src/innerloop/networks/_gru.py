"""A recurrent network of sequences."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from innerloop.demands import at_least
from innerloop.errors import DataError
from innerloop.networks._backbone import Backbone, linear_head


class _LastState(nn.Module):
    # nn.GRU goes through a sequence in one call that has no batching rule, and on some devices no second derivative

    def __init__(self, inputs: int, hidden: int):
        super().__init__()
        self.inputs, self.hidden = inputs, hidden
        self.into, self.again = nn.Linear(inputs, 3 * hidden), nn.Linear(hidden, 3 * hidden)
        for parameter in self.parameters():
            nn.init.uniform_(parameter, -(hidden**-0.5), hidden**-0.5)  # as nn.GRU

    def forward(self, x: Tensor) -> Tensor:
        if x.ndim != 3 or x.shape[-1] != self.inputs or not x.shape[1]:
            raise DataError(
                f"A GRU of {self.inputs} inputs takes sequences of shape (N, steps, {self.inputs}); got "
                f"{tuple(x.shape)}."
            )
        # all steps at once, as rows: what stands beside a linear layer (context, LoRA) sees the shape that it knows
        seen = self.into(x.flatten(0, 1)).unflatten(0, x.shape[:2])
        state = x.new_zeros(len(x), self.hidden)
        for step in seen.unbind(1):
            state = self._step(step, state)
        return state

    def _step(self, seen: Tensor, state: Tensor) -> Tensor:
        reset, update, candidate = seen.chunk(3, dim=-1)
        back_reset, back_update, back = self.again(state).chunk(3, dim=-1)
        keep = torch.sigmoid(update + back_update)
        new = torch.tanh(candidate + torch.sigmoid(reset + back_reset) * back)
        return (1 - keep) * new + keep * state


def gru(inputs: int, outputs: int | None, hidden: int = 64) -> Backbone:
    """A gated recurrent network of sequences; its features are the state after the last step.

        r = σ(W_r x + U_r h),   u = σ(W_u x + U_u h),   n = tanh(W_n x + r (U_n h)),   h <- (1 - u) n + u h

    The equations and weights of `nn.GRU`, written out step by step, so that second derivatives and `vmap` work.

    Args:
        inputs: numbers at each step of a sequence; sequences are `(N, steps, inputs)`, all of one length.
        outputs: number of outputs; None: no head, the features are the output.
        hidden: size of the state.

    Source: Cho et al. 2014, "Learning phrase representations using RNN encoder-decoder", section 2.3, in the form of
    PyTorch, where the reset gate comes after the matrix.

    >>> gru(2, 5, hidden=8)(torch.zeros(3, 7, 2)).shape
    torch.Size([3, 5])
    """
    at_least("inputs", inputs, 1)
    at_least("hidden", hidden, 1)
    spec: dict[str, Any] = {"network": "gru", "inputs": inputs, "outputs": outputs, "hidden": hidden}
    return Backbone(_LastState(inputs, hidden), linear_head(hidden, outputs), hidden, spec)
