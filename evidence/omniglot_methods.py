"""Omniglot A: methods at the same training time of two cores each, on the same 1,000 test tasks.

    python evidence/omniglot_methods.py

trains each method by its recipe for --minutes, measures it with batch and with support statistics, and writes
results/omniglot_methods.json after every row. A row that is there is not computed again; one that was stopped goes on.
"""

from __future__ import annotations

import argparse
import dataclasses
from pathlib import Path
from typing import Any

from _grid import grid

from innerloop.evaluation import evaluate
from innerloop.files import read_json, write_json
from innerloop.outer import Run, fit, load_weights
from innerloop.recipes import recipe
from innerloop.recipes._build import build
from innerloop.recipes._minutes import within_minutes

METHODS = ("maml", "fomaml", "reptile", "anil", "meta_sgd", "maml_plus_plus", "imaml")
OUT = Path("results/omniglot_methods.json")


def row(
    method: str, ways: int, shots: int, seed: int, minutes: float, steps: int | None, filters: int, tasks: int,
    runs: str,
) -> dict[str, Any]:  # fmt: skip
    """One method, trained and measured."""
    folder = Path(runs) / f"omniglot-{method}-{ways}w{shots}s-{seed}"
    decided = folder.with_suffix(".json")
    chosen = dataclasses.replace(
        recipe("omniglot", method), ways=ways, shots=shots, seed=seed, filters=filters,
        validation_tasks=min(300, tasks),
    )  # fmt: skip
    if steps is None and decided.exists():
        steps = int(read_json(decided)["steps"])
    if steps is None:
        # the schedule needs the number of steps beforehand
        steps = within_minutes(dataclasses.replace(chosen, validate_every=None), minutes)[0].steps
        folder.parent.mkdir(parents=True, exist_ok=True)
        write_json(decided, {"steps": steps})
    chosen = dataclasses.replace(chosen, steps=steps, validate_every=max(1, steps // 5))
    experiment = build(chosen)
    run = Run(folder)
    found = fit(experiment.learner, **experiment.fit_settings(), run=run, resume=True)
    if found.interrupted:
        raise KeyboardInterrupt
    load_weights(run.best, experiment.learner)
    measured = {}
    for norm in ("batch", "support") if chosen.norm == "batch" else (chosen.norm,):
        result = evaluate(experiment.learner, experiment.source.test, tasks, norm=norm)
        measured[norm] = {"mean": result.interval[0], "half": result.interval[1]}
    return {
        "name": experiment.learner.name, "steps": steps, "trained_seconds": found.seconds, "accuracy": measured,
        "best_step": found.best_step, "validation": found.best, "recipe": chosen.to_json(),
    }  # fmt: skip


def main() -> None:
    """Computes the rows that are missing."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--methods", nargs="+", default=list(METHODS), choices=METHODS)
    parser.add_argument("--minutes", type=float, default=20.0)
    parser.add_argument("--steps", type=int, default=None, help="fixed number of steps in place of minutes")
    parser.add_argument("--filters", type=int, default=64)
    parser.add_argument("--tasks", type=int, default=1_000)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--runs", type=Path, default=Path("runs"))
    parser.add_argument("--out", type=Path, default=OUT)
    given = parser.parse_args()
    sizes = (given.minutes, given.steps, given.filters, given.tasks, str(given.runs))
    head = {
        "command": "python evidence/omniglot_methods.py", "tasks": given.tasks, "minutes": given.minutes,
        "device": "cpu",
    }  # fmt: skip
    grid(given.out, head, [(method, 5, 1, 0, *sizes) for method in given.methods], row, threads=given.threads)


if __name__ == "__main__":
    main()
