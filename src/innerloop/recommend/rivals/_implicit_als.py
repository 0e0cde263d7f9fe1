"""Implicit alternating least squares: confident where something happened, doubtful where nothing did."""

from __future__ import annotations

from typing import Self

import numpy as np
import torch

from innerloop.counter import fold, normal
from innerloop.demands import at_least, positive
from innerloop.recommend._cases import Cases
from innerloop.recommend._events import Events, Real, Whole
from innerloop.recommend._recommender import Recommender
from innerloop.recommend.rivals._least_squares import solve_rows
from innerloop.recommend.rivals._matrix import else_popular

START = 0.1
"""Deviation of the item factors before the first sweep, divided by the root of their number: that of Rendle et al.
2022, "Revisiting the performance of iALS on item recommendation benchmarks"."""


class ImplicitALS(Recommender):
    """Factors that predict 1 for every event and 0 for everything else, the events counting for more.

        min  Σ_ui a_ui (t_ui - p_u·q_i)² + λ (Σ_u |p_u|² + Σ_i |q_i|²),    a = 1 + α, t = 1 for an event;  a = 1, t = 0

    Users are solved for last, so a user of the training set who comes again with the same events gets the same factors.

    Args:
        factors: numbers in q.
        confidence: α.
        penalty: λ.
        sweeps: how many.
        least: ratings below it do not count, in training and in support; None: every event counts.
        seed: of the first factors.

    Attributes:
        items: `(items, factors)` q.
        users: `(users, factors)` p; 0 for users without a training event.

    Source: Hu, Koren and Volinsky 2008, "Collaborative filtering for implicit feedback datasets", equations 3 to 5.
    """

    name = "implicit ALS"
    family = "closed form"
    predicts_ratings = False
    items: Real
    users: Real
    _popular: Real

    def __init__(
        self, factors: int = 32, confidence: float = 3.0, penalty: float = 10.0, sweeps: int = 10,
        least: float | None = None, seed: int = 0,
    ):  # fmt: skip
        self.factors, self.sweeps, self.seed = at_least("factors", factors, 1), at_least("sweeps", sweeps, 1), seed
        self.confidence = positive("confidence", confidence, 3.0)
        self.penalty, self.least = positive("penalty", penalty, 10.0), least

    def fit(self, train: Events, validation: Cases) -> Self:
        """Sweeps: users, items, ..., users."""
        train = train.liked(self.least)
        self._popular = np.bincount(train.item, minlength=train.items).astype(np.float64)
        first = normal(fold(self.seed, torch.arange(train.items)[:, None]), torch.arange(self.factors))
        self.items = START / np.sqrt(self.factors) * first.double().numpy()
        for _ in range(self.sweeps):
            self.users = self._half(self.items, train.user, train.item, train.users)
            self.items = self._half(self.users, train.item, train.user, train.items)
        self.users = self._half(self.items, train.user, train.item, train.users)
        return self

    def user_factors(self, support: Events, users: Whole) -> Real:
        """`(len(users), factors)` from support events; 0 without any."""
        once, place = np.unique(users, return_inverse=True)
        some = support.of_users(once).liked(self.least)
        return self._half(self.items, once.searchsorted(some.user), some.item, len(once))[place]

    def scores(self, support: Events, users: Whole) -> Real:
        """`(len(users), items)`: p_u·q_i; without an event that counts, what most people took."""
        table: Real = self.user_factors(support, users) @ self.items.T
        return else_popular(table, np.isin(users, support.liked(self.least).user), self._popular)

    def _half(self, design: Real, row: Whole, column: Whole, rows: int) -> Real:
        # what every row has in common, the weight 1 on everything, is one Gram matrix; events add α
        ones = np.ones(len(row))
        return solve_rows(
            design, row, column, ones * (1 + self.confidence) / self.confidence, np.full(self.factors, self.penalty),
            rows, weights=ones * self.confidence, shared=design.T @ design,
        )  # fmt: skip
