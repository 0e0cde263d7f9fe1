"""The rivals in a comparison: what needs no meta-training, its settings chosen on validation tasks.

`RIVALS` is the one table of them: which rows there are, what they cost and how they are chosen follows from it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from innerloop.catalogue import METHODS


@dataclass(frozen=True)
class Rates:
    """What is tried for a rival fitted by Adam: 1, 2, ... steps of each rate at once.

    Attributes:
        rates: equally many for each rival.
        steps: the most steps.
        head_steps: how many of the first steps move the head alone; each number is tried with every rate.
    """

    rates: tuple[float, ...]
    steps: int
    head_steps: tuple[int, ...] = (0,)


@dataclass(frozen=True)
class Penalties:
    """What is tried for a rival in closed form.

    Attributes:
        values: penalties, or tuples of them.
        arguments: of the method, one for each of a tuple.
        said: a choice in words.
    """

    values: tuple[Any, ...]
    arguments: tuple[str, ...] = ("penalty",)
    said: str = "penalty {:g}"


@dataclass(frozen=True)
class Rival:
    """A row beside the trained ones; its key in `RIVALS` is the name of a function in `innerloop.methods`.

    Attributes:
        begins: what the function gets first: the network of a finished run to take its "features" or to go on with the
            "network" itself, which have the run's training as a price; a "fresh" network; all training "tasks", from
            which something is solved; or "nothing".
        where: the tasks that it is for: "any", those with "classes" that are new in each, a "table"'s, or "curves".
        after: the classifiers (`innerloop.catalogue.Method.merged`) of the runs that it begins with.
        tries: what is tried on validation tasks; None: there is nothing to choose.
        settings: more arguments, from the source of the tasks.
        with_runs: whether the page of every run has it, since it costs nothing.
        compared: whether comparisons have it.
    """

    begins: Literal["features", "network", "fresh", "tasks", "nothing"] = "nothing"
    where: Literal["any", "classes", "table", "curves"] = "any"
    after: tuple[Literal["linear", "cosine"], ...] = ()
    tries: Rates | Penalties | None = None
    settings: Callable[[Any], dict[str, Any]] = lambda source: {}
    with_runs: bool = False
    compared: bool = True

    @property
    def from_run(self) -> bool:
        """Whether it begins with a run and has its training as a price."""
        return self.begins in ("features", "network")

    def suits(self, *, classes: bool, table: bool = False, curves: bool = False) -> bool:
        """Whether it is for such tasks."""
        return {"any": True, "classes": classes, "table": table, "curves": curves}[self.where]


_ALL, _HEAD = (0.0003, 0.001, 0.003, 0.01), (0.003, 0.01, 0.03, 0.1)

RIVALS: dict[str, Rival] = {
    "from_scratch": Rival("fresh", tries=Rates(_ALL, 15)),
    "fine_tune": Rival("network", after=("linear",), tries=Rates(_ALL, 15, head_steps=(0, 5))),
    "linear_head": Rival("network", after=("linear",), tries=Rates(_HEAD, 40)),
    "cosine_head": Rival("features", after=("cosine",), tries=Rates(_HEAD, 40)),
    "linear_probe": Rival(
        "features", after=("linear", "cosine"), tries=Penalties((0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0))
    ),
    "pooled_ridge": Rival("tasks", "table", tries=Penalties((0.001, 0.01, 0.1, 1.0, 10.0))),
    "shrunk_ridge": Rival(
        "tasks",
        "table",
        tries=Penalties(
            # a large one of the slopes leaves them as they are in the pooled fit
            tuple((s, i) for s in (0.1, 1.0, 10.0, 100.0, 1e3, 1e6) for i in (0.01, 0.1, 1.0, 10.0)),
            ("slopes", "intercept"),
            "penalties {:g} of slopes and {:g} of the intercept",
        ),
    ),
    "nearest_mean": Rival(where="classes", with_runs=True),
    "raw_ridge": Rival(where="classes", tries=Penalties((0.01, 0.1, 1.0, 10.0, 100.0))),
    "constant": Rival(with_runs=True),
    # told what each task was drawn from
    "gaussian_process": Rival(
        where="curves",
        settings=lambda source: {"kernel": source.test.kernel, "noise": source.test.noise, "known": True},
        with_runs=True,
        compared=False,
    ),
}
"""In the order of a table's rows, which is that of the time they take."""

FINE_TUNED = "fine_tune"
"""The one that is followed over a range by itself, beside the best of its side."""


def begins_with_run(kind: str) -> bool:
    """Whether a row has the training of a run as its price: the run itself, or a rival that begins with it."""
    return kind == "run" or RIVALS[kind].from_run


def rivals_of(method: str, classes: bool) -> tuple[str, ...]:
    """What goes on from a run of that method; `classes`: whether they are new in every task.

    Where they are not, an output of the network means the same in every task, and its head is gone on with.

    >>> rivals_of("simple_shot", True), rivals_of("pretraining", False), rivals_of("maml", True)
    (('fine_tune', 'linear_head', 'linear_probe'), ('fine_tune', 'linear_head'), ())
    """
    known = METHODS.get(method)
    if known is None or known.merged is None:
        return ()
    if not classes:
        return tuple(kind for kind, one in RIVALS.items() if one.begins == "network" and known.without_classes)
    return tuple(kind for kind, one in RIVALS.items() if one.from_run and known.merged in one.after)
