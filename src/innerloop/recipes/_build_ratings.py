"""From the plain values of a `ratings` recipe to its data and its recommender."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple, cast

import numpy as np
import torch

from innerloop.counter import uniform
from innerloop.errors import ConfigurationError, DataError
from innerloop.recipes._recipe import RatingsRecipe, Recipe
from innerloop.recipes.ratings import RECOMMENDERS, ratings
from innerloop.recommend import RECOMMENDERS as MAKERS
from innerloop.recommend import Cases, Dataset, Events, Personalised, Split

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
        names: of the items; None: their numbers.
    """

    dataset: Dataset
    split: Split
    names: list[str] | None


def ratings_data(recipe: RatingsRecipe) -> RatingsData:
    """The data of a recipe, users left out: three fifths train, the others are validated and tested on.

    Raises:
        DataError: if the table cannot be used, or no user has events enough.
    """
    dataset, names = _read(recipe.data)
    return RatingsData(dataset, leave_users_out(dataset.events, recipe.shots), names)


def _read(data: str | None) -> tuple[Dataset, list[str] | None]:
    # the one place that knows where tables come from
    recommend: Any = import_module("innerloop.recommend")
    if data is None:
        found = recommend.simulate()
    elif Path(data).is_dir():
        found = recommend.movielens(data)
    else:
        found = recommend.read_table(data)
    return cast(Dataset, found), getattr(found, "item_names", None)


def leave_users_out(events: Events, shots: int, seed: int = 0) -> Split:
    """Users in three parts by a stable hash of their number; of those left out, the first events are known.

    Args:
        events: all of them.
        shots: support events of a validation or test user; users with fewer than one more are left out.
        seed: another seed gives other parts.

    Raises:
        DataError: if a part has no users.

    >>> events = Events.of(np.repeat(np.arange(30), 3), np.tile(np.arange(3), 30), np.ones(90), users=30, items=3)
    >>> split = leave_users_out(events, shots=2)
    >>> len(split.train) % 3, len(split.test.support) == 2 * len(split.test.users)
    (0, True)
    """
    share = uniform(torch.arange(events.users), seed).numpy()[events.user]
    rank = np.arange(len(events)) - events.starts[events.user]
    enough = events.counts[events.user] > shots

    def cases(part: Any) -> Cases:
        found = Cases(events.where(part & enough & (rank < shots)), events.where(part & enough & (rank >= shots)))
        if not len(found.users):
            raise DataError(f"No user who is left out has more than {shots} events. Lower --shots, or use more users.")
        return found

    return Split(events.where(share < 0.6), cases((share >= 0.6) & (share < 0.8)), cases(share >= 0.8))


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
    changes: dict[str, Any] = {} if recipe.validate_every is None else {"validate_every": recipe.validate_every}
    changes |= {} if recipe.patience is None else {"patience": recipe.patience}
    made = MAKERS[RECOMMENDERS[recipe.method]](
        item_features=dataset.item_features, user_features=dataset.user_features, progress=progress, goal=recipe.goal,
        factors=recipe.factors, stretch=recipe.stretch, hidden=recipe.hidden, hide=recipe.hide,
        negatives=recipe.negatives,
        inner_steps=recipe.inner_steps, inner_lr=recipe.inner_lr, steps=recipe.steps, lr=recipe.lr,
        tasks_per_step=recipe.tasks_per_step, weight_decay=recipe.weight_decay, queries=recipe.train_queries,
        seed=recipe.seed, **changes,
    )  # fmt: skip
    return cast(Personalised, made)
