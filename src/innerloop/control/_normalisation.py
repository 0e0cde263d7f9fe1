"""The scale of what the policy sees, from the training demonstrations alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor

from innerloop.control._demonstrations import Collected

_LEAST = 0.01
"""Smallest standard deviation, a centimetre: an object that lies still shall not become noise of size 1."""


@dataclass(frozen=True)
class Normalisation:
    """From observations to what the network sees: mean 0 and standard deviation 1 over the training demonstrations.

    Args:
        means: of each number of an observation.
        stds: of each, at least a centimetre.
    """

    means: tuple[float, ...]
    stds: tuple[float, ...]

    def __call__(self, observations: ArrayLike) -> Tensor:
        """Observations `(..., 7)` as float32, normalised.

        >>> Normalisation((1.0,), (2.0,))([[3.0]])
        tensor([[1.]])
        """
        scaled = (np.asarray(observations, dtype=np.float64) - np.array(self.means)) / np.array(self.stds)
        return torch.from_numpy(scaled.astype(np.float32))


def fit_normalisation(collected: Collected) -> Normalisation:
    """The normalisation of the given demonstrations."""
    seen = torch.arange(collected.observations.shape[2]) < collected.lengths[..., None]
    rows = collected.observations[seen].double()
    return Normalisation(tuple(rows.mean(0).tolist()), tuple(rows.std(0).clamp(min=_LEAST).tolist()))
