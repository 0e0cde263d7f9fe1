"""Choosing an inner learning rate and a number of steps on validation tasks."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from innerloop.errors import ConfigurationError
from innerloop.evaluation._evaluate import Tasks, evaluate
from innerloop.learner import Learner


@dataclass(frozen=True)
class Tuned:
    """What was chosen, and everything that was tried.

    Attributes:
        rate: the chosen inner learning rate.
        steps: the chosen number of inner steps.
        value: metric there, over the validation tasks.
        curves: metric after 0, 1, ... steps for each rate.
    """

    rate: float
    steps: int
    value: float
    curves: dict[float, list[float]]

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {**vars(self), "curves": {str(rate): curve for rate, curve in self.curves.items()}}


def tune(
    make: Callable[[float], Learner], rates: Sequence[float], validation: Tasks, *, max_steps: int, tasks: int = 100
) -> Tuned:
    """Tries every rate with 1..`max_steps` inner steps on validation tasks and keeps the best pair.

    One trajectory per rate gives all step counts, so a fair choice for a rival costs no more than one evaluation.

    Args:
        make: from an inner learning rate to a learner with inner steps.
        rates: the rates to try.
        validation: a split that is neither trained on nor reported.
        max_steps: most inner steps.
        tasks: validation tasks.

    Raises:
        ConfigurationError: if there is nothing to try.
    """
    if not rates or max_steps < 1:
        raise ConfigurationError(f"Expected at least one rate and one step to try; got {rates} and {max_steps}.")
    curves: dict[float, list[float]] = {}
    better = 1.0
    for rate in rates:
        found = evaluate(make(rate), validation, tasks, steps=1, curve_steps=max_steps, curve_tasks=tasks)
        curves[rate] = [mean for mean, _ in found.curve]
        better = 1.0 if found.higher_is_better else -1.0
    trials = [
        (better * curve[steps], rate, steps)
        for rate, curve in curves.items()
        for steps in range(1, max_steps + 1)
        if math.isfinite(curve[steps])
    ]
    if not trials:
        raise ConfigurationError(f"Every rate of {list(rates)} diverged. Try smaller ones.")
    value, rate, steps = max(trials)
    return Tuned(rate, steps, better * value, curves)
