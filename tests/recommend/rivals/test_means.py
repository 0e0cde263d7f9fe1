"""Means and medians, user by user and item by item."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers.recommending import no_cases, some_events
from innerloop.errors import ConfigurationError, DataError
from innerloop.recommend.rivals import GlobalMean, ItemMean, UserMean, UserMedian

EVENTS = some_events()
NONE = no_cases(EVENTS)
TRAIN = EVENTS.of_users(np.arange(20))
USERS = np.array([3, 21, 28])


@given(st.floats(0, 50))
def test_shrunk_means_are_those_of_each_user_and_item(shrinkage):
    mean = TRAIN.value.mean()
    users = UserMean(shrinkage).fit(TRAIN, NONE).scores(EVENTS, USERS)
    for row, user in zip(users, USERS, strict=True):
        own = EVENTS.history(user).value
        assert row == pytest.approx((own.sum() + shrinkage * mean) / (len(own) + shrinkage))
    items = ItemMean(shrinkage).fit(TRAIN, NONE).scores(EVENTS, USERS)
    for item in range(EVENTS.items):
        own = TRAIN.value[TRAIN.item == item]
        assert items[:, item] == pytest.approx((own.sum() + shrinkage * mean) / (len(own) + shrinkage))


@given(st.integers(0, 1000))
def test_medians_are_those_of_each_user(seed):
    events = some_events(seed=seed)
    found = UserMedian().fit(events, NONE).scores(events, USERS)
    assert found[:, 0].tolist() == [np.median(events.history(user).value) for user in USERS]


def test_nothing_known_is_the_overall_mean_or_median():
    nothing = EVENTS.where(EVENTS.user < 0)
    for make, expected in ((UserMean, EVENTS.value.mean()), (UserMedian, np.median(EVENTS.value))):
        assert make().fit(EVENTS, NONE).scores(nothing, np.array([2])) == pytest.approx(expected)
    unshrunk = ItemMean(0.0).fit(EVENTS.where(EVENTS.item != 4), NONE)
    assert unshrunk.means[4] == unshrunk.mean


def test_what_makes_no_sense_is_refused():
    with pytest.raises(DataError, match="no training event"):
        GlobalMean().fit(EVENTS.where(EVENTS.user < 0), NONE)
    with pytest.raises(ConfigurationError, match="shrinkage must be"):
        UserMean(-1)
