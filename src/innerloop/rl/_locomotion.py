"""Running at a speed or in a direction that the agent is not told: the MuJoCo tasks of the MAML paper."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor

from innerloop.counter import uniform
from innerloop.errors import ConfigurationError
from innerloop.rl._environments import EnvironmentSplits
from innerloop.rl._simulated import SimulatedEnvironments
from innerloop.rl._spaces import Continuous
from innerloop.simulators import optional, versions
from innerloop.workers import Workers


@dataclass(frozen=True)
class _Running(SimulatedEnvironments):
    horizon: int = 200
    seed: int = 0
    split: str = "train"
    workers: Workers = 1

    def __post_init__(self) -> None:
        if not 1 <= self.horizon <= 1000:
            raise ConfigurationError(f"An episode has 1 to 1000 steps; got horizon={self.horizon}.")

    @property
    def side_by_side(self) -> int:
        """All episodes of a task, as a rule: such an environment takes a megabyte or two."""
        return 20

    def begin(self, environment: Any, index: int, seed: int) -> Any:
        """A start of its own for every episode."""
        return environment.reset(seed=seed)[0]

    def describe(self) -> dict[str, Any]:
        """Name, split, horizon and seed of the tasks, and the versions that decide the numbers."""
        names = ("split", "horizon", "seed")
        return {"name": type(self).__name__, **{name: getattr(self, name) for name in names}, "versions": versions()}


class _Cheetah(_Running):
    @property
    def observation(self) -> int:
        """Positions and velocities of the joints."""
        return 17

    @property
    def action(self) -> Continuous:
        """Torques."""
        return Continuous(6, -1.0, 1.0)

    def make(self, index: int) -> Any:
        """HalfCheetah-v5 with the paper's cost of control."""
        gymnasium = optional("gymnasium", "rl")
        optional("mujoco", "rl")
        return gymnasium.make("HalfCheetah-v5", ctrl_cost_weight=0.05, max_episode_steps=1000, disable_env_checker=True)


@dataclass(frozen=True)
class HalfCheetahVelTasks(_Cheetah):
    """A half cheetah that should run at speed `v* ~ U[0, 2]`: `r = -|v - v*| - |a|^2 / 20`.

    Source: Finn, Abbeel and Levine 2017, section 5.3.

    Args:
        horizon: steps of an episode.
        seed: another seed gives other speeds.
        split: "train", "validation" or "test".
        workers: processes, None: one for each core; or `RayActors`, on many machines.

    >>> HalfCheetahVelTasks().speeds(torch.arange(3)).shape
    torch.Size([3])
    """

    def speeds(self, indices: Tensor) -> Tensor:
        """Target speeds `(T,)` in metres a second."""
        return 2 * uniform(self.keys(indices), 0)

    def reward(self, environment: Any, index: int, reward: float, info: dict[str, Any]) -> float:
        """How near the speed is, less the cost of control."""
        return float(-abs(info["x_velocity"] - _speed(self, index)) + info["reward_ctrl"])


@lru_cache(maxsize=4096)
def _speed(family: HalfCheetahVelTasks, index: int) -> float:
    # asked for in every step, and as costly as the step
    return float(family.speeds(torch.tensor([index])))


class _TwoWays:
    """Two tasks: forward (even numbers) and backward (odd ones)."""

    @staticmethod
    def direction(index: int) -> int:
        """1 or -1."""
        return 1 - 2 * (index % 2)


@dataclass(frozen=True)
class HalfCheetahDirTasks(_TwoWays, _Cheetah):
    """A half cheetah that should run forward or backward: `r = ±v - |a|^2 / 20`.

    There are two tasks, so the splits hold the same ones: a result says how well a direction is found out, and nothing
    of tasks that are new.

    Source: Finn, Abbeel and Levine 2017, section 5.3.

    Args:
        horizon: steps of an episode.
        seed: changes nothing about the tasks.
        split: "train", "validation" or "test": the same two tasks.
        workers: processes, None: one for each core; or `RayActors`, on many machines.

    >>> [HalfCheetahDirTasks.direction(i) for i in range(3)]
    [1, -1, 1]
    """

    def reward(self, environment: Any, index: int, reward: float, info: dict[str, Any]) -> float:
        """Speed in the direction, less the cost of control."""
        return float(self.direction(index) * info["x_velocity"] + info["reward_ctrl"])


@dataclass(frozen=True)
class AntDirTasks(_TwoWays, _Running):
    """An ant that should run forward or backward; an episode ends when it falls.

    Ant-v5's own reward with the speed in the direction for the speed forward. There are two tasks, and no split, as in
    `HalfCheetahDirTasks`.

    Source: Finn, Abbeel and Levine 2017, section 5.3.

    Args:
        horizon: the most steps of an episode.
        seed: changes nothing about the tasks.
        split: "train", "validation" or "test": the same two tasks.
        workers: processes, None: one for each core; or `RayActors`, on many machines.

    >>> AntDirTasks().action
    Continuous(size=8, low=-1.0, high=1.0)
    """

    @property
    def observation(self) -> int:
        """Positions, velocities and contact forces."""
        return 105

    @property
    def action(self) -> Continuous:
        """Torques."""
        return Continuous(8, -1.0, 1.0)

    def make(self, index: int) -> Any:
        """Ant-v5."""
        gymnasium = optional("gymnasium", "rl")
        optional("mujoco", "rl")
        return gymnasium.make("Ant-v5", max_episode_steps=1000, disable_env_checker=True)

    def reward(self, environment: Any, index: int, reward: float, info: dict[str, Any]) -> float:
        """The simulator's reward, with another direction."""
        return float(reward - info["reward_forward"] + self.direction(index) * info["x_velocity"])


class HalfCheetahVel(EnvironmentSplits):
    """Running at hidden speeds, in three splits.

    >>> HalfCheetahVel(horizon=50).test.horizon
    50
    """

    def __init__(self, horizon: int = 200, seed: int = 0, workers: Workers = None):
        splits = ("train", "validation", "test")
        super().__init__(*(HalfCheetahVelTasks(horizon, seed, split, workers) for split in splits))
