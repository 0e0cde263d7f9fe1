"""The figure of evidence/rl.py: the half cheetah's return after one round over the environment steps of training."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

PICTURE = Path("docs/images/rl_cheetah.png")
LOOKS = {"promp": ("ProMP", "C0"), "pooled": ("pooled pretraining", "C1"), "maml_trpo": ("MAML-TRPO", "C2")}


def picture(rows: Sequence[dict[str, Any]], path: Path) -> None:
    """Each method's first seed on the validation speeds, with 95 % intervals over them, and who stands still.

    Args:
        rows: trained rows of one family, with their courses.
        path: the PNG, whole or not there.
    """
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    first: dict[str, dict[str, Any]] = {}
    for row in sorted(rows, key=lambda row: int(row["cell"][2])):
        first.setdefault(row["cell"][1], row)
    figure, axis = plt.subplots(figsize=(7, 4), layout="constrained")
    for method, row in first.items():
        name, colour = LOOKS[method]
        steps, before, after, half = ([line[k] for line in row["course"]] for k in range(4))
        millions = [at / 1e6 for at in steps]
        low, high = ([mean + side * each for mean, each in zip(after, half, strict=True)] for side in (-1, 1))
        axis.plot(millions, after, "-o", color=colour, ms=4, label=f"{name}, after one round")
        axis.fill_between(millions, low, high, color=colour, alpha=0.14, lw=0)
        axis.plot(millions, before, ":", color=colour, label=f"{name}, before")
    axis.axhline(next(iter(first.values()))["course_still"], color="0.4", ls="--", lw=1, label="standing still")
    axis.set(xlabel="environment steps, millions", ylabel="return on validation speeds")
    axis.grid(alpha=0.3)
    axis.legend(fontsize=8)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(path.name + ".tmp")
    figure.savefig(temporary, dpi=110, format="png")
    plt.close(figure)
    temporary.replace(path)
