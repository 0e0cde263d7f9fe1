"""What the papers train and adapt with, by method: each number once, for every recipe."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Literal

from innerloop.catalogue import METHODS, is_merged

MERGED: dict[str, Any] = {
    "tasks_per_step": 1,  # a batch of 128 examples
    "weight_decay": 5e-4,  # Wang et al. 2019 (SimpleShot), 1e-4 to 5e-4
}
"""Whatever is trained on all training classes at once."""

PAPERS: dict[str, dict[str, Any]] = {
    # Antoniou et al. 2019, section 5
    "maml_plus_plus": {"inner_steps": 5, "test_steps": 5},
    # Rajeswaran et al. 2019, appendix: for Omniglot
    "imaml": {"inner_steps": 16, "test_steps": 16},
    # Zintgraf et al. 2019, sections 4.1 and 4.2; 100 context parameters there for pictures, 5 here
    "cavia": {"inner_lr": 1.0},
    # Ravi and Larochelle 2017, section 5: for five shots; 12 steps for one
    "lstm": {"inner_steps": 5, "test_steps": 5},
    # Ye and Chao 2022, published command for 5-way 1-shot; one step would leave the features alone
    "unicorn_maml": {"inner_steps": 5, "test_steps": 5, "inner_lr": 0.1},
    # Chen et al. 2019, section 4.1: 100 steps on a task
    "baseline_plus_plus": {"inner_steps": 100, "inner_lr": 0.01},
}
"""What does not depend on the data, by method."""


def of_papers(method: str, learns: Literal["classes", "numbers"], *, but: Collection[str] = ()) -> dict[str, Any]:
    """The papers' settings of a method, for a recipe to begin with.

    Args:
        method: name of a method, or FILE.py:FUNCTION, of which nothing is known.
        learns: what the recipe's tasks have.
        but: methods that the recipe has other settings for, or the same as for all.

    >>> of_papers("simple_shot", "classes"), of_papers("imaml", "numbers", but=["imaml"])
    ({'tasks_per_step': 1, 'weight_decay': 0.0005}, {})
    """
    if method in but or method not in METHODS or METHODS[method].learns not in ("both", learns):
        return {}
    merged = MERGED if learns == "classes" and is_merged(method) else {}
    return merged | PAPERS.get(method, {})
