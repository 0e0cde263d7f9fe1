"""Omniglot A, 5-way 1-shot: the gradient family at the same time of two cores each, on the same test tasks.

    python evidence/omniglot_family.py

trains each method by its recipe for --minutes of training, measures it on 1,000 fixed test tasks with batch and with
support statistics, and writes results/omniglot_family.json after every row. Rows that are there are not computed again.
"""

from __future__ import annotations

import argparse
import dataclasses
import time
from pathlib import Path
from typing import Any

import torch

from innerloop.evaluation import evaluate
from innerloop.files import read_json, write_json
from innerloop.outer import Run, fit, load_weights
from innerloop.outer._run import provenance
from innerloop.recipes import recipe
from innerloop.recipes._build import build
from innerloop.task import Task

METHODS = ("maml", "fomaml", "reptile", "anil", "meta_sgd", "maml_plus_plus", "imaml")
COMMAND = "python evidence/omniglot_family.py"
TRIAL = 12


def seconds_per_step(method: str, filters: int) -> float:
    """Seconds of an outer step, from a few of them after two to warm up."""
    experiment = build(dataclasses.replace(recipe("omniglot", method), filters=filters))
    settings, learner = experiment.fit_settings(), experiment.learner
    count, taken = settings["tasks_per_step"], []
    for step in range(TRIAL):
        tasks: Task = settings["source"].batch(torch.arange(step * count, (step + 1) * count))
        begun = time.perf_counter()
        learner.zero_grad()
        learner(tasks).loss.backward()
        taken.append(time.perf_counter() - begun)
    return sum(taken[2:]) / (TRIAL - 2)


def row(method: str, arguments: argparse.Namespace) -> dict[str, Any]:
    """One method, trained and measured."""
    done = arguments.runs / f"omniglot-family-{method}"
    steps, decided = arguments.steps, arguments.runs / f"omniglot-family-{method}.json"
    if steps is None and decided.exists():
        steps = int(read_json(decided)["steps"])
    if steps is None:
        # a tenth is left for validation; the schedule needs the number of steps beforehand
        steps = max(10, int(0.9 * 60 * arguments.minutes / seconds_per_step(method, arguments.filters)))
        arguments.runs.mkdir(parents=True, exist_ok=True)
        write_json(decided, {"steps": steps})
    chosen = dataclasses.replace(
        recipe("omniglot", method), steps=steps, filters=arguments.filters, validate_every=max(1, steps // 5),
        validation_tasks=min(300, arguments.tasks),
    )  # fmt: skip
    experiment = build(chosen)
    run = Run(done)
    found = fit(experiment.learner, **experiment.fit_settings(), run=run, resume=True)
    if found.interrupted:
        raise KeyboardInterrupt
    load_weights(run.best, experiment.learner)
    measured = {}
    for policy in ("batch", "support"):
        result = evaluate(experiment.learner, experiment.source.test, arguments.tasks, norm=policy)
        measured[policy] = {"mean": result.interval[0], "half": result.interval[1]}
    return {
        "method": method, "name": experiment.learner.name, "recipe": chosen.to_json(), "steps": steps,
        "trained_seconds": found.seconds, "best_step": found.best_step, "validation": found.best, "seed": chosen.seed,
        "accuracy": measured, "threads": torch.get_num_threads(), "provenance": provenance(),
    }  # fmt: skip


def main() -> None:
    """Computes the rows that are missing."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--methods", nargs="+", default=list(METHODS), choices=METHODS)
    parser.add_argument("--minutes", type=float, default=20.0)
    parser.add_argument("--steps", type=int, default=None, help="fixed number of steps in place of minutes")
    parser.add_argument("--filters", type=int, default=64)
    parser.add_argument("--tasks", type=int, default=1_000)
    parser.add_argument("--runs", type=Path, default=Path("runs"))
    parser.add_argument("--out", type=Path, default=Path("results/omniglot_family.json"))
    arguments = parser.parse_args()
    rows: list[dict[str, Any]] = read_json(arguments.out)["rows"] if arguments.out.exists() else []
    for method in arguments.methods:
        if method in [r["method"] for r in rows]:
            continue
        rows.append(row(method, arguments))
        write_json(
            arguments.out,
            {"command": COMMAND, "tasks": arguments.tasks, "minutes": arguments.minutes, "device": "cpu", "rows": rows},
        )
        print(rows[-1]["name"], rows[-1]["steps"], rows[-1]["accuracy"], flush=True)


if __name__ == "__main__":
    main()
