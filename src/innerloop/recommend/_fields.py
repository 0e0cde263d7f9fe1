"""Feature columns as vectors: an embedding for every category, a direction for every number."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from innerloop.recommend._features import Features

NARROW = 64
"""Categories up to which several of an item are counted and multiplied: gathering a padded row of vectors for each item
and adding their gradients up again takes several times as long. A choice."""


class Fields(nn.Module):
    """The sum over columns of the mean embedding of their categories, and of numbers times a direction.

        v = Σ_columns 1/|C| Σ_{c in C} E[c]  +  W n

    All columns share one table, with an offset for each; a category that was never seen (code 0) has a row of its own,
    which starts at zero, and padding (code -1) counts for nothing. No one-hot row is ever made.

    Args:
        sizes: for each categorical column its width and its number of categories.
        numbers: how many numbers there are.
        width: length of the vectors.

    Source: Kula 2015, "Metadata embeddings for user and item cold-start recommendations", section 3.2.

    >>> fields = Fields([(2, 3)], 1, 4)
    >>> fields(torch.tensor([[1, -1], [2, 1]]), torch.zeros(2, 1)).shape
    torch.Size([2, 4])
    """

    def __init__(self, sizes: list[tuple[int, int]], numbers: int, width: int):
        super().__init__()
        self.sizes = sizes
        self.table = nn.Embedding(max(1, sum(size for _, size in sizes)), width)
        nn.init.normal_(self.table.weight, std=0.01)
        self.slopes = nn.Parameter(torch.zeros(numbers, width))
        starts = np.cumsum([0, *(size for _, size in sizes)])[:-1]
        with torch.no_grad():
            self.table.weight[torch.as_tensor(starts, dtype=torch.int64)] = 0.0  # categories that were never seen
        if not sizes:
            self.table.weight.requires_grad_(False)
        if not numbers:
            self.slopes.requires_grad_(False)
        self.offsets = [int(start) for start in starts]

    def forward(self, codes: Tensor, numbers: Tensor) -> Tensor:
        """Vectors `(..., width)` of codes `(..., widths of the columns)` and numbers `(..., numbers)`."""
        found: Tensor = numbers @ self.slopes
        at = 0
        for (wide, size), offset in zip(self.sizes, self.offsets, strict=True):
            own = codes[..., at : at + wide]
            there = (own >= 0).to(found.dtype)
            if wide > 1 and size <= NARROW:
                counts = there.new_zeros(*own.shape[:-1], 1 + size).scatter_add(-1, own + 1, torch.ones_like(there))
                total = counts[..., 1:] @ self.table.weight[offset : offset + size]  # the first are those of padding
            else:
                total = (self.table(own.clamp(min=0) + offset) * there[..., None]).sum(-2)
            found = found + total / there.sum(-1, keepdim=True).clamp(min=1)
            at += wide
        return found


def tables_of(features: Features | None, rows: int) -> tuple[list[tuple[int, int]], Tensor, Tensor]:
    """The sizes that `Fields` takes, all codes side by side `(rows, ...)`, and all numbers.

    >>> from innerloop.recommend._features import Column
    >>> tables_of(Features({"genre": Column.categories(np.array([1, 0]), 2)}, 2), 2)[1].tolist()
    [[1], [0]]
    """
    columns: list[Any] = [] if features is None else list(features.columns.values())
    wide = [column for column in columns if column.size]
    codes = np.concatenate([np.zeros((rows, 0), np.int64), *(column.codes for column in wide)], axis=1)
    plain = [column.numbers for column in columns if not column.size]
    numbers = np.concatenate([np.zeros((rows, 0), np.float32), *plain], axis=1)
    sizes = [(int(column.codes.shape[1]), int(column.size)) for column in wide]
    return sizes, torch.from_numpy(codes), torch.from_numpy(numbers.astype(np.float32))
