"""Settings of reinforcement learning that a method, or an environment, does not read."""

from __future__ import annotations

from collections.abc import Collection

from innerloop.errors import ConfigurationError
from innerloop.recipes._policy_recipe import POLICY_METHODS, BanditsRecipe, PolicyRecipe, TabularRecipe

_TRUST = ("maml_trpo", "fomaml_trpo")
_GRADIENT = tuple(method for method in POLICY_METHODS if method != "rl2")
READERS: dict[str, tuple[str, ...]] = {
    "rate": ("promp", "rl2", "pooled"),
    "divergence": _TRUST,
    "inner_lr": ("promp", *_TRUST),
    "inner_rates": ("pooled",),
    **dict.fromkeys(("inner_steps", "inner_loss", "hidden"), _GRADIENT),
    "width": ("rl2",),
}
"""The fields that not all methods read, with those that do. Pooled pretraining adapts when it is evaluated."""


def unread(recipe: PolicyRecipe) -> list[str]:
    """Fields of a recipe that change nothing.

    >>> from innerloop.recipes import policy_recipe
    >>> unread(policy_recipe("navigation", "promp")), unread(policy_recipe("bandits", "promp"))
    (['divergence', 'inner_rates', 'width'], ['divergence', 'inner_rates', 'width', 'std'])
    """
    found = [field for field, methods in READERS.items() if recipe.method not in methods]
    # a choice among arms has no standard deviation
    return found + (["std"] if isinstance(recipe, BanditsRecipe | TabularRecipe) else [])


def demand_read(recipe: PolicyRecipe, given: Collection[str]) -> None:
    """Refuses settings that would change nothing.

    Args:
        recipe: the recipe.
        given: names of the fields that somebody has given a value.

    Raises:
        ConfigurationError: naming the first of them, and who reads it.
    """
    for name in unread(recipe):
        if name in given:
            by = f"{', '.join(READERS[name])} do" if name in READERS else "other recipes do"
            raise ConfigurationError(
                f"{recipe.method} on {recipe.recipe} does not read --{name.replace('_', '-')}: the result would be the "
                f"same without ({by}). Leave it out."
            )
