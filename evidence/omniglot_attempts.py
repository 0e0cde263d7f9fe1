"""Omniglot: attempts of methods whose first recipe stayed below what is asked of them.

    python evidence/omniglot_attempts.py

trains each attempt for the minutes of its problem, as evidence/omniglot.py does, measures it on the same test tasks,
and writes results/omniglot_attempts.json after every row, with the validation accuracy on the way. `--picture` draws
these curves. A row that is there is not computed again.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from _grid import grid
from omniglot import row as trained
from torch import nn

from innerloop.files import read_json
from innerloop.learner import Learner
from innerloop.methods import in_context
from innerloop.networks import Policy
from innerloop.outer import Run

OUT, PICTURE = Path("results/omniglot_attempts.json"), Path("docs/images/omniglot_attempts.png")


@dataclass(frozen=True)
class Problem:
    """What is attempted.

    Attributes:
        method: of the recipe.
        asked: accuracy in per cent that is asked for; None: nothing is.
        protocol: of Omniglot.
        ways: of a test task; they have one shot.
        minutes: of training.
    """

    method: str
    asked: float | None = None
    protocol: str = "A"
    ways: int = 5
    minutes: float = 20.0


PROBLEMS = {
    "ridge": Problem("ridge", 98.0),
    "in_context": Problem("in_context", 97.0),
    "svm": Problem("svm"),
    "prototypes, B": Problem("prototypes", 86.0, "B", 20, 60.0),
}

ATTEMPTS: dict[str, dict[str, dict[str, Any]]] = {
    "ridge": {
        "60 ways in training": {"train_ways": 60, "tasks_per_step": 1, "weight_decay": 0.0},
        "20 ways in training, 3 tasks a step": {"train_ways": 20, "tasks_per_step": 3, "weight_decay": 0.0},
        "20 ways in training, 3 tasks a step, weight decay 0.1": {
            "train_ways": 20, "tasks_per_step": 3, "weight_decay": 0.1,
        },
    },
    "in_context": {
        "6 layers, 4 heads; 5 ways in training, 16 tasks a step": {
            "method": "evidence/omniglot_attempts.py:deep", "train_ways": None, "tasks_per_step": 16,
            "weight_decay": 0.0,
        },
        "6 layers, 4 heads; 20 ways in training, 4 tasks a step, weight decay 0.1": {
            "method": "evidence/omniglot_attempts.py:deep", "train_ways": 20, "tasks_per_step": 4, "weight_decay": 0.1,
        },
        "2 layers, 1 head; 5 ways in training, 4 tasks a step": {
            "method": "in_context", "train_ways": None, "tasks_per_step": 4, "weight_decay": 0.0,
        },
    },
    "svm": {
        "5 ways and 5 shots in training, 8 tasks a step": {
            "train_ways": None, "train_shots": 5, "tasks_per_step": 8, "weight_decay": 0.0,
        },
        "20 ways and 1 shot in training, 2 tasks a step": {
            "train_ways": 20, "train_shots": None, "tasks_per_step": 2, "weight_decay": 0.0,
        },
    },
    "prototypes, B": {
        "drawings as they are": {"centre": False},
        "drawings moved to the middle": {"centre": True},
    },
}  # fmt: skip
"""What is set, by what is said of it; whatever is not named is as in the recipe."""


def deep(embedding: nn.Module, ways: int, norm: Policy) -> Learner:
    """The in-context transformer in the sizes that its authors have for numbers."""
    return in_context(embedding, ways=ways, layers=6, heads=4, norm=norm)


def attempt(problem: str, name: str, minutes: float, seed: int, tasks: int, runs: Path) -> dict[str, Any]:
    """One attempt, trained and measured; with its validation accuracy on the way."""
    of, changes = PROBLEMS[problem], ATTEMPTS[problem][name]
    label = "".join(f"-{key}={str(value).rpartition(':')[2]}" for key, value in sorted(changes.items()))
    shape = (of.protocol, of.ways, 1)
    found = trained(of.method, *shape, seed, minutes, None, 64, tasks, runs, changes=changes, label=label)
    entries = Run(runs / f"omniglot-{of.protocol}-{of.method}-{of.ways}w1s-{seed}{label}").metrics()
    curve = [[e["step"], round(e["seconds"], 1), round(e["validation"], 5)] for e in entries if "validation" in e]
    name = found["name"] + (", within alphabets" if of.protocol == "B" else "")
    return {**found, "name": name, "changes": changes, "curve": curve}


def picture(rows: list[dict[str, Any]], path: Path) -> None:
    """Validation accuracy against minutes of training, a panel for each problem."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    shown = [name for name in PROBLEMS if any(row["cell"][0] == name for row in rows)]
    figure, axes = plt.subplots(1, len(shown), figsize=(4.6 * len(shown), 4.4), layout="constrained", squeeze=False)
    for axis, name in zip(axes[0], shown, strict=True):
        for each in (row for row in rows if row["cell"][0] == name):
            _, seconds, accuracy = zip(*each["curve"], strict=True)
            axis.plot([s / 60 for s in seconds], [100 * a for a in accuracy], "o-", ms=3, label=each["cell"][1])
        if (asked := PROBLEMS[name].asked) is not None:
            axis.axhline(asked, color="0.5", ls=":", label="asked")
        axis.set(title=next(row["name"] for row in rows if row["cell"][0] == name), xlabel="minutes of training")
        axis.grid(alpha=0.3)
        axis.legend(fontsize=7, loc="upper left", bbox_to_anchor=(0, -0.18))
    axes[0][0].set_ylabel("validation accuracy, %")
    temporary = path.with_name(path.name + ".tmp")
    figure.savefig(temporary, dpi=110, format="png")
    temporary.replace(path)


def main() -> None:
    """Computes the rows that are missing, then draws."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--problems", nargs="+", default=list(PROBLEMS), choices=PROBLEMS)
    parser.add_argument("--minutes", type=float, default=None, help="other minutes than the problem's")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--tasks", type=int, default=1_000)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--runs", type=Path, default=Path("runs"))
    parser.add_argument("--out", type=Path, default=OUT)
    parser.add_argument("--attempts", nargs="+", default=None, help="only those whose name begins like this")
    parser.add_argument("--picture", action="store_true", help="only draw what is in the file")
    given = parser.parse_args()
    if not given.picture:
        asked = {name: problem.asked for name, problem in PROBLEMS.items() if problem.asked is not None}
        head = {"command": "python evidence/omniglot_attempts.py", "tasks": given.tasks, "asked": asked}
        cells = [
            (problem, name, given.minutes or PROBLEMS[problem].minutes, given.seed, given.tasks)
            for problem in given.problems for name in ATTEMPTS[problem]
            if given.attempts is None or name.startswith(tuple(given.attempts))
        ]  # fmt: skip
        grid(given.out, head, cells, partial(attempt, runs=given.runs), processes=given.processes)
    if given.out.exists():
        picture(read_json(given.out)["rows"], PICTURE)


if __name__ == "__main__":
    main()
