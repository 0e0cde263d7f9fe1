"""What the rows of a comparison cost: measured one after the other, so that nothing else is in their way."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path
from statistics import fmean
from time import perf_counter
from typing import Any

from innerloop.cli._lines import Line, RowSpec
from innerloop.cli._rivals import RIVALS, begins_with_run
from innerloop.cli._rows import identity, kept, load_row, path_of
from innerloop.errors import CheckpointError
from innerloop.evaluation import Spent
from innerloop.files import read_json, write_json
from innerloop.outer import Run


def compute_costs(lines: Sequence[Line], folder: Path) -> None:
    """Measures what is missing: one training of each row, in one process with one thread.

    The rows themselves must have been computed: what was tuned is measured with the steps that were chosen.
    """
    known: dict[str, str] = {}
    named = [(line.specs[0], identity(line.specs[0], known)) for line in lines]
    missing = [(spec, name) for spec, name in named if kept(_path(spec, folder), name) is None]
    if missing:
        # a process of its own: threads can be set, and another training's memory is not in the way
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
            pool.submit(_measure, missing, folder).result()


def spent(line: Line, folder: Path) -> Spent:
    """What a row cost, its training times and steps averaged over its seeds."""
    first = line.specs[0]
    try:
        found = Spent(**read_json(_path(first, folder))["spent"])
        paths = [Path(spec.run) / "fit.json" for spec in line.specs]
        if not begins_with_run(first.kind) or not all(path.exists() for path in paths):
            return found
        fits = [read_json(path) for path in paths]
        seconds, steps = (fmean(float(one[name]) for one in fits) for name in ("seconds", "steps"))
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise CheckpointError(
            f"The costs of {first.key} are damaged ({error!r}): remove {_path(first, folder)}, or train the run again."
        ) from error
    return replace(found, train_seconds=seconds, train_steps=steps)


def _path(spec: RowSpec, folder: Path) -> Path:
    return path_of(spec, folder).with_suffix(".cost.json")


def _measure(missing: list[tuple[RowSpec, str]], folder: Path) -> None:
    from innerloop.cli._rows import learner_of
    from innerloop.cli._work import open_run, set_threads
    from innerloop.evaluation import adaptation_cost
    from innerloop.mapping import keep_large_blocks

    keep_large_blocks()
    set_threads(1)
    opened: dict[str, Any] = {}
    training: dict[str, dict[str, Any]] = {}
    for spec, name in missing:
        if spec.run not in opened:
            opened[spec.run] = open_run(spec.run)
        run, experiment = opened[spec.run]
        began = perf_counter()
        learner, _, _ = learner_of(spec, experiment, load_row(spec, folder)["chosen"])
        made = perf_counter() - began
        test = experiment.source.test
        norm: Any = spec.norm
        found = adaptation_cost(learner, test if spec.shots is None else test.with_(shots=spec.shots), norm=norm)
        if begins_with_run(spec.kind):
            if spec.run not in training:
                training[spec.run] = _training(run, experiment)
            found = replace(found, **training[spec.run])
        elif RIVALS[spec.kind].begins == "tasks":  # to make it is to solve for what all training tasks have in common
            found = replace(found, parameters=0, train_seconds=made)
        else:
            found = replace(found, parameters=0)
        write_json(_path(spec, folder), {"identity": name, "spent": found.to_json()})


def _training(run: Run, experiment: Any) -> dict[str, Any]:
    """Labels that a training drew, numbers that it learned, and the memory of one of its outer steps."""
    import torch

    from innerloop.evaluation._cost import step_bytes

    learner, settings = experiment.learner, experiment.fit_settings()
    tasks = learner.training_source(settings["source"]).batch(torch.arange(settings["tasks_per_step"]))
    labels = int(tasks.support.mask.sum() + tasks.query.mask.sum())
    done = run.folder / "fit.json"  # not there if the training was stopped
    return {
        "train_labels": labels * int(read_json(done)["steps"]) if done.exists() else None,
        "train_bytes": step_bytes(learner, tasks, run.mapping()),
        "parameters": sum(p.numel() for p in learner.parameters() if p.requires_grad),
    }
