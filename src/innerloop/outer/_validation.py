"""Validation by all processes, with the numbers of one."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Protocol, runtime_checkable

import numpy as np

from innerloop.evaluation import Evaluation, Metric, evaluate
from innerloop.learner import Learner
from innerloop.losses import gaussian_nll
from innerloop.outer._group import Group
from innerloop.task import Source

_BATCH = 50
"""Tasks in memory at a time. They are the same on any number of ranks, and so are the bits of the result."""


@runtime_checkable
class Judge(Protocol):
    """Judges a learner by something else than its metric on the tasks of a source."""

    def judge(self, learner: Learner) -> Evaluation:
        """What the learner does now."""

    def describe(self) -> dict[str, Any]:
        """What it is judged on, in plain values."""


def validate(learner: Learner, source: Source | Judge, tasks: int, group: Group) -> Evaluation:
    """Evaluates `learner` on the first `tasks` tasks of a source, each rank on every `group.world`-th batch of them.

    Learners that predict a density are judged by it: the best mean can have a useless variance. Where somebody else
    judges, each rank asks.
    """
    if isinstance(source, Judge):
        with group.together():
            return source.judge(learner)
    metric: Metric | None = "negative log-density" if learner.loss is gaussian_nll else None
    starts = range(0, tasks, _BATCH)
    with group.together():
        own = [
            evaluate(learner, source, min(_BATCH, tasks - start), first=start, batch=_BATCH, metric=metric)
            for start in starts[group.rank :: group.world]
        ]
    parts = sorted((part for found in group.gather(own) for part in found), key=lambda part: part.first)
    return replace(
        parts[0],
        values=np.concatenate([part.values for part in parts]),
        losses=np.concatenate([part.losses for part in parts]),
        calibration=None,  # that of one batch says nothing of the others
    )
