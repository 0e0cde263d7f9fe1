"""Items that were taken together: neighbours of what the user has."""

from __future__ import annotations

from typing import Self

import numpy as np

from innerloop.demands import at_least, not_negative
from innerloop.recommend._cases import Cases
from innerloop.recommend._events import Events, Real, Whole
from innerloop.recommend._recommender import Recommender
from innerloop.recommend.rivals._matrix import else_popular, interactions


class ItemKNN(Recommender):
    """Sums over the user's support items the similarity of each of their nearest neighbours.

        s_ij = n_ij / (sqrt(n_i n_j) + κ),      score_uj = Σ_{i in support of u} s_ij [j among the k nearest of i]

    where `n_ij` users have both items. Similarities are computed for support items only, so no matrix of items by items
    is ever held; that of training users by items is (8 bytes an entry). Neighbours that are equally near as the last
    one are kept too.

    Args:
        shrinkage: κ.
        neighbours: k; None: all items.
        least: ratings below it do not count, in training and in support; None: every event counts.

    Source: Deshpande and Karypis 2004, "Item-based top-N recommendation algorithms", section 4; the shrinkage is that
    of Ferrari Dacrema et al. 2019, "Are we really making much progress?".

    >>> train = Events.of([0, 0, 1, 1, 1], [0, 1, 0, 1, 2], users=3, items=4)
    >>> model = ItemKNN(shrinkage=0).fit(train, Cases(train.where(train.user > 1), train))
    >>> model.scores(Events.of([2], [0], users=3, items=4), np.array([2])).round(2)
    array([[0.  , 1.  , 0.71, 0.  ]])
    """

    name = "item kNN"
    family = "closed form"
    predicts_ratings = False
    matrix: Real

    def __init__(self, shrinkage: float = 10.0, neighbours: int | None = 100, least: float | None = None):
        self.shrinkage, self.least = not_negative("shrinkage", shrinkage, 10.0), least
        self.neighbours = None if neighbours is None else at_least("neighbours", neighbours, 1, "None for all items")

    def fit(self, train: Events, validation: Cases) -> Self:
        """Keeps who has what."""
        self.matrix = interactions(train, np.unique(train.user), self.least)
        return self

    def similarities(self, items: Whole) -> Real:
        """`(len(items), all items)` similarities, 0 to the item itself and beyond the nearest neighbours."""
        count = self.matrix.sum(0)
        together = self.matrix[:, items].T @ self.matrix
        scale = np.sqrt(count[items, None] * count) + self.shrinkage
        near: Real = np.divide(together, scale, out=np.zeros_like(together), where=together > 0)
        near[np.arange(len(items)), items] = 0
        if self.neighbours is not None and self.neighbours < near.shape[1]:
            last = np.partition(near, -self.neighbours, axis=1)[:, -self.neighbours, None]
            near[near < last] = 0
        return near

    def scores(self, support: Events, users: Whole) -> Real:
        """`(len(users), items)` summed similarities; without an event that counts, what most people took."""
        chosen = interactions(support, users, self.least)
        items = np.flatnonzero(chosen.any(0))
        table: Real = chosen[:, items] @ self.similarities(items)
        return else_popular(table, np.asarray(chosen.any(1)), self.matrix.sum(0))
