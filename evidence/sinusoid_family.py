"""Sinusoids: the gradient family beside fine-tuning, a Gaussian process, ridge regression and the oracle.

    python evidence/sinusoid_family.py

A row is one method, number of shots and training seed; it is written to results/sinusoid_family.json when it is done
and never computed again. Inner rates are chosen at 10 shots, from the same eight for every method, on validation tasks.
`--picture` draws the curves of what is in the file.
"""

from __future__ import annotations

import argparse
import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import torch
from _grid import grid
from _sinusoid_rivals import OUTSIDE, rivals

from innerloop.errors import TrainingError
from innerloop.evaluation import evaluate
from innerloop.files import read_json
from innerloop.gradient import SGD, FirstOrder, GradientLearner
from innerloop.learner import Learner
from innerloop.outer import fit
from innerloop.recipes import recipe
from innerloop.recipes._build import build
from innerloop.sources import Sinusoids

METHODS = (
    "maml", "fomaml", "reptile", "anil", "boil", "meta_sgd", "maml_plus_plus", "imaml", "cavia", "meta_curvature",
    "pretraining",
)  # fmt: skip
SLOW = ("lstm",)
"""An outer step takes many times as long as MAML's, so it is trained only if it is asked for."""
SHORTER = {"maml_plus_plus": 3, "imaml": 5}
"""How much less methods are trained and tuned whose outer steps take several times as long as MAML's."""
SHOTS, CURVE = (5, 10, 20), 10
RATES = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0)
TUNING_SEED, TUNING_SHOTS = 100, 10
OUT, PICTURE = Path("results/sinusoid_family.json"), Path("docs/images/sinusoid_family.png")


def trained(method: str, shots: int, seed: int, rate: float, steps: int) -> tuple[Learner, float]:
    """A recipe's learner with other shots, seed, inner rate and length, trained; and the seconds that it took."""
    chosen = dataclasses.replace(
        recipe("sinusoids", method), shots=shots, queries=shots, train_queries=shots, seed=seed, steps=steps,
        inner_lr=rate, validation_tasks=200,
    )  # fmt: skip
    made = build(chosen)
    found = fit(made.learner, **made.fit_settings(), progress=False)
    if found.interrupted:
        raise KeyboardInterrupt
    return made.learner, found.seconds


def fine_tuner(network: torch.nn.Module, rate: float) -> Learner:
    """Gradient descent from a pretrained network."""
    return GradientLearner(network, optimiser=SGD(rate), outer_gradient=FirstOrder(), steps=1)


def tune(method: str, steps: int, tasks: int) -> dict[str, Any]:
    """Validation error for each rate at 10 shots, after the steps that the method trains with."""
    tried: dict[float, float | None] = {}
    validation = Sinusoids(TUNING_SHOTS, TUNING_SHOTS).validation
    # one pretrained network serves every rate: only its fine-tuning depends on the rate
    pretrained = trained(method, TUNING_SHOTS, TUNING_SEED, 0.01, steps)[0] if method == "pretraining" else None
    for rate in RATES:
        try:
            if pretrained is not None:
                value = evaluate(fine_tuner(pretrained.network, rate), validation, tasks, steps=CURVE).mean
            else:
                value = evaluate(trained(method, TUNING_SHOTS, TUNING_SEED, rate, steps)[0], validation, tasks).mean
        except Exception as error:  # a rate at which training diverges is a trial that failed, and stays on record
            value = float("nan")
            print(f"{method} at {rate:g}: {error}", flush=True)
        tried[rate] = float(value) if np.isfinite(value) else None
    finite = [(value, rate) for rate, value in tried.items() if value is not None]
    # a method that diverges at every rate has no rows, and the page says so
    return {"rate": min(finite)[1] if finite else None, "tried": {f"{rate:g}": value for rate, value in tried.items()}}


