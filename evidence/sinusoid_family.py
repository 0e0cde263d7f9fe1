"""Sinusoids: the gradient family beside fine-tuning, a Gaussian process, ridge regression and the oracle.

    python evidence/sinusoid_family.py --part 0/2 &
    python evidence/sinusoid_family.py --part 1/2 &
    wait
    python evidence/sinusoid_family.py --collect

One row is one method, number of shots and training seed; a row that is done is kept in runs/sinusoid_family and never
computed again. `--collect` writes results/sinusoid_family.json and docs/images/sinusoid_family.png of the rows that
there are. Inner rates are chosen at 10 shots, from the same eight for every method, on validation tasks.
"""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from innerloop.evaluation import evaluate, interval
from innerloop.files import read_json, write_json
from innerloop.gradient import SGD, FirstOrder, GradientLearner
from innerloop.learner import Learner
from innerloop.methods import constant
from innerloop.outer import fit
from innerloop.outer._run import provenance
from innerloop.recipes import recipe
from innerloop.recipes._build import Experiment, build
from innerloop.sources import Sinusoids

METHODS = (
    "maml", "fomaml", "reptile", "anil", "boil", "meta_sgd", "maml_plus_plus", "imaml", "cavia", "meta_curvature",
    "lstm", "pretraining",
)  # fmt: skip
SHOTS, SEEDS, STEPS = (5, 10, 20), (0, 1, 2, 3, 4), 10
RATES = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0)
TUNING_SEED, TUNING_SHOTS = 100, 10
OUTSIDE = (5.0, 10.0)
COMMAND = "python evidence/sinusoid_family.py"


def experiment(method: str, shots: int, seed: int, rate: float, steps: int) -> Experiment:
    """A recipe's experiment with other shots, seed, inner rate and length."""
    chosen = dataclasses.replace(
        recipe("sinusoids", method), shots=shots, queries=shots, train_queries=shots, seed=seed, steps=steps,
        inner_lr=rate, validation_tasks=200,
    )  # fmt: skip
    return build(chosen)


def trained(method: str, shots: int, seed: int, rate: float, steps: int) -> tuple[Learner, float]:
    """A trained learner and the seconds that it took."""
    made = experiment(method, shots, seed, rate, steps)
    found = fit(made.learner, **made.fit_settings(), progress=False)
    if found.interrupted:
        raise KeyboardInterrupt
    return made.learner, found.seconds


def fine_tuner(network: torch.nn.Module, rate: float) -> Learner:
    """Gradient descent from a pretrained network."""
    return GradientLearner(network, optimiser=SGD(rate), outer_gradient=FirstOrder(), steps=1)


def curve(learner: Learner, source: Any, tasks: int) -> list[tuple[float, float]]:
    """Mean squared error and 95 % half-width after 0, 1, ... inner steps."""
    found = evaluate(learner, source, tasks, steps=1, curve_steps=STEPS, curve_tasks=tasks)
    return [(float(mean), float(half)) for mean, half in found.curve]


def tune(method: str, steps: int, tasks: int) -> dict[str, Any]:
    """Validation error for each rate at 10 shots, after the steps that the method trains with."""
    tried: dict[str, float] = {}
    validation = Sinusoids(TUNING_SHOTS, TUNING_SHOTS).validation
    # one pretrained network serves every rate: only its fine-tuning depends on the rate
    pretrained = trained(method, TUNING_SHOTS, TUNING_SEED, 0.01, steps)[0] if method == "pretraining" else None
    for rate in RATES:
        try:
            if pretrained is not None:
                value = evaluate(fine_tuner(pretrained.network, rate), validation, tasks, steps=STEPS).mean
            else:
                value = evaluate(trained(method, TUNING_SHOTS, TUNING_SEED, rate, steps)[0], validation, tasks).mean
        except Exception as error:  # a rate at which training diverges is a trial that failed, and stays on record
            value = float("nan")
            print(f"{method} at {rate:g}: {error}", flush=True)
        tried[f"{rate:g}"] = value if np.isfinite(value) else float("nan")
    best = min((value, rate) for rate, value in tried.items() if np.isfinite(value))[1]
    return {
        "method": method,
        "rate": float(best),
        "tried": {k: v if np.isfinite(v) else None for k, v in tried.items()},
    }


