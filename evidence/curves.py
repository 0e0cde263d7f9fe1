"""Curves from Gaussian processes: how many nats a learner loses against the posterior that knows the kernel.

    python evidence/curves.py

A row is one method trained for --minutes of one core on one protocol; "fixed" has one kernel for all curves, "tnp"
draws length and scale anew in every task, and is measured on kernels that were not in training, too. Rows are written
to results/curves.json when they are done and never computed again; a training that was stopped goes on.
"""

from __future__ import annotations

import argparse
import dataclasses
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from _grid import grid

from innerloop import methods
from innerloop.evaluation import evaluate, paired_difference
from innerloop.evaluation._statistics import interval
from innerloop.files import read_json, write_json
from innerloop.losses import gaussian_nll
from innerloop.outer import Run, fit, load_weights
from innerloop.recipes import recipe
from innerloop.recipes._build import build
from innerloop.recipes._minutes import within_minutes

METHODS = ("cnp", "anp", "in_context", "maml", "ridge")
KERNELS = {"fixed": ("rbf",), "tnp": ("rbf", "matern", "periodic")}
"""What a learner is measured on; it is trained on the first of them."""
OUT = Path("results/curves.json")


def row(
    method: str, protocol: str, seed: int, minutes: float, steps: int | None, tasks: int, runs: Path
) -> dict[str, Any]:
    """One method, trained on one protocol and measured on each of its kernels."""
    folder = runs / f"curves-{protocol}-{method}-{seed}"
    decided = folder.with_suffix(".json")
    chosen = dataclasses.replace(recipe("curves", method), protocol=protocol, seed=seed)
    if steps is None and decided.exists():
        steps = int(read_json(decided)["steps"])
    if steps is None:
        steps = within_minutes(chosen, minutes)[0].steps
        folder.parent.mkdir(parents=True, exist_ok=True)
        write_json(decided, {"steps": steps})
    chosen = dataclasses.replace(chosen, steps=steps)
    experiment = build(chosen)
    run = Run(folder)
    found = fit(experiment.learner, **experiment.fit_settings(), run=run, resume=True)
    if found.interrupted:
        raise KeyboardInterrupt
    load_weights(run.best, experiment.learner)
    density = experiment.learner.loss is gaussian_nll
    measured = {}
    for kernel in KERNELS[protocol]:
        test = dataclasses.replace(chosen, kernel=kernel).source().test
        # as in the published protocol the numbers of points are drawn for each task
        test = test if protocol == "fixed" else test.with_(points=chosen.points)
        own = evaluate(experiment.learner, test, tasks)
        oracle = methods.gaussian_process(kernel=kernel, noise=test.noise, known=True)
        best = evaluate(oracle, test.with_(known=True), tasks)
        trivial = evaluate(methods.constant(), test, tasks)
        measured[kernel] = {
            "squared_error": list(interval(own.values)), "posterior_squared_error": list(interval(best.values)),
            "constant_squared_error": list(interval(trivial.values)),
            "posterior_log_density": list(interval(-best.losses)),
            "log_density": list(interval(-own.losses)) if density else None,
            "gap": list(paired_difference(own.losses, best.losses)) if density else None,
            # of each task, so that rows can be compared in pairs
            "losses": [float(f"{loss:.4g}") for loss in own.losses] if density else None,
        }  # fmt: skip
    return {
        "name": experiment.learner.name, "family": experiment.learner.family, "steps": steps,
        "trained_seconds": found.seconds, "measured": measured, "best_step": found.best_step,
        "parameters": int(np.sum([p.numel() for p in experiment.learner.parameters()])), "recipe": chosen.to_json(),
    }  # fmt: skip


def main() -> None:
    """Computes the rows that are missing."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--methods", nargs="+", default=list(METHODS), choices=METHODS)
    parser.add_argument("--protocols", nargs="+", default=list(KERNELS), choices=list(KERNELS))
    parser.add_argument("--seeds", nargs="+", type=int, default=[0])
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--steps", type=int, default=None, help="fixed number of steps in place of minutes")
    parser.add_argument("--tasks", type=int, default=2_000)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--runs", type=Path, default=Path("runs"))
    parser.add_argument("--out", type=Path, default=OUT)
    given = parser.parse_args()
    head = {"command": "python evidence/curves.py", "tasks": given.tasks, "norm": "none", "device": "cpu"}
    cells = [
        (method, protocol, seed, given.minutes, given.steps, given.tasks)
        for seed in given.seeds for protocol in given.protocols for method in given.methods
    ]  # fmt: skip
    grid(given.out, head, cells, partial(row, runs=given.runs), processes=given.processes)


if __name__ == "__main__":
    main()
