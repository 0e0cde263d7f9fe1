"""Whoever acts."""

from __future__ import annotations

from typing import Any, Protocol

from torch import Tensor


class Acting(Protocol):
    """Whatever can say how to act, for all episodes of all tasks at once."""

    def __call__(self, observation: Tensor) -> Any:
        """Distributions over actions, `(T, E, ...)`, for observations `(T, E, O)`."""
