"""Which rows a comparison has: what is computed for each of them, once per training seed."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from innerloop.catalogue import family_of
from innerloop.cli._rivals import FINE_TUNED, RIVALS, rivals_of
from innerloop.recipes import Recipe


@dataclass(frozen=True)
class RowSpec:
    """One evaluation.

    Attributes:
        key: its name in files.
        kind: "run", or a method that needs no training of its own: "constant", "linear_probe", "fine_tune", ...
        run: the run that it is about, or whose recipe (and pretrained weights) it uses.
        on: "test" for the recipe's test split, "omniglot" for Omniglot's test characters.
        tasks: how many tasks.
        norm: policy of the norm layers; None: the learner's own.
        curve_steps: length of the adaptation curve; 0: none.
        shots: support examples (per class); None: as in the run's recipe.
    """

    key: str
    kind: str
    run: str
    on: str
    tasks: int
    norm: str | None = None
    curve_steps: int = 0
    shots: int | None = None


@dataclass(frozen=True)
class Group:
    """Runs of one recipe that differ in nothing but the seed.

    Attributes:
        runs: their folders.
        seeds: the training seed of each.
        method: their method.
        norm: their norm policy.
    """

    runs: tuple[Path, ...]
    seeds: tuple[int, ...]
    method: str
    norm: str


@dataclass(frozen=True)
class Line:
    """A row of the table: an evaluation for each training seed.

    Attributes:
        specs: the evaluations.
        seeds: the training seed of each.
    """

    specs: tuple[RowSpec, ...]
    seeds: tuple[int, ...]


def grouped(recipes: Sequence[Recipe], minutes: Sequence[float | None]) -> list[list[int]]:
    """Places of the runs that belong together: the same recipe but for the seed.

    Runs that were trained for the same minutes belong together whatever number of steps that was. Two runs with the
    same recipe and the same seed are copies of each other, not two trainings, and stay apart.

    >>> from innerloop.recipes import recipe
    >>> from dataclasses import replace
    >>> a, b = recipe("characters"), recipe("characters", "anil")
    >>> grouped([a, b, replace(a, seed=1), a], [None] * 4)
    [[0, 2], [1], [3]]
    """
    groups: dict[Any, list[int]] = {}
    for place, (one, time) in enumerate(zip(recipes, minutes, strict=True)):
        alike = dataclasses.replace(one, seed=0, steps=one.steps if time is None else 1)
        copy = sum(
            other == one and other_time == time
            for other, other_time in zip(recipes[:place], minutes[:place], strict=True)
        )
        groups.setdefault((alike, time, copy), []).append(place)
    return list(groups.values())


def trained_lines(
    groups: Sequence[Group],
    tasks: int,
    on: str,
    curve_steps: int = 0,
    *,
    baselines: bool = True,
    classes: bool = True,
    shots: int | None = None,
) -> list[Line]:
    """The rows of trained runs: as they are, with support statistics, and what goes on from a pretrained network.

    Args:
        groups: the runs.
        tasks: how many tasks.
        on: "test" or "omniglot".
        curve_steps: length of the adaptation curve of the gradient rows.
        baselines: with fine-tuning, a linear head, ... for pretraining runs.
        classes: whether classes are new in every task; else an output means the same in all of them.
        shots: support examples (per class); None: as in the recipe.
    """
    lines = []
    for group in groups:

        def line(kind: str, suffix: str = "", norm: str | None = None, curve: int = 0, group: Group = group) -> Line:
            specs = [
                RowSpec(f"{run.name}{suffix}", kind, str(run), on, tasks, norm, curve, shots) for run in group.runs
            ]
            return Line(tuple(specs), group.seeds)

        lines.append(line("run", curve=curve_steps if family_of(group.method) == "gradient" else 0))
        if group.norm == "batch":
            lines.append(line("run", ".support", "support"))
        if on == "test" and baselines:
            lines += [line(kind, f".{kind}") for kind in rivals_of(group.method, classes)]
    return lines


def closed_lines(group: Group, tasks: int, on: str, shots: int | None = None) -> list[Line]:
    """What is solved for in closed form from all training tasks of a table, with the part of them that each seed has.

    Args:
        group: its runs give the recipes.
        tasks: how many tasks.
        on: "test".
        shots: support examples; None: as in the recipe.
    """
    return [
        Line(
            tuple(RowSpec(f"{run.name}.{kind}", kind, str(run), on, tasks, shots=shots) for run in group.runs),
            group.seeds,
        )
        for kind, rival in RIVALS.items()
        if rival.begins == "tasks"
    ]


def free_lines(
    group: Group, tasks: int, on: str, *, classes: bool = True, table: bool = False, shots: int | None = None
) -> list[Line]:
    """The rows that need no run: from scratch, closed forms, and the trivial ones. They have a run's recipe, one seed.

    Args:
        group: its first run gives the recipe.
        tasks: how many tasks.
        on: "test" or "omniglot".
        classes: whether classes are new in every task, so that there is a nearest mean on raw inputs.
        table: whether the tasks are a table's, for which there are closed forms.
        shots: support examples (per class); None: as in the recipe.
    """
    run, seed = group.runs[0], group.seeds[0]

    def line(kind: str) -> Line:
        # what is solved from training tasks is another with another run's part of them
        key = f"{run.name}.{kind}" if RIVALS[kind].begins == "tasks" else kind
        return Line((RowSpec(key, kind, str(run), on, tasks, shots=shots),), (seed,))

    return [
        line(kind)
        for kind, rival in RIVALS.items()
        if rival.compared
        and not rival.from_run
        and rival.suits(classes=classes, table=table)
        # what is chosen is chosen on validation tasks of the recipe, which are not Omniglot's
        and (on == "test" or rival.tries is None)
    ]


def fine_tuned(lines: Sequence[Line], names: Sequence[str]) -> str | None:
    """Name of the (first) fine-tuned row; None: there is none."""
    found = [name for line, name in zip(lines, names, strict=True) if line.specs[0].kind == FINE_TUNED]
    return found[0] if found else None
