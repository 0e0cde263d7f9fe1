"""Alternation never makes the objective worse, and a user who comes again is the same user."""

from itertools import pairwise

import numpy as np
import pytest

from helpers.recommending import no_cases, some_events
from innerloop.recommend import Events
from innerloop.recommend.rivals import RidgeOnFactors, UserItemBias

EVENTS = some_events(seed=5)
NONE = no_cases(EVENTS)


def objective(model, events):
    users, items = model.users[events.user], model.items[events.item]
    predicted = model.mean + users[:, 0] + items[:, 0] + (users[:, 1:] * items[:, 1:]).sum(1)
    return (
        ((events.value - predicted) ** 2).sum()
        + model.user_penalty * (model.users[:, 0] ** 2).sum()
        + model.item_penalty * (model.items[:, 0] ** 2).sum()
        + model.penalty * ((model.users[:, 1:] ** 2).sum() + (model.items[:, 1:] ** 2).sum())
    )


def test_the_objective_falls_with_every_sweep():
    values = [objective(RidgeOnFactors(3, 0.5, sweeps=n).fit(EVENTS, NONE), EVENTS) for n in range(1, 8)]
    assert all(after <= before + 1e-9 for before, after in pairwise(values))
    assert values[-1] < values[0]


def test_at_the_end_neither_half_can_be_bettered():
    """The gradient of the objective is zero: of users exactly, of items when it has converged."""
    model = RidgeOnFactors(2, 1.0, sweeps=500).fit(EVENTS, NONE)
    for part, closeness in ((model.users, 1e-6), (model.items, 1e-3)):
        for place in np.ndindex(part.shape):
            part[place] += 1e-3
            up = objective(model, EVENTS)
            part[place] -= 2e-3
            slope = (up - objective(model, EVENTS)) / 2e-3
            part[place] += 1e-3
            assert abs(slope) < closeness  # the objective is quadratic in one number, so this is its slope


def test_a_user_who_comes_again_gets_the_same_factors():
    model = RidgeOnFactors(3, 0.5).fit(EVENTS, NONE)
    users = np.array([2, 17])
    np.testing.assert_allclose(model.user_vectors(EVENTS, users), model.users[users], atol=1e-12)


def test_factors_that_cost_too_much_leave_the_biases():
    model = RidgeOnFactors(3, 1e9, sweeps=500).fit(EVENTS, NONE)
    users = np.arange(5)
    biases = UserItemBias(5.0, 2.0).fit(EVENTS, NONE).scores(EVENTS, users)
    np.testing.assert_allclose(model.scores(EVENTS, users), biases, atol=1e-6)


def test_tastes_are_found_where_there_are_some():
    rng = np.random.default_rng(0)
    tastes, factors = rng.normal(size=(200, 2)), rng.normal(size=(40, 2))
    user, item = np.repeat(np.arange(200), 20), np.concatenate([rng.permutation(40)[:20] for _ in range(200)])
    value = 3 + (tastes[user] * factors[item]).sum(1)
    events = Events.of(user, item, value, users=200, items=40)
    train, others = events.of_users(np.arange(150)), np.arange(150, 200)
    model = RidgeOnFactors(2, 0.1, sweeps=30).fit(train, NONE)
    found = model.scores(events, others)
    truth = 3 + tastes[others] @ factors.T
    assert np.abs(found - truth).mean() < 0.15
    assert np.abs(UserItemBias().fit(train, NONE).scores(events, others) - truth).mean() > 0.6


def test_seeds_are_repeatable():
    one, same = (RidgeOnFactors(3, 0.5, seed=4).fit(EVENTS, NONE).items for _ in range(2))
    assert (one == same).all()
    assert one != pytest.approx(RidgeOnFactors(3, 0.5, seed=5, sweeps=1).fit(EVENTS, NONE).items)
