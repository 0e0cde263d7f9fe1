"""Demonstrations by Meta-World's scripted experts: collected once, kept between runs.

The executed action is noisy and the recorded one is not, so that the demonstrations show how to come back from where
the expert would never have been.

Source: Laskey et al. 2017, "DART: noise injection for robust imitation learning".
"""

from __future__ import annotations

import hashlib
import json
import platform
from dataclasses import asdict
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from innerloop.control._plan import Plan
from innerloop.control._tasks import ACTIONS, OBSERVED, Array, Manipulation, generator, shared_arm
from innerloop.errors import DataError
from innerloop.simulators import versions
from innerloop.sources._cache import cache_folder
from innerloop.sources._stored import keep, recall
from innerloop.workers import Spent, run_jobs

_FORMAT = 2
_TRIES = 10
"""Episodes for each demonstration that is wanted; the scripted experts succeed in more than half of them."""

DEMONSTRATED, ROLLED_OUT = 0, 1
"""Last but one number of an episode's key: no rollout starts where a demonstration did."""


class Collected(NamedTuple):
    """Demonstrations, padded with zeros to the longest.

    Attributes:
        observations: `(G, D, H, 7)` float32, see `innerloop.control.OBSERVED`.
        actions: `(G, D, H, 4)` float32, within [-1, 1].
        lengths: `(G, D)` int64, steps of each demonstration.
        goals: `(G, 3)` float64.
        spent: what it took to collect them, also where they come from the cache.
    """

    observations: Tensor
    actions: Tensor
    lengths: Tensor
    goals: Array
    spent: Spent = Spent(0.0, 0.0)

    def some(self, goals: list[int]) -> Collected:
        """The demonstrations of some of the goals."""
        return Collected(
            self.observations[goals], self.actions[goals], self.lengths[goals], self.goals[goals], self.spent
        )

    @property
    def goal_hash(self) -> str:
        """Names the list of goals in a results file."""
        return hashlib.sha256(np.ascontiguousarray(self.goals).tobytes()).hexdigest()[:16]


def collect(plan: Plan, *, workers: int | None = None, cache: bool = True) -> Collected:
    """The demonstrations of a plan, from the cache or by the experts.

    Args:
        plan: what is to be demonstrated.
        workers: processes; None: one for each core. The numbers do not depend on it.
        cache: keep them in the cache folder (`$INNERLOOP_CACHE`), and look there first.

    Raises:
        DataError: if the expert fails too often.
        ConfigurationError: if Meta-World is not installed, or has no such task.
    """
    path = _path(plan)
    if cache and (kept := recall(path)) is not None and (found := _unpacked(*kept, plan)) is not None:
        return found
    begin = Spent.now()
    jobs = [(plan, goal) for goal in range(plan.goals)]
    done = run_jobs(demonstrate, jobs, what=f"demonstrations of one goal of {plan.task}", workers=workers)
    rows = torch.from_numpy(np.concatenate([demo for _, demos in done for demo in demos]))
    about = {
        "lengths": json.dumps([[len(demo) for demo in demos] for _, demos in done]),
        "goals": json.dumps([goal.tolist() for goal, _ in done]),  # repr of a float64 gives it back exactly
        "spent": json.dumps(Spent.now().since(begin)),
    }
    if cache:
        keep(path, rows, about)
    found = _unpacked(rows, about, plan)
    assert found is not None
    return found


def demonstrate(plan: Plan, number: int) -> tuple[Array, list[NDArray[np.float32]]]:
    """One goal of a plan and its demonstrations, each `(t, 11)`: observation and action side by side.

    Raises:
        DataError: if the expert fails too often.
    """
    arm = shared_arm(plan.task, plan.vary_start)
    named = (plan.seed, plan.number(number))
    goal = arm.draw_goal(*named)
    demos: list[NDArray[np.float32]] = []
    tries = _TRIES * plan.demonstrations
    for episode in range(tries):
        if (demo := _attempt(arm, plan, goal, (*named, DEMONSTRATED, episode))) is not None:
            demos.append(demo)
        if len(demos) == plan.demonstrations:
            return goal, demos
    raise DataError(
        f"The scripted expert of {plan.task!r} reached the {plan.split} goal {number} in {len(demos)} of {tries} "
        f"episodes of {plan.limit} steps; {plan.demonstrations} are wanted. Use less noise (now {plan.noise}), a "
        "higher limit, or another task."
    )


def _attempt(arm: Manipulation, plan: Plan, goal: Array, key: tuple[int, ...]) -> NDArray[np.float32] | None:
    observation = arm.begin(goal, *key)
    noise = generator(plan.task, "noise", *key)
    rows, reached = [], None
    for step in range(plan.limit + plan.after):
        action = arm.expert()
        rows.append(np.concatenate([observation, action]))
        observation, success = arm.step(action + plan.noise * noise.standard_normal(len(ACTIONS)))
        if success and reached is None:
            reached = step
        if reached is None and step + 1 >= plan.limit:
            return None
        if reached is not None and step >= reached + plan.after:
            break
    return np.array(rows, dtype=np.float32)


def _path(plan: Plan) -> Path:
    # everything that decides the numbers; physics is not equal in its last bits on every processor
    decides = {
        "format": _FORMAT,
        **asdict(plan),
        **versions("control"),
        "numpy": np.__version__,
        "on": platform.machine(),
    }
    digest = hashlib.sha256(json.dumps(decides, sort_keys=True).encode()).hexdigest()[:16]
    return cache_folder() / "control" / f"{plan.task}-{plan.split}-{digest}.safetensors"


def _unpacked(rows: Tensor, about: dict[str, str], plan: Plan) -> Collected | None:
    try:
        lengths = torch.tensor(json.loads(about["lengths"]), dtype=torch.int64)
        goals = np.array(json.loads(about["goals"]), dtype=np.float64)
        spent = Spent(*json.loads(about["spent"]))
    except (KeyError, ValueError, TypeError):
        return None  # a damaged file: made again
    width = len(OBSERVED) + len(ACTIONS)
    shape = (plan.goals, plan.demonstrations)
    if tuple(lengths.shape) != shape or rows.shape != (int(lengths.sum()), width) or len(goals) != plan.goals:
        return None
    padded = rows.new_zeros(*shape, int(lengths.max()), width)
    padded[torch.arange(padded.shape[2]) < lengths[..., None]] = rows
    return Collected(padded[..., : len(OBSERVED)], padded[..., len(OBSERVED) :], lengths, goals, spent)
