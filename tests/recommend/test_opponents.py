"""Every opponent fits, serves unknown users from support events alone, and had as many trials as the others."""

import numpy as np
import pytest

from helpers.recommending import first_and_later, some_events
from innerloop.recommend import RECOMMENDERS
from innerloop.recommend._opponents import OPPONENTS
from innerloop.recommend._tuned import TRIALS

EVENTS = some_events(users=40, seed=2)
TRAIN, VALIDATION = EVENTS.of_users(np.arange(25)), first_and_later(EVENTS, range(25, 32))


@pytest.fixture(scope="module")
def fitted():
    return {name: make(seed=0).fit(TRAIN, VALIDATION) for name, make in OPPONENTS.items()}


@pytest.mark.parametrize("name", OPPONENTS)
def test_scores_depend_on_support_events_alone(fitted, name):
    support = first_and_later(EVENTS, range(32, 40), shots=3).support
    users = np.array([33, 36, 39])
    together = fitted[name].scores(support, users)
    assert together.shape == (3, EVENTS.items)
    assert np.isfinite(together).all()
    for row, user in zip(together, users, strict=True):
        alone = fitted[name].scores(support.history(user), np.array([user]))
        np.testing.assert_allclose(alone[0], row, atol=1e-9)


@pytest.mark.parametrize("name", OPPONENTS)
def test_users_may_come_in_any_order_and_twice(fitted, name):
    support = first_and_later(EVENTS, range(32, 40), shots=3).support
    found = fitted[name].scores(support, np.array([39, 33, 33, 36]))
    expected = fitted[name].scores(support, np.array([33, 36, 39]))
    np.testing.assert_allclose(found, expected[[2, 0, 0, 1]], atol=1e-9)


@pytest.mark.parametrize("name", OPPONENTS)
def test_users_without_an_event_get_what_a_new_user_gets(fitted, name):
    nothing = EVENTS.where(EVENTS.user < 0)
    found = fitted[name].scores(nothing, np.array([0, 39]))
    assert np.isfinite(found).all()
    assert (found[0] == found[1]).all()


@pytest.mark.parametrize("name", OPPONENTS)
def test_trials_are_as_many_for_everyone_who_has_something_to_choose(fitted, name):
    assert len(fitted[name].tried) in (0, TRIALS)
    assert len(fitted[name].settings) in (1, TRIALS)


def test_tables_have_every_opponent():
    assert OPPONENTS.items() <= RECOMMENDERS.items()
