"""Small tables of events, and the MovieLens folder."""

import numpy as np

from helpers import needs
from innerloop.recommend import Cases, Events


def some_events(users=30, items=12, seed=0, explicit=True):
    """Users with a few to all items each, at times of their own; ratings from 1 to 5."""
    rng = np.random.default_rng(seed)
    rows = [(u, i) for u in range(users) for i in rng.permutation(items)[: rng.integers(2, items + 1)]]
    user, item = np.array(rows).T
    value = rng.integers(1, 6, len(user)).astype(float) if explicit else None
    return Events.of(user, item, value, rng.permutation(len(user)), users=users, items=items)


def first_and_later(events, users, shots=2):
    """The first few events of some users as support, the others as query."""
    own = events.of_users(np.asarray(users, np.int64))
    place = np.arange(len(own)) - own.starts[own.user]
    return Cases(own.where(place < shots), own.where(place >= shots))


def no_cases(events):
    """For a fit that does not look at validation cases."""
    return Cases(events.where(events.user < 0), events.where(events.user < 0))


def movielens_small():
    """The ratings of MovieLens small, or a skipped test."""
    rows = np.loadtxt(needs.data("movielens-latest-small") / "ratings.csv", delimiter=",", skiprows=1)
    user, item = (np.unique(column, return_inverse=True)[1] for column in rows[:, :2].T)
    return Events.of(user, item, rows[:, 2], rows[:, 3], users=user.max() + 1, items=item.max() + 1)
