"""Biases are the minimum of their objective."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers.recommending import no_cases, some_events
from innerloop.recommend.rivals import UserItemBias

EVENTS = some_events(seed=4)
NONE = no_cases(EVENTS)


@given(st.floats(0.1, 20), st.floats(0.1, 20))
def test_biases_agree_with_a_dense_least_squares(user_penalty, item_penalty):
    model = UserItemBias(user_penalty, item_penalty).fit(EVENTS, NONE)
    rows = np.arange(len(EVENTS))
    design = np.zeros((len(EVENTS), EVENTS.users + EVENTS.items))
    design[rows, EVENTS.user] = design[rows, EVENTS.users + EVENTS.item] = 1
    penalty = np.r_[np.full(EVENTS.users, user_penalty), np.full(EVENTS.items, item_penalty)]
    exact = np.linalg.solve(design.T @ design + np.diag(penalty), design.T @ (EVENTS.value - EVENTS.value.mean()))
    np.testing.assert_allclose(model.items, exact[EVENTS.users :], atol=1e-7)
    everyone = np.arange(EVENTS.users)
    np.testing.assert_allclose(model.user_biases(EVENTS, everyone), exact[: EVENTS.users], atol=1e-7)
    scores = model.scores(EVENTS, everyone)
    expected = EVENTS.value.mean() + exact[: EVENTS.users, None] + exact[EVENTS.users :]
    np.testing.assert_allclose(scores, expected, atol=1e-6)


def test_an_item_never_seen_has_no_bias():
    model = UserItemBias().fit(EVENTS.where(EVENTS.item != 5), NONE)
    assert model.items[5] == pytest.approx(0)
