"""The figure of evidence/control.py: success over demonstrations and over inner steps, MAML beside fine-tuning."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

LOOKS = {"maml": ("C0", "o"), "joint_fine_tuned": ("C1", "s"), "last_state": ("C2", "^")}
"""Colour and mark of each method; others take what is left."""
_REST = [(f"C{number}", "v") for number in range(3, 10)]


def picture(rows: Sequence[dict[str, Any]], path: Path) -> None:
    """A row of panels for each task: over demonstrations, and over inner steps for each number of demonstrations.

    Means over training seeds; a band is the mean 95 % interval over goals.

    Args:
        rows: the rows of the part "curves".
        path: the PNG, whole or not there.
    """
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    tasks = list(dict.fromkeys(row["cell"][1] for row in rows))
    shots = sorted({int(count) for row in rows for count in row["over_steps"]})
    across = 1 + len(shots)
    size = (4 * across, 3.4 * len(tasks))
    figure, axes = plt.subplots(len(tasks), across, figsize=size, sharey=True, layout="constrained", squeeze=False)
    methods = list(dict.fromkeys(row["method"] for row in rows))
    looks = dict(zip(methods, [LOOKS.get(method) for method in methods], strict=True))
    left = iter(_REST)
    looks = {method: look or next(left) for method, look in looks.items()}
    for line, task in zip(axes, tasks, strict=True):
        for method in methods:
            of = [row for row in rows if row["method"] == method and row["cell"][1] == task]
            if not of:
                continue
            colour, mark = looks[method]
            drawn: list[tuple[Any, list[Any]]] = [(line[0], [list(row["over_shots"].items()) for row in of])]
            for axis, count in zip(line[1:], shots, strict=True):
                found = [row["over_steps"].get(str(count)) for row in of]
                drawn.append((axis, [list(enumerate(points)) for points in found if points]))
            for axis, curves in drawn:
                if curves:
                    x = [float(at) for at, _ in curves[0]]
                    mean, half = np.array([[point for _, point in curve] for curve in curves], dtype=float).mean(0).T
                    low, high = (100 * np.clip(mean + side * half, 0, 1) for side in (-1, 1))
                    axis.plot(x, 100 * mean, f"-{mark}", color=colour, label=of[0]["name"], ms=4, lw=1.6)
                    axis.fill_between(x, low, high, color=colour, alpha=0.14, lw=0)
        places = sorted({int(count) for row in rows for count in row["over_shots"]})
        line[0].set(title=task, xlabel="demonstrations", ylabel="success, %", xscale="log", ylim=(-3, 103))
        line[0].set_xticks(places, [str(place) for place in places], minor=False)
        line[0].minorticks_off()
        for axis, count in zip(line[1:], shots, strict=True):
            axis.set(title=f"{task}, {count} demonstration{'s' * (count > 1)}", xlabel="inner steps")
        for axis in line:
            axis.grid(alpha=0.3)
    # of all tasks: the first may lack a method
    lines = {label: handle for row in axes for handle, label in zip(*row[0].get_legend_handles_labels(), strict=True)}
    axes[0][0].legend(lines.values(), lines.keys(), fontsize=8, loc="lower right")
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(path.name + ".tmp")
    figure.savefig(temporary, dpi=110, format="png")
    plt.close(figure)
    temporary.replace(path)
