"""Evaluation of policies: how often the goal is reached, on the same goals and starts for every learner."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from innerloop.control._demonstration_tasks import DemonstrationTasks
from innerloop.control._evaluation import ControlEvaluation
from innerloop.control._rollouts import rollouts as roll_out
from innerloop.demands import at_least
from innerloop.errors import ConfigurationError
from innerloop.evaluation._evaluate import evaluating, surroundings
from innerloop.evaluation._statistics import Values
from innerloop.learner import Learner
from innerloop.simulators import META_WORLD_REWARD, versions
from innerloop.sources._base import demand_some


def evaluate_control(
    learner: Learner,
    source: DemonstrationTasks,
    goals: int | None = None,
    *,
    rollouts: int = 2,
    steps: int | None = None,
    curve_steps: int = 0,
    curve_goals: int = 20,
    limit: int = 200,
    workers: int | None = None,
) -> ControlEvaluation:
    """Adapts to demonstrations of `goals` goals and counts how often the policy then reaches them from new starts.

    Any two learners meet the same goals, demonstrations and starts. The learner is bit-identical afterwards.

    Args:
        learner: any learner whose predictions are the four numbers of an action.
        source: a split of `Demonstrations`.
        goals: how many goals; None: all of the split.
        rollouts: episodes for each goal.
        steps: inner steps; None: the learner's `test_steps`; 0: the policy as it is before a demonstration is seen.
        curve_steps: also give the success rate after 0..`curve_steps` inner steps, also past the trained number.
        curve_goals: goals used for that curve.
        limit: most steps of an episode; Meta-World's own protocol has 500.
        workers: processes; None: one for each core. The numbers do not depend on it.

    Raises:
        ConfigurationError: for numbers that make no sense, or more goals than the split has.
        DataError: if the policy or the simulator gives what is not a finite number.
    """
    count = _count(source, goals)
    at_least("rollouts", rollouts, 1)
    at_least("curve_steps", curve_steps, 0)
    at_least("curve_goals", curve_goals, 1)
    at_least("steps", 0 if steps is None else steps, 0)
    if curve_steps:
        _demand_steps(learner, curve_steps)
    start = time.perf_counter()
    told: dict[str, Any] = {"limit": limit, "workers": workers}
    with evaluating(learner, None, steps):
        reached = roll_out(learner, source, range(count), episodes=rollouts, **told)[:, 0]
        used = learner.test_steps
    found = _evaluation(learner, source, reached.mean(1), used, rollouts, limit)
    if curve_steps:
        some = min(curve_goals, count)
        points = evaluate_over_steps(learner, source, some, curve_steps=curve_steps, rollouts=rollouts, **told)
        found = replace(
            found,
            curve=[(point.mean, point.interval.half) for point in points],
            curve_tasks=some,
            curve_values=np.stack([point.values for point in points], axis=1),
        )
    return replace(found, seconds=round(time.perf_counter() - start, 2))


def evaluate_over_steps(
    learner: Learner,
    source: DemonstrationTasks,
    goals: int | None = None,
    *,
    curve_steps: int,
    rollouts: int = 1,
    limit: int = 200,
    workers: int | None = None,
) -> list[ControlEvaluation]:
    """The success of a learner after each of 0..`curve_steps` inner steps, on the same goals and starts.

    So two learners can be compared in pairs of one goal after any number of steps.

    Args:
        learner: a learner with inner steps; also past the number that it was trained with.
        source: a split of `Demonstrations`.
        goals: how many goals; None: all of the split.
        curve_steps: most inner steps.
        rollouts: episodes for each goal and number of steps.
        limit: most steps of an episode.
        workers: processes; None: one for each core. The numbers do not depend on it.

    Raises:
        ConfigurationError: for numbers that make no sense, or a learner without inner steps.
        DataError: if the policy or the simulator gives what is not a finite number.
    """
    count = _count(source, goals)
    _demand_steps(learner, at_least("curve_steps", curve_steps, 1))
    told: dict[str, Any] = {"episodes": at_least("rollouts", rollouts, 1), "limit": limit, "workers": workers}
    start = time.perf_counter()
    with evaluating(learner):
        reached = roll_out(learner, source, range(count), curve_steps=curve_steps, **told).mean(2)
    each = round((time.perf_counter() - start) / (curve_steps + 1), 2)
    points = [_evaluation(learner, source, rates, k, rollouts, limit) for k, rates in enumerate(reached.T)]
    return [replace(point, seconds=each) for point in points]


def _count(source: DemonstrationTasks, goals: int | None) -> int:
    there = len(source.goals)
    count = there if goals is None else goals
    demand_some(count, there, "goals", f"The {source.split} split of {source.plan.task!r}")
    return count


def _demand_steps(learner: Learner, curve_steps: int) -> None:
    if learner.test_steps is None:
        raise ConfigurationError(f"{learner.name} has no inner steps; leave out curve_steps={curve_steps}.")


def _evaluation(
    learner: Learner, source: DemonstrationTasks, values: Values, steps: int | None, rollouts: int, limit: int
) -> ControlEvaluation:
    return ControlEvaluation(
        name=learner.name,
        metric="success",
        values=values,
        losses=1 - values,
        source={**source.describe(), "rollouts": rollouts, "limit_of_rollouts": limit},
        first=0,
        norm="none",
        mapping="loop",
        seconds=0.0,
        steps=steps,
        trained_steps=learner.steps,
        # nothing here is judged by rewards, but results say which there were
        about=surroundings(torch.device("cpu")) | versions("control") | {"reward": META_WORLD_REWARD},
    )
