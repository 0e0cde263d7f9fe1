"""Covariance functions of Gaussian processes: for drawing curves, and for the posterior that knows them."""

from __future__ import annotations

import math
from typing import Literal, get_args

import torch
from torch import Tensor

from innerloop.errors import ConfigurationError

Kernel = Literal["rbf", "matern", "periodic"]
"""Squared exponential, Matérn with ν = 5/2, and periodic."""


def covariance(kernel: Kernel, x: Tensor, other: Tensor, length: Tensor, scale: Tensor, period: Tensor) -> Tensor:
    """Covariances of the values of a function at two sets of points, without observation noise.

        rbf       s^2 exp(-d^2 / 2),                        d = |x - x'| / l
        matern    s^2 (1 + √5 d + 5/3 d^2) exp(-√5 d)
        periodic  s^2 exp(-2 sin^2(π |x - x'| / p) / l^2)

    Args:
        kernel: its name.
        x: `(..., N, D)`.
        other: `(..., M, D)`.
        length: l, `(...)`.
        scale: s, `(...)`; a standard deviation.
        period: p, `(...)`; only "periodic" looks at it.

    Returns:
        `(..., N, M)`.

    Raises:
        ConfigurationError: if there is no such kernel.

    Source: Rasmussen and Williams 2006, "Gaussian processes for machine learning", equations 4.9, 4.17 and 4.31.

    >>> one = torch.ones(())
    >>> covariance("rbf", torch.zeros(1, 1), torch.tensor([[0.0], [1.0]]), one, one, one)
    tensor([[1.0000, 0.6065]])
    """
    length, scale, period = (part[..., None, None] for part in (length, scale, period))
    squares = (x[..., :, None, :] - other[..., None, :, :]).square().sum(-1)
    if kernel == "rbf":
        return scale.square() * torch.exp(-squares / (2 * length.square()))
    distances = squares.sqrt()
    if kernel == "matern":
        root = math.sqrt(5) * distances / length
        return scale.square() * (1 + root + root.square() / 3) * torch.exp(-root)
    if kernel == "periodic":
        return scale.square() * torch.exp(-2 * (torch.sin(math.pi * distances / period) / length).square())
    raise ConfigurationError(f"There is no kernel {kernel!r}; use one of {', '.join(get_args(Kernel))}.")
