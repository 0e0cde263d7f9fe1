"""Families of simulated environments: worker processes run whole episodes, the policy inside the worker.

What comes out is a function of task, key and policy alone: one worker and many give the same numbers.
"""

from __future__ import annotations

from abc import abstractmethod
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils import _pytree as pytree

from innerloop.counter import bits
from innerloop.errors import ConfigurationError, DataError, InnerloopError, TrainingError
from innerloop.rl._acting import Acting, Lone
from innerloop.rl._collect import diverged, noise_of, stacked
from innerloop.rl._distributions import NormalActions, draw
from innerloop.rl._environments import Environments, episode_keys
from innerloop.rl._spaces import Continuous
from innerloop.rl._trajectories import Trajectories
from innerloop.workers import Workers, run_jobs

_SEED = 2


class SimulatedEnvironments(Environments):
    """A family whose episodes a simulator runs, one after the other; actions beyond the bounds are clipped.

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
        """Tasks of one kind share an environment in a worker."""
        return ""

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
        episodes = run_jobs(_episodes, jobs, what="a task's episodes", workers=self.workers)

        def joined(*leaves: Tensor) -> Tensor:
            return torch.stack(leaves)

        fields = [vars(found) | {"index": found.index} for found in episodes]
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


_made: dict[tuple[str, str], Any] = {}
"""A worker's environments: making one takes a tenth of a second and more."""


def _environment(family: SimulatedEnvironments, index: int) -> Any:
    settings = {name: value for name, value in vars(family).items() if name not in ("split", "workers")}
    name = (f"{type(family).__qualname__} {settings}", family.kind(index))
    if name not in _made:
        if len(_made) > 20:  # each takes 10 to 30 MB
            _made.pop(next(iter(_made))).close()
        _made[name] = family.make(index)
    return _made[name]


@torch.no_grad()
def _episodes(family: SimulatedEnvironments, policy: Acting, index: int, keys: Tensor) -> Trajectories:
    """All episodes of one task, with fields `(E, H, ...)`."""
    noise = noise_of(family, keys[None])[0]
    done = []
    for number, key in enumerate(keys):
        try:
            seed = int(bits(key, _SEED)) % 2**31
            done.append(_episode(family, policy, index, seed, noise[number]))
        except InnerloopError as error:
            raise type(error)(f"Task {index}, episode {number}: {error}") from error
        except Exception as error:
            raise DataError(
                f"The environment of task {index}, episode {number}, failed: {type(error).__name__}: {error}."
            ) from error

    def joined(*leaves: Tensor) -> Tensor:
        return torch.stack(leaves)

    fields = [{name: value for name, value in vars(found).items() if name != "index"} for found in done]
    return Trajectories(**pytree.tree_map(joined, *fields), index=torch.tensor(index))


def _episode(family: SimulatedEnvironments, policy: Acting, index: int, seed: int, noise: Tensor) -> Trajectories:
    environment = _environment(family, index)
    space = family.action
    seen = _tensor(family.begin(environment, index, seed))
    steps = []
    alive = torch.ones(1, 1, dtype=torch.bool)
    for time in range(family.horizon):
        said = policy(seen)
        action = draw(said, noise[None, None, time])
        if bool(diverged(said, action).any()):
            raise TrainingError(f"the policy gives NaN at step {time}. Lower the inner or outer learning rate.")
        taken: Any = action[0, 0].numpy()
        if isinstance(space, Continuous):
            taken = np.clip(taken.astype(np.float64), space.low, space.high)
        after, reward, terminated, truncated, info = environment.step(taken)
        reward = family.reward(environment, index, float(reward), info)
        if not (np.isfinite(reward) and np.isfinite(after).all()):
            raise DataError(f"the environment gives NaN at step {time}.")
        steps.append((seen, action, torch.tensor([[reward]]), said, alive))
        seen = _tensor(after)
        if terminated or truncated:
            break
    found = stacked(steps, torch.tensor([index]), family.horizon)
    return Trajectories(
        **{n: pytree.tree_map(_first, v) for n, v in vars(found).items() if n != "index"}, index=found.index[0]
    )


def _tensor(observation: Any) -> Tensor:
    return torch.as_tensor(observation, dtype=torch.float32).view(1, 1, -1)


def _first(leaf: Tensor) -> Tensor:
    return leaf[0, 0]
