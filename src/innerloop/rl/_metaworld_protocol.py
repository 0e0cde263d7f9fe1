"""Meta-World's own evaluation, driven by its code: this is the agent that it asks."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from innerloop.errors import ConfigurationError, DataError, TrainingError
from innerloop.rl._advantages import advantages
from innerloop.rl._collect import stacked
from innerloop.rl._course import Sampling
from innerloop.rl._distributions import draw, likeliest
from innerloop.rl._learner import PolicyLearner
from innerloop.rl._policies import Policies
from innerloop.rl._trajectories import Trajectories

Numbers = np.ndarray[Any, Any]


class MetaWorldAgent:
    """A learner as the agent of `metaworld.evaluation.metalearning_evaluation`.

    Actions are drawn while it adapts, and the means while it is judged; they are clipped to [-1, 1]. The evaluation
    says whether the flag `success` was up at any time, which is the number that papers give.

    Args:
        learner: from `maml_policy`, for 39 observations and 4 actions.
        sampling: how steps are valued; its `episodes` is not used, since the protocol says how many there are.
        seed: of the draws.

    Raises:
        ConfigurationError: for a learner that does not adapt by gradients.
        TrainingError: in what follows, if the policy gives NaN.

    >>> from innerloop.rl import GaussianPolicy, maml_policy
    >>> agent = MetaWorldAgent(maml_policy(GaussianPolicy(39, 4)))
    >>> agent.init()
    >>> agent.eval_action(np.zeros((5, 39))).shape
    (5, 4)
    """

    def __init__(self, learner: PolicyLearner, sampling: Sampling | None = None, seed: int = 0):
        if not isinstance(learner, PolicyLearner):
            raise ConfigurationError(f"Expected a learner from maml_policy; got {type(learner).__name__}.")
        self.learner, self.sampling = learner, sampling or Sampling()
        self._draws = torch.Generator().manual_seed(seed)
        self.init()

    def init(self) -> None:
        """Forgets: the next goals begin."""
        self.policies = Policies(self.learner)
        self._steps: list[tuple[Numbers, Tensor, Numbers, Numbers]] = []

    @torch.no_grad()
    def adapt_action(self, observations: Numbers) -> tuple[Numbers, dict[str, Numbers]]:
        """Actions for `(T, 39)` observations, drawn; and the same unclipped, which `step` gets back."""
        policy = self.policies(_tensor(observations))
        noise = torch.randn(policy.mean.shape, generator=self._draws)
        action = draw(policy, noise)[:, 0]
        return _clipped(action), {"drawn": action.numpy()}

    def step(self, timestep: Any) -> None:
        """Hears what followed."""
        over = np.logical_or(timestep.terminated, timestep.truncated)
        drawn = torch.as_tensor(timestep.aux_policy_outputs["drawn"])
        self._steps.append((np.array(timestep.observation), drawn, np.array(timestep.reward), over))

    @torch.no_grad()
    def adapt(self) -> None:
        """One round of adaptation on the episodes since the last.

        Raises:
            DataError: if no episode has ended in one of the environments.
        """
        found = self._episodes()
        valued = advantages(found, self.sampling.discount, self.sampling.trace)
        self.policies = self.policies.adapted(found.examples(valued))
        self._steps = []

    @torch.no_grad()
    def eval_action(self, observations: Numbers) -> Numbers:
        """The likeliest actions for `(T, 39)` observations."""
        return _clipped(likeliest(self.policies(_tensor(observations)))[:, 0])

    def reset(self, env_mask: Numbers) -> None:
        """Nothing is kept from step to step."""

    def _episodes(self) -> Trajectories:
        """The whole episodes of all environments, as many as the one with the fewest has."""
        over = np.stack([step[3] for step in self._steps]) if self._steps else np.zeros((0, 1), bool)
        ends = [np.flatnonzero(over[:, task]) for task in range(over.shape[1])]
        count = min(map(len, ends))
        if not count:
            raise DataError("No episode has ended since the last adaptation. Give at least 1 adaptation episode.")
        longest = max(int(np.diff([-1, *own[:count]]).max()) for own in ends)
        seen = torch.stack([torch.as_tensor(step[0], dtype=torch.float32) for step in self._steps])
        action = torch.stack([step[1] for step in self._steps])
        reward = torch.stack([torch.as_tensor(step[2], dtype=torch.float32) for step in self._steps])
        # place (T, E, H) of every step, and whether the episode is that long
        starts = torch.tensor(np.stack([np.concatenate([[0], own[: count - 1] + 1]) for own in ends]))
        lengths = torch.tensor(np.stack([np.diff([-1, *own[:count]]) for own in ends]))
        time = torch.arange(longest)
        mask = time < lengths[..., None]
        at = torch.where(mask, starts[..., None] + time, 0)
        task = torch.arange(len(ends))[:, None]
        steps = []
        for now in range(longest):
            where = at[:, :, now], task
            policy = self.policies(seen[where])
            steps.append((seen[where], action[where], reward[where], policy, mask[:, :, now]))
        return stacked(steps, torch.arange(len(ends)), longest)


def _tensor(observations: Numbers) -> Tensor:
    return torch.as_tensor(observations, dtype=torch.float32)[:, None]


def _clipped(action: Tensor) -> Numbers:
    if not bool(torch.isfinite(action).all()):
        raise TrainingError("The policy gives NaN or infinity. Lower the inner or outer learning rate.")
    found: Numbers = action.clamp(-1, 1).double().numpy()
    return found
