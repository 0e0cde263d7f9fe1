"""Episodes as padded tensors, and as ordinary examples that a learner can adapt on.

Shape legend: T tasks, E episodes, H steps (the horizon), O numbers in an observation; N = E H rows of a task.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor
from torch.utils import _pytree as pytree

from innerloop.rl._distributions import Actions
from innerloop.task import Examples


class Decisions(NamedTuple):
    """The targets `y` of examples made of episodes, one row for every step.

    Attributes:
        action: what was done, `(N, A)` numbers or `(N,)` choices.
        advantage: `(N,)` how much better than expected it was.
        log_prob: `(N,)` log-likelihood of the action under the policy that drew it.
        policy: the distribution that it was drawn from, `(N, ...)`.
        time: `(N,)` int64, steps since the episode's start: says where the rows of an episode begin.
    """

    action: Tensor
    advantage: Tensor
    log_prob: Tensor
    policy: Actions
    time: Tensor


@dataclass(frozen=True, eq=False)
class Trajectories:
    """Episodes of several tasks; steps after an episode's end are zeros, and False in the mask.

    Attributes:
        observation: `(T, E, H, O)` what was seen before each action.
        action: `(T, E, H, A)` or `(T, E, H)`, as the policy drew it: an environment may have clipped it.
        reward: `(T, E, H)`.
        log_prob: `(T, E, H)` of the actions.
        policy: the distributions that they were drawn from, a tree of `(T, E, H, ...)`.
        mask: `(T, E, H)` bool, False after the end.
        index: `(T,)` numbers of the tasks.
        success: `(T, E)` bool, whether the environment said at any step that its goal was reached, as Meta-World
            counts; None where it says nothing of the kind.
    """

    observation: Tensor
    action: Tensor
    reward: Tensor
    log_prob: Tensor
    policy: Actions
    mask: Tensor
    index: Tensor
    success: Tensor | None = None

    @property
    def returns(self) -> Tensor:
        """Sums of rewards `(T, E)`, without discount."""
        return self.reward.sum(-1)

    @property
    def steps(self) -> int:
        """How many steps the environments were asked for."""
        return int(self.mask.sum())

    def examples(self, advantage: Tensor) -> Examples:
        """The steps as a batch of examples, `N = E H` rows for every task.

        Args:
            advantage: `(T, E, H)`.
        """
        tasks, episodes, horizon = self.mask.shape
        time = torch.arange(horizon).expand(tasks, episodes, horizon)
        y = Decisions(self.action, advantage, self.log_prob, self.policy, time)
        x, y, mask = pytree.tree_map(lambda leaf: leaf.flatten(1, 2), (self.observation, y, self.mask))
        return Examples(x, y, mask)
