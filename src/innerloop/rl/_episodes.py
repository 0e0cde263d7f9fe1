"""Episodes of one task in a simulator, some of them side by side, so that a policy is asked once for all of these.

A policy in torch takes longer for one observation than a simulator for a step, and hardly longer for twenty.

Shape legend: E episodes, of which S are side by side; O numbers in an observation, A in an action.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor
from torch.utils import _pytree as pytree

from innerloop.counter import bits
from innerloop.errors import DataError, InnerloopError, TrainingError
from innerloop.rl._acting import Acting
from innerloop.rl._collect import diverged, noise_of, stacked
from innerloop.rl._distributions import draw
from innerloop.rl._spaces import Continuous
from innerloop.rl._trajectories import Trajectories

if TYPE_CHECKING:
    from innerloop.rl._simulated import SimulatedEnvironments

_SEED = 2
_MOST = 60
"""Environments that a worker keeps, when another kind is made: each takes 1 to 30 MB."""

_made: dict[tuple[str, str], list[Any]] = {}
"""A worker's environments: making one takes up to a tenth of a second and more."""


@torch.no_grad()
def episodes(family: SimulatedEnvironments, policy: Acting, index: int, keys: Tensor) -> Trajectories:
    """All episodes of one task.

    Args:
        family: a split.
        policy: of the task.
        index: its number.
        keys: `(E,)` of the episodes.

    Returns:
        the episodes, with fields `(E, H, ...)` and the task's number alone as index.

    Raises:
        DataError: if an environment fails or gives NaN; the message names task and episode.
        TrainingError: if the policy does.
    """
    noise, size = noise_of(family, keys[None]), max(1, family.side_by_side)
    parts = [
        _side_by_side(family, policy, index, keys[at : at + size], noise[:, at : at + size], at)
        for at in range(0, len(keys), size)
    ]

    def joined(*leaves: Tensor) -> Tensor:
        return torch.cat(leaves, 1)[0]

    parts_of = [vars(part).items() for part in parts]
    fields = [{name: value for name, value in part if name != "index" and value is not None} for part in parts_of]
    return Trajectories(**pytree.tree_map(joined, *fields), index=torch.tensor(index))


def take(
    family: SimulatedEnvironments, environment: Any, index: int, action: Any
) -> tuple[Any, float, bool, bool, dict[str, Any]]:
    """One step of a task: what every user of a family's simulator sees of it.

    Args:
        family: a split.
        environment: what the family made.
        index: number of the task.
        action: `(A,)` numbers, which are clipped to the family's bounds, or a choice.

    Returns:
        observation, reward, whether the episode is over, whether the simulator cut it, and what else it says.

    Raises:
        DataError: if observation or reward is not finite.
    """
    if isinstance(space := family.action, Continuous):
        # np.clip does the same and takes five times as long for a handful of numbers
        action = np.minimum(np.maximum(np.asarray(action, dtype=np.float64), space.low), space.high)
    after, reward, terminated, truncated, info = environment.step(action)
    reward = family.reward(environment, index, float(reward), info)
    if not (np.isfinite(reward) and np.isfinite(after).all()):
        raise DataError("the environment gives NaN or infinity")
    return after, reward, bool(terminated), bool(truncated), info


def _side_by_side(
    family: SimulatedEnvironments, policy: Acting, index: int, keys: Tensor, noise: Tensor, first: int
) -> Trajectories:
    """The episodes numbered from `first` on, with fields `(1, S, H, ...)`."""
    count = len(keys)
    seen = np.empty((count, family.observation), dtype=np.float32)
    alive, steps, reached = np.ones(count, dtype=bool), [], None
    with _Place(index) as place:
        environments = _environments(family, index, count)
        for row, seed in enumerate((bits(keys, _SEED) % 2**31).tolist()):
            place.episode = first + row
            seen[row] = family.begin(environments[row], index, seed)
        for place.time in range(family.horizon):
            observation = torch.from_numpy(seen)[None]
            said = policy(observation)
            action = draw(said, noise[:, :, place.time])
            if (lost := diverged(said, action)[0].any(-1).numpy() & alive).any():
                place.episode = first + int(lost.argmax())
                raise TrainingError("the policy gives NaN. Lower the inner or outer learning rate.")
            taken, seen, going = action[0].numpy(), seen.copy(), alive.copy()
            reward = np.zeros(count, dtype=np.float32)
            for row in alive.nonzero()[0].tolist():
                place.episode = first + row
                seen[row], reward[row], over, cut, info = take(family, environments[row], index, taken[row])
                going[row] = not (over or cut)
                if "success" in info:
                    reached = np.zeros(count, dtype=bool) if reached is None else reached
                    reached[row] |= bool(info["success"])
            steps.append((observation, action, torch.from_numpy(reward)[None], said, torch.from_numpy(alive)[None]))
            alive = going
            if not alive.any():
                break
    found = stacked(steps, torch.tensor([index]), family.horizon)
    return found if reached is None else replace(found, success=torch.from_numpy(reached)[None])


def _environments(family: SimulatedEnvironments, index: int, count: int) -> list[Any]:
    settings = {name: value for name, value in vars(family).items() if name not in ("split", "workers")}
    name = (f"{type(family).__qualname__} {settings}", family.kind(index))
    own = _made.pop(name, [])
    while _made and max(count, len(own)) + sum(map(len, _made.values())) > _MOST:
        for environment in _made.pop(next(iter(_made))):  # the kind that was not needed for the longest time
            environment.close()
    _made[name] = own
    own += [family.make(index) for _ in range(count - len(own))]
    return own


class _Place:
    """What goes wrong inside is said to have gone wrong in the episode, and at the step, that were noted last."""

    def __init__(self, task: int):
        self.task, self.episode, self.time = task, 0, -1

    def __enter__(self) -> _Place:
        return self

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        at = "" if self.time < 0 else f" at step {self.time}"
        if isinstance(error, InnerloopError):
            raise type(error)(f"Task {self.task}, episode {self.episode}{at}: {error}") from error
        if isinstance(error, Exception):
            raise DataError(
                f"The environment of task {self.task}, episode {self.episode}, failed{at}: {type(error).__name__}: "
                f"{error}."
            ) from error
