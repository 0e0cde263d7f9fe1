"""Environments as tensors: all episodes of all tasks advance together, a step being a few tensor operations."""

from __future__ import annotations

from abc import abstractmethod
from typing import NamedTuple

import torch
from torch import Tensor

from innerloop.rl._environments import Environments
from innerloop.task import Tree


class Step(NamedTuple):
    """What follows from an action.

    Attributes:
        state: where all episodes are now, a tree of tensors `(T, E, ...)`.
        observation: `(T, E, O)`.
        reward: `(T, E)`.
        done: `(T, E)` bool, True where the episode is over.
    """

    state: Tree
    observation: Tensor
    reward: Tensor
    done: Tensor


def finite(after: Step) -> Tensor:
    """Where reward and observation are numbers, `(T, E)`."""
    return torch.isfinite(after.reward) & torch.isfinite(after.observation).flatten(2).all(-1)


class TensorEnvironments(Environments):
    """A family whose steps are tensor operations; `innerloop.rl.collect` calls `reset` and `step`.

    What is random in an episode is drawn from its key and the time, by `innerloop.counter`.
    """

    @abstractmethod
    def reset(self, indices: Tensor, keys: Tensor) -> tuple[Tree, Tensor]:
        """Begins episodes of the tasks numbered `indices` `(T,)`.

        Args:
            indices: `(T,)` int64.
            keys: `(T, E)` int64, one for each episode.

        Returns:
            the state and the first observation `(T, E, O)`.
        """

    @abstractmethod
    def step(self, state: Tree, action: Tensor, keys: Tensor, time: int) -> Step:
        """One step of all episodes.

        Args:
            state: what `reset` or the step before gave.
            action: `(T, E, A)` finite numbers as they were drawn, to be cut to the bounds of `action` here, or `(T, E)`
                int64 choices.
            keys: `(T, E)` int64, as in `reset`.
            time: how many steps have been taken.
        """

    @abstractmethod
    def oracle(self, indices: Tensor) -> Tensor:
        """Expected return `(T,)` of whoever knows the task."""
