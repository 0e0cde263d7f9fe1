"""From the plain values of a `ratings` recipe to its data and its recommender."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from innerloop.errors import ConfigurationError
from innerloop.recipes._recipe import Recipe
from innerloop.recipes.ratings import RECOMMENDERS, RatingsRecipe, ratings, setting_of_recipe
from innerloop.recommend import (
    Dataset,
    Oracle,
    Personalised,
    Recommender,
    Schema,
    Simulator,
    Split,
    leave_users_out,
    movielens,
    read_table,
)

FIXED = (
    "start", "train_shots", "norm", "clip", "schedule", "validation_tasks", "test_tasks",
    "curve_steps", "mapping", "chunk", "memory", "queries",
)  # fmt: skip
"""Fields of every recipe that have no meaning here, or that validation and test users decide."""


class RatingsData(NamedTuple):
    """What a run learns from and is judged on.

    Attributes:
        dataset: events and features.
        split: training users, and cases of validation and test users.
        schema: what the table's columns mean, and the names of its items; None: it is simulated.
        oracle: who knows the truth about a table that is simulated.
    """

    dataset: Dataset
    split: Split
    schema: Schema | None
    oracle: Recommender | None


def ratings_data(recipe: RatingsRecipe) -> RatingsData:
    """The data of a recipe, users left out: three fifths train, the others are validated and tested on.

    Raises:
        ConfigurationError: if no user has events enough.
        DataError: if the table cannot be used.
    """
    schema, oracle = None, None
    folder = recipe.data is not None and Path(recipe.data).is_dir()
    if recipe.items is not None and (recipe.data is None or folder):
        raise ConfigurationError(
            "--items goes with a table in --data; a folder of MovieLens has its own. Leave it out."
        )
    if recipe.data is None:
        simulator = Simulator()
        dataset, oracle = simulator.dataset(), Oracle(simulator)
    else:
        table = movielens(recipe.data) if folder else read_table(recipe.data, items=recipe.items)
        dataset, schema = table.dataset, table.schema
    split = leave_users_out(dataset.events, shots=recipe.shots, validation=0.2, test=0.2)
    return RatingsData(dataset, split, schema, oracle)


def build_recommender(recipe: RatingsRecipe, dataset: Dataset, *, progress: bool = False) -> Personalised:
    """The recipe's recommender, not yet fitted.

    Raises:
        ConfigurationError: for a method that learns no users, or a setting that has no meaning here.
    """
    if recipe.method not in RECOMMENDERS:
        raise ConfigurationError(
            f"{recipe.method} learns no users; --method is one of {', '.join(RECOMMENDERS)} for `ratings`."
        )
    usual: Recipe = ratings(recipe.method, recipe.goal)
    for name in FIXED:
        if getattr(recipe, name) != getattr(usual, name):
            raise ConfigurationError(f"--{name.replace('_', '-')} has no meaning for `ratings`. Leave it out.")
    if recipe.test_steps != recipe.inner_steps:
        raise ConfigurationError(
            f"`ratings` takes as many inner steps in use as in training; got {recipe.inner_steps} and "
            f"{recipe.test_steps}. Give both."
        )
    return Personalised(
        setting_of_recipe(recipe), item_features=dataset.item_features, user_features=dataset.user_features,
        progress=progress,
    )  # fmt: skip
