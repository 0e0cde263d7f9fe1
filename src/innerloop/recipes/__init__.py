"""Experiments in plain values, by name. Nothing here imports torch."""

from collections.abc import Callable
from inspect import signature
from typing import Any

from innerloop.catalogue import TRAINED as METHODS
from innerloop.errors import ConfigurationError
from innerloop.recipes._checked import restored
from innerloop.recipes._policy_recipe import POLICY_METHODS, PolicyRecipe
from innerloop.recipes._recipe import Recipe
from innerloop.recipes.characters import characters
from innerloop.recipes.clinc import clinc
from innerloop.recipes.control import push, reach
from innerloop.recipes.curves import curves
from innerloop.recipes.folder import folder
from innerloop.recipes.omniglot import omniglot
from innerloop.recipes.policies import POLICY_RECIPES, policy_from_json, policy_recipe
from innerloop.recipes.ratings import ratings
from innerloop.recipes.sinusoids import sinusoids
from innerloop.recipes.table import table
from innerloop.recipes.text import text

RECIPES: dict[str, Callable[..., Recipe]] = {
    "characters": characters,
    "omniglot": omniglot,
    "folder": folder,
    "table": table,
    "text": text,
    "clinc": clinc,
    "sinusoids": sinusoids,
    "curves": curves,
    "reach": reach,
    "push": push,
    "ratings": ratings,
}

__all__ = [
    "METHODS",
    "POLICY_METHODS",
    "POLICY_RECIPES",
    "RECIPES",
    "PolicyRecipe",
    "Recipe",
    "from_json",
    "policy_from_json",
    "policy_recipe",
    "recipe",
    "variants",
]


def recipe(name: str, method: str = "maml", **variant: Any) -> Recipe:
    """The recipe `name` with its settings for `method`.

    Args:
        name: a name in `RECIPES`.
        method: a name in `METHODS`, or FILE.py:FUNCTION.
        **variant: what else decides a recipe's settings: `protocol` of Omniglot.

    Raises:
        ConfigurationError: if there is no such recipe or method.

    >>> recipe("characters", "anil").inner_lr
    0.4
    """
    if name not in RECIPES:
        raise ConfigurationError(f"Unknown recipe {name!r}; there are {', '.join(RECIPES)}.")
    return RECIPES[name](method, **variant)


def variants(name: str) -> list[str]:
    """What besides the method decides a recipe's settings.

    >>> variants("omniglot"), variants("sinusoids")
    (['protocol'], [])
    """
    return list(signature(RECIPES[name]).parameters)[1:]


def from_json(value: Any) -> Recipe:
    """The recipe that `Recipe.to_json` wrote.

    Raises:
        ConfigurationError: if it names no recipe, has fields that this version does not know, or values of other types.
    """
    return restored(value, recipe)
