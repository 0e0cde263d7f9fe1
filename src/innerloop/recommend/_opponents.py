"""The opponents by name, each tuned on validation users with the same number of trials."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from innerloop.recommend._features import Features
from innerloop.recommend._recommender import Recommender
from innerloop.recommend._tuned import Setting, Tuned, grid
from innerloop.recommend.rivals import (
    BPR,
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

LEAST = (None, 4.0)
"""Whether every event counts, or only what was liked."""


def _entry(make: Callable[..., Recommender], settings: Sequence[Setting], seeded: bool = False) -> Callable[..., Tuned]:
    """A function that makes a tuned recommender; it takes what every recommender's function takes.

    Args:
        make: the recommender.
        settings: what to try, where nobody says otherwise.
        seeded: whether it starts from random numbers.
    """

    def made(
        *, item_features: Features | None = None, user_features: Features | None = None, progress: bool = False,
        metric: str | None = None, seed: int = 0, settings: Sequence[Setting] = settings,
    ) -> Tuned:  # fmt: skip
        return Tuned(partial(make, seed=seed) if seeded else make, settings, metric)

    return made


OPPONENTS: dict[str, Callable[..., Tuned]] = {
    "global_mean": _entry(GlobalMean, grid()),
    "user_mean": _entry(UserMean, grid(shrinkage=(0.5, 1.0, 2.0, 3.0, 5.0, 10.0, 20.0, 50.0))),
    "user_median": _entry(UserMedian, grid()),
    "item_mean": _entry(ItemMean, grid(shrinkage=(0.5, 1.0, 2.0, 3.0, 5.0, 10.0, 20.0, 50.0))),
    "user_item_bias": _entry(UserItemBias, grid(user_penalty=(2.0, 8.0, 20.0, 50.0), item_penalty=(1.0, 3.0))),
    "ridge_on_factors": _entry(
        RidgeOnFactors, grid(penalty=(1.0, 4.0, 30.0, 100.0), user_penalty=(5.0, 20.0)), seeded=True
    ),
    "popularity": _entry(Popularity, grid(recent=(1.0, 0.5, 0.25, 0.125), least=LEAST)),
    "item_knn": _entry(ItemKNN, grid(shrinkage=(10.0, 100.0, 1000.0, 10000.0), least=LEAST)),
    "ease": _entry(EASE, grid(penalty=(300.0, 3000.0, 30000.0, 300000.0), least=LEAST)),
    "implicit_als": _entry(ImplicitALS, grid(factors=(4, 16), penalty=(3.0, 30.0), least=LEAST), seeded=True),
    "bpr": _entry(BPR, grid(factors=(8, 32), penalty=(0.003, 0.03), least=LEAST), seeded=True),
}
"""From a name to a function that makes the recommender, to be fitted. They look at no features, and what starts from
random numbers at the seed.

>>> len(OPPONENTS["ease"]().settings)
8
"""
