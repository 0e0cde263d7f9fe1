"""Many small ridge regressions at once, one for each row of a sparse matrix: half a sweep of alternation."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from innerloop.recommend._events import Real, Whole

AT_ONCE = 1 << 23
"""Numbers of a block in memory at a time (64 MB)."""


def solve_rows(
    design: Real, row: Whole, column: Whole, targets: Real, penalty: Real, rows: int, *, weights: Real | None = None,
    shared: Real | None = None,
) -> Real:  # fmt: skip
    """The minimum of each row's own ridge regression on the rows of `design` that it has an entry with.

        w_r = (S + Σ_n a_n x_n x_n' + diag(λ))^-1 Σ_n a_n t_n x_n,   n over the entries of r,  x_n = design[column_n]

    Args:
        design: `(M, D)`.
        row: `(N,)` 0..rows-1, in any order.
        column: `(N,)` 0..M-1.
        targets: `(N,)` t.
        penalty: `(D,)` λ.
        rows: how many regressions.
        weights: `(N,)` a; None: 1.
        shared: `(D, D)` S, what every row has in common; None: nothing.

    Returns:
        `(rows, D)`; 0 for a row without an entry.
    """
    order = np.argsort(row, kind="stable")
    count = np.bincount(row, minlength=rows)
    starts = np.cumsum(count) - count
    solved = np.zeros((rows, design.shape[1]))
    base = torch.from_numpy(np.diag(penalty) + (0 if shared is None else shared))
    for block in _of_similar_length(count, design.shape[1]):
        # padded to the longest of the block, with a weight of 0
        places = np.arange(count[block].max())
        there = places < count[block][:, None]
        entry = order[np.where(there, starts[block][:, None] + places, 0)]
        factor = torch.from_numpy((there if weights is None else there * weights[entry]).astype(np.float64))
        x, t = torch.from_numpy(design[column[entry]]), torch.from_numpy(targets[entry])
        solve = _by_entries if len(places) < design.shape[1] else _by_columns
        solved[block] = solve(x, factor, t, base).numpy()
    return solved


def _by_columns(x: Tensor, weights: Tensor, targets: Tensor, base: Tensor) -> Tensor:
    """A system of the size of the design's width for each row: `x` `(B, L, D)` gives `(B, D)`."""
    scaled = (x * weights[..., None]).mT
    found: Tensor = torch.linalg.solve(base + scaled @ x, scaled @ targets[..., None])[..., 0]
    return found


def _by_entries(x: Tensor, weights: Tensor, targets: Tensor, base: Tensor) -> Tensor:
    """The same by a system of the number of entries, where these are few.

    (S + X' A X)^-1 X' A t = S^-1 X' √A (I + √A X S^-1 X' √A)^-1 √A t
    """
    root = weights.sqrt()
    scaled = x * root[..., None]
    through = torch.linalg.solve(base, scaled, left=False)
    inner = torch.eye(x.shape[1], dtype=x.dtype) + through @ scaled.mT
    found: Tensor = (through.mT @ torch.linalg.solve(inner, (root * targets)[..., None]))[..., 0]
    return found


def _of_similar_length(count: Whole, width: int) -> Iterator[Whole]:
    """Rows with entries, longest first, in blocks that fit into memory and are padded to at most twice their length."""
    order = np.argsort(-count, kind="stable")
    order = order[: int((count > 0).sum())]
    while len(order):
        longest = int(count[order[0]])
        fits = max(1, AT_ONCE // (width * max(width, longest)))
        similar = int(np.searchsorted(-count[order], -longest / 2, side="right"))
        yield order[: min(fits, similar)]
        order = order[min(fits, similar) :]
