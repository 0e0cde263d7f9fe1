"""Whoever acts."""

from __future__ import annotations

from typing import Any, Protocol, runtime_checkable

from torch import Tensor


class Acting(Protocol):
    """Whatever can say how to act, for all episodes of all tasks at once."""

    def __call__(self, observation: Tensor) -> Any:
        """Distributions over actions, `(T, E, ...)`, for observations `(T, E, O)`."""


@runtime_checkable
class Remembering(Protocol):
    """Whoever acts by a memory, and therefore is told what followed."""

    def told(self, action: Tensor, reward: Tensor, done: Tensor, alive: Tensor) -> None:
        """What followed an action: `(T, E, ...)` each; `alive` is False for episodes that were over before."""


@runtime_checkable
class Lone(Protocol):
    """Whoever can be sent to a worker process, one task's policy at a time."""

    def alone(self, task: int) -> Acting:
        """The policy of one task, for batches that hold only that task; it can be pickled."""
