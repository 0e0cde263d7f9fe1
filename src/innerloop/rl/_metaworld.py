"""Meta-World's benchmarks ML1, ML10, ML25 and ML45, with a validation split."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import torch

from innerloop.counter import bits
from innerloop.errors import ConfigurationError
from innerloop.rl._environments import EnvironmentSplits
from innerloop.rl._simulated import SimulatedEnvironments
from innerloop.rl._spaces import Continuous
from innerloop.simulators import META_WORLD_REWARD, optional, versions
from innerloop.workers import Workers

BENCHMARKS = ("ML1", "ML10", "ML25", "ML45")
HELD_OUT = 10
"""Of the 50 official training goals of a class, those that are kept for validation: Meta-World has no such split."""


@dataclass(frozen=True)
class MetaWorldTasks(SimulatedEnvironments):
    """A robot arm whose goal is hidden: one split of a Meta-World benchmark.

    "train" has the first 40 of the 50 official training goals of each class and "validation" the other 10; "test" has
    the official test goals: of the same class in ML1, of other classes in the others. They come from `metaworld.ML1`
    and its like: the environment id "Meta-World/ML1-train" gives the TEST goals in version 3.1.1.

    Training tasks are drawn without end; validation and test tasks are numbered, a goal of each class in turn. Every
    goal has one initial state, so episodes of a task differ by the policy's noise alone.

    Source: Yu et al. 2020, "Meta-World: a benchmark and evaluation for multi-task and meta reinforcement learning".

    Args:
        benchmark: "ML1", "ML10", "ML25" or "ML45".
        name: the class of ML1, for instance "reach-v3".
        horizon: steps of an episode, at most 500.
        seed: another seed gives other goals.
        split: "train", "validation" or "test".
        workers: processes, None: one for each core; or `RayActors`, on many machines.
    """

    benchmark: str = "ML1"
    name: str | None = "reach-v3"
    horizon: int = 500
    seed: int = 0
    split: str = "train"
    workers: Workers = 1

    def __post_init__(self) -> None:
        if self.benchmark not in BENCHMARKS:
            raise ConfigurationError(f"There is no benchmark {self.benchmark!r}; there are {', '.join(BENCHMARKS)}.")
        if (self.benchmark == "ML1") != (self.name is not None):
            raise ConfigurationError(f"ML1 has a name= such as 'reach-v3', and the others none; got {self.name!r}.")
        if not 1 <= self.horizon <= 500:
            raise ConfigurationError(f"An episode of Meta-World has 1 to 500 steps; got horizon={self.horizon}.")

    @property
    def observation(self) -> int:
        """Hand, gripper and objects now and a step before; the places of the goal are zeros."""
        return 39

    @property
    def action(self) -> Continuous:
        """A move of the hand, and the force of the gripper."""
        return Continuous(4, -1.0, 1.0)

    def tasks(self) -> list[Any]:
        """The split's tasks as Meta-World describes them, a goal of each class in turn."""
        return _tasks(self.benchmark, self.name, self.seed)[1][self.split]

    def task(self, index: int) -> Any:
        """The description of task `index`.

        Raises:
            ConfigurationError: if a validation or test split has fewer tasks.
        """
        there = self.tasks()
        if self.split == "train":
            return there[int(bits(self.keys(torch.tensor(index)))) % len(there)]
        self.demand(index + 1)
        return there[index]

    @property
    def number(self) -> int | None:
        """How many tasks validation or test has; training tasks are drawn without end."""
        return None if self.split == "train" else len(self.tasks())

    def kind(self, index: int) -> str:
        """The class of a task."""
        return str(self.task(index).env_name)

    @property
    def side_by_side(self) -> int:
        """An environment takes 30 MB: some of ML1's one class, and one of each class in the others."""
        return 5 if self.name is not None else 1

    def make(self, index: int) -> Any:
        """The environment of the task's class."""
        classes, _ = _tasks(self.benchmark, self.name, self.seed)
        return classes[self.kind(index)]()

    def begin(self, environment: Any, index: int, seed: int) -> Any:
        """Sets the goal; Meta-World starts all episodes of a task from one state."""
        environment.set_task(self.task(index))
        return environment.reset()[0]

    def reward(self, environment: Any, index: int, reward: float, info: dict[str, Any]) -> float:
        """Meta-World's own, version 2."""
        return reward

    def describe(self) -> dict[str, Any]:
        """Name, split, horizon and seed of the tasks, and the versions that decide the numbers."""
        names = ("split", "horizon", "seed")
        name = self.benchmark if self.name is None else f"{self.benchmark} {self.name}"
        found = {"name": name, **{name: getattr(self, name) for name in names}}
        return {**found, "reward": META_WORLD_REWARD, "versions": versions()}


@lru_cache(maxsize=8)
def _tasks(benchmark: str, name: str | None, seed: int) -> tuple[dict[str, Any], dict[str, list[Any]]]:
    metaworld = optional("metaworld", "rl")
    if name is not None and name not in metaworld.ML1.ENV_NAMES:
        raise ConfigurationError(f"Meta-World has no class {name!r}; it has {', '.join(metaworld.ML1.ENV_NAMES)}.")
    made = metaworld.ML1(name, seed=seed) if name is not None else getattr(metaworld, benchmark)(seed=seed)
    training = _by_class(made.train_tasks)
    splits = {
        "train": _in_turn([tasks[:-HELD_OUT] for tasks in training]),
        "validation": _in_turn([tasks[-HELD_OUT:] for tasks in training]),
        "test": _in_turn(_by_class(made.test_tasks)),
    }
    return {**made.train_classes, **made.test_classes}, splits


def _by_class(tasks: list[Any]) -> list[list[Any]]:
    found = defaultdict(list)
    for task in tasks:
        found[task.env_name].append(task)
    return list(found.values())


def _in_turn(classes: list[list[Any]]) -> list[Any]:
    return [task for goals in zip(*classes, strict=True) for task in goals]


class MetaWorld(EnvironmentSplits):
    """A Meta-World benchmark in three splits; see `MetaWorldTasks`.

    >>> MetaWorld("ML1", "push-v3", horizon=100).validation.horizon
    100
    """

    def __init__(
        self,
        benchmark: str = "ML1",
        name: str | None = None,
        *,
        horizon: int = 500,
        seed: int = 0,
        workers: Workers = None,
    ):
        splits = ("train", "validation", "test")
        super().__init__(*(MetaWorldTasks(benchmark, name, horizon, seed, split, workers) for split in splits))
