"""Events as a matrix of users by items, for what is computed with one."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from innerloop.recommend._events import Events, Real, Whole


def interactions(events: Events, users: Whole, least: float | None = None) -> Real:
    """`(len(users), items)`: 1 where a user has an event with an item, else 0.

    Args:
        events: who did what.
        users: numbers, in any order; events of others are left out.
        least: ratings below it do not count; None: every event counts.

    >>> interactions(Events.of([0, 2, 2], [1, 0, 1], [5, 2, 4], users=3, items=2), np.array([0, 2]), least=3)
    array([[0., 1.],
           [0., 1.]])
    """
    once, place = np.unique(users, return_inverse=True)
    matrix = np.zeros((len(once), events.items))
    some = events.of_users(users).liked(least)
    matrix[once.searchsorted(some.user), some.item] = 1.0
    return matrix[place]


def else_popular(table: Real, known: NDArray[np.bool_], popular: Real) -> Real:
    """Scores of items; for users of whom nothing is known that counts, those of what most people took.

    Args:
        table: `(users, items)` scores.
        known: `(users,)` whether a user has an event that counts.
        popular: `(items,)` how many training events each item has.

    >>> else_popular(np.zeros((2, 3)), np.array([True, False]), np.array([1.0, 0.0, 2.0]))
    array([[0., 0., 0.],
           [1., 0., 2.]])
    """
    found: Real = np.where(known[:, None], table, popular)
    return found


def per_user(events: Events, users: Whole, values: Real) -> Real:
    """`(len(users),)` sums of one value per event over the events of each user."""
    sums: Real = np.bincount(events.user, values, events.users).astype(np.float64)[users]
    return sums
