"""User and item bias: the twenty lines that published systems must beat, and mostly do not."""

from __future__ import annotations

from typing import Self

import numpy as np

from innerloop.demands import positive
from innerloop.recommend._cases import Cases
from innerloop.recommend._events import Events, Real, Whole
from innerloop.recommend._recommender import Recommender
from innerloop.recommend.rivals._matrix import per_user
from innerloop.recommend.rivals._means import mean_rating

SWEEPS, CLOSE = 1_000, 1e-9
"""Alternating sweeps end when no item bias moves by more than `CLOSE`; tens are enough on real ratings."""


class UserItemBias(Recommender):
    """A level for each user and each item around the global mean.

        min_{b, c}  Σ_ui (r_ui - μ - b_u - c_i)² + λ_u Σ_u b_u² + λ_i Σ_i c_i²

    Solved exactly, by alternating between users and items until nothing moves. A new user's bias is the minimum for
    their support events alone: for a user of the training set that is the very bias that they have there.

    Args:
        user_penalty: λ_u.
        item_penalty: λ_i.

    Attributes:
        mean: μ.
        items: `(items,)` c; 0 for an item without a training event.

    Source: Koren, Bell and Volinsky 2009, "Matrix factorization techniques for recommender systems", equation 3.

    >>> train = Events.of([0, 0, 1, 1], [0, 1, 0, 1], [5, 3, 4, 2], users=3, items=2)
    >>> model = UserItemBias(1e-6, 1e-6).fit(train, Cases(train.where(train.user > 1), train))
    >>> model.scores(Events.of([2], [0], [3], users=3, items=2), np.array([2])).round(3)
    array([[3., 1.]])
    """

    name = "user + item bias"
    family = "closed form"
    mean: float
    items: Real

    def __init__(self, user_penalty: float = 5.0, item_penalty: float = 5.0):
        self.user_penalty = positive("user_penalty", user_penalty, 5.0)
        self.item_penalty = positive("item_penalty", item_penalty, 5.0)

    def fit(self, train: Events, validation: Cases) -> Self:
        """Solves for all biases.

        Raises:
            DataError: if there is no training event.
        """
        self.mean = mean_rating(train)
        self.items = np.zeros(train.items)
        count = np.bincount(train.item, minlength=train.items) + self.item_penalty
        away = train.value - self.mean
        everyone = np.arange(train.users)
        for _ in range(SWEEPS):
            users = self.user_biases(train, everyone)
            items = np.bincount(train.item, away - users[train.user], train.items) / count
            moved = float(np.abs(items - self.items).max(initial=0.0))
            self.items = items
            if moved < CLOSE:
                break
        return self

    def user_biases(self, support: Events, users: Whole) -> Real:
        """`(len(users),)` biases of users from their support events; 0 without any."""
        away = support.value - self.mean - self.items[support.item]
        count = per_user(support, users, np.ones(len(support)))
        return per_user(support, users, away) / (count + self.user_penalty)

    def scores(self, support: Events, users: Whole) -> Real:
        """`(len(users), items)`: μ + b_u + c_i."""
        return self.mean + self.user_biases(support, users)[:, None] + self.items
