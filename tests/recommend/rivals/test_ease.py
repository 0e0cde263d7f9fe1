"""EASE is the minimum under its constraint, by either of its two ways."""

import numpy as np
import pytest

from helpers.recommending import no_cases, some_events
from innerloop.recommend.rivals import EASE
from innerloop.recommend.rivals._matrix import interactions


def weights(model, events):
    """B: what a user with a single item gets, for each item."""
    return np.stack([
        model.scores(type(events).of([0], [item], [5.0], users=1, items=events.items), np.array([0]))[0]
        for item in range(events.items)
    ])  # fmt: skip


@pytest.mark.parametrize("users", [6, 40])  # fewer than items, and more
@pytest.mark.parametrize("least", [None, 3.0])
def test_weights_fulfil_the_conditions_of_the_minimum(users, least):
    events = some_events(users=users, items=12, seed=8)
    found = weights(EASE(2.0, least).fit(events, no_cases(events)), events)
    x = interactions(events, np.arange(users), least)
    assert np.abs(np.diag(found)).max() < 1e-9
    # the gradient X'(XB - X) + λB vanishes off the diagonal, where B is free
    gradient = x.T @ (x @ found - x) + 2.0 * found
    np.fill_diagonal(gradient, 0)
    assert np.abs(gradient).max() < 1e-9


def test_both_ways_give_the_same():
    events = some_events(users=11, items=12, seed=9)
    wide = EASE(3.0).fit(events, no_cases(events))
    twice = type(events).of(
        np.r_[events.user, events.user + 11], np.r_[events.item, events.item], np.ones(2 * len(events)),
        users=22, items=12,
    )  # fmt: skip
    tall = EASE(6.0).fit(twice, no_cases(twice))  # every user twice, and twice the penalty
    np.testing.assert_allclose(weights(wide, events), weights(tall, events), atol=1e-9)


def test_a_user_is_rebuilt_by_their_other_items():
    events = some_events(users=30, seed=10)
    model = EASE(1.0).fit(events, no_cases(events))
    x = interactions(events, np.arange(30))
    np.testing.assert_allclose(model.scores(events, np.arange(30)), x @ weights(model, events), atol=1e-9)
