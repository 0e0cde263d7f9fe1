"""Experiments in plain values, by name. Nothing here imports torch."""

from collections.abc import Callable
from typing import Any

from innerloop.errors import ConfigurationError
from innerloop.recipes._recipe import METHODS, Recipe
from innerloop.recipes.characters import characters
from innerloop.recipes.folder import folder
from innerloop.recipes.omniglot import omniglot
from innerloop.recipes.sinusoids import sinusoids
from innerloop.recipes.table import table

RECIPES: dict[str, Callable[[str], Recipe]] = {
    "characters": characters,
    "omniglot": omniglot,
    "folder": folder,
    "table": table,
    "sinusoids": sinusoids,
}

__all__ = ["METHODS", "RECIPES", "Recipe", "from_json", "recipe"]


def recipe(name: str, method: str = "maml") -> Recipe:
    """The recipe `name` with its settings for `method`.

    Raises:
        ConfigurationError: if there is no such recipe or method.

    >>> recipe("characters", "anil").inner_lr
    0.4
    """
    if name not in RECIPES:
        raise ConfigurationError(f"Unknown recipe {name!r}; there are {', '.join(RECIPES)}.")
    return RECIPES[name](method)


def from_json(value: dict[str, Any]) -> Recipe:
    """The recipe that `Recipe.to_json` wrote.

    Raises:
        ConfigurationError: if it names no recipe, or has fields that this version does not know.
    """
    base = recipe(str(value.get("recipe")))
    try:
        fields: dict[str, Any] = {name: tuple(entry) if isinstance(entry, list) else entry for name, entry in value.items()}
        return type(base)(**fields)
    except TypeError as error:
        raise ConfigurationError(f"The saved recipe does not fit this version of innerloop: {error}.") from error
