"""Bayesian personalised ranking: factors that put what happened before what did not."""

from __future__ import annotations

from typing import Self

import numpy as np

from innerloop.counter import seed_of
from innerloop.demands import at_least, positive
from innerloop.errors import DataError
from innerloop.recommend._cases import Cases
from innerloop.recommend._events import Events, Real, Whole
from innerloop.recommend._recommender import Recommender
from innerloop.recommend.rivals._matrix import interactions

START = 0.1
"""Deviation of the factors before the first step. A choice."""
BATCH = 256
"""Triples of a step. A choice."""
NEGATIVES = 200
"""Items that a new user's events are put before. A choice: more move the factors little."""
NEWTON, CLOSE = 20, 1e-8
"""A new user's problem is convex and Newton's method is there after a few steps."""


class BPR(Recommender):
    """Item biases and factors fitted to pairs: an item that the user took, and one that they did not.

        min  Σ_(u, i) E_j [ log(1 + exp(-(x_ui - x_uj))) + λ (|p_u|² + |q_i|² + |q_j|²) ],    x_ui = c_i + p_u·q_i

    with `j` uniform over the items that the user has no event with. Fitted by stochastic gradients; a new user's
    factors are the minimum of their own part of the sum, with the items as they are, over a fixed sample of `j`.

    Args:
        factors: numbers in q.
        penalty: λ.
        rate: of the steps.
        epochs: how often every event is met.
        least: ratings below it do not count, in training and in support; None: every event counts.
        seed: of factors, order and pairs.

    Attributes:
        biases: `(items,)` c.
        items: `(items, factors)` q.

    Source: Rendle et al. 2009, "BPR: Bayesian personalized ranking from implicit feedback", sections 4.1 and 4.3.1.
    """

    name = "BPR"
    family = "transfer"
    predicts_ratings = False
    biases: Real
    items: Real
    negatives: Whole

    def __init__(
        self, factors: int = 16, penalty: float = 0.01, rate: float = 0.05, epochs: int = 20,
        least: float | None = None, seed: int = 0,
    ):  # fmt: skip
        self.factors, self.epochs = at_least("factors", factors, 1), at_least("epochs", epochs, 1)
        self.penalty, self.rate = positive("penalty", penalty, 0.01), positive("rate", rate, 0.05)
        self.least, self.seed = least, seed

    def fit(self, train: Events, validation: Cases) -> Self:
        """Steps through all events, `epochs` times.

        Raises:
            DataError: if a user has an event with every item, so that nothing is left to put them before.
        """
        who = np.unique(train.user)
        taken = interactions(train, who, self.least).astype(bool)
        if len(full := np.flatnonzero(taken.all(1))):
            raise DataError(f"User {who[full[0]]} has an event with every item: nothing is left to put them before.")
        rng = np.random.default_rng(seed_of(self.seed))
        user, item = np.nonzero(taken)
        users, self.items = (START * rng.standard_normal((n, self.factors)) for n in (len(who), train.items))
        self.biases = np.zeros(train.items)
        self.negatives = rng.permutation(train.items)[:NEGATIVES]
        for _ in range(self.epochs):
            order = rng.permutation(len(user))
            for at in range(0, len(order), BATCH):
                part = order[at : at + BATCH]
                self._step(users, user[part], item[part], _not_taken(taken, user[part], rng))
        return self

    def user_factors(self, support: Events, user: int) -> Real:
        """`(factors,)` of one user from their support events; 0 without any."""
        own = np.flatnonzero(interactions(support, np.array([user]), self.least)[0])
        others = np.setdiff1d(self.negatives, own)
        found = np.zeros(self.factors)
        if not len(own) or not len(others):
            return found
        ahead = (self.items[own][:, None] - self.items[others]).reshape(-1, self.factors)
        level = (self.biases[own][:, None] - self.biases[others]).reshape(-1)
        weight, pull = 1 / len(others), 2 * self.penalty * len(own)
        for _ in range(NEWTON):
            missed = _sigmoid(-(level + ahead @ found))
            gradient = pull * found - weight * missed @ ahead
            curvature = pull * np.eye(self.factors) + weight * (ahead.T * (missed * (1 - missed))) @ ahead
            step = np.linalg.solve(curvature, gradient)
            found = found - step
            if np.abs(step).max() < CLOSE:
                break
        return found

    def scores(self, support: Events, users: Whole) -> Real:
        """`(len(users), items)`: c_i + p_u·q_i."""
        some = support.of_users(users)
        found = np.stack([self.user_factors(some, int(user)) for user in users])
        table: Real = self.biases + found @ self.items.T
        return table

    def _step(self, users: Real, user: Whole, item: Whole, other: Whole) -> None:
        p, q, r = users[user], self.items[item], self.items[other]
        missed = _sigmoid(-(self.biases[item] - self.biases[other] + (p * (q - r)).sum(1)))[:, None]
        pull = 2 * self.penalty
        np.add.at(users, user, self.rate * (missed * (q - r) - pull * p))
        np.add.at(self.items, item, self.rate * (missed * p - pull * q))
        np.add.at(self.items, other, self.rate * (-missed * p - pull * r))
        np.add.at(self.biases, item, self.rate * missed[:, 0])
        np.add.at(self.biases, other, -self.rate * missed[:, 0])


def _not_taken(taken: np.ndarray[tuple[int, ...], np.dtype[np.bool_]], user: Whole, rng: np.random.Generator) -> Whole:
    """An item for each user that they have no event with, all equally likely."""
    found = rng.integers(0, taken.shape[1], len(user))
    while len(wrong := np.flatnonzero(taken[user, found])):
        found[wrong] = rng.integers(0, taken.shape[1], len(wrong))
    return found


def _sigmoid(x: Real) -> Real:
    found: Real = 0.5 * (1 + np.tanh(0.5 * x))  # does not overflow
    return found
