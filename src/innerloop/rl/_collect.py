"""Episodes of all tasks at once: what happens in one is a function of its key."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.utils import _pytree as pytree

from innerloop.counter import fold, normal, uniform
from innerloop.errors import DataError, TrainingError
from innerloop.rl._acting import Acting, Remembering
from innerloop.rl._distributions import Actions, CategoricalActions, draw, log_prob
from innerloop.rl._environments import Environments
from innerloop.rl._spaces import Discrete
from innerloop.rl._tensor_environments import TensorEnvironments, finite
from innerloop.rl._trajectories import Trajectories

_ACTION, _ENVIRONMENT = 0, 1


@torch.no_grad()
def collect(policies: Acting, environments: Environments, indices: Tensor, keys: Tensor) -> Trajectories:
    """Runs episodes of several tasks: side by side where they are tensors, else as the family does it.

    Actions are kept as they were drawn, with their likelihood; continuous ones beyond the bounds of
    `environments.action` are clipped by the environment.

    Args:
        policies: say how to act, for instance `Policies(learner)`.
        environments: one split of a family.
        indices: `(T,)` numbers of the tasks.
        keys: `(T, E)` from `episode_keys`: the same keys give the same episodes.

    Returns:
        the episodes, padded to the horizon.

    Raises:
        DataError: if an environment gives NaN; the message names task and episode.
        TrainingError: if the policy does.

    >>> from innerloop.rl import Navigation, Policies, episode_keys, maml_policy, policy_for
    >>> goals, tasks = Navigation(horizon=5).train, torch.arange(3)
    >>> policies = Policies(maml_policy(policy_for(goals)))
    >>> collect(policies, goals, tasks, episode_keys(0, 0, 0, tasks, 2)).reward.shape
    torch.Size([3, 2, 5])
    """
    if not isinstance(environments, TensorEnvironments):
        return environments.collect(policies, indices, keys)
    own, noise = fold(keys, _ENVIRONMENT), noise_of(environments, keys)
    state, observation = environments.reset(indices, own)
    alive = torch.ones(keys.shape, dtype=torch.bool)
    steps = []
    for time in range(environments.horizon):
        policy = policies(observation)
        action = draw(policy, noise[:, :, time])
        lost = diverged(policy, action)
        if bool(lost.any()):
            raise TrainingError(
                f"The policy of {_place(lost, indices)} gives NaN at step {time}. Lower the inner or outer learning "
                "rate."
            )
        after = environments.step(state, action, own, time)
        wrong = ~finite(after) & alive
        if bool(wrong.any()):
            raise DataError(f"The environment of {_place(wrong, indices)} gives NaN at step {time}. Mend it.")
        steps.append((observation, action, after.reward, policy, alive))
        if isinstance(policies, Remembering):
            policies.told(action, after.reward, after.done, alive)
        alive = alive & ~after.done
        state, observation = after.state, after.observation
        if not bool(alive.any()):
            break
    return stacked(steps, indices, environments.horizon)


def diverged(policy: Actions, action: Tensor) -> Tensor:
    """Where a policy gives NaN or infinity: a choice is a whole number even where its logits are NaN."""
    return policy.logits.isnan() if isinstance(policy, CategoricalActions) else ~torch.isfinite(action)


def noise_of(environments: Environments, keys: Tensor) -> Tensor:
    """For every action of every episode, `(T, E, H, A)` normal numbers or `(T, E, H)` uniform ones."""
    keys, time = fold(keys, _ACTION)[..., None], torch.arange(environments.horizon)
    if isinstance(environments.action, Discrete):
        return uniform(keys, time)
    return normal(keys[..., None], time[:, None], torch.arange(environments.action.size))


def stacked(steps: list[Any], indices: Tensor, horizon: int) -> Trajectories:
    """Trajectories of steps (observation, action, reward, policy, mask), padded to the horizon."""

    def stack(*leaves: Tensor) -> Tensor:
        out = leaves[0].new_zeros((*leaves[0].shape[:2], horizon, *leaves[0].shape[2:]))
        out[:, :, : len(leaves)] = torch.stack(leaves, 2)
        return out

    observation, action, reward, policy, mask = pytree.tree_map(stack, *steps)

    def blank(leaf: Tensor) -> Tensor:
        # what an ended episode went on to do is nobody's business
        return torch.where(mask.view(*mask.shape, *(1,) * (leaf.ndim - 3)), leaf, 0)

    observation, action, reward, policy, likelihood = pytree.tree_map(
        blank, (observation, action, reward, policy, log_prob(policy, action))
    )
    return Trajectories(observation, action, reward, likelihood, policy, mask, indices)


def _place(wrong: Tensor, indices: Tensor) -> str:
    task, episode = wrong.flatten(2).any(-1).nonzero()[0].tolist() if wrong.ndim > 2 else wrong.nonzero()[0].tolist()
    return f"task {int(indices[task])}, episode {episode},"
