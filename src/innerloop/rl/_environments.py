"""A family of environments is a function from an integer to an environment; a split is another range of integers.

Shape legend: T tasks, E episodes, O numbers in an observation, A in an action.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import torch
from torch import Tensor

from innerloop.counter import fold
from innerloop.errors import ConfigurationError
from innerloop.rl._acting import Acting
from innerloop.rl._spaces import Space
from innerloop.rl._trajectories import Trajectories
from innerloop.sources._base import SPLITS


class Environments(ABC):
    """Tasks that differ in rewards or dynamics, in one of three disjoint splits.

    Families are frozen dataclasses with (at least) the fields `seed` and `split`; a subclass draws all that a task is
    from `self.keys(indices)`, and all that happens in an episode from the episode's key and the time.

    Attributes:
        horizon: the most steps of an episode.
        observation: numbers in an observation.
        action: what an agent may do.
    """

    seed: int
    split: str
    horizon: int

    @property
    @abstractmethod
    def observation(self) -> int:
        """Numbers in an observation."""

    @property
    @abstractmethod
    def action(self) -> Space:
        """What an agent may do."""

    @abstractmethod
    def still(self, indices: Tensor) -> Tensor:
        """Expected return `(T,)` of the trivial policy, which looks at nothing and learns nothing."""

    @abstractmethod
    def describe(self) -> dict[str, Any]:
        """What the tasks are, as plain values for a results file: name, split, shape of a task, seed."""

    def collect(self, policies: Acting, indices: Tensor, keys: Tensor) -> Trajectories:
        """Runs episodes, for families that are not tensors; see `innerloop.rl.collect`.

        Raises:
            ConfigurationError: if the family neither is tensors nor has a way of its own.
        """
        raise ConfigurationError(
            f"{type(self).__name__} says not how its episodes are run. Derive it from TensorEnvironments, or write "
            "`collect`."
        )

    @property
    def number(self) -> int | None:
        """How many tasks the split has; None: no end of them."""
        return None

    def demand(self, tasks: int) -> None:
        """Refuses more tasks than the split has.

        Raises:
            ConfigurationError: if there are fewer.
        """
        if self.number is not None and tasks > self.number:
            raise ConfigurationError(
                f"The {self.split} split of {type(self).__name__} has {self.number} tasks; asked for {tasks}. Take "
                "fewer (validation_tasks= in training, tasks= in evaluation)."
            )

    def keys(self, indices: Tensor) -> Tensor:
        """One 64-bit key per task, different for every seed and split.

        Raises:
            ConfigurationError: if there is no such split.
        """
        if self.split not in SPLITS:
            raise ConfigurationError(f"There is no split {self.split!r}; there are {', '.join(SPLITS)}.")
        return fold(self.seed, SPLITS.index(self.split), indices)


class EnvironmentSplits:
    """A family of environments in three disjoint parts.

    Attributes:
        train: tasks to meta-train on.
        validation: tasks to choose settings and checkpoints on.
        test: tasks to report, looked at once.
    """

    train: Environments
    validation: Environments
    test: Environments

    def __init__(self, train: Environments, validation: Environments, test: Environments):
        self.train, self.validation, self.test = train, validation, test

    def __repr__(self) -> str:
        parts = [f"  {name}={getattr(self, name)!r}," for name in SPLITS]
        return "\n".join([f"{type(self).__name__}(", *parts, ")"])


def episode_keys(seed: int, step: int, phase: int, indices: Tensor, episodes: int) -> Tensor:
    """One 64-bit key for each episode `(T, E)`: what happens in it is a function of these integers.

    Args:
        seed: of the run.
        step: outer step, or another number that says when.
        phase: how many inner steps have been taken: episodes before and after adaptation are different ones.
        indices: `(T,)` numbers of the tasks.
        episodes: how many.

    >>> episode_keys(0, 0, 0, torch.arange(2), 3).shape
    torch.Size([2, 3])
    """
    return fold(seed, step, phase, indices[:, None], torch.arange(episodes))
