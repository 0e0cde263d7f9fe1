"""Lengths of embeddings and sizes of logits."""

from __future__ import annotations

import math
from typing import Literal

import torch
from torch import Tensor, nn

from innerloop.errors import ConfigurationError


def unit(z: Tensor) -> Tensor:
    """`z / |z|` along the last axis; zero where `z` is zero, with a finite slope there.

    >>> unit(torch.tensor([[3.0, 4.0], [0.0, 0.0]]))
    tensor([[0.6000, 0.8000],
            [0.0000, 0.0000]])
    """
    square = z.square().sum(-1, keepdim=True)
    return z / torch.where(square > 0, square, 1).sqrt()


class Scale(nn.Module):
    """A positive factor on logits, the inverse of a temperature.

    Args:
        scale: a number; or "learned": exp(s) with a meta-parameter s.
        start: where the learned one starts.

    Raises:
        ConfigurationError: if it is neither "learned" nor a positive number.

    >>> Scale(2.0)(torch.ones(2)), sum(p.numel() for p in Scale("learned").parameters())
    (tensor([2., 2.]), 1)
    """

    log: nn.Parameter | None

    def __init__(self, scale: float | Literal["learned"], start: float = 1.0):
        super().__init__()
        learned = scale == "learned"
        if not learned and not (isinstance(scale, int | float) and 0 < scale < math.inf):
            raise ConfigurationError(f'scale= must be a positive number or "learned"; got {scale!r}. Try 1.0.')
        self.fixed = 1.0 if learned else float(scale)
        self.log = nn.Parameter(torch.tensor(math.log(start))) if learned else None

    def forward(self, logits: Tensor) -> Tensor:
        """`logits` times the factor."""
        if self.log is not None:
            return logits * self.log.exp()
        return logits if self.fixed == 1 else logits * self.fixed

    def extra_repr(self) -> str:
        """Shown by `print`."""
        return "learned" if self.log is not None else f"{self.fixed:g}"
