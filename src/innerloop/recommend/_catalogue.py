"""Every recommender by name, as tables have them; opponents are tuned, each with the same number of trials."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from innerloop.recommend._dataset import Dataset
from innerloop.recommend._recommender import Recommender
from innerloop.recommend._tuned import Setting, Tuned, grid
from innerloop.recommend.rivals import (
    EASE,
    GlobalMean,
    ImplicitALS,
    ItemKNN,
    ItemMean,
    Popularity,
    RidgeOnFactors,
    UserItemBias,
    UserMean,
    UserMedian,
)

Maker = Callable[..., Recommender]

SHRINKAGES = (0.5, 1.0, 2.0, 3.0, 5.0, 10.0, 20.0, 50.0)
LEAST = (None, 4.0)
"""Whether every event counts, or only what was liked."""


def _tuned(
    make: Callable[..., Recommender], settings: Sequence[Setting], dataset: Dataset, seed: int = 0
) -> Recommender:
    """An opponent in closed form; it looks at no features."""
    return Tuned(make, settings)


def _seeded(
    make: Callable[..., Recommender], settings: Sequence[Setting], dataset: Dataset, seed: int = 0
) -> Recommender:
    """The same for what starts from random factors."""
    return Tuned(partial(make, seed=seed), settings)


RECOMMENDERS: dict[str, Maker] = {
    "global_mean": partial(_tuned, GlobalMean, grid()),
    "user_mean": partial(_tuned, UserMean, grid(shrinkage=SHRINKAGES)),
    "user_median": partial(_tuned, UserMedian, grid()),
    "item_mean": partial(_tuned, ItemMean, grid(shrinkage=SHRINKAGES)),
    "user_item_bias": partial(
        _tuned, UserItemBias, grid(user_penalty=(2.0, 5.0, 10.0, 20.0), item_penalty=(1.0, 3.0))
    ),
    "ridge_on_factors": partial(
        _seeded, RidgeOnFactors, grid(penalty=(1.0, 4.0, 20.0, 100.0), user_penalty=(3.0, 10.0))
    ),
    "popularity": partial(_tuned, Popularity, grid(recent=(1.0, 0.5, 0.25, 0.125), least=LEAST)),
    "item_knn": partial(_tuned, ItemKNN, grid(shrinkage=(10.0, 100.0, 300.0, 1000.0), least=LEAST)),
    "ease": partial(_tuned, EASE, grid(penalty=(300.0, 1000.0, 3000.0, 10000.0), least=LEAST)),
    "implicit_als": partial(
        _seeded, ImplicitALS, grid(factors=(8, 32), penalty=(3.0, 30.0), least=LEAST)
    ),
}  # fmt: skip
"""From a name to a call with a dataset and a seed that gives a recommender to `fit`. The dataset is for what looks at
features, the seed for what starts from random numbers.

>>> sorted(RECOMMENDERS)[:3]
['ease', 'global_mean', 'implicit_als']
"""
