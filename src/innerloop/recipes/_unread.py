"""Settings that a method does not read: its function says by the names of its parameters which ones it does."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection
from dataclasses import fields
from typing import Any

from innerloop import methods
from innerloop.catalogue import METHODS, TRAINED, is_own
from innerloop.errors import ConfigurationError
from innerloop.own import find
from innerloop.recipes._recipe import ClassRecipe, Recipe


def function_of(method: str, classes: bool) -> Callable[..., Any]:
    """The function that makes a method's learner, as its recipe trains it.

    Args:
        method: a name in `innerloop.recipes.METHODS`, or FILE.py:FUNCTION, whose file is run.
        classes: whether the tasks have classes.

    Raises:
        ConfigurationError: if there is no such file or function in it.

    >>> function_of("pretraining", classes=False).__name__
    'joint'
    """
    instead = None if classes or is_own(method) else METHODS[method].without_classes
    found: Callable[..., Any] = find(method) if is_own(method) else getattr(methods, instead or method)
    if not callable(found):
        raise ConfigurationError(f"{method} is of type {type(found).__name__}; expected a function.")
    return found


def parameters_of(make: Callable[..., Any]) -> dict[str, bool]:
    """The names by which a function can be given something: True where it has no default.

    >>> parameters_of(methods.pretraining)
    {'classifier': True, 'smoothing': False}
    """
    parameters = inspect.signature(make).parameters.values()
    named = [p for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)]
    return {parameter.name: parameter.default is parameter.empty for parameter in named}


def unread(recipe: Recipe) -> list[str]:
    """Fields of a recipe that nobody but a method reads, and that this one's method does not.

    Raises:
        ConfigurationError: if the method is a file's that cannot be run, or has no such function.

    >>> from innerloop.recipes import recipe
    >>> unread(recipe("characters", "maml")), unread(recipe("characters", "prototypes"))
    ([], ['inner_steps', 'test_steps', 'inner_lr'])
    """
    of_methods = {name for method in TRAINED for name in parameters_of(getattr(methods, method))}
    own = parameters_of(function_of(recipe.method, isinstance(recipe, ClassRecipe)))
    return [field.name for field in fields(Recipe) if field.name in of_methods and field.name not in own]


def demand_read(recipe: Recipe, given: Collection[str]) -> None:
    """Refuses settings that would change nothing.

    Args:
        recipe: the recipe.
        given: names of the fields that somebody has given a value.

    Raises:
        ConfigurationError: naming the settings.
    """
    if wrong := [f"--{name.replace('_', '-')}" for name in unread(recipe) if name in given]:
        raise ConfigurationError(
            f"{recipe.method} does not read {' and '.join(wrong)}: the result would be the same without. Leave it out, "
            "or choose a method that does (maml)."
        )
