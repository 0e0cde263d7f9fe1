"""Robot control: reach a hidden place, or push something there, after one demonstration."""

from __future__ import annotations

import dataclasses
from typing import Any

from innerloop.catalogue import family_of
from innerloop.recipes._recipe import ControlRecipe

_OWN: dict[str, dict[str, Any]] = {
    "reptile": {"inner_steps": 5, "test_steps": 5},  # as in other recipes: one step would be joint training
    "imaml": {"inner_steps": 16, "test_steps": 16},  # Rajeswaran et al. 2019, as for Omniglot
    "cavia": {"inner_lr": 1.0},  # Zintgraf et al. 2019, section 4.1
}
"""What differs from MAML's setting, by method."""


def reach(method: str = "maml") -> ControlRecipe:
    """One demonstration of a place to reach, one inner step, 150 training goals with four demonstrations each.

    Source: policies of two hidden layers of 100 with a learned vector of 10 and one inner step are those of Finn et al.
    2017, "One-shot visual imitation learning via meta-learning". The inner rate of 0.1, 150 goals and 16 tasks a step
    are a choice, and no search's.
    """
    return _recipe("reach", method)


def push(method: str = "maml") -> ControlRecipe:
    """One demonstration of where to push a puck; as `reach` otherwise, with more steps.

    Source: as of `reach`. 1,500 steps are a choice: pushing is harder than reaching.
    """
    return _recipe("push", method, steps=1_500)


def _recipe(task: str, method: str, **more: Any) -> ControlRecipe:
    base = ControlRecipe(
        recipe=task,
        method=method,
        task=task,
        shots=1,
        queries=1,
        train_queries=1,
        inner_steps=1,
        test_steps=1,
        inner_lr=0.1,
        steps=1_000,
        tasks_per_step=16,
        lr=1e-3,
        validation_tasks=20,
        test_tasks=50,
    )
    # transformers and the like read every step of the demonstrations: a choice for the time
    slow = {"steps": 500} if family_of(method) == "memory" and method != "cnp" else {}
    return dataclasses.replace(base, **{**more, **slow, **_OWN.get(method, {})})
