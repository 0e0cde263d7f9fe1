"""Explain on five shots: is a planted wrong label found, and are the features of the body reused?

    python evidence/explain.py

trains each method by its recipe on Omniglot (needs $INNERLOOP_DATA) with 32 filters, then writes results/explain.json
after every row: where a planted wrong support label ranks among all 25 by exact leave-one-out, and each layer's
similarity before and after adaptation. A row that is there is not computed again; a training that was stopped goes on.
"""

from __future__ import annotations

import argparse
import dataclasses
from pathlib import Path
from typing import Any

from _grid import grid

from innerloop.evaluation import evaluate
from innerloop.explain import freezing, memorisation, movement, planted_label, similarity
from innerloop.gradient import GradientLearner
from innerloop.mapping import keep_large_blocks
from innerloop.outer import Run, fit, load_weights
from innerloop.recipes import recipe
from innerloop.recipes._build import build

METHODS = ("prototypes", "maml", "anil", "pretraining")
SHOTS = 5
UNSEEN = 1_000
"""Where the tasks with planted labels begin: how the two parts of the suspicion are summed was settled on the first 100
test tasks, so that a figure for it on those would flatter it."""
OUT = Path("results/explain.json")


def row(method: str, seed: int, steps: int, tasks: int, runs: str) -> dict[str, Any]:
    """One method, trained and explained."""
    chosen = dataclasses.replace(
        recipe("omniglot", method), shots=SHOTS, seed=seed, steps=steps, filters=32, train_queries=5, lr=3e-3,
        tasks_per_step=1 if method == "pretraining" else 4, validation_tasks=min(50, tasks),
        validate_every=max(1, steps // 3),
    )  # fmt: skip
    keep_large_blocks()
    experiment = build(chosen)
    run = Run(Path(runs) / f"explain-{method}-{seed}-{steps}")
    done = fit(experiment.learner, **experiment.fit_settings(), run=run, resume=True, progress=False)
    if done.interrupted:
        raise KeyboardInterrupt
    load_weights(run.best, experiment.learner)
    learner, test = experiment.learner, experiment.source.test
    planted = planted_label(learner, test, tasks, first=UNSEEN)
    accuracy = evaluate(learner, test, tasks).interval
    found: dict[str, Any] = {
        "name": learner.name, "trained_seconds": done.seconds, "recipe": chosen.to_json(),
        "accuracy": {"mean": accuracy.mean, "half": accuracy.half},
        "planted": planted.to_json(), "memorisation": memorisation(learner, test, tasks).to_json(),
    }  # fmt: skip
    if isinstance(learner, GradientLearner):
        for analysis in (similarity, movement, freezing):
            found[analysis.__name__] = analysis(learner, test, tasks).to_json()
    return found


def main() -> None:
    """Computes the rows that are missing."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--methods", nargs="+", default=list(METHODS), choices=METHODS)
    parser.add_argument("--seeds", nargs="+", type=int, default=[0])
    parser.add_argument("--steps", type=int, default=600)
    parser.add_argument("--tasks", type=int, default=200)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--runs", type=Path, default=Path("runs"))
    parser.add_argument("--out", type=Path, default=OUT)
    given = parser.parse_args()
    head = {
        "command": "python evidence/explain.py", "tasks": given.tasks, "shots": SHOTS, "outer_steps": given.steps,
        "planted_from": UNSEEN, "device": "cpu",
    }  # fmt: skip
    cells = [(m, seed, given.steps, given.tasks, str(given.runs)) for m in given.methods for seed in given.seeds]
    grid(given.out, head, cells, row, threads=given.threads)


if __name__ == "__main__":
    main()
