"""Families of simulated environments: worker processes run whole episodes, the policy inside the worker.

What comes out is a function of task, key and policy alone: one worker and many give the same numbers.
"""

from __future__ import annotations

from abc import abstractmethod
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor
from torch.utils import _pytree as pytree

from innerloop.errors import ConfigurationError
from innerloop.rl._acting import Acting, Lone
from innerloop.rl._distributions import NormalActions
from innerloop.rl._environments import Environments, episode_keys
from innerloop.rl._episodes import episodes
from innerloop.rl._trajectories import Trajectories
from innerloop.workers import Workers, run_jobs


class SimulatedEnvironments(Environments):
    """A family whose episodes a simulator runs in worker processes; actions beyond the bounds are clipped.

    Subclasses are frozen dataclasses that can be pickled.

    Attributes:
        workers: processes, None: one for each core, or `RayActors`, on many machines. A script that uses more than one
            process needs `if __name__ == "__main__":`.
    """

    workers: Workers

    @abstractmethod
    def make(self, index: int) -> Any:
        """A gymnasium environment that can hold task `index`; kept in the worker and used again."""

    @abstractmethod
    def begin(self, environment: Any, index: int, seed: int) -> Any:
        """Sets the task, and returns the first observation of an episode."""

    @abstractmethod
    def reward(self, environment: Any, index: int, reward: float, info: dict[str, Any]) -> float:
        """The task's reward for a step."""

    def kind(self, index: int) -> str:
        """Tasks of one kind share environments in a worker."""
        return ""

    @property
    def side_by_side(self) -> int:
        """How many episodes of a task a worker runs at once, each in an environment of its own: memory for speed."""
        return 1

    def collect(self, policies: Acting, indices: Tensor, keys: Tensor) -> Trajectories:
        """Runs episodes in worker processes, a task's at a time; see `innerloop.rl.collect`.

        Raises:
            ConfigurationError: for policies that cannot be handed to a worker.
            DataError: if an environment fails or gives NaN; the message names task and episode.
            TrainingError: if the policy gives NaN.
        """
        if not isinstance(policies, Lone):
            raise ConfigurationError(
                f"{type(policies).__name__} cannot act in a worker process: simulated environments need a policy "
                "without a memory (innerloop.rl.maml_policy)."
            )
        jobs = [(self, policies.alone(row), int(index), keys[row]) for row, index in enumerate(indices.tolist())]
        done = run_jobs(episodes, jobs, what="a task's episodes", workers=self.workers)

        def joined(*leaves: Tensor) -> Tensor:
            return torch.stack(leaves)

        fields = [{name: value for name, value in vars(found).items() if value is not None} for found in done]
        return Trajectories(**pytree.tree_map(joined, *fields))

    def still(self, indices: Tensor) -> Tensor:
        """The return `(T,)` of one episode of no action, which is what stands for the trivial policy here."""
        return torch.tensor([_idle(self, index) for index in indices.tolist()])


class Idle:
    """Does nothing."""

    def __init__(self, size: int):
        self.size = size

    def __call__(self, observation: Tensor) -> NormalActions:
        """Actions of zeros, with next to no noise."""
        nothing = torch.zeros(*observation.shape[:-1], self.size)
        return NormalActions(nothing, nothing - 30)

    def alone(self, task: int) -> Idle:
        """The same for every task."""
        return self


@lru_cache(maxsize=4096)
def _idle(family: SimulatedEnvironments, index: int) -> float:
    one = torch.tensor([index])
    return float(family.collect(Idle(family.action.size), one, episode_keys(0, 0, 0, one, 1)).returns)
