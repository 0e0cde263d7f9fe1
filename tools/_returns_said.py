"""What the tables of meta-reinforcement learning say, in sentences: who earns more, and whether that is seen.

In brackets stand 95 % intervals of paired differences over tasks, each task's mean over seeds.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from innerloop.evaluation import paired_difference
from innerloop.evaluation._words import difference

NAMES = {
    "promp": "ProMP", "maml_trpo": "MAML-TRPO", "fomaml_trpo": "MAML-TRPO, first order",
    "pooled": "pooled pretraining, then policy gradients", "scratch": "untrained policy, then policy gradients",
    "rl2": "RL²", "UCB1": "UCB1", "Thompson": "Thompson sampling", "random": "a random arm",
    "UCB1 tuned": "UCB1, its width chosen on validation bandits",
}  # fmt: skip
Rows = list[dict[str, Any]]


def methods(rows: Rows) -> list[tuple[str, Rows]]:
    """The rows of each method."""
    names = dict.fromkeys(row["cell"][1] for row in rows)
    return [(name, [row for row in rows if row["cell"][1] == name]) for name in names]


def mean_of(own: Rows, key: str) -> Any:
    """The mean over seeds of each task, so that intervals are over tasks."""
    return np.mean([row["returns"][key] for row in own], axis=0)


def adapting(where: str, rows: Rows) -> str:
    """Whether ProMP pays beside pooled pretraining after one round, what later rounds do, and what training is for."""
    values = {method: mean_of(own, "values") for method, own in methods(rows)}
    said = []
    if "promp" in values and "pooled" in values:
        found = paired_difference(values["promp"][1], values["pooled"][1])
        pays = "is not seen to pay" if not found.seen else "is seen to pay" if found.mean > 0 else "is seen to do harm"
        said.append(
            f"**On {where} meta-learning {pays}** beside pooled pretraining: after one round "
            f"{_earns('ProMP', values['promp'][1], 'pretraining', values['pooled'][1])}."
        )
        for method, name in (("promp", "ProMP"), ("pooled", "pretraining")):
            if len(own := values[method]) > 2:
                said.append(_later(name, own))
    if "scratch" in values and "pooled" in values:
        untrained = _earns("the untrained policy", values["scratch"][1], "pretraining", values["pooled"][1])
        said.append(f"After one round {untrained}.")
    return " ".join(said)


def remembering(where: str, rows: Rows) -> str:
    """RL² beside the rules."""
    regrets = {method: mean_of(own, "oracle") - mean_of(own, "values")[-1] for method, own in methods(rows)}
    rules = [method for method in ("Thompson", "UCB1 tuned") if method in regrets]
    if "rl2" not in regrets or not rules:
        return ""
    said = [_earns("RL²", regrets["rl2"], NAMES[rule], regrets[rule], "regrets") for rule in rules]
    return f"On {where} {'; '.join(said)}."


def _earns(name: str, values: Any, other: str, others: Any, verb: str = "earns") -> str:
    found, size, between = _compared(values, others)
    if not found.seen:
        return f"no difference is seen between what {name} {verb} and what {other} {verb} ({between})"
    return f"{name} {verb} {size} {'more' if found.mean > 0 else 'less'} than {other} ({between})"


def _later(name: str, values: Any) -> str:
    """What rounds after the first do."""
    found, size, between = _compared(values[-1], values[1])
    rounds = f"after {len(values) - 1} rounds against after one"
    if not found.seen:
        return f"In later rounds {name} keeps what it earns (no difference is seen {rounds}: {between})."
    return f"In later rounds {name} {'gains' if found.mean > 0 else 'loses'} {size} ({between}, {rounds})."


def _compared(values: Any, others: Any) -> tuple[Any, str, str]:
    """The difference, its size, and its interval as seen from the side that has more."""
    found = paired_difference(np.asarray(values), np.asarray(others))
    return found, *difference(found, False, 1 if found.mean >= 0 else -1)


def crossing(rows: Rows) -> str:
    """From which validation on ProMP's first seed is seen above pooled pretraining's, after one round.

    Seen above: the paired interval over validation tasks is, at that validation and at all later ones.
    """
    first_seed = {method: own[0] for method, own in methods(rows) if own[0].get("course_values")}
    if "promp" not in first_seed or "pooled" not in first_seed:
        return ""
    (steps, ours), (rival_steps, theirs) = (
        ([line[0] for line in first_seed[method]["course"]], first_seed[method]["course_values"])
        for method in ("promp", "pooled")
    )
    above = []
    for at, own in zip(steps, ours, strict=True):
        place = max((k for k, other in enumerate(rival_steps) if other <= 1.01 * at), default=0)
        found = paired_difference(np.asarray(own), np.asarray(theirs[place]))
        above.append(found.seen and found.mean > 0)
    after = "On validation tasks ProMP's return after one round is"
    if not above[-1]:
        return f"{after} not seen above that of pretraining at the end of training."
    first = len(above) - above[::-1].index(False) if False in above else 0
    return (
        f"{after} seen above that of pretraining with as many environment steps (paired 95 % intervals) from "
        f"{steps[first] / 1e6:.1f} million of them on (first seed, {steps[-1] / 1e6:.1f} million in all)."
    )
