"""Rollouts: what an adapted policy does in the simulator, whole episodes in worker processes.

Success is Meta-World's flag at any step of an episode.
"""

from __future__ import annotations

import copy
import pickle
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from innerloop.control._demonstration_tasks import DemonstrationTasks
from innerloop.control._demonstrations import ROLLED_OUT
from innerloop.control._normalisation import Normalisation
from innerloop.control._tasks import ACTIONS, HORIZON, Array, Manipulation, shared_arm
from innerloop.errors import ConfigurationError, DataError, InnerloopError
from innerloop.learner import Learner, State
from innerloop.losses import mean_of
from innerloop.task import Examples, take
from innerloop.workers import run_jobs


class Episode(NamedTuple):
    """Which episode is rolled out.

    Attributes:
        task: task of Meta-World.
        vary_start: as in the demonstrations.
        split: for messages.
        goal: `(3,)` the hidden goal.
        number: of the goal in its split, for messages.
        key: names the start of the episode.
        limit: most steps.
    """

    task: str
    vary_start: bool
    split: str
    goal: Array
    number: int
    key: tuple[int, ...]
    limit: int


def rollouts(
    learner: Learner,
    source: DemonstrationTasks,
    goals: Sequence[int],
    *,
    episodes: int = 2,
    curve_steps: int | None = None,
    limit: int = 200,
    workers: int | None = None,
) -> NDArray[np.bool_]:
    """Adapts to the demonstrations of some goals, and sees whether the policy reaches them from new starts.

    Args:
        learner: a learner, in the mode that it shall be used in (`eval()`).
        source: a split.
        goals: numbers of tasks of the split; task `i` says which goal and which demonstrations.
        episodes: starts for each.
        curve_steps: do so after each of 0..`curve_steps` inner steps; None: as the learner adapts.
        limit: most steps of an episode.
        workers: processes; None: one for each core. The numbers do not depend on it.

    Returns:
        success `(len(goals), states, episodes)`; there is one state, or `curve_steps + 1` of them.

    Raises:
        ConfigurationError: for numbers that make no sense, or a learner that cannot be sent to another process.
        DataError: if the policy or the simulator gives what is not a finite number; it names the episode.
    """
    if not 1 <= limit <= HORIZON or episodes < 1:
        raise ConfigurationError(
            f"An episode has 1 to {HORIZON} steps, and there is at least one; got limit={limit}, episodes={episodes}."
        )
    sent = _packed(learner)
    jobs = []
    tasks = source.batch(torch.tensor(list(goals), dtype=torch.int64))
    for place, number in enumerate(tasks.index.tolist()):
        support = take(tasks, place).support
        runs = [episode_of(source, number, episode, limit) for episode in range(episodes)]
        # plain pickle: tensors go by value, not through shared memory that somebody has to let go of
        jobs.append((sent, pickle.dumps(support), source.normalisation, runs, curve_steps))
    what = f"rollouts to one goal of {source.plan.task}"
    return np.array(run_jobs(reached_goals, jobs, what=what, workers=workers), dtype=bool)


def episode_of(source: DemonstrationTasks, task: int, episode: int, limit: int) -> Episode:
    """An episode of a task: the same one for every learner."""
    goal = int(source.goal_of(torch.tensor([task]))[0])
    number, plan = source.numbers[goal], source.plan
    key = (plan.seed, plan.number(number), ROLLED_OUT, episode)
    return Episode(plan.task, plan.vary_start, source.split, source.goals[goal], number, key, limit)


def reached_goals(
    sent: bytes, support: bytes, normalisation: Normalisation, episodes: Sequence[Episode], curve_steps: int | None
) -> list[list[bool]]:
    """One goal: adapts, and rolls out each episode from each state."""
    learner: Learner = pickle.loads(sent)
    shown: Examples = pickle.loads(support)
    with torch.no_grad():
        states = [learner.adapt(shown)] if curve_steps is None else learner.trajectory(shown, curve_steps)
        return [
            [any(success for _, success in steps(learner, state, normalisation, episode)) for episode in episodes]
            for state in states
        ]


def steps(
    learner: Learner, state: State, normalisation: Normalisation, episode: Episode, arm: Manipulation | None = None
) -> Iterator[tuple[Array, bool]]:
    """Runs one episode: the action and the success of each step, until success or the limit.

    Raises:
        DataError: if the policy or the simulator gives what is not a finite number.
    """
    arm = shared_arm(episode.task, episode.vary_start) if arm is None else arm
    step = 0
    try:
        seen = arm.begin(episode.goal, *episode.key)
        for step in range(episode.limit):
            action = act(learner, state, normalisation(seen[None]), step)
            seen, success = arm.step(action)
            yield action, success
            if success:
                return
    except Exception as error:
        kind = type(error) if isinstance(error, InnerloopError) else InnerloopError
        raise kind(
            f"Rollout stopped in {episode.task!r}, {episode.split} goal {episode.number}, episode "
            f"{episode.key[-1]}, step {step}: {error}"
        ) from error


def act(learner: Learner, state: State, x: torch.Tensor, step: int) -> Array:
    """The action for a normalised observation `(1, 7)` in step `step` of an episode.

    Most learners look at the observation alone; one with a method `at(state, x, step)` is told the time as well.

    Raises:
        DataError: if the learner's prediction is not an action.
    """
    timed = getattr(learner, "at", None)
    found = mean_of(learner.predict(state, x) if timed is None else timed(state, x, step))
    if tuple(found.shape) != (1, len(ACTIONS)):
        raise DataError(
            f"{learner.name} gives predictions of shape {tuple(found.shape)} for one observation; an action is "
            f"{(1, len(ACTIONS))}. Give its network outputs={len(ACTIONS)}."
        )
    action: Array = found[0].detach().double().numpy()
    return action


def _packed(learner: Learner) -> bytes:
    try:
        return pickle.dumps(copy.deepcopy(learner).cpu())
    except Exception as error:
        raise ConfigurationError(
            f"{learner.name} cannot be sent to a worker process: {error}. Define its parts at the top of a module, "
            "not inside a function and not as a lambda."
        ) from error
