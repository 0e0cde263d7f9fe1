"""Means: what one knows before one knows anything, shrunk where little is known."""

from __future__ import annotations

from typing import Self

import numpy as np

from innerloop.demands import not_negative
from innerloop.errors import DataError
from innerloop.recommend._cases import Cases
from innerloop.recommend._events import Events, Real, Whole
from innerloop.recommend._recommender import Recommender
from innerloop.recommend.rivals._matrix import per_user


class GlobalMean(Recommender):
    """The mean of all training ratings, for everybody and everything.

    Attributes:
        mean: that mean.

    >>> train = Events.of([0, 0], [0, 1], [2, 4], users=2, items=2)
    >>> GlobalMean().fit(train, Cases(train.where(train.user > 0), train)).scores(train, np.array([1]))
    array([[3., 3.]])
    """

    name = "global mean"
    family = "trivial"
    mean: float

    def fit(self, train: Events, validation: Cases) -> Self:
        """Takes the mean.

        Raises:
            DataError: if there is no training event.
        """
        self.mean = mean_rating(train)
        return self

    def scores(self, support: Events, users: Whole) -> Real:
        """The same number everywhere."""
        return np.full((len(users), support.items), self.mean)


class UserMean(GlobalMean):
    """The mean of the user's own support ratings, shrunk towards the global one; the same for every item.

        (Σ_k r_uk + κ μ) / (n_u + κ)

    Args:
        shrinkage: κ, ratings that the global mean counts for.
    """

    name = "user mean"

    def __init__(self, shrinkage: float = 5.0):
        self.shrinkage = not_negative("shrinkage", shrinkage, 5.0)

    def scores(self, support: Events, users: Whole) -> Real:
        """`(len(users), items)`, constant in each row."""
        count = per_user(support, users, np.ones(len(support)))
        away = per_user(support, users, support.value - self.mean)
        means = self.mean + away / np.maximum(count + self.shrinkage, np.finfo(float).tiny)
        return np.repeat(means[:, None], support.items, axis=1)


class UserMedian(GlobalMean):
    """The median of the user's support ratings, which is best for the absolute error; the overall one without any."""

    name = "user median"

    def fit(self, train: Events, validation: Cases) -> Self:
        """Takes the median of all ratings for those without one."""
        mean_rating(train)
        self.mean = float(np.median(train.value))
        return self

    def scores(self, support: Events, users: Whole) -> Real:
        """`(len(users), items)`, constant in each row."""
        some = support.of_users(users)
        # sorted by rating within each user, the median is where the middle of the rows is
        order = np.lexsort((some.value, some.user))
        ordered, starts, count = some.value[order], some.starts[users], some.counts[users]
        medians = np.full(len(users), self.mean)
        there = count > 0
        low, high = (starts + (count - 1) // 2)[there], (starts + count // 2)[there]
        medians[there] = (ordered[low] + ordered[high]) / 2
        return np.repeat(medians[:, None], support.items, axis=1)


class ItemMean(GlobalMean):
    """Each item's mean in training, shrunk towards the global one; the same for every user.

        (Σ_u r_ui + κ μ) / (n_i + κ)

    Args:
        shrinkage: κ, ratings that the global mean counts for.

    Attributes:
        means: `(items,)`.
    """

    name = "item mean"
    means: Real

    def __init__(self, shrinkage: float = 5.0):
        self.shrinkage = not_negative("shrinkage", shrinkage, 5.0)

    def fit(self, train: Events, validation: Cases) -> Self:
        """Takes the means.

        Raises:
            DataError: if there is no training event.
        """
        self.mean = mean_rating(train)
        count = np.bincount(train.item, minlength=train.items) + self.shrinkage
        away = np.bincount(train.item, train.value - self.mean, train.items)
        self.means = self.mean + away / np.maximum(count, np.finfo(float).tiny)
        return self

    def scores(self, support: Events, users: Whole) -> Real:
        """`(len(users), items)`, the same row for all."""
        return np.repeat(self.means[None], len(users), axis=0)


def mean_rating(train: Events) -> float:
    """Mean of all ratings.

    Raises:
        DataError: if there is none.
    """
    if not len(train):
        raise DataError("There is no training event. Take a larger share of users or of time to train on.")
    return float(train.value.mean())
