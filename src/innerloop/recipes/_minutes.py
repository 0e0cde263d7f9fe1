"""A recipe for a training time in place of a number of steps."""

from __future__ import annotations

import dataclasses
import gc
import os

import torch

from innerloop.demands import positive
from innerloop.errors import ConfigurationError
from innerloop.mapping import Mapping
from innerloop.outer import pace
from innerloop.recipes._build import build
from innerloop.recipes._recipe import Recipe

SHARE, MOST = 0.1, 60.0
"""The steps of the trial take at most this share of the training time, and at most so many seconds. A choice."""


def within_minutes(recipe: Recipe, minutes: float, device: torch.device | str = "cpu") -> tuple[Recipe, Mapping]:
    """The recipe with as many outer steps as fit into a training time, validations included; and the mapping.

    A short trial on this machine, with the threads that torch has now, says how long a step and a validation take. It
    does not count as training and leaves nothing behind.

    Args:
        recipe: what to train.
        minutes: the training time.
        device: where it is to train.

    Raises:
        ConfigurationError: if the time is not positive, too short for one step, or several processes train together.
    """
    demand_minutes(minutes)
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        raise ConfigurationError(
            "The number of steps in some minutes is found by one process alone; with torchrun give --steps."
        )
    experiment = build(recipe)
    experiment.learner.to(device)
    seconds = 60 * minutes
    found = pace(experiment.learner, **experiment.fit_settings(), seconds=min(MOST, SHARE * seconds))
    del experiment
    gc.collect()  # graphs and their learner know each other, and hold memory on a GPU
    return dataclasses.replace(recipe, steps=found.steps_in(seconds, recipe.validate_every)), found.mapping


def demand_minutes(minutes: float) -> None:
    """Refuses a training time that cannot be.

    Raises:
        ConfigurationError: if it is not a positive number.
    """
    positive("minutes", minutes, 10)
