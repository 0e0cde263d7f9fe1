"""Each half of a sweep is a dense weighted least squares over all items, seen or not."""

from itertools import pairwise

import numpy as np

from helpers.recommending import no_cases, some_events
from innerloop.recommend.rivals import ImplicitALS
from innerloop.recommend.rivals._matrix import interactions

EVENTS = some_events(seed=11, explicit=False)
NONE = no_cases(EVENTS)


def objective(model, x):
    predicted = model.users @ model.items.T
    return (
        ((1 + model.confidence * x) * (x - predicted) ** 2).sum()
        + model.penalty * ((model.users**2).sum() + (model.items**2).sum())
    )  # fmt: skip


def test_users_are_the_solution_over_all_items():
    model = ImplicitALS(3, confidence=4.0, penalty=0.7).fit(EVENTS, NONE)
    x = interactions(EVENTS, np.arange(EVENTS.users))
    for user in range(EVENTS.users):
        weight = 1 + 4.0 * x[user]
        gram = (model.items.T * weight) @ model.items + 0.7 * np.eye(3)
        expected = np.linalg.solve(gram, model.items.T @ (weight * x[user]))
        np.testing.assert_allclose(model.users[user], expected, atol=1e-9)


def test_the_objective_falls_with_every_sweep():
    x = interactions(EVENTS, np.arange(EVENTS.users))
    values = [objective(ImplicitALS(3, 4.0, 0.7, sweeps=n).fit(EVENTS, NONE), x) for n in range(1, 8)]
    assert all(after <= before + 1e-9 for before, after in pairwise(values))


def test_a_user_who_comes_again_gets_the_same_factors():
    model = ImplicitALS(3).fit(EVENTS, NONE)
    users = np.array([2, 17])
    np.testing.assert_allclose(model.user_factors(EVENTS, users), model.users[users], atol=1e-12)


def test_ratings_below_the_least_do_not_count():
    rated = some_events(seed=11)
    liked = rated.where(rated.value >= 4)
    one, other = ImplicitALS(3, least=4.0).fit(rated, NONE), ImplicitALS(3).fit(liked, NONE)
    users = np.arange(rated.users)
    np.testing.assert_allclose(one.scores(rated, users), other.scores(liked, users), atol=1e-12)
