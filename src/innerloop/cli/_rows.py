"""The rows of a comparison: each is computed on its own, written when it is done, and not computed twice."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import chain
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from innerloop.catalogue import family_of
from innerloop.cli._rivals import CLOSED_FORMS, ON_FEATURES, rival
from innerloop.errors import DataError
from innerloop.files import read_json, write_json


@dataclass(frozen=True)
class RowSpec:
    """One row.

    Attributes:
        key: its name in files.
        kind: "run", or a method that needs no training of its own: "constant", "linear_probe", "fine_tune", ...
        run: the run that it is about, or whose recipe (and pretrained weights) it uses.
        on: "test" for the recipe's test split, "omniglot" for Omniglot's test characters.
        tasks: how many tasks.
        norm: policy of the norm layers; None: the learner's own.
        curve_steps: length of the adaptation curve; 0: none.
    """

    key: str
    kind: str
    run: str
    on: str
    tasks: int
    norm: str | None = None
    curve_steps: int = 0


def row_specs(
    runs: Sequence[Path],
    methods: Sequence[str],
    norms: Sequence[str],
    tasks: int,
    on: str,
    curve_steps: int = 0,
    *,
    baselines: bool = True,
    classes: bool = True,
    table: bool = False,
) -> list[RowSpec]:
    """Every row that a comparison of `runs` has on the tasks `on`.

    Args:
        runs: run folders.
        methods: the method of each.
        norms: the norm policy of each.
        tasks: how many tasks.
        on: "test" or "omniglot".
        curve_steps: length of the adaptation curve of the gradient rows.
        baselines: with the trivial rows and those that are tuned on validation tasks.
        classes: whether classes are new in every task, so that there is a nearest mean on raw inputs.
        table: whether the tasks are a table's, for which there are closed forms.
    """
    rows = []
    for run, method, norm in zip(runs, methods, norms, strict=True):
        gradient = family_of(method) == "gradient"
        rows.append(RowSpec(f"{run.name}", "run", str(run), on, tasks, None, curve_steps if gradient else 0))
        if norm == "batch":
            rows.append(RowSpec(f"{run.name}.support", "run", str(run), on, tasks, "support"))
        if on == "test" and baselines and classes:
            taken = {row.key for row in rows}  # two pretrained runs have rows of their own
            rows += [
                RowSpec(f"{kind}.{run.name}" if kind in taken else kind, kind, str(run), on, tasks)
                for kind in ON_FEATURES.get(method, ())
            ]
    if not baselines:
        return rows
    if on == "test":
        rows.append(RowSpec("from_scratch", "from_scratch", str(runs[0]), on, tasks))
        if table:
            rows += [RowSpec(kind, kind, str(runs[0]), on, tasks) for kind in CLOSED_FORMS]
    trivial = ("nearest_mean", "constant") if classes else ("constant",)
    rows += [RowSpec(kind, kind, str(runs[0]), on, tasks) for kind in trivial]
    return rows


def compute_rows(specs: Iterable[RowSpec], folder: Path, processes: int) -> None:
    """Computes what is missing in `folder`, several rows at a time with one thread each."""
    missing = [spec for spec in specs if not path_of(spec, folder).exists()]
    if not missing:
        return
    # the long ones first, so that the last core is not left alone with one of them
    order = {"from_scratch": 0, "fine_tune": 1, "linear_head": 2}
    missing.sort(key=lambda spec: order.get(spec.kind, 3))
    with ProcessPoolExecutor(min(processes, len(missing)), mp_context=get_context("spawn")) as pool:
        for _ in pool.map(_compute, missing, [folder] * len(missing)):
            pass


def load_row(spec: RowSpec, folder: Path) -> dict[str, Any]:
    """A row that was computed: `{"evaluation": ..., "family": ..., "seconds": ..., "note": ...}`."""
    found = read_json(path_of(spec, folder))
    if not isinstance(found, dict):
        raise DataError(f"{path_of(spec, folder)} is damaged; delete it and compare again.")
    return found


def path_of(spec: RowSpec, folder: Path) -> Path:
    """Where a row is written."""
    return folder / "rows" / f"{spec.on}.{spec.key}.json"


def _compute(spec: RowSpec, folder: Path) -> None:
    from innerloop.cli._work import open_run, other_tasks, set_threads
    from innerloop.evaluation import evaluate
    from innerloop.mapping import keep_large_blocks

    keep_large_blocks()
    set_threads(1)
    run, experiment = open_run(spec.run)
    split = experiment.source.test if spec.on == "test" else other_tasks(experiment, spec.on)
    learner, note = _learner(spec, experiment)
    done = run.results().get("test.support" if spec.norm == "support" else "test")
    if spec.kind == "run" and spec.on == "test" and done and len(done["values"]) == spec.tasks:
        found = done
    else:
        norm: Any = spec.norm
        found = evaluate(learner, split, spec.tasks, norm=norm, curve_steps=spec.curve_steps).to_json()
    seconds = None
    if spec.kind in {"run", *chain(*ON_FEATURES.values())} and (run.folder / "fit.json").exists():
        seconds = read_json(run.folder / "fit.json")["seconds"]
    write_json(
        path_of(spec, folder),
        {"evaluation": found, "family": learner.family, "seconds": seconds, "note": note, "row": vars(spec)},
    )


def _learner(spec: RowSpec, experiment: Any) -> tuple[Any, str]:
    if spec.kind == "run":
        start = experiment.recipe.start
        return experiment.learner, f"from the features of {start}, whose training is not in the time" if start else ""
    return rival(spec.kind, experiment)


def default_processes() -> int:
    """As many as there are cores to use."""
    return max(1, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)
