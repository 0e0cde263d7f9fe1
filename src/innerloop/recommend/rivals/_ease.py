"""EASE: the linear autoencoder in closed form."""

from __future__ import annotations

from typing import Self

import numpy as np

from innerloop.demands import positive
from innerloop.recommend._cases import Cases
from innerloop.recommend._events import Events, Real, Whole
from innerloop.recommend._recommender import Recommender
from innerloop.recommend.rivals._matrix import else_popular, interactions


class EASE(Recommender):
    """Weights from item to item that rebuild every training user from their other items.

        min_B |X - X B|² + λ |B|²,   diag B = 0     =>     B = I - P diag(1 / diag P),   P = (X'X + λ I)^-1

    A new user with support row `s` gets `s B`. With fewer training users `m` than items, P is never formed:

        λ P = I - X' (X X' + λ I)^-1 X

    gives `s B` and the diagonal of P exactly from a system of size m, so thousands of items that hardly anybody took
    cost nothing. What is held is X twice, or P, whichever is smaller, in float64.

    Args:
        penalty: λ.
        least: ratings below it do not count, in training and in support; None: every event counts.

    Source: Steck 2019, "Embarrassingly shallow autoencoders for sparse data", equation 8.

    >>> train = Events.of([0, 0, 1, 1, 2], [0, 1, 0, 1, 2], users=4, items=3)
    >>> model = EASE(penalty=1.0).fit(train, Cases(train.where(train.user > 2), train))
    >>> model.scores(Events.of([3], [0], users=4, items=3), np.array([3])).round(3)
    array([[0.   , 0.667, 0.   ]])
    """

    name = "EASE"
    family = "closed form"
    predicts_ratings = False

    def __init__(self, penalty: float = 100.0, least: float | None = None):
        self.penalty, self.least = positive("penalty", penalty, 100.0), least
        self._left: Real = np.zeros((0, 0))
        self._right: Real = np.zeros((0, 0))
        self._diagonal: Real = np.zeros(0)
        self._popular: Real = np.zeros(0)

    def fit(self, train: Events, validation: Cases) -> Self:
        """Solves one system, of the size of the training users or of the items."""
        x = interactions(train, np.unique(train.user), self.least)
        few, many = x.shape
        self._popular = x.sum(0)
        if few < many:  # λ P = I - left @ right
            self._left = x.T
            self._right = np.asarray(np.linalg.solve(x @ x.T + self.penalty * np.eye(few), x), np.float64)
            self._diagonal = 1 - np.einsum("mi,mi->i", x, self._right)
        else:
            self._left = np.eye(many)
            inverse = np.linalg.inv(x.T @ x + self.penalty * np.eye(many))
            self._right = np.asarray(np.eye(many) - self.penalty * inverse, np.float64)
            self._diagonal = 1 - np.diag(self._right)
        return self

    def scores(self, support: Events, users: Whole) -> Real:
        """`(len(users), items)`: s B; without an event that counts, what most people took."""
        chosen = interactions(support, users, self.least)
        table: Real = chosen - (chosen - chosen @ self._left @ self._right) / self._diagonal
        return else_popular(table, np.asarray(chosen.any(1)), self._popular)
