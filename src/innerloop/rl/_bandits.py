"""Bernoulli bandits: the smallest problem in which looking pays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from innerloop.counter import uniform
from innerloop.errors import ConfigurationError
from innerloop.rl._environments import EnvironmentSplits
from innerloop.rl._spaces import Discrete
from innerloop.rl._tensor_environments import Step, TensorEnvironments
from innerloop.task import Tree


@dataclass(frozen=True, eq=False)
class BanditTasks(TensorEnvironments):
    """Arms that pay 1 with probabilities `p_k ~ U[0, 1]`, else 0; an episode is `pulls` pulls.

    There is nothing to observe (a constant 1): only a policy with a memory can learn within an episode.

    Source: Duan et al. 2016, "RL²: fast reinforcement learning via slow reinforcement learning", section 3.1.

    Args:
        arms: how many arms.
        pulls: pulls of an episode.
        seed: another seed gives other bandits.
        split: "train", "validation" or "test".

    >>> BanditTasks(arms=3).probabilities(torch.arange(2)).shape
    torch.Size([2, 3])
    """

    arms: int = 5
    pulls: int = 10
    seed: int = 0
    split: str = "train"

    def __post_init__(self) -> None:
        if self.arms < 2 or self.pulls < 1:
            raise ConfigurationError(
                f"A bandit has at least 2 arms and 1 pull; got arms={self.arms}, pulls={self.pulls}."
            )

    @property
    def horizon(self) -> int:  # type: ignore[override]  # a field elsewhere
        """The pulls of an episode."""
        return self.pulls

    @property
    def observation(self) -> int:
        """A constant."""
        return 1

    @property
    def action(self) -> Discrete:
        """Which arm."""
        return Discrete(self.arms)

    def probabilities(self, indices: Tensor) -> Tensor:
        """How often each arm pays, `(T, arms)`."""
        return uniform(self.keys(indices)[:, None], torch.arange(self.arms))

    def reset(self, indices: Tensor, keys: Tensor) -> tuple[Tree, Tensor]:
        """There is nothing to see."""
        paying = self.probabilities(indices)[:, None].expand(*keys.shape, self.arms)
        return paying, torch.ones(*keys.shape, 1)

    def step(self, state: Tree, action: Tensor, keys: Tensor, time: int) -> Step:
        """Pays or does not."""
        paid = uniform(keys, time) < state.gather(-1, action[..., None]).squeeze(-1)
        return Step(state, torch.ones(*keys.shape, 1), paid.float(), torch.zeros_like(paid))

    def still(self, indices: Tensor) -> Tensor:
        """The return `(T,)` of pulling any arm at random."""
        return self.pulls * self.probabilities(indices).mean(-1)

    def oracle(self, indices: Tensor) -> Tensor:
        """The return `(T,)` of always pulling the best arm."""
        return self.pulls * self.probabilities(indices).amax(-1)

    def describe(self) -> dict[str, Any]:
        """Name, split, shape and seed of the tasks."""
        return {"name": "bandits", **{name: getattr(self, name) for name in ("split", "arms", "pulls", "seed")}}


class Bandits(EnvironmentSplits):
    """Bernoulli bandits in three splits.

    >>> Bandits(arms=3).test.describe()["arms"]
    3
    """

    def __init__(self, arms: int = 5, pulls: int = 10, seed: int = 0):
        super().__init__(*(BanditTasks(arms, pulls, seed, split) for split in ("train", "validation", "test")))
