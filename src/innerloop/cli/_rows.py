"""The rows of a comparison: each is computed on its own, written when it is done, and not computed twice."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from innerloop.cli._chosen_rival import rival
from innerloop.cli._lines import RowSpec
from innerloop.cli._rivals import RIVALS, begins_with_run
from innerloop.errors import DataError, InnerloopError
from innerloop.files import read_json, write_json


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
    order = [*RIVALS, "run"]
    missing.sort(key=lambda each: (order.index(each[0].kind), -(each[0].shots or 0)))
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
    if begins_with_run(spec.kind) and (run.folder / "fit.json").exists():
        seconds = read_json(run.folder / "fit.json")["seconds"]
    write_json(
        path_of(spec, folder),
        {
            "identity": name, "evaluation": found, "family": learner.family, "seconds": seconds, "note": note,
            "chosen": chosen, "row": asdict(spec),
        },
    )  # fmt: skip


def learner_of(spec: RowSpec, experiment: Any, chosen: dict[str, Any] | None = None) -> tuple[Any, str, Any]:
    """The learner of a row, what is said about it, and the settings that were chosen for it.

    Args:
        spec: the row.
        experiment: of its run, with the trained weights.
        chosen: those settings, if they are known already; None: they are chosen on validation tasks.
    """
    if spec.kind == "run":
        start = experiment.recipe.start
        said = f"from the features of {start}, whose training is not in the time" if start else ""
        return experiment.learner, said, None
    return rival(spec.kind, experiment, spec.shots, chosen)
