"""Evaluation of policies: how often the goal is reached, on the same goals and starts for every learner."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field
from typing import Any

import torch

from innerloop.control._demonstration_tasks import DemonstrationTasks
from innerloop.control._rollouts import rollouts as roll_out
from innerloop.errors import ConfigurationError
from innerloop.evaluation import Evaluation, Interval, interval
from innerloop.evaluation._evaluate import evaluating, surroundings
from innerloop.evaluation._statistics import Values
from innerloop.learner import Learner
from innerloop.simulators import versions
from innerloop.sources._base import demand_some


@dataclass(frozen=True, eq=False)
class ControlEvaluation:
    """How often a learner's policy reaches goals that it was shown a few demonstrations of.

    Attributes:
        name: the learner.
        values: `(G,)` success rate of each goal.
        source: what the tasks are (`DemonstrationTasks.describe()`), with the hash of the goals.
        rollouts: episodes for each goal.
        limit: most steps of an episode.
        seconds: wall time.
        steps: inner steps taken; None for learners without steps.
        trained_steps: inner steps in training.
        curve: success rate after 0, 1, ... inner steps, as (mean, half) over `curve_goals` goals.
        curve_goals: goals behind the curve.
        about: device, threads, versions, also those of the simulators.
    """

    name: str
    values: Values
    source: dict[str, Any]
    rollouts: int
    limit: int
    seconds: float
    steps: int | None = None
    trained_steps: int | None = None
    curve: list[tuple[float, float]] = field(default_factory=list)
    curve_goals: int = 0
    about: dict[str, Any] = field(default_factory=dict)
    metric: str = "success"

    @property
    def interval(self) -> Interval:
        """Success rate and the half-width of its 95 % interval over goals."""
        return interval(self.values)

    @property
    def mean(self) -> float:
        """Success rate over goals."""
        return self.interval.mean

    @property
    def higher_is_better(self) -> bool:
        """Always, for success."""
        return True

    def __str__(self) -> str:
        mean, half = self.interval
        shots = self.source["shots"]
        return (
            f"{self.name}: success {100 * mean:.1f} % ± {100 * half:.1f} (95 % interval over {len(self.values)} "
            f"{self.source['split']} goals of {self.source['name']}, {shots} demonstration{'s' if shots > 1 else ''}, "
            f"{self.rollouts} rollout{'s' if self.rollouts > 1 else ''} each)"
        )

    @property
    def evaluation(self) -> Evaluation:
        """The same as an evaluation with the metric "success", for `innerloop.evaluation.comparison` and pages."""
        source = {**self.source, "rollouts": self.rollouts, "limit_of_rollouts": self.limit}
        return Evaluation(
            name=self.name, metric=self.metric, values=self.values, losses=1 - self.values, source=source, first=0,
            norm="none", mapping="loop", seconds=self.seconds, steps=self.steps, trained_steps=self.trained_steps,
            curve=self.curve, curve_tasks=self.curve_goals, about=self.about,
        )  # fmt: skip

    def to_json(self) -> dict[str, Any]:
        """Plain values, complete."""
        mean, half = self.interval
        curve = [(value, _number(around)) for value, around in self.curve]
        return {**vars(self), "values": self.values.tolist(), "mean": mean, "half": _number(half), "curve": curve}


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
    there = len(source.goals)
    count = there if goals is None else goals
    demand_some(count, there, "goals", f"The {source.split} split of {source.plan.task!r}")
    least = {"rollouts": (rollouts, 1), "curve_steps": (curve_steps, 0)}
    least |= {"curve_goals": (curve_goals, 1), "steps": (0 if steps is None else steps, 0)}
    for name, (value, smallest) in least.items():
        if value < smallest:
            raise ConfigurationError(f"{name} must be at least {smallest}; got {value}.")
    if curve_steps and getattr(learner, "test_steps", None) is None:
        raise ConfigurationError(f"{learner.name} has no inner steps; leave out curve_steps={curve_steps}.")
    start = time.perf_counter()
    some = min(curve_goals, count)
    with evaluating(learner, None, steps):
        told: dict[str, Any] = {"episodes": rollouts, "limit": limit, "workers": workers}
        reached = roll_out(learner, source, range(count), **told)[:, 0]
        used = getattr(learner, "test_steps", None)
        curve = []
        if curve_steps:
            found = roll_out(learner, source, range(some), curve_steps=curve_steps, **told)
            points = [interval(rates) for rates in found.mean(2).T]
            curve = [(point.mean, point.half) for point in points]
    return ControlEvaluation(
        name=learner.name,
        values=reached.mean(1),
        source=source.describe(),
        rollouts=rollouts,
        limit=limit,
        seconds=round(time.perf_counter() - start, 2),
        steps=used,
        trained_steps=getattr(learner, "steps", None),
        curve=curve,
        curve_goals=some if curve_steps else 0,
        about=surroundings(torch.device("cpu")) | versions("control"),
    )


def _number(value: float) -> float | None:
    # one goal has no interval, and JSON no infinity
    return value if math.isfinite(value) else None
