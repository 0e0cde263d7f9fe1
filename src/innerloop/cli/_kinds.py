"""Which runs are of reinforcement learning."""

from __future__ import annotations

from typing import Any

from innerloop.recipes import POLICY_RECIPES


def is_policy(config: dict[str, Any]) -> bool:
    """Whether a run's `config.json` is of reinforcement learning by a recipe.

    >>> is_policy({"recipe": {"recipe": "navigation"}}), is_policy({"recipe": {"recipe": "sinusoids"}}), is_policy({})
    (True, False, False)
    """
    recipe = config.get("recipe")
    return isinstance(recipe, dict) and str(recipe.get("recipe")) in POLICY_RECIPES
