"""Parkinsons telemonitoring: does anything beat a patient's own mean? Cross-validation over the patients.

    python evidence/parkinsons.py

A row is one method, number of support rows, their order and fold: trained on the other patients, measured on those of
the fold by the absolute error of motor UPDRS in points. Rows are written to results/parkinsons.json when they are done
and never computed again. Needs $INNERLOOP_DATA.
"""

from __future__ import annotations

import argparse
import dataclasses
import os
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from _grid import grid

from innerloop.cli._chosen_rival import rival
from innerloop.errors import TrainingError
from innerloop.evaluation import evaluate
from innerloop.learner import Learner
from innerloop.outer import fit
from innerloop.recipes import recipe
from innerloop.recipes._build import Experiment, build

RIVALS = ("constant", "pooled_ridge", "shrunk_ridge", "from_scratch")
LEARNED = ("maml", "meta_sgd", "ridge", "pretraining")
SHOTS = (5, 10, 20)
ORDERS = {"random": None, "first by time": "test_time"}
FOLDS = 6
OUT = Path("results/parkinsons.json")


def row(
    method: str, shots: int, order: str, fold: int, steps: int | None, tasks: int, data: str
) -> dict[str, Any]:  # fmt: skip
    """One method on the patients of one fold: the absolute error of each, averaged over draws of its rows."""
    trained = method in LEARNED
    chosen = dataclasses.replace(
        recipe("table", method if trained else "maml"), data=data, task="subject#", target="motor_UPDRS",
        drop=("total_UPDRS",), order=ORDERS[order], folds=FOLDS, fold=fold, shots=shots,
    )  # fmt: skip
    experiment = build(chosen if steps is None else dataclasses.replace(chosen, steps=steps))
    learner, note, seconds = experiment.learner, "", None
    if trained:
        try:
            found = fit(learner, **experiment.fit_settings(), progress=False)
        except TrainingError as error:  # a training that diverges is a result too
            names = experiment.source.test.names(range(tasks))
            said = {"name": learner.name, "family": learner.family, "note": str(error), "trained_seconds": None}
            return {**said, "patients": dict.fromkeys(sorted(set(names), key=int))}
        if found.interrupted:
            raise KeyboardInterrupt
        seconds = found.seconds
        if method == "pretraining":
            learner, note, _ = rival("fine_tune", experiment)
    else:
        learner, note, _ = rival(method, experiment)
    return {
        "name": learner.name, "family": learner.family, "note": note, "trained_seconds": seconds,
        "patients": errors(learner, experiment, tasks),
    }  # fmt: skip


def errors(learner: Learner, experiment: Experiment, tasks: int) -> dict[str, float | None]:
    """Mean absolute error of each test patient, in points of the scale; None if it is not finite."""
    test = experiment.source.test
    found = evaluate(learner, test, tasks, metric="absolute error")
    points = found.values * experiment.source.scaling.target_std
    names = np.array(test.names(range(tasks)))
    means = {name: float(points[names == name].mean()) for name in sorted(set(names.tolist()), key=int)}
    return {name: round(mean, 5) if np.isfinite(mean) else None for name, mean in means.items()}


def main() -> None:
    """Computes the rows that are missing."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--methods", nargs="+", default=[*RIVALS, *LEARNED], choices=[*RIVALS, *LEARNED])
    parser.add_argument("--shots", nargs="+", type=int, default=list(SHOTS))
    parser.add_argument("--folds", nargs="+", type=int, default=list(range(FOLDS)))
    parser.add_argument("--steps", type=int, default=None, help="other outer steps than the recipe's")
    parser.add_argument("--tasks", type=int, default=600)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument(
        "--data", default=None, help="the file; None: $INNERLOOP_DATA/parkinsons-telemonitoring/parkinsons_updrs.data"
    )
    parser.add_argument("--out", type=Path, default=OUT)
    given = parser.parse_args()
    data = given.data or os.path.join(
        os.environ["INNERLOOP_DATA"], "parkinsons-telemonitoring", "parkinsons_updrs.data"
    )
    head = {
        "command": "python evidence/parkinsons.py", "tasks": given.tasks, "folds": FOLDS, "norm": "none",
        "device": "cpu",
    }  # fmt: skip
    cells = [
        (method, shots, order, fold, given.steps, given.tasks)
        for shots in given.shots for order in ORDERS for fold in given.folds for method in given.methods
    ]  # fmt: skip
    grid(given.out, head, cells, partial(row, data=data), processes=given.processes)


if __name__ == "__main__":
    main()
