"""Biases and factors by alternating least squares; a new user is one ridge regression on the items' factors."""

from __future__ import annotations

from typing import Self

import numpy as np
import torch

from innerloop.counter import fold, normal
from innerloop.demands import at_least, positive
from innerloop.recommend._cases import Cases
from innerloop.recommend._events import Events, Real, Whole
from innerloop.recommend._recommender import Recommender
from innerloop.recommend.rivals._biases import UserItemBias
from innerloop.recommend.rivals._least_squares import solve_rows

START = 0.1
"""Deviation of the factors before the first sweep: small, so that the biases come first. A choice."""


class RidgeOnFactors(Recommender):
    """User and item biases and factors; a new user's bias and factors are a ridge regression on their support events.

        min  Σ_ui (r_ui - μ - b_u - c_i - p_u·q_i)² + λ_b Σ_u b_u² + λ_c Σ_i c_i² + λ (Σ_u |p_u|² + Σ_i |q_i|²)

    Every sweep solves for all `(c_i, q_i)` and then for all `(b_u, p_u)` exactly, so the objective never rises, and a
    user of the training set who comes again with the same events gets the same factors.

    Args:
        factors: numbers in q.
        penalty: λ.
        user_penalty: λ_b.
        item_penalty: λ_c.
        sweeps: how many.
        seed: of the first factors.

    Attributes:
        mean: μ.
        items: `(items, 1 + factors)`: c and q.
        users: `(users, 1 + factors)`: b and p; 0 for users without a training event.

    Source: Zhou et al. 2008, "Large-scale parallel collaborative filtering for the Netflix Prize", section 3.1; with
    biases as in Koren, Bell and Volinsky 2009, equation 5.
    """

    name = "ridge on factors"
    family = "closed form"
    mean: float
    items: Real
    users: Real

    def __init__(
        self, factors: int = 8, penalty: float = 10.0, user_penalty: float = 5.0, item_penalty: float = 2.0,
        sweeps: int = 10, seed: int = 0,
    ):  # fmt: skip
        self.factors, self.sweeps, self.seed = at_least("factors", factors, 1), at_least("sweeps", sweeps, 1), seed
        self.penalty = positive("penalty", penalty, 10.0)
        self.user_penalty = positive("user_penalty", user_penalty, 5.0)
        self.item_penalty = positive("item_penalty", item_penalty, 2.0)

    def fit(self, train: Events, validation: Cases) -> Self:
        """Starts from the exact biases and small factors, and sweeps.

        Raises:
            DataError: if there is no training event.
        """
        biases = UserItemBias(self.user_penalty, self.item_penalty).fit(train, validation)
        self.mean = biases.mean
        places = (torch.arange(count)[:, None] for count in (train.items, train.users))
        first = [START * normal(fold(self.seed, n, at), torch.arange(self.factors)).double().numpy()
                 for n, at in enumerate(places)]  # fmt: skip
        self.items = np.column_stack([biases.items, first[0]])
        self.users = np.column_stack([biases.user_biases(train, np.arange(train.users)), first[1]])
        self.users[train.counts == 0] = 0
        penalty = np.r_[self.item_penalty, np.full(self.factors, self.penalty)]
        for _ in range(self.sweeps):
            targets = train.value - self.mean - self.users[train.user, 0]
            design = np.column_stack([np.ones(train.users), self.users[:, 1:]])
            self.items = solve_rows(design, train.item, train.user, targets, penalty, train.items)
            self.users = self.user_vectors(train, np.arange(train.users))
        return self

    def user_vectors(self, support: Events, users: Whole) -> Real:
        """`(len(users), 1 + factors)`: bias and factors of users from their support events; 0 without any."""
        once, place = np.unique(users, return_inverse=True)
        some = support.of_users(once)
        targets = some.value - self.mean - self.items[some.item, 0]
        design = np.column_stack([np.ones(len(self.items)), self.items[:, 1:]])
        penalty = np.r_[self.user_penalty, np.full(self.factors, self.penalty)]
        return solve_rows(design, once.searchsorted(some.user), some.item, targets, penalty, len(once))[place]

    def scores(self, support: Events, users: Whole) -> Real:
        """`(len(users), items)`: μ + b_u + c_i + p_u·q_i."""
        found = self.user_vectors(support, users)
        table: Real = self.mean + found[:, :1] + self.items[:, 0] + found[:, 1:] @ self.items[:, 1:].T
        return table
