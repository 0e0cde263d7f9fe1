"""The oracle is the posterior mean, and nobody is better."""

import numpy as np
import pytest

from helpers.recommending import no_cases
from innerloop.recommend import NOISES, Oracle, Simulator, evaluate_recommender, leave_users_out
from innerloop.recommend._simulator import MEAN
from innerloop.recommend.rivals import GlobalMean, RidgeOnFactors, UserItemBias


@pytest.mark.parametrize("drift", [0.0, 0.05])
def test_it_agrees_with_a_gaussian_conditioned_by_hand(drift):
    world = Simulator(users=4, drift=drift)
    events, truth = world.events(), world.truth
    users = np.array([1, 3])
    place = np.arange(len(events)) - events.starts[events.user]
    support = events.where(place < np.where(events.user == 1, 6, 9))
    found = Oracle(world).scores(support, users)
    np.testing.assert_array_equal(Oracle(world).scores(support, users[::-1]), found[::-1])
    for row, user in zip(found, users, strict=True):
        own = support.history(user)
        count = len(own)
        # bias and the taste after each event, as one Gaussian vector, seen through the factors of what was rated
        size = 1 + world.factors * count
        prior = np.zeros((size, size))
        prior[0, 0] = world.bias**2
        unit = world.taste**2 / world.factors
        for n in range(count):
            for m in range(count):
                a, b = 1 + world.factors * n, 1 + world.factors * m
                prior[a : a + world.factors, b : b + world.factors] = (
                    np.eye(world.factors) * unit * (1 + drift * min(n, m))
                )
        seen = np.zeros((count, size))
        seen[:, 0] = 1
        for n, item in enumerate(own.item):
            seen[n, 1 + world.factors * n : 1 + world.factors * (n + 1)] = truth.factors[item]
        covariance = seen @ prior @ seen.T + world.noise**2 * np.eye(count)
        mean = prior @ seen.T @ np.linalg.solve(covariance, own.value - MEAN - truth.quality[own.item])
        expected = MEAN + mean[0] + truth.quality + truth.factors @ mean[-world.factors :]
        np.testing.assert_allclose(row, expected, atol=1e-9)


def test_without_drift_it_is_a_ridge_regression_on_the_true_factors():
    world = Simulator(users=3, drift=0.0)
    support = world.events()
    ridge = RidgeOnFactors(
        world.factors, penalty=world.noise**2 * world.factors / world.taste**2,
        user_penalty=world.noise**2 / world.bias**2,
    )  # fmt: skip
    ridge.mean, ridge.items = MEAN, np.column_stack([world.truth.quality, world.truth.factors])
    users = np.arange(3)
    np.testing.assert_allclose(ridge.scores(support, users), Oracle(world).scores(support, users), atol=1e-9)


@pytest.mark.parametrize("noise", NOISES)
def test_in_the_fixed_setting_biases_are_a_quarter_above_it(noise):
    world = Simulator(noise=noise)
    split = leave_users_out(world.events(), shots=20)
    rows = [
        evaluate_recommender(model.fit(split.train, split.validation), split.test).mean("root mean squared error")
        for model in (Oracle(world), UserItemBias(1.0, 1.0), GlobalMean())
    ]
    assert rows[1] > 1.25 * rows[0]
    assert rows[2] > rows[1]
    assert rows[0] > noise * 0.95


def test_it_says_nothing_of_training_events():
    world = Simulator(users=2)
    oracle = Oracle(world)
    events = world.events()
    assert oracle.fit(events, no_cases(events)) is oracle
