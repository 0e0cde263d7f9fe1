"""Sinusoids, K = 10: MAML against the pretrained network, the trivial predictor and the closed form.

    python evidence/sinusoids.py

writes results/sinusoids.json. Rows that are done are kept in runs/ and not computed again.
"""

from __future__ import annotations

import argparse
import dataclasses
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

from innerloop.evaluation import evaluate, interval, paired_difference
from innerloop.evaluation._evaluation import Evaluation
from innerloop.files import read_json, write_json
from innerloop.gradient import SGD, FirstOrder, GradientLearner
from innerloop.methods import constant
from innerloop.outer import Run, fit, load_weights
from innerloop.outer._run import provenance
from innerloop.recipes import recipe
from innerloop.recipes._build import build

# tried for both learners and both step counts: the same number of trials for each
RATES = (0.001, 0.003, 0.01, 0.02, 0.03, 0.05, 0.1, 0.2)
STEPS = (1, 10)
SEEDS = (0, 1, 2)


def trained(method: str, seed: int, steps: int, runs: Path) -> tuple[torch.nn.Module, float, Any]:
    """The network that a method trained with a seed, the seconds that it took, and its source of tasks."""
    chosen = dataclasses.replace(recipe("sinusoids", method), seed=seed, steps=steps)
    experiment = build(chosen)
    run = Run(runs / f"sinusoids-{method}-seed{seed}-{steps}")
    done = run.folder / "fit.json"
    if not done.exists():
        found = fit(experiment.learner, **experiment.fit_settings(), run=run, resume=True)
        if found.interrupted:
            raise KeyboardInterrupt
        write_json(done, vars(found))
    load_weights(run.best, experiment.learner)
    return experiment.learner.network, float(read_json(done)["seconds"]), experiment.source


def tuned_row(network: torch.nn.Module, source: Any, steps: int, tasks: int) -> tuple[float, Evaluation]:
    """The best rate for `steps` steps on validation tasks, and the test result with it."""

    def learner(rate: float) -> GradientLearner:
        return GradientLearner(network, optimiser=SGD(rate), outer_gradient=FirstOrder(), steps=steps)

    tried = {rate: evaluate(learner(rate), source.validation, tasks).mean for rate in RATES}
    best = min((value, rate) for rate, value in tried.items() if np.isfinite(value))[1]
    return best, evaluate(learner(best), source.test, tasks)


def oracle(source: Any, tasks: int) -> np.ndarray[Any, Any]:
    """Squared error of least squares on the basis (sin x, cos x): what knowing the family is worth."""
    task = source.test[0:tasks]

    def basis(x: torch.Tensor) -> torch.Tensor:
        return torch.cat([torch.sin(x), torch.cos(x)], -1).double()

    fitted = torch.linalg.lstsq(basis(task.support.x), task.support.y.double()).solution
    error = basis(task.query.x) @ fitted - task.query.y
    return error.square().mean((1, 2)).numpy()


def main() -> None:
    """Trains what is missing and writes the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=50_000)
    parser.add_argument("--tasks", type=int, default=1_000)
    parser.add_argument("--runs", type=Path, default=Path("runs"))
    parser.add_argument("--out", type=Path, default=Path("results/sinusoids.json"))
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    start, rows, paired = time.perf_counter(), [], []
    per_task: dict[tuple[str, int], list[np.ndarray[Any, Any]]] = {}
    for method, name in (("maml", "MAML"), ("pretraining", "Pretrained on all tasks")):
        for seed in SEEDS:
            network, seconds, source = trained(method, seed, arguments.steps, arguments.runs)
            for steps in STEPS:
                rate, found = tuned_row(network, source, steps, arguments.tasks)
                per_task.setdefault((name, steps), []).append(found.values)
                mean, half = found.interval
                rows.append({"row": name, "seed": seed, "steps": steps, "rate": rate, "mean": mean, "half": half,
                             "trained_seconds": seconds})  # fmt: skip
                print(rows[-1], flush=True)
    table = []
    for (name, steps), values in per_task.items():
        means = [float(v.mean()) for v in values]
        mean, half = interval(np.mean(values, axis=0))
        table.append({"row": name, "steps": steps, "mean": mean, "half": half, "seeds": means,
                      "sd_over_seeds": float(np.std(means, ddof=1))})  # fmt: skip
    for steps in STEPS:
        maml, rival = (np.mean(per_task[(name, steps)], axis=0) for name in ("MAML", "Pretrained on all tasks"))
        difference = paired_difference(maml, rival)
        paired.append({"steps": steps, "times_lower": float(rival.mean() / maml.mean()), **difference._asdict()})
    trivial = evaluate(constant(), source.test, arguments.tasks)
    exact = interval(oracle(source, arguments.tasks))
    for name, (mean, half) in (("Trivial: mean of the support targets", trivial.interval), ("Closed form", exact)):
        table.append({"row": name, "steps": None, "mean": mean, "half": half, "seeds": None, "sd_over_seeds": None})
    zero = float(source.test[0 : arguments.tasks].query.y.square().mean())
    write_json(
        arguments.out,
        {
            "command": "python evidence/sinusoids.py",
            "tasks": source.test.describe() | {"count": arguments.tasks},
            "outer_steps": arguments.steps,
            "rates_tried": RATES,
            "chosen_on": f"{arguments.tasks} validation tasks",
            "training_seeds": SEEDS,
            "norm": "none",
            "table": table,
            "rows": rows,
            "maml_against_pretrained": paired,
            "predict_zero": zero,
            "provenance": provenance() | {"command": "python evidence/sinusoids.py"},
            "seconds": round(time.perf_counter() - start, 1),
        },
    )
    for entry in table:
        print(entry)
    print(paired)


if __name__ == "__main__":
    main()
