"""Experiments in plain values, by name. Nothing here imports torch."""

from collections.abc import Callable
from inspect import signature
from typing import Any

from innerloop.catalogue import TRAINED as METHODS
from innerloop.errors import ConfigurationError
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
    if not isinstance(value, dict) or not all(isinstance(name, str) for name in value):
        raise ConfigurationError(f"The saved recipe is damaged: expected fields by name; got {value!r}.")
    base = recipe(str(value.get("recipe")))
    unknown = sorted(set(value) - set(vars(base)))
    if unknown:
        raise ConfigurationError(
            f"The saved recipe has the field {unknown[0]!r}, which {value['recipe']!r} has not in this version of "
            f"innerloop; it has {', '.join(vars(base))}."
        )
    fields: dict[str, Any] = {name: tuple(entry) if isinstance(entry, list) else entry for name, entry in value.items()}
    return type(base)(**fields)
