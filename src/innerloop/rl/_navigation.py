"""A point on a plane looks for a goal that it cannot see."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor

from innerloop.counter import uniform
from innerloop.errors import ConfigurationError
from innerloop.rl._environments import EnvironmentSplits
from innerloop.rl._spaces import Continuous
from innerloop.rl._tensor_environments import Step, TensorEnvironments
from innerloop.task import Tree


class _State(NamedTuple):
    position: Tensor
    goal: Tensor


@dataclass(frozen=True, eq=False)
class NavigationTasks(TensorEnvironments):
    """Goals `g ~ U[-1/2, 1/2]^2`; the agent starts in the middle, sees where it is, and moves by its action.

        x_0 = 0,   x_{t+1} = x_t + clip(a_t, -1/10, 1/10),   r_t = -|x_{t+1} - g|

    An episode is over within `radius` of the goal, or after `horizon` steps.

    Source: Finn, Abbeel and Levine 2017, "Model-agnostic meta-learning", section 5.3; the reward is the distance, as
    in their code, and not its square.

    Args:
        horizon: the most steps of an episode.
        seed: another seed gives other goals.
        split: "train", "validation" or "test".
        radius: how near is there.

    >>> NavigationTasks().goals(torch.arange(3)).shape
    torch.Size([3, 2])
    """

    horizon: int = 100
    seed: int = 0
    split: str = "train"
    radius: float = 0.01

    def __post_init__(self) -> None:
        if self.horizon < 1:
            raise ConfigurationError(f"An episode has at least 1 step; got horizon={self.horizon}.")

    @property
    def observation(self) -> int:
        """The position."""
        return 2

    @property
    def action(self) -> Continuous:
        """A move; what is beyond a tenth has the effect of a tenth."""
        return Continuous(2, -0.1, 0.1)

    def goals(self, indices: Tensor) -> Tensor:
        """Goals `(T, 2)` of the tasks."""
        return uniform(self.keys(indices)[:, None], torch.arange(2)) - 0.5

    def reset(self, indices: Tensor, keys: Tensor) -> tuple[Tree, Tensor]:
        """All start in the middle."""
        goal = self.goals(indices)[:, None].expand(*keys.shape, 2)
        position = torch.zeros(*keys.shape, 2)
        return _State(position, goal), position

    def step(self, state: Tree, action: Tensor, keys: Tensor, time: int) -> Step:
        """Moves; nothing here is random."""
        position = state.position + action.clamp(self.action.low, self.action.high)
        distance = (position - state.goal).norm(dim=-1)
        return Step(_State(position, state.goal), position, -distance, distance < self.radius)

    def still(self, indices: Tensor) -> Tensor:
        """The return `(T,)` of standing still: the distance to the goal in every step."""
        distance: Tensor = self.goals(indices).norm(dim=-1)
        return -self.horizon * distance

    def oracle(self, indices: Tensor) -> Tensor:
        """The return `(T,)` of walking to the goal, each coordinate as fast as it may."""
        left = self.goals(indices)
        total = torch.zeros(len(indices))
        for _ in range(self.horizon):
            left = left - left.clamp(self.action.low, self.action.high)
            total = total - left.norm(dim=-1)
        return total

    def describe(self) -> dict[str, Any]:
        """Name, split, horizon and seed of the tasks."""
        names = ("split", "horizon", "seed", "radius")
        return {"name": "navigation", **{name: getattr(self, name) for name in names}}


class Navigation(EnvironmentSplits):
    """Navigation to hidden goals in three splits.

    >>> Navigation(horizon=20).test.describe()["horizon"]
    20
    """

    def __init__(self, horizon: int = 100, seed: int = 0):
        super().__init__(*(NavigationTasks(horizon, seed, split) for split in ("train", "validation", "test")))
