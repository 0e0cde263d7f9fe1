"""The tables of evidence/control.py: how often goals are reached after a few demonstrations."""

from __future__ import annotations

from itertools import groupby
from typing import Any

import numpy as np

from _markdown import about, load, markdown, number


def control(name: str) -> str:
    """A table for each task; each learner's mean over its training seeds."""
    found = load(name)
    rows = sorted(found["rows"], key=lambda row: (row["cell"][1], row["method"], row["cell"][2]))
    first = rows[0]
    _, _, _, steps, demonstrated, goals, rollouts, shots, limit = first["cell"]
    parts = [
        f"Success in per cent over {goals} unseen goals with {rollouts} rollouts of at most {limit} steps each, after "
        f"{shots[0]} demonstration(s); ± half of the 95 % interval over goals, in brackets the standard deviation over "
        f"training seeds. {steps:,} outer steps on {demonstrated} goals. Training includes choosing steps and rates."
    ]
    for task, of_task in groupby(rows, lambda row: row["cell"][1]):
        body = []
        for _, group in groupby(list(of_task), lambda row: row["method"]):
            of = list(group)
            means = [row["success"][0] for row in of]
            training = np.mean([row["seconds"]["training"] for row in of])
            cells = [_over_seeds(of, "success"), _over_seeds(of, "not_adapted"), str(len(of)), f"{training:.0f}"]
            body.append((np.mean(means), [_name(of[0]), of[0]["family"], *cells]))
        ordered = [line for _, line in sorted(body, key=lambda pair: -pair[0])]
        head = ["learner", "family", "success, %", "before adapting, %", "seeds", "training, s"]
        parts += [f"**{task}**", markdown([head, *ordered])]
    seeds = len({row["cell"][2] for row in rows})
    versions = ", ".join(f"{package} {first['about'][package]}" for package in ("metaworld", "mujoco", "gymnasium"))
    about_ = about(first["provenance"], seeds, versions)
    return "\n\n".join([*parts, f"From `results/{name}.json`: at most {about_}"])


def _name(row: dict[str, Any]) -> str:
    chosen = row["chosen"]
    same = {"joint_one_step": "Joint network, one step as MAML takes it"}.get(row["method"], row["name"])
    if chosen is None:
        return same
    return f"{same} ({chosen['inner_steps']} steps at {chosen['inner_lr']:g}, chosen on validation goals)"


def _over_seeds(rows: list[dict[str, Any]], key: str) -> str:
    if any(row[key] is None for row in rows):
        return "-"
    means, halves = ([row[key][i] for row in rows] for i in (0, 1))
    spread = f" ({100 * np.std(means, ddof=1):.1f})" if len(means) > 1 else ""
    return number(float(np.mean(means)), float(np.mean(halves))) + spread
