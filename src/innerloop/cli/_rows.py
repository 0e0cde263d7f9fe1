"""The rows of a comparison: each is computed on its own, written when it is done, and not computed twice."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from innerloop.cli._lines import TUNED, RowSpec
from innerloop.errors import DataError, InnerloopError
from innerloop.files import read_json, write_json

TUNED_RATES = {
    # tried on validation tasks, with equal trials for each; 1, 2, ... steps of each rate are tried at once
    "linear_head": (0.003, 0.01, 0.03, 0.1),
    "fine_tune": (0.0003, 0.001, 0.003, 0.01),
    "from_scratch": (0.0003, 0.001, 0.003, 0.01),
}
_MAX_STEPS = {"linear_head": 40, "fine_tune": 15, "from_scratch": 15}
_SMALL_RATES, _SMALL_MAX_STEPS = (0.001, 0.003, 0.01, 0.03), 40
"""For rows of tables and points of curves, whose perceptrons cost little."""
_WIDEN = 2
"""How often more is tried where the choice lies at an edge."""
_VALIDATION_TASKS = 40


def compute_rows(specs: Iterable[RowSpec], folder: Path, processes: int) -> None:
    """Computes what is missing in `folder`, several rows at a time with one thread each.

    A row counts as missing, too, if it was computed for other tasks, another recipe or other weights.
    """
    known: dict[str, str] = {}
    named = [(spec, identity(spec, known)) for spec in specs]
    missing = [(spec, name) for spec, name in named if kept(path_of(spec, folder), name) is None]
    if not missing:
        return
    # the long ones first, so that the last core is not left alone with one of them
    order = {"from_scratch": 0, "fine_tune": 1, "linear_head": 2}
    missing.sort(key=lambda each: (order.get(each[0].kind, 3), -(each[0].shots or 0)))
    with ProcessPoolExecutor(min(processes, len(missing)), mp_context=get_context("spawn")) as pool:
        for _ in pool.map(_compute, *zip(*missing, strict=True), [folder] * len(missing)):
            pass


def load_row(spec: RowSpec, folder: Path) -> dict[str, Any]:
    """A row that was computed: `{"evaluation": ..., "family": ..., "seconds": ..., "note": ..., "chosen": ...}`."""
    found = read_json(path_of(spec, folder))
    if not isinstance(found, dict):
        raise DataError(f"{path_of(spec, folder)} is damaged; delete it and compare again.")
    return found


def path_of(spec: RowSpec, folder: Path) -> Path:
    """Where a row is written."""
    shots = "" if spec.shots is None else f".{spec.shots}shots"
    return folder / "rows" / f"{spec.on}{shots}.{spec.key}.json"


def identity(spec: RowSpec, known: dict[str, str]) -> str:
    """Names everything that a row follows from: what is asked, the run's recipe and its weights.

    Args:
        spec: the row.
        known: what was found out of runs so far; added to.
    """
    from innerloop.cli._work import weights_of
    from innerloop.outer import Run

    if spec.run not in known:
        run = Run(spec.run)
        recipe = json.dumps(run.config().get("recipe"), sort_keys=True)
        digest = hashlib.sha256(recipe.encode())
        digest.update(weights_of(run).read_bytes())
        known[spec.run] = digest.hexdigest()
    return hashlib.sha256(json.dumps([asdict(spec), known[spec.run]]).encode()).hexdigest()[:32]


def kept(path: Path, name: str) -> dict[str, Any] | None:
    """What a file of that identity holds; None if there is none, or it is another's, or damaged."""
    if not path.exists():
        return None
    try:
        found = read_json(path)
    except InnerloopError:
        return None
    return found if isinstance(found, dict) and found.get("identity") == name else None


def _compute(spec: RowSpec, name: str, folder: Path) -> None:
    from innerloop.cli._work import open_run, other_tasks, set_threads
    from innerloop.evaluation import evaluate
    from innerloop.mapping import keep_large_blocks

    keep_large_blocks()
    set_threads(1)
    run, experiment = open_run(spec.run)
    split = experiment.source.test if spec.on == "test" else other_tasks(experiment, spec.on)
    split = split if spec.shots is None else split.with_(shots=spec.shots)
    learner, note, chosen = learner_of(spec, experiment)
    done = run.results().get("test.support" if spec.norm == "support" else "test")
    as_measured = spec.kind == "run" and spec.on == "test" and spec.shots is None
    if as_measured and done and len(done["values"]) == spec.tasks:
        found = done
    else:
        norm: Any = spec.norm
        found = evaluate(learner, split, spec.tasks, norm=norm, curve_steps=spec.curve_steps).to_json()
    seconds = None
    if spec.kind in ("run", *TUNED) and (run.folder / "fit.json").exists():
        seconds = read_json(run.folder / "fit.json")["seconds"]
    write_json(
        path_of(spec, folder),
        {
            "identity": name, "evaluation": found, "family": learner.family, "seconds": seconds, "note": note,
            "chosen": chosen, "row": asdict(spec),
        },
    )  # fmt: skip


def learner_of(spec: RowSpec, experiment: Any, chosen: dict[str, Any] | None = None) -> tuple[Any, str, Any]:
    """The learner of a row, what is said about it, and the rate and steps that it was tuned to.

    Args:
        spec: the row.
        experiment: of its run, with the trained weights.
        chosen: rate and steps, if they are known already; None: they are chosen on validation tasks.
    """
    from innerloop import methods
    from innerloop.evaluation import tune
    from innerloop.recipes._build import build_network, outputs_of
    from innerloop.recipes._recipe import PictureRecipe

    if spec.kind == "run":
        return experiment.learner, "", None
    if spec.kind in ("constant", "nearest_mean"):
        return getattr(methods, spec.kind)(), "", None
    source, recipe = experiment.source, experiment.recipe
    pictures = isinstance(recipe, PictureRecipe)
    outputs = outputs_of(source)

    def make(rate: float, steps: int) -> Any:
        import torch

        if spec.kind == "from_scratch":
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(recipe.seed)
                network = build_network(recipe, source, outputs)
            return methods.from_scratch(network, inner_steps=steps, inner_lr=rate)
        # a new task has new classes of pictures; the outputs of a table or a curve mean the same in every task
        pretrained, ways = experiment.learner.network, outputs if pictures else None
        return getattr(methods, spec.kind)(pretrained, ways, inner_steps=steps, inner_lr=rate)

    if chosen is not None:
        return make(chosen["rate"], chosen["steps"]), "", chosen
    rates, most = (TUNED_RATES[spec.kind], _MAX_STEPS[spec.kind]) if pictures else (_SMALL_RATES, _SMALL_MAX_STEPS)
    validation = source.validation if spec.shots is None else source.validation.with_(shots=spec.shots)
    found = tune(
        lambda rate: make(rate, most), rates, validation, max_steps=most, tasks=_VALIDATION_TASKS, widen=_WIDEN
    )
    edge = ", at the edge of what was tried" if found.at_edge else ""
    note = f"Adam at {found.rate:.3g}, {found.steps} steps, chosen on {_VALIDATION_TASKS} validation tasks{edge}"
    return make(found.rate, found.steps), note, {"rate": found.rate, "steps": found.steps}


def default_processes() -> int:
    """As many as there are cores to use."""
    return max(1, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)