def row(method: str, shots: int, seed: int, rate: float, steps: int, tasks: int) -> dict[str, Any]:
    """One trained learner, measured inside and outside of the range that it was trained on."""
    try:
        learner, seconds = trained(method, shots, seed, rate, steps)
    except TrainingError as error:  # held for the steps of the trials, and not for all; that is a result too
        return {"name": build(recipe("sinusoids", method)).learner.name, "diverged": str(error)}
    name, inner_steps = learner.name, recipe("sinusoids", method).inner_steps
    if method == "pretraining":
        learner, name, inner_steps = fine_tuner(learner.network, rate), "Pretrained + fine-tuned", None
    test, curve_steps = Sinusoids(shots, shots).test, max(CURVE, inner_steps or 0)
    return {
        "name": name, "trained_seconds": round(seconds, 1), "trained_steps": inner_steps,
        "inside": curve(learner, test, curve_steps, tasks),
        "outside": curve(learner, test.with_(amplitude=OUTSIDE), curve_steps, tasks),
    }  # fmt: skip


def curve(learner: Learner, source: Any, steps: int, tasks: int) -> dict[str, list[float | None]]:
    """Mean squared error and 95 % half-width after 0, 1, ... inner steps; None where it diverged."""
    found = evaluate(learner, source, tasks, steps=1, curve_steps=steps, curve_tasks=tasks).curve
    means, halves = ([float(f"{float(point[k]):.5g}") for point in found] for k in (0, 1))
    return {
        "mean": [value if np.isfinite(value) else None for value in means],
        "half": [value if np.isfinite(value) else None for value in halves],
    }


def picture(rows: list[dict[str, Any]], path: Path) -> None:
    """Error against inner steps, mean over seeds, a panel for each number of shots."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(1, len(SHOTS), figsize=(12, 4.6), sharey=True, layout="constrained")
    for axis, shots in zip(axes, SHOTS, strict=True):
        for place, method in enumerate(METHODS):
            of = [row for row in rows if row["cell"][:2] == [method, shots] and "diverged" not in row]
            if not of:
                continue
            mean = np.mean([np.array(row["inside"]["mean"], dtype=float)[: CURVE + 1] for row in of], 0)
            shown = np.where(mean < 20, mean, np.nan)  # a learner that diverges past its steps would hide the others
            style = "--" if place >= 10 else "-"
            axis.plot(range(len(mean)), shown, style, color=f"C{place % 10}", label=of[0]["name"], lw=1.5)
        axis.set(title=f"{shots} shots", xlabel="inner steps", yscale="log")
        axis.grid(alpha=0.3)
    axes[0].set_ylabel("squared error on test tasks")
    named = {label: line for axis in axes for line, label in zip(*axis.get_legend_handles_labels(), strict=True)}
    figure.legend(named.values(), named.keys(), loc="outside lower center", fontsize=8, ncols=6)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(path.name + ".tmp")
    figure.savefig(temporary, dpi=110, format="png")
    temporary.replace(path)


def main() -> None:
    """Computes what is missing, then draws."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--picture", action="store_true", help="only draw what is in the file")
    parser.add_argument("--methods", nargs="+", default=list(METHODS), choices=METHODS + SLOW)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=15_000)
    parser.add_argument("--tuning-steps", type=int, default=3_000)
    parser.add_argument("--tasks", type=int, default=1_000)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--out", type=Path, default=OUT)
    parser.add_argument("--image", type=Path, default=PICTURE)
    given = parser.parse_args()
    if not given.picture:
        steps = {method: given.steps // SHORTER.get(method, 1) for method in given.methods}
        head = {
            "command": "python evidence/sinusoid_family.py", "tasks": given.tasks, "outer_steps": given.steps,
            "tuning_steps": given.tuning_steps, "norm": "none", "device": "cpu", "outside": OUTSIDE,
            "rivals": [entry for shots in SHOTS for entry in rivals(shots, given.tasks)],
        }  # fmt: skip
        trials = [(method, given.tuning_steps // SHORTER.get(method, 1), given.tasks) for method in given.methods]
        tuned = grid(given.out, head, trials, tune, key="tuned", processes=given.processes)
        rates = {entry["cell"][0]: entry["rate"] for entry in tuned}
        # seeds come last: a grid that is stopped half way has fewer seeds, not fewer methods
        cells = [
            (method, shots, seed, rates[method], steps[method], given.tasks)
            for seed in range(given.seeds) for shots in SHOTS for method in given.methods if rates[method] is not None
        ]  # fmt: skip
        grid(given.out, head, cells, row, processes=given.processes)
    picture(read_json(given.out)["rows"], given.image)


if __name__ == "__main__":
    main()
