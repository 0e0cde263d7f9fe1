"""What a page shows: plain values, so that it can be built from any run folder and tested without one."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from innerloop.evaluation import Evaluation

Pixels = NDArray[Any]
"""`(h, w)`, `(h, w, 1 or 3)` or `(1 or 3, h, w)`, floats in [0, 1] (uint8 is read as 0..255)."""

FAMILIES = ("gradient", "metric", "memory", "transfer", "trivial")


@dataclass(frozen=True, eq=False)
class Picture:
    """A picture.

    Attributes:
        pixels: its values.
    """

    pixels: Pixels


@dataclass(frozen=True, eq=False)
class Row:
    """A learner in a table.

    Attributes:
        evaluation: what it does; the row's name is `evaluation.name`.
        family: "gradient", "metric", "memory", "transfer" or "trivial".
        trained_seconds: how long it was (meta-)trained; None: nothing was.
        note: a remark under the name.
        highlight: whether it is the run's own learner.
    """

    evaluation: Evaluation
    family: str
    trained_seconds: float | None = None
    note: str = ""
    highlight: bool = False


@dataclass(frozen=True, eq=False)
class Table:
    """Learners on the same tasks; the page sorts the rows, best first.

    Attributes:
        title: heading.
        caption: what the tasks are, in a sentence or two.
        rows: the learners, in any order.
        verdicts: the paired comparisons in words.
        chance: metric of guessing; None: not shown.
    """

    title: str
    caption: str
    rows: list[Row]
    verdicts: list[str] = field(default_factory=list)
    chance: float | None = None


@dataclass(frozen=True, eq=False)
class Shown:
    """A query example and what the adapted model said.

    Attributes:
        picture: the example.
        truth: its class, a number below the task's number of classes.
        guess: the class that was predicted.
        confidence: the probability that the prediction was given, in [0, 1].
    """

    picture: Pixels | Picture
    truth: int
    guess: int
    confidence: float


@dataclass(frozen=True, eq=False)
class TaskView:
    """One task: its support set, its queries and the predictions.

    Attributes:
        title: such as "Test task 17, Georgian".
        accuracy: in [0, 1], over all its queries.
        support: for each class its shots.
        classes: names of the classes.
        queries: the queries to show.
        kind: "typical", "hardest" or "easiest".
    """

    title: str
    accuracy: float
    support: list[list[Pixels]]
    classes: list[str]
    queries: list[Shown]
    kind: str = "typical"


@dataclass(frozen=True, eq=False)
class Fit:
    """A regression task on one input: what is learned from a few points.

    Attributes:
        title: such as "Test task 17".
        support_x: inputs of the support set.
        support_y: its targets.
        query_x: inputs of the query set, in any order.
        query_y: its targets.
        before: predictions for `query_x` before adaptation.
        after: and after it.
    """

    title: str
    support_x: Pixels
    support_y: Pixels
    query_x: Pixels
    query_y: Pixels
    before: Pixels
    after: Pixels


@dataclass(frozen=True, eq=False)
class Learning:
    """The course of a meta-training.

    Attributes:
        name: the learner.
        points: (outer step, seconds, loss; None where none was logged).
        validations: (outer step, seconds, mean, half-width of its 95 % interval).
        metric: metric of the validations.
    """

    name: str
    points: list[tuple[int, float, float | None]] = field(default_factory=list)
    validations: list[tuple[int, float, float, float]] = field(default_factory=list)
    metric: str = "accuracy"

    @property
    def seconds(self) -> float | None:
        """Wall time of the last entry; None if there is none."""
        last = [entry[1] for entry in (*self.points[-1:], *self.validations[-1:])]
        return max(last) if last else None

    @classmethod
    def from_metrics(cls, name: str, lines: Iterable[Mapping[str, Any]]) -> Learning:
        """Reads the lines of a run's `metrics.jsonl`; what is neither a loss nor a validation is passed over.

        >>> lines = [{"step": 10, "seconds": 1.5, "loss": 0.9}, {"step": 10, "seconds": 2.0, "validation": 0.5}]
        >>> Learning.from_metrics("MAML", lines).validations
        [(10, 2.0, 0.5, 0.0)]
        """
        points: list[tuple[int, float, float | None]] = []
        validations: list[tuple[int, float, float, float]] = []
        metric = "accuracy"
        for line in lines:
            if "step" not in line:
                continue
            step, seconds = int(line["step"]), float(line.get("seconds") or 0.0)
            if "loss" in line:
                points.append((step, seconds, _finite(line["loss"])))
            mean = _finite(line.get("validation"))
            if mean is not None:
                validations.append((step, seconds, mean, _finite(line.get("half")) or 0.0))
                metric = str(line.get("metric", metric))
        return cls(name, points, validations, metric)


@dataclass(frozen=True, eq=False)
class Page:
    """The page of a run. What is empty is left out.

    Attributes:
        title: heading.
        lead: a sentence or two: what was trained, and how good it is.
        headline: big numbers: (value, what it is).
        tables: the first is the main one.
        learning: courses of the meta-trainings; the first is the run's own.
        curves: evaluations with a `curve` over inner steps, by name; the first is the run's own.
        own: the run's own result, for the spread over tasks and the reliability.
        tasks: tasks to look at (pictures).
        fits: tasks to look at (regression on one input).
        facts: settings: (name, value).
        command: the command that makes the run again.
        notes: honest remarks.
    """

    title: str
    lead: str = ""
    headline: list[tuple[str, str]] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)
    learning: list[Learning] = field(default_factory=list)
    curves: dict[str, Evaluation] = field(default_factory=dict)
    own: Evaluation | None = None
    tasks: list[TaskView] = field(default_factory=list)
    fits: list[Fit] = field(default_factory=list)
    facts: list[tuple[str, str]] = field(default_factory=list)
    command: str = ""
    notes: list[str] = field(default_factory=list)


def numbers(values: Any) -> list[float]:
    """Any array of numbers as a flat list of floats."""
    return [float(v) for v in np.asarray(values, dtype=float).ravel()]


def _finite(value: Any) -> float | None:
    return float(value) if value is not None and math.isfinite(value) else None