def row(method: str, shots: int, seed: int, rate: float, steps: int, tasks: int) -> dict[str, Any]:
    """One trained learner, measured inside and outside of the range that it was trained on."""
    learner, seconds = trained(method, shots, seed, rate, steps)
    name = "Pretrained + fine-tuned" if method == "pretraining" else learner.name
    if method == "pretraining":
        learner = fine_tuner(learner.network, rate)
    test = Sinusoids(shots, shots).test
    return {
        "method": method, "name": name, "shots": shots, "seed": seed, "rate": rate, "trained_seconds": seconds,
        "trained_steps": recipe("sinusoids", method).inner_steps if method != "pretraining" else None,
        "inside": curve(learner, test, tasks), "outside": curve(learner, test.with_(amplitude=OUTSIDE), tasks),
    }  # fmt: skip


def closed_forms(shots: int, tasks: int) -> list[dict[str, Any]]:
    """Rivals without meta-training; what they have to choose is chosen among eight on validation tasks."""
    splits = Sinusoids(shots, shots)
    found = []
    for name, make, choices in (
        ("Gaussian process, squared exponential kernel", gaussian_process, np.geomspace(0.3, 5.0, 8)),
        ("Ridge regression on (sin x, cos x)", ridge, np.geomspace(1e-8, 1.0, 8)),
    ):
        errors = {float(c): float(make(splits.validation[0:tasks], float(c)).mean()) for c in choices}
        best = min(errors, key=lambda choice: errors[choice])
        entry: dict[str, Any] = {"name": name, "shots": shots, "chosen": best}
        for where, source in (("inside", splits.test), ("outside", splits.test.with_(amplitude=OUTSIDE))):
            entry[where] = list(interval(make(source[0:tasks], best)))
        found.append(entry)
    trivial: dict[str, Any] = {"name": "Mean of the support targets", "shots": shots, "chosen": None}
    exact: dict[str, Any] = {"name": "Oracle: knows amplitude and phase", "shots": shots, "chosen": None}
    for where, source in (("inside", splits.test), ("outside", splits.test.with_(amplitude=OUTSIDE))):
        trivial[where] = [float(v) for v in evaluate(constant(), source, tasks).interval]
        exact[where] = list(interval(oracle(source, tasks)))
    return [*found, trivial, exact]


def gaussian_process(task: Any, length: float) -> np.ndarray[Any, Any]:
    """Squared error of each task for a process of unit scale per task and a jitter of 1e-6."""
    x, y, at = task.support.x.double(), task.support.y.double(), task.query.x.double()
    scale = y.square().mean(1, keepdim=True).clamp(min=1e-12)

    def kernel(a: Tensor, b: Tensor) -> Tensor:
        return scale * torch.exp(-0.5 * ((a - b.mT) / length) ** 2)

    inside = kernel(x, x) + 1e-6 * scale * torch.eye(x.shape[1], dtype=x.dtype)
    mean = kernel(at, x) @ torch.linalg.solve(inside, y)
    return np.asarray((mean - task.query.y).square().mean((1, 2)).numpy())


def ridge(task: Any, penalty: float) -> np.ndarray[Any, Any]:
    """Squared error of each task for ridge regression on the basis that spans the family."""

    def basis(x: Tensor) -> Tensor:
        return torch.cat([torch.sin(x), torch.cos(x)], -1).double()

    a, y = basis(task.support.x), task.support.y.double()
    weights = torch.linalg.solve(a.mT @ a + penalty * torch.eye(2, dtype=a.dtype), a.mT @ y)
    return np.asarray((basis(task.query.x) @ weights - task.query.y).square().mean((1, 2)).numpy())


def oracle(source: Any, tasks: int) -> np.ndarray[Any, Any]:
    """Squared error of each task for the curve itself."""
    task, (amplitude, phase) = source[0:tasks], source.parameters(torch.arange(tasks))
    curve_ = amplitude[:, None, None] * torch.sin(task.query.x - phase[:, None, None])
    return np.asarray((curve_ - task.query.y).square().mean((1, 2)).numpy())


