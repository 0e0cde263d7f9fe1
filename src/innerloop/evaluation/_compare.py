"""Comparison of learners on the same tasks: paired, with a verdict in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from innerloop.errors import ConfigurationError
from innerloop.evaluation import _words as words
from innerloop.evaluation._evaluate import evaluate
from innerloop.evaluation._evaluation import Evaluation
from innerloop.evaluation._statistics import Difference, paired_difference
from innerloop.learner import Learner
from innerloop.task import Source


@dataclass(frozen=True, eq=False)
class Comparison:
    """Evaluations on the same tasks, best first.

    Attributes:
        rows: the evaluations by name.
    """

    rows: dict[str, Evaluation]
    _known: dict[tuple[str, str], Difference] = field(default_factory=dict, init=False, repr=False)

    @property
    def best(self) -> str:
        """Name of the row with the best mean."""
        return next(iter(self.rows))

    def difference(self, a: str, b: str) -> Difference:
        """Paired difference `a - b` in the metric, with its 95 % bootstrap interval."""
        if (a, b) not in self._known:  # a bootstrap takes its time, and several sentences ask for the same one
            self._known[a, b] = paired_difference(self.rows[a].values, self.rows[b].values)
        return self._known[a, b]

    def other_way(self, a: str, b: str) -> tuple[int, int]:
        """In how many pairs of a training seed of `a` and one of `b` the order is not that of the means; of how many.

        A difference that holds over tasks may still be a matter of which training one happened to have.
        """
        signs = [np.sign(x - y) for _, x in self.rows[a].seeds for _, y in self.rows[b].seeds]
        mean = np.sign(self.rows[a].mean - self.rows[b].mean)
        return sum(bool(sign == -mean and sign) for sign in signs), len(signs)

    def verdict(self, a: str, b: str) -> str:
        """In words: is `a` better than `b`, worse, or is no difference seen?

        Where a difference was seen, it says as well in how many pairs of training seeds it is the other way round.
        """
        difference, accuracy = self.difference(a, b), self.rows[a].higher_is_better
        better = (difference.mean > 0) == accuracy
        # said as a size: an interval of "better by" is positive, whichever direction the metric has
        size, between = words.difference(difference, accuracy, 1 if difference.mean > 0 else -1)
        band = f"95 % interval {between}"
        if not difference.seen:
            return f"no difference seen between {a} and {b} ({size} {'for' if better else 'against'} {a}, {band})"
        said = f"{a} is {'better' if better else 'worse'} than {b} by {size} ({band})"
        against, pairs = self.other_way(a, b)
        return f"{said}, though not in {against} of {pairs} pairs of training seeds" if against else said

    def summary(self) -> str:
        """The verdict on the best row against each other one."""
        rest = [self.verdict(self.best, name) for name in self.rows if name != self.best]
        return "; ".join(rest) if rest else f"{self.best} is the only row"

    def __str__(self) -> str:
        width = max(len(name) for name in self.rows)
        lines = []
        normed = any(row.norm != "none" for row in self.rows.values())  # else it says nothing
        for name, row in self.rows.items():
            (mean, half), accuracy = row.interval, row.higher_is_better
            number = words.value(mean, accuracy).rjust(7 if accuracy else 9)
            norm = f"  norm: {row.norm}" if normed else ""
            lines.append(f"{name:<{width}}  {number} {words.half(half, accuracy)}{norm}")
        return "\n".join([*lines, *(f"- {self.verdict(self.best, n)}" for n in self.rows if n != self.best)])

    def to_json(self) -> dict[str, Any]:
        """Plain values: the rows and the verdict on the best against each other row."""
        return {
            "best": self.best,
            "rows": {name: row.to_json() for name, row in self.rows.items()},
            "verdicts": [self.verdict(self.best, name) for name in self.rows if name != self.best],
        }


def comparison(rows: Mapping[str, Evaluation]) -> Comparison:
    """Puts evaluations side by side.

    Raises:
        ConfigurationError: if they are not of the same tasks and the same metric.
    """
    if not rows:
        raise ConfigurationError("Expected at least one evaluation to compare; got none.")
    first_name, first = next(iter(rows.items()))
    for name, row in rows.items():
        same = (row.source, row.first, len(row.values), row.metric)
        if same != (first.source, first.first, len(first.values), first.metric):
            raise ConfigurationError(
                f"{name!r} and {first_name!r} were not evaluated on the same tasks: {row.source}, {len(row.values)} "
                f"tasks from {row.first}, against {first.source}, {len(first.values)} from {first.first}."
            )
    sign = 1 if first.higher_is_better else -1
    # a row that diverged has no mean: it comes last
    ordered = sorted(rows.items(), key=lambda item: -sign * item[1].mean if np.isfinite(item[1].mean) else np.inf)
    return Comparison(dict(ordered))


def compare(learners: Mapping[str, Learner], source: Source, tasks: int = 1_000, **settings: Any) -> Comparison:
    """Evaluates learners on the same tasks and compares them in pairs.

    Args:
        learners: by the name that they have in the table.
        source: a split of tasks.
        tasks: how many tasks.
        **settings: as for `evaluate`.
    """
    rows = {}
    for name, learner in learners.items():
        rows[name] = replace(evaluate(learner, source, tasks, **settings), name=name)
    return comparison(rows)
