"""Choosing settings by the success on validation goals."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from innerloop.control._demonstration_tasks import DemonstrationTasks
from innerloop.control._evaluate import evaluate_control
from innerloop.control._evaluation import ControlEvaluation
from innerloop.evaluation import Selected, select_by
from innerloop.learner import Learner

V = TypeVar("V")


def select_by_success(
    make: Callable[[V], Learner],
    settings: Sequence[V],
    validation: DemonstrationTasks,
    goals: int | None = None,
    *,
    rollouts: int = 1,
    limit: int = 200,
    workers: int | None = None,
) -> Selected[V]:
    """Tries every setting on validation goals and keeps the one that reaches most; of equals, the first.

    As `innerloop.evaluation.select` does by the error of the actions, which need not be least where success is most.

    Args:
        make: from a setting to a learner, for instance from (steps, rate) to a fine-tuned one.
        settings: what to try.
        validation: a split that is neither trained on nor reported.
        goals: how many goals; None: all of the split.
        rollouts: episodes for each goal.
        limit: most steps of an episode.
        workers: processes; None: one for each core.

    Raises:
        ConfigurationError: if there is nothing to try.
    """

    def judge(learner: Learner) -> ControlEvaluation:
        return evaluate_control(learner, validation, goals, rollouts=rollouts, limit=limit, workers=workers)

    return select_by(make, settings, judge)