def kept(path: Path, make: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """What a file holds; it is made first if it is not there."""
    if not path.exists():
        found = make()
        write_json(path, found)
        print(path.name, flush=True)
    return dict(read_json(path))


def work(arguments: argparse.Namespace) -> None:
    """Computes the rows of this part that are missing, methods dealt out to the parts."""
    part, parts = (int(number) for number in arguments.part.split("/"))
    for method in arguments.methods[part::parts]:
        tuned = kept(
            arguments.runs / f"tuned-{method}.json",
            lambda m=method: tune(m, arguments.tuning_steps, arguments.tasks),
        )
        for shots in SHOTS:
            for seed in SEEDS[: arguments.seeds]:
                kept(
                    arguments.runs / f"{method}-{shots}-{seed}.json",
                    lambda m=method, k=shots, s=seed, r=tuned["rate"]: row(
                        m, k, s, r, arguments.steps, arguments.tasks
                    ),
                )


def collect(arguments: argparse.Namespace) -> None:
    """Writes the table and the picture of what there is."""
    rows = [read_json(path) for path in sorted(arguments.runs.glob("*.json")) if not path.name.startswith("tuned-")]
    tuned = [read_json(path) for path in sorted(arguments.runs.glob("tuned-*.json"))]
    table = []
    for method, shots in sorted({(r["method"], r["shots"]) for r in rows}, key=lambda k: (METHODS.index(k[0]), k[1])):
        of = [r for r in rows if (r["method"], r["shots"]) == (method, shots)]
        entry: dict[str, Any] = {k: of[0][k] for k in ("method", "name", "shots", "rate", "trained_steps")}
        entry["seeds"] = [r["seed"] for r in of]
        for where in ("inside", "outside"):
            means, halves = (np.array([[point[k] for point in r[where]] for r in of]) for k in (0, 1))
            entry[where] = {
                "mean": means.mean(0).tolist(),
                "half_over_tasks": halves.mean(0).tolist(),
                "sd_over_seeds": means.std(0, ddof=1).tolist() if len(of) > 1 else None,
            }
        entry["trained_seconds"] = float(np.mean([r["trained_seconds"] for r in of]))
        table.append(entry)
    write_json(
        arguments.out,
        {
            "command": COMMAND, "outer_steps": arguments.steps, "tuning_steps": arguments.tuning_steps,
            "tasks": arguments.tasks, "rates_tried": RATES, "tuned": tuned, "norm": "none", "table": table,
            "closed_forms": [entry for shots in SHOTS for entry in closed_forms(shots, arguments.tasks)],
            "outside": {"amplitude": OUTSIDE}, "complete": len(rows) == len(METHODS) * len(SHOTS) * len(SEEDS),
            "device": "cpu", "provenance": provenance() | {"command": COMMAND},
            "seconds": round(sum(r["trained_seconds"] for r in rows), 1),
        },
    )  # fmt: skip
    picture(table, arguments.picture)
    print(f"{len(rows)} rows of {len(METHODS) * len(SHOTS) * len(SEEDS)}")


def picture(table: list[dict[str, Any]], path: Path) -> None:
    """Error against inner steps, a panel for each number of shots."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(1, len(SHOTS), figsize=(12, 4), sharey=True, layout="constrained")
    for axis, shots in zip(axes, SHOTS, strict=True):
        for entry in (e for e in table if e["shots"] == shots):
            mean = np.array(entry["inside"]["mean"])
            shown = np.where(mean < 20, mean, np.nan)  # a learner that diverges past its steps would hide the others
            colour = f"C{METHODS.index(entry['method']) % 10}"
            dashes = "--" if METHODS.index(entry["method"]) >= 10 else "-"
            axis.plot(range(len(mean)), shown, dashes, color=colour, label=entry["name"], lw=1.5)
        axis.set(title=f"{shots} shots", xlabel="inner steps", yscale="log")
        axis.grid(alpha=0.3)
    axes[0].set_ylabel("squared error on test tasks")
    axes[-1].legend(fontsize=7, ncols=2)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(path.name + ".tmp")
    figure.savefig(temporary, dpi=110, format="png")
    temporary.replace(path)


def main() -> None:
    """Works on a part, or collects."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--part", default="0/1", help="K/N: the K-th of N shares of the methods")
    parser.add_argument("--collect", action="store_true", help="write the table and the picture of what there is")
    parser.add_argument("--methods", nargs="+", default=list(METHODS), choices=METHODS)
    parser.add_argument("--seeds", type=int, default=len(SEEDS))
    parser.add_argument("--steps", type=int, default=15_000)
    parser.add_argument("--tuning-steps", type=int, default=3_000)
    parser.add_argument("--tasks", type=int, default=1_000)
    parser.add_argument("--runs", type=Path, default=Path("runs/sinusoid_family"))
    parser.add_argument("--out", type=Path, default=Path("results/sinusoid_family.json"))
    parser.add_argument("--picture", type=Path, default=Path("docs/images/sinusoid_family.png"))
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    if arguments.collect:
        collect(arguments)
    else:
        arguments.runs.mkdir(parents=True, exist_ok=True)
        work(arguments)


if __name__ == "__main__":
    main()
