"""A run's pretrained features as the start of another recipe's learner."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any

from innerloop.adapted import rebuilt
from innerloop.errors import ConfigurationError
from innerloop.learner import Learner
from innerloop.outer import Run, load_weights
from innerloop.recipes._recipe import Recipe
from innerloop.transfer import start_from

_DIVIDES = ("protocol", "splits", "task", "folds", "fold", "within_domains")
"""Fields that decide which classes or tasks are trained on."""


def start_from_run(learner: Learner, recipe: Recipe, folder: str | Path) -> None:
    """Copies the features of a finished run into a learner that is to be trained by `recipe`.

    Args:
        learner: the learner, changed in place.
        recipe: what it is to be trained by.
        folder: the run.

    Raises:
        CheckpointError: if there is no such run, or it is damaged.
        ConfigurationError: if the features do not fit, or were trained on what the recipe tests on.
    """
    run = Run(folder)
    config = run.config()
    _demand_same_division(recipe, config.get("recipe"), folder)
    spec = config["settings"]["learner"]
    if not isinstance(spec, dict):
        raise ConfigurationError(
            f"{folder} was trained with a learner of somebody's own, {spec!r}: nobody here can build it again. In "
            "Python, innerloop.transfer.start_from(learner, pretrained) takes any network."
        )
    pretrained = rebuilt(spec, run.folder / "config.json")
    weights = run.best if run.best.exists() else run.last
    load_weights(weights, pretrained)
    try:
        start_from(learner, pretrained, source=str(folder))
    except ConfigurationError as error:
        raise ConfigurationError(f"{error} Here they are {_shapes(recipe)}.") from error


def _demand_same_division(recipe: Recipe, other: Any, folder: str | Path) -> None:
    # another division of the same data would have pretrained on classes that this recipe tests on
    if not isinstance(other, dict) or other.get("recipe") != recipe.recipe:
        return
    own = {field.name: getattr(recipe, field.name) for field in fields(recipe)}
    for name in _DIVIDES:
        if name in own and name in other and own[name] != other[name]:
            raise ConfigurationError(
                f"{folder} was trained with {name}={other[name]!r} and this recipe has {name}={own[name]!r}: its "
                "features may have seen test classes. Pretrain with the same division."
            )


def _shapes(recipe: Recipe) -> str:
    names = ("network", "filters", "downsample", "size", "dimensions", "hidden")
    return ", ".join(f"--{name} {getattr(recipe, name)}" for name in names if hasattr(recipe, name))
