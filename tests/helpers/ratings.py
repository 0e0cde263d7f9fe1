"""A small world of ratings with known factors, for tests."""

import numpy as np

from innerloop.recommend import Cases, Column, Events, Features


def ratings(users=40, items=30, each=12, factors=2, noise=0.3, seed=0, cold=0):
    """Events and item features; the last `cold` items have no event. Features say what half of an item is."""
    rng = np.random.default_rng(seed)
    group = rng.integers(0, 4, items)
    q = rng.normal(size=(4, factors))[group] + 0.5 * rng.normal(size=(items, factors))
    p, bias = rng.normal(size=(users, factors)), rng.normal(size=items)
    user, item = [], []
    for who in range(users):
        user += [who] * each
        item += rng.permutation(items - cold)[:each].tolist()
    user, item = np.array(user), np.array(item)
    value = 3.0 + bias[item] + (p[user] * q[item]).sum(1) + noise * rng.normal(size=len(user))
    features = Features({"group": Column.categories(group + 1, 5), "size": Column.numeric(q[:, 0])}, items)
    return Events.of(user, item, value, np.arange(len(user)), users=users, items=items), features


def cases(events, users, shots=4):
    """The first events of users as support, the others as query."""
    own = events.of_users(np.asarray(users))
    rank = np.arange(len(own)) - own.starts[own.user]
    return Cases(own.where(rank < shots), own.where(rank >= shots))


def divided(events, test=10, shots=4):
    """Training events, and cases of the last `test` users."""
    split = events.users - test
    return events.of_users(np.arange(split)), cases(events, np.arange(split, events.users), shots)
