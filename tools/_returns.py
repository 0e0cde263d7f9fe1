"""Tables of meta-reinforcement learning: returns after each round of adaptation, beside who learns nothing."""

from __future__ import annotations

from typing import Any

import numpy as np

from _markdown import about, load, markdown, number
from innerloop.evaluation._statistics import interval

_NAMES = {
    "promp": "ProMP", "trpo": "MAML-TRPO", "trpo first order": "MAML-TRPO, first order",
    "pooled": "pooled pretraining, then policy gradients", "scratch": "untrained policy, then policy gradients",
    "rl2": "RL²", "Thompson": "Thompson sampling", "random": "a random arm",
}  # fmt: skip


def returns(name: str) -> str:
    """What each method earns, a table for each family of environments."""
    found = load(name)
    goals, bandits = (
        [row for row in found["rows"] if row["cell"][0] == family] for family in ("navigation", "bandits")
    )
    parts = []
    if goals:
        rounds = len(goals[0]["returns"]["curve"]) - 1
        parts.append(
            f"Navigation, {found['test_goals']} fixed test goals, {goals[0]['returns']['episodes']} episodes a round. "
            "The rate of the inner step was chosen for every row on validation goals, for the return after one round:"
        )
        after = ["before", "after 1 round", *(f"after {k}" for k in range(2, rounds + 1))]
        parts.append(_table(goals, after, ("standing still", "the goal known")))
    if bandits:
        parts.append(f"Bandits of 5 arms, 10 pulls, {found['test_bandits']:,} fixed test bandits:")
        parts.append(_table(bandits, ["return"], ("any arm, exactly", "the best arm known")))
    seeds = len({row["cell"][2] for row in found["rows"]})
    return "\n\n".join([*parts, f"From `results/{name}.json`: {about(found['rows'][0]['provenance'], seeds)}"])


def _table(rows: list[dict[str, Any]], after: list[str], ends: tuple[str, str]) -> str:
    lines = [["method", *after, "environment steps", "training, s"]]
    for method in dict.fromkeys(row["cell"][1] for row in rows):
        own = [row for row in rows if row["cell"][1] == method]
        # the mean over seeds of each task, so that the interval is over tasks
        values = np.mean([row["returns"]["values"] for row in own], axis=0)
        steps, seconds = (
            np.mean([row.get(key, 0) for row in own]) for key in ("environment_steps", "processor_seconds")
        )
        spent = [f"{steps / 1e6:.2f} million", f"{seconds:.0f}"] if steps else ["-", "-"]
        lines.append(
            [_NAMES.get(method, method), *(number(*interval(each), accuracy=False) for each in values), *spent]
        )
    for end, key in zip(ends, ("still", "oracle"), strict=True):
        each = number(*interval(np.array(rows[0]["returns"][key])), accuracy=False)
        lines.append([end, each, *["" for _ in after[1:]], "-", "-"])
    return markdown(lines)
