"""What a page shows: plain values, so that it can be built from any run folder and tested without one."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from innerloop.report._course import Learning

if TYPE_CHECKING:
    from innerloop.evaluation import Evaluation, PowerLaw, Spent
    from innerloop.explain import Explanation
    from innerloop.report._returns import Earnings

Pixels = NDArray[Any]
"""`(h, w)`, `(h, w, 1 or 3)` or `(1 or 3, h, w)`, floats in [0, 1] (uint8 is read as 0..255)."""


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
        family: "gradient", "metric", "memory", "transfer", "trivial", "oracle", or a word of its author's.
        trained_seconds: how long it was (meta-)trained; 0: nothing was; None: it is not known, as for a training that
            was stopped.
        note: a remark under the name.
        highlight: whether it is the run's own learner.
        spent: what it cost; None: not measured.
    """

    evaluation: Evaluation
    family: str
    trained_seconds: float | None = None
    note: str = ""
    highlight: bool = False
    spent: Spent | None = None


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
class Course:
    """A learner's metric over the number of shots, or of training classes.

    Attributes:
        name: the learner.
        family: its family.
        points: (x, mean, half-width of the 95 % interval over tasks, standard deviation over training seeds or None).
        law: a curve through the points; None: none was fitted.
    """

    name: str
    family: str
    points: list[tuple[float, float, float, float | None]]
    law: PowerLaw | None = None


@dataclass(frozen=True, eq=False)
class Range:
    """Learners over a range: a chart, a table of its numbers, and what follows from them.

    Attributes:
        title: heading.
        caption: what was varied and what was not, in a sentence or two.
        unit: what the horizontal axis counts, for instance "shots".
        metric: "accuracy", "success" or "squared error".
        courses: the learners, best first.
        verdicts: in words.
        levels: (name, family, mean) of what does not depend on it.
        notes: remarks below.
    """

    title: str
    caption: str
    unit: str
    metric: str
    courses: list[Course]
    verdicts: list[str] = field(default_factory=list)
    levels: list[tuple[str, str, float]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


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
class Film:
    """A moving picture.

    Attributes:
        title: heading.
        caption: what is to be seen, in a sentence or two.
        gif: the bytes of the file, which the page holds.
    """

    title: str
    caption: str
    gif: bytes


@dataclass(frozen=True, eq=False)
class Weighed:
    """A support example and what it is worth.

    Attributes:
        picture: the example.
        change: by how much the query loss rises without it.
    """

    picture: Pixels | Picture
    change: float


@dataclass(frozen=True, eq=False)
class InfluenceView:
    """The support set of a task with the influence of each example.

    Attributes:
        title: such as "Test task 17".
        support: for each class its shots.
        classes: names of the classes.
    """

    title: str
    support: list[list[Weighed]]
    classes: list[str]


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
        films: tasks to look at (what moves).
        facts: settings: (name, value).
        command: the command that makes the run again.
        notes: honest remarks.
        explanation: what adaptation changes in the run's own learner.
        influences: support sets to look at.
        verdict: what a comparison says in the end, in sentences.
        ranges: learners over the number of shots, of training classes, ...
        ranges_first: whether they come before the tables.
        earnings: what a policy earns.
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
    films: list[Film] = field(default_factory=list)
    facts: list[tuple[str, str]] = field(default_factory=list)
    command: str = ""
    notes: list[str] = field(default_factory=list)
    explanation: Explanation | None = None
    influences: list[InfluenceView] = field(default_factory=list)
    verdict: list[str] = field(default_factory=list)
    ranges: list[Range] = field(default_factory=list)
    ranges_first: bool = False
    earnings: Earnings | None = None


def numbers(values: Any) -> list[float]:
    """Any array of numbers as a flat list of floats."""
    return [float(v) for v in np.asarray(values, dtype=float).ravel()]
