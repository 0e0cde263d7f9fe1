"""A last layer that looks at directions only."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class CosineHead(nn.Module):
    """Logits `scale cos(x, w_k)`: neither the length of the features nor that of a class's weights counts.

    Args:
        width: number of features.
        outputs: number of classes.
        scale: turns similarities, which lie in [-1, 1], into logits.

    Source: Chen et al. 2019, "A closer look at few-shot classification", section 3 (Baseline++); Gidaris and Komodakis
    2018, "Dynamic few-shot visual learning without forgetting". The published code of the first takes a scale of 2 for
    up to 200 classes; the 10 here is the second's starting value.

    >>> head = CosineHead(2, 1)
    >>> head.weight.data = torch.tensor([[3.0, 0.0]])
    >>> head(torch.tensor([[0.5, 0.0], [0.0, 2.0]])).tolist()
    [[10.0], [0.0]]
    """

    def __init__(self, width: int, outputs: int, scale: float = 10.0):
        super().__init__()
        self.scale = scale
        self.weight = nn.Parameter(torch.empty(outputs, width))
        nn.init.xavier_uniform_(self.weight)

    def forward(self, x: Tensor) -> Tensor:
        """Logits `(N, outputs)` for features `(N, width)`."""
        return self.scale * F.linear(F.normalize(x, dim=-1), F.normalize(self.weight, dim=-1))

    def extra_repr(self) -> str:
        """Shown by `print`."""
        return f"width={self.weight.shape[1]}, outputs={self.weight.shape[0]}, scale={self.scale}"
