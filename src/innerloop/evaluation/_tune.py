"""Choosing an inner learning rate with a number of steps on validation tasks."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from innerloop.errors import ConfigurationError
from innerloop.evaluation._evaluate import evaluate
from innerloop.learner import Learner
from innerloop.task import Source

WORTH = 0.005
"""The second half of the steps is worth it if it betters the metric by this share: less is noise. A choice."""


@dataclass(frozen=True)
class Tuned:
    """What was chosen, and everything that was tried.

    Attributes:
        rate: the chosen inner learning rate.
        steps: the chosen number of inner steps.
        value: metric there, over the validation tasks.
        curves: metric after 0, 1, ... steps for each rate.
        at_edge: whether the choice lies at an edge of what was tried, so that more of it might be better still.
    """

    rate: float
    steps: int
    value: float
    curves: dict[float, list[float]]
    at_edge: bool = False

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {**vars(self), "curves": {str(rate): curve for rate, curve in self.curves.items()}}


def tune(
    make: Callable[[float], Learner],
    rates: Sequence[float],
    validation: Source,
    *,
    max_steps: int,
    tasks: int = 100,
    widen: int = 0,
) -> Tuned:
    """Tries every rate with 1..`max_steps` inner steps on validation tasks and keeps the best pair.

    One trajectory per rate gives all step counts, so a fair choice for a rival costs no more than one evaluation.

    Args:
        make: from an inner learning rate to a learner with inner steps.
        rates: the rates to try.
        validation: a split that is neither trained on nor reported.
        max_steps: most inner steps.
        tasks: validation tasks.
        widen: how often more is tried where the choice lies at an edge: the next rate, in the ratio of its neighbours,
            or twice as many steps. A rival that was not given what it needs is no rival.

    Raises:
        ConfigurationError: if there is nothing to try.
    """
    if not rates or max_steps < 1:
        raise ConfigurationError(f"Expected at least one rate and one step to try; got {rates} and {max_steps}.")
    curves: dict[float, list[float]] = {}
    better = 1.0
    waiting = list(rates)
    while True:
        for rate in waiting:
            found = evaluate(make(rate), validation, tasks, steps=1, curve_steps=max_steps, curve_tasks=tasks)
            curves[rate] = [mean for mean, _ in found.curve]
            better = 1.0 if found.higher_is_better else -1.0
        trials = [
            (better * value, rate, steps)
            for rate, curve in curves.items()
            for steps, value in enumerate(curve)
            if steps and math.isfinite(value)
        ]
        if not trials:
            raise ConfigurationError(f"Every rate of {list(rates)} diverged. Try smaller ones.")
        value, rate, steps = max(trials)
        more = _next_rate(rate, sorted(curves))
        longer = [r for r, curve in curves.items() if len(curve) == max_steps + 1 and _rises(curve, better)]
        at_edge = more is not None or rate in longer
        if widen < 1 or not at_edge:
            return Tuned(rate, steps, better * value, curves, at_edge)
        widen -= 1
        waiting = [] if more is None else [more]
        if rate in longer:
            max_steps *= 2
            waiting += longer


def _next_rate(rate: float, rates: list[float]) -> float | None:
    """The next rate beyond an edge; None for a rate that has neighbours on both sides, or no neighbour at all."""
    if len(rates) < 2 or rates[0] < rate < rates[-1]:
        return None
    return rate * rate / rates[1] if rate == rates[0] else rate * rate / rates[-2]


def _rises(curve: list[float], better: float) -> bool:
    """Whether the second half of the steps is worth it."""
    middle = len(curve) // 2 + 1
    first, last = ([v for v in part if math.isfinite(v)] for part in (curve[1:middle], curve[middle:]))
    if not first or not last:
        return False
    early, late = (max(better * v for v in part) for part in (first, last))
    return late - early > WORTH * abs(early) and late == better * curve[-1]
