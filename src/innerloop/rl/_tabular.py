"""Random Markov decision processes with few states."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from innerloop.counter import normal, uniform
from innerloop.errors import ConfigurationError
from innerloop.rl._environments import EnvironmentSplits
from innerloop.rl._spaces import Discrete
from innerloop.rl._tensor_environments import Step, TensorEnvironments
from innerloop.task import Tree


class _State(NamedTuple):
    place: Tensor
    cumulative: Tensor
    reward: Tensor


@dataclass(frozen=True, eq=False)
class TabularTasks(TensorEnvironments):
    """Processes with transitions `P(. | s, a) ~ Dirichlet(1, ..., 1)` and rewards `N(m(s, a), 1)`, `m ~ N(1, 1)`.

    Every episode begins in state 0; a state is seen as a row with a one in its place.

    Source: Duan et al. 2016, "RL²", section 3.2.

    Args:
        states: how many states.
        actions: how many actions.
        horizon: steps of an episode.
        seed: another seed gives other processes.
        split: "train", "validation" or "test".

    >>> TabularTasks().dynamics(torch.arange(2))[0].shape
    torch.Size([2, 10, 5, 10])
    """

    states: int = 10
    actions: int = 5
    horizon: int = 10
    seed: int = 0
    split: str = "train"

    def __post_init__(self) -> None:
        if min(self.states, self.actions) < 2 or self.horizon < 1:
            raise ConfigurationError(
                f"A process has at least 2 states, 2 actions and 1 step; got states={self.states}, "
                f"actions={self.actions}, horizon={self.horizon}."
            )

    @property
    def observation(self) -> int:
        """A one in the place of the state."""
        return self.states

    @property
    def action(self) -> Discrete:
        """Which action."""
        return Discrete(self.actions)

    def dynamics(self, indices: Tensor) -> tuple[Tensor, Tensor]:
        """Transition probabilities `(T, S, A, S)` and mean rewards `(T, S, A)`."""
        keys = self.keys(indices)[:, None, None]
        state, action = torch.arange(self.states)[:, None], torch.arange(self.actions)
        # exponential numbers, divided by their sum, are a draw from the flat Dirichlet distribution
        raw = -torch.log1p(-uniform(keys[..., None], 0, state[..., None], action[:, None], torch.arange(self.states)))
        return raw / raw.sum(-1, keepdim=True), 1 + normal(keys, 1, state, action)

    def reset(self, indices: Tensor, keys: Tensor) -> tuple[Tree, Tensor]:
        """All begin in state 0."""
        moves, reward = self.dynamics(indices)
        place = torch.zeros(keys.shape, dtype=torch.int64)
        return _State(place, moves.cumsum(-1), reward), self._seen(place)

    def step(self, state: Tree, action: Tensor, keys: Tensor, time: int) -> Step:
        """Draws a reward and the next state."""
        task = torch.arange(len(keys))[:, None]
        reward = state.reward[task, state.place, action] + normal(keys, 0, time)
        below = state.cumulative[task, state.place, action] <= uniform(keys, 1, time)[..., None]
        place = below.sum(-1).clamp_(max=self.states - 1)
        return Step(state._replace(place=place), self._seen(place), reward, torch.zeros(keys.shape, dtype=torch.bool))

    def still(self, indices: Tensor) -> Tensor:
        """The return `(T,)` of actions at random."""
        return self._value(indices, lambda q: q.mean(-1))

    def oracle(self, indices: Tensor) -> Tensor:
        """The return `(T,)` of the best policy, which knows the process: backward induction."""
        return self._value(indices, lambda q: q.amax(-1))

    def describe(self) -> dict[str, Any]:
        """Name, split, shape and seed of the tasks."""
        names = ("split", "states", "actions", "horizon", "seed")
        return {"name": "tabular", **{name: getattr(self, name) for name in names}}

    def _value(self, indices: Tensor, of: Any) -> Tensor:
        moves, reward = self.dynamics(indices)
        value = torch.zeros(len(indices), self.states)
        for _ in range(self.horizon):
            value = of(reward + (moves * value[:, None, None]).sum(-1))
        return value[:, 0]

    def _seen(self, place: Tensor) -> Tensor:
        return F.one_hot(place, self.states).float()


class Tabular(EnvironmentSplits):
    """Random Markov decision processes in three splits.

    >>> Tabular(states=3).test.observation
    3
    """

    def __init__(self, states: int = 10, actions: int = 5, horizon: int = 10, seed: int = 0):
        super().__init__(
            *(TabularTasks(states, actions, horizon, seed, split) for split in ("train", "validation", "test"))
        )
