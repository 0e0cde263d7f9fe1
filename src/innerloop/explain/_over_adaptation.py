"""How many steps are too many."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from innerloop.demands import at_least
from innerloop.errors import ConfigurationError
from innerloop.evaluation import Difference, Interval, interval, judged
from innerloop.evaluation._words import value
from innerloop.explain._analysis import Analysis
from innerloop.explain._over_tasks import demand_steps, joined, over_tasks, paired
from innerloop.explain._words import better, by, steps, worse
from innerloop.learner import Learner
from innerloop.task import Source, Task

LEAST = 10
"""Inner steps that are looked at, at least."""


@dataclass(frozen=True)
class OverAdaptation(Analysis):
    """The course of the metric over inner steps, past the learner's own number.

    Attributes:
        metric: "accuracy" or "squared error".
        curve: the metric after 0, 1, ..., K steps.
        losses: the query loss after as many.
        own: inner steps that the learner takes.
        best: the step with the best metric, chosen on every second task.
        change: the metric after K steps minus after the best, paired, on the other tasks: so choosing flatters nobody.
        tasks: tasks behind the curve.
    """

    metric: str
    curve: list[Interval]
    losses: list[Interval]
    own: int
    best: int
    change: Difference
    tasks: int

    def __post_init__(self) -> None:
        if not (len(self.curve) == len(self.losses) and 0 <= self.best < len(self.curve)):
            raise ValueError("a curve without its best step")

    @property
    def sentences(self) -> list[str]:
        """Whether it over-adapts, and after which step."""
        named = [value(self.curve[k].mean, self.metric == "accuracy") for k in (self.best, len(self.curve) - 1)]
        last = len(self.curve) - 1
        if not np.isfinite(self.change.mean):
            return [f"Within {steps(last)} adaptation diverges in some tasks; step {self.best} was best before."]
        if worse(self.change, self.metric):
            verb = "over-adapts from the first step on" if self.best == 0 else f"over-adapts after step {self.best}"
            return [
                f"This model {verb}: {self.metric} is {named[0]} there and {named[1]} after {steps(last)}, worse by "
                f"{by(self.change, self.metric)}."
            ]
        if better(self.change, self.metric):
            return [f"No over-adaptation seen: up to {steps(last)} {self.metric} goes on getting better."]
        return [f"No over-adaptation seen up to {steps(last)}: {self.metric} is {named[1]} there."]


def over_adaptation(
    learner: Learner,
    source: Source,
    tasks: int = 200,
    *,
    steps: int | None = None,
    first: int = 0,
    batch: int = 50,
) -> OverAdaptation:
    """The metric and the query loss after 0, 1, ..., K inner steps, and the step after which the metric worsens.

    Args:
        learner: a gradient learner.
        source: a split of tasks.
        tasks: how many tasks, at least four.
        steps: K; None: twice the learner's own number, and at least ten.
        first: number of the first task.
        batch: tasks held in memory at a time.

    Raises:
        ConfigurationError: for a learner without gradient steps.
    """
    found = demand_steps(learner, "there is no step after which it could worsen")
    if tasks < 4:
        raise ConfigurationError(f"Over-adaptation is chosen and judged on halves of at least 2 tasks; got {tasks}.")
    last = max(LEAST, 2 * found.test_steps) if steps is None else steps
    at_least("steps", last, 1)

    def one(task: Task) -> dict[str, Tensor]:
        query, values, losses = task.query, [], []
        for state in found.trajectory(task.support, last):
            prediction = found.predict(state, query.x, query.mask)
            values.append(judged(prediction, query))
            losses.append(found.query_loss(prediction, query))
        return {"values": torch.stack(values), "losses": torch.stack(losses)}

    parts = over_tasks(learner, source, tasks, one, first=first, batch=batch)
    values, losses = joined(parts, "values"), joined(parts, "losses")  # (T, K + 1)
    name = "squared error" if source.batch(torch.tensor([first])).ways is None else "accuracy"
    mean = (1 if name == "accuracy" else -1) * values[::2].mean(0)
    best = int(np.argmax(np.where(np.isfinite(mean), mean, -np.inf)))
    other = values[1::2]
    return OverAdaptation(
        name,
        [interval(column) for column in values.T],
        [interval(column) for column in losses.T],
        found.test_steps,
        best,
        paired(other[:, -1], other[:, best]),
        tasks,
    )
