"""RL²: a recurrent policy whose memory of a trial is what it has learned."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils import _pytree as pytree

from innerloop.mapping import Mapping
from innerloop.rl._collect import collect
from innerloop.rl._course import Round, Sampling, When
from innerloop.rl._distributions import Actions, CategoricalActions, NormalActions
from innerloop.rl._environments import Environments, episode_keys
from innerloop.rl._spaces import Discrete, Space
from innerloop.rl._trajectories import Trajectories


class RL2(nn.Module):
    """A GRU over (observation, action before, reward before, whether an episode has just ended).

        h_t = GRU(h_{t-1}, [s_t, a_{t-1}, r_{t-1}, d_{t-1}]),   π(a_t) from a linear layer on h_t

    The memory is kept from episode to episode of a trial, and is all that adapts: no gradient is taken when a task is
    met. In a course, round `k` is the `k`-th further episode of each trial, and `Sampling.episodes` the trials of a
    task: after one round it has seen one episode, where a gradient learner has seen `Sampling.episodes`.

    Args:
        observation: numbers in an observation.
        action: what an agent may do.
        width: size of the memory.
        std: the standard deviation at the start, for continuous actions.

    Source: Duan et al. 2016, "RL²: fast reinforcement learning via slow reinforcement learning"; Wang et al. 2016,
    "Learning to reinforcement learn".

    >>> from innerloop.rl import Bandits
    >>> bandits = Bandits().train
    >>> RL2(bandits.observation, bandits.action, width=8).inputs
    8
    """

    family = "memory"
    norm = "none"
    name = "RL²"

    def __init__(self, observation: int, action: Space, width: int = 64, std: float = 1.0):
        super().__init__()
        self.action = action
        self.inputs = observation + action.size + 2
        self.memory = nn.GRU(self.inputs, width)
        self.head = nn.Linear(width, action.size)
        nn.init.zeros_(self.head.bias)
        with torch.no_grad():
            self.head.weight.mul_(0.1)  # an untrained policy tries everything
        self.log_std = None if isinstance(action, Discrete) else nn.Parameter(torch.full((action.size,), std).log())
        self.mapping: Mapping | None = None
        space = {"kind": type(action).__name__, **vars(action)}
        arguments = {"observation": observation, "action": space, "width": width, "std": std}
        self.spec: dict[str, Any] | None = {"method": "rl2", "network": None, "arguments": arguments}

    def forward(self, inputs: Tensor, memory: Tensor | None = None) -> tuple[Actions, Tensor]:
        """Distributions over actions in every step of some trials.

        Args:
            inputs: `(B, L, inputs)`.
            memory: `(1, B, width)`; None: at the start of a trial.

        Returns:
            the distributions `(B, L, ...)` and the memory after the last step.
        """
        hidden, memory = self.memory(inputs.transpose(0, 1), memory)
        out = self.head(hidden.transpose(0, 1))
        if self.log_std is None:
            return CategoricalActions(out), memory
        return NormalActions(out, self.log_std.expand_as(out)), memory

    def course(
        self, environments: Environments, indices: Tensor, when: When, rounds: int, sampling: Sampling
    ) -> Iterator[Round]:
        """The episodes of some trials, one after the other."""
        trial = Trial(self)
        for number in range(rounds + 1):
            keys = episode_keys(*when, number, indices, sampling.episodes)
            found = collect(trial, environments, indices, keys)
            trial.end_episode()
            yield Round(found, None)

    def shown(self, action: Tensor) -> Tensor:
        """An action as the memory sees it: a row with a one in its place, or the numbers."""
        return F.one_hot(action, self.action.size).float() if isinstance(self.action, Discrete) else action


class Trial:
    """The memories of several trials while they go on; `collect` acts by it and tells it what followed.

    Args:
        policy: the recurrent policy.
    """

    def __init__(self, policy: RL2):
        self.policy = policy
        self.memory: Tensor | None = None
        self._last: Tensor | None = None

    def __call__(self, observation: Tensor) -> Any:
        """Distributions over actions, `(T, E, ...)`, for observations `(T, E, O)`."""
        shape = observation.shape[:2]
        if self._last is None:
            self._last = observation.new_zeros(*shape, self.policy.action.size + 2)
        seen = torch.cat([observation, self._last], -1).flatten(0, 1)[:, None]
        policy, self._next = self.policy(seen, self.memory)
        return pytree.tree_map(lambda leaf: leaf[:, 0].unflatten(0, shape), policy)

    def told(self, action: Tensor, reward: Tensor, done: Tensor, alive: Tensor) -> None:
        """What followed; the memory of an episode that is over stays as it is."""
        last = torch.cat([self.policy.shown(action), reward[..., None], done[..., None].float()], -1)
        before = torch.zeros_like(self._next) if self.memory is None else self.memory
        self.memory = torch.where(alive.flatten()[None, :, None], self._next, before)
        assert self._last is not None
        self._last = torch.where(alive[..., None], last, self._last)

    def end_episode(self) -> None:
        """The next observation is that of a new episode."""
        assert self._last is not None
        self._last = torch.cat([self._last[..., :-1], torch.ones_like(self._last[..., -1:])], -1)


def trial_of(course: list[Round]) -> tuple[Trajectories, Tensor]:
    """The episodes of a course as one sequence for each trial, without the gaps after ended episodes.

    Returns:
        the steps, and `(T, E, L)` True where an episode begins, but not at the start of the trial.
    """
    parts = [done.episodes for done in course]

    def joined(*leaves: Tensor) -> Tensor:
        return torch.cat(leaves, 2)

    fields = ("observation", "action", "reward", "log_prob", "policy", "mask")
    tree = pytree.tree_map(joined, *[{name: getattr(part, name) for name in fields} for part in parts])
    begins = torch.zeros_like(tree["mask"])
    begins[:, :, parts[0].mask.shape[2] :: parts[0].mask.shape[2]] = True
    order = (~tree["mask"]).to(torch.int8).sort(dim=2, stable=True).indices

    def packed(leaf: Tensor) -> Tensor:
        at = order.view(*order.shape, *(1,) * (leaf.ndim - 3)).expand(leaf.shape)
        return leaf.gather(2, at)

    tree = pytree.tree_map(packed, tree)
    return Trajectories(**tree, index=parts[0].index), packed(begins)


def inputs_of(policy: RL2, trial: Trajectories, begins: Tensor) -> Tensor:
    """What the memory saw in every step of some trials, `(T, E, L, inputs)`."""
    after = torch.cat([policy.shown(trial.action), trial.reward[..., None]], -1)
    last = torch.cat([torch.zeros_like(after[:, :, :1]), after[:, :, :-1]], 2)
    return torch.cat([trial.observation, last, begins[..., None].float()], -1)
