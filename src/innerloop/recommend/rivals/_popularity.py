"""What most people took: hard to beat with a few events."""

from __future__ import annotations

from typing import Self

import numpy as np

from innerloop.demands import positive
from innerloop.errors import ConfigurationError
from innerloop.recommend._cases import Cases
from innerloop.recommend._events import Events, Real, Whole
from innerloop.recommend._recommender import Recommender


class Popularity(Recommender):
    """How many training events an item has, the same for everybody.

    Args:
        recent: share of the training events, the latest ones, that count.
        least: ratings below it do not count; None: every event counts.

    Attributes:
        counts: `(items,)`.

    >>> train = Events.of([0, 0, 1], [0, 1, 1], users=3, items=3)
    >>> model = Popularity().fit(train, Cases(train.where(train.user > 1), train))
    >>> model.scores(train, np.array([2]))
    array([[1., 2., 0.]])
    """

    name = "popularity"
    family = "trivial"
    predicts_ratings = False
    counts: Real

    def __init__(self, recent: float = 1.0, least: float | None = None):
        self.recent, self.least = positive("recent", recent, 1.0), least
        if recent > 1:
            raise ConfigurationError(f"recent must be a share of the events, at most 1; got {recent}.")

    def fit(self, train: Events, validation: Cases) -> Self:
        """Counts."""
        if len(train):
            train = train.where(train.time >= np.quantile(train.time, 1 - self.recent))
        self.counts = np.bincount(train.liked(self.least).item, minlength=train.items).astype(np.float64)
        return self

    def scores(self, support: Events, users: Whole) -> Real:
        """`(len(users), items)`, the same row for all."""
        return np.repeat(self.counts[None], len(users), axis=0)
